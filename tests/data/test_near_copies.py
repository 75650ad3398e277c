import cv2
import drawn
import numpy as np

from emotion.data import near_copies


def test_the_next_frame_and_another_crop_are_near_and_other_faces_are_not():
    rng = np.random.default_rng(0)
    known = np.stack([drawn.draw("happy", 48, rng) for _ in range(40)])
    others = np.stack([drawn.draw("happy", 48, rng) for _ in range(40)])
    noisy = np.clip(known.astype(float) + rng.normal(0, 6, known.shape), 0, 255).astype(np.uint8)
    brighter = np.clip(known * 0.8 + 20, 0, 255).astype(np.uint8)
    assert near_copies.near(known, known).all()
    assert near_copies.near(noisy, known).mean() > 0.9
    assert near_copies.near(brighter, known).mean() > 0.9
    assert near_copies.near(others, known).mean() < 0.3  # the same head, drawn alike


def test_any_size_and_number_of_pictures_will_do():
    image = cv2.resize(drawn.draw("sad", 48, np.random.default_rng(1)), (50, 50))[None]
    assert near_copies.near(image, image).tolist() == [True]
    none = np.empty((0, 48, 48), np.uint8)
    assert near_copies.near(none, none).tolist() == []
    assert near_copies.near(image, none).tolist() == [False]


def test_many_pictures_of_one_hash_are_not_compared_each_with_each(monkeypatch):
    compared = []

    def einsum(spelt, one, other):
        compared.append(len(one))
        return np.zeros(len(one))

    monkeypatch.setattr(near_copies.np, "einsum", einsum)
    grey = np.full((2000, 48, 48), 90, np.uint8)
    near_copies.near(grey, grey)
    assert sum(compared) <= 100 * len(grey)
