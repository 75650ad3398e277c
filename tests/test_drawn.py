import cv2
import drawn
import numpy as np
import pytest

from emotion import faces
from emotion.data import dataset


@pytest.mark.parametrize("emotion", drawn.EXPRESSIONS)
@pytest.mark.parametrize("name", ["default", "alt2"])
def test_each_single_cascade_finds_the_one_drawn_face(emotion, name):
    cascade = faces.load_cascade(f"haarcascade_frontalface_{name}.xml")
    rng = np.random.default_rng(3)
    for _ in range(3):
        grey = cv2.cvtColor(drawn.scene(emotion, rng), cv2.COLOR_BGR2GRAY)
        found = cascade.detectMultiScale(grey, 1.1, 3, minSize=(100, 100))
        assert len(found) == 1
        assert drawn.FACE[0] * 0.9 < found[0][2] < drawn.FACE[1] * 1.2


def test_a_face_in_a_scene_is_cropped_as_the_drawn_crops_are_framed():
    # The mean crop from scenes lies closer to the mean drawn crop than to one shifted by a tenth.
    rng = np.random.default_rng(0)
    detector = faces.FaceDetector()
    scenes = [drawn.scene("neutral", rng) for _ in range(8)]
    cut = [faces.crop(scene, detector.detect(scene)[:1])[0] for scene in scenes]
    crops = [drawn.draw("neutral", 48, rng) for _ in range(8)]
    assert _alike(cut, crops) > _alike(cut, [np.roll(crop, 5, axis=0) for crop in crops])
    assert _alike(cut, crops) > _alike(cut, [np.roll(crop, -5, axis=0) for crop in crops])
    assert _alike(cut, crops) > 0.7


def test_edges_alone_tell_drawn_expressions_apart(drawn_folder):
    splits = dataset.load(drawn_folder).splits
    train, test = _edges(splits["train"].images), _edges(splits["test"].images)
    means = np.stack([train[splits["train"].targets == number].mean(axis=0) for number in range(7)])
    nearest = ((test[:, None] - means[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == splits["test"].targets).mean() > 0.5  # chance is 1/7


def test_the_same_seed_draws_the_same_folder(tmp_path):
    one = drawn.write_folder(tmp_path / "one", per_class=2, classes=("happy", "sad"), seed=1)
    two = drawn.write_folder(tmp_path / "two", per_class=2, classes=("happy", "sad"), seed=1)
    other = drawn.write_folder(tmp_path / "other", per_class=2, classes=("happy", "sad"), seed=2)
    assert _contents(one) == _contents(two)
    assert _contents(one) != _contents(other)


def test_a_drawn_folder_has_the_kaggle_layout(drawn_folder):
    names = [path.relative_to(drawn_folder).as_posix() for path in drawn_folder.rglob("*.jpg")]
    assert len(names) == 7 * (12 + 4 + 4)
    assert "train/happy/Training_00001.jpg" in names
    assert "test/happy/PublicTest_00013.jpg" in names
    assert "test/happy/PrivateTest_00017.jpg" in names


def _contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.jpg")}


def _edges(images):
    describe = cv2.HOGDescriptor((48, 48), (16, 16), (8, 8), (8, 8), 9)
    return np.stack([describe.compute(image) for image in images])


def _alike(some, others):
    return np.corrcoef(np.mean(some, axis=0).ravel(), np.mean(others, axis=0).ravel())[0, 1]
