"""The pictures of a run: there, whole, and telling the numbers apart."""

import cv2
import numpy as np

from emotion.evaluation import plots

ROWS = [
    {"epoch": n, "loss": 2 / n, "accuracy": n / 4, "val_loss": 2.2 / n, "val_accuracy": n / 5}
    for n in (1, 2, 3)
]


def picture(path):
    image = cv2.imread(str(path))
    assert image is not None
    return image


def test_training_curves_are_drawn_and_move_with_the_numbers(tmp_path):
    plots.training(ROWS, 3, tmp_path / "one.png")
    plots.training([{**row, "loss": 1.0} for row in ROWS], 3, tmp_path / "other.png")
    one, other = picture(tmp_path / "one.png"), picture(tmp_path / "other.png")
    assert one.shape == other.shape and not np.array_equal(one, other)
    assert {path.name for path in tmp_path.iterdir()} == {"one.png", "other.png"}


def test_one_epoch_is_enough_for_a_curve(tmp_path):
    plots.training(ROWS[:1], 1, tmp_path / "one.png")
    assert picture(tmp_path / "one.png").size


def test_a_start_that_no_epoch_was_better_than_is_not_on_the_curve(tmp_path):
    plots.training(ROWS, 0, tmp_path / "zero.png")
    plots.training(ROWS, 2, tmp_path / "two.png")
    zero, two = picture(tmp_path / "zero.png"), picture(tmp_path / "two.png")
    assert not np.array_equal(zero, two)


def test_a_right_answer_is_darker_than_a_wrong_one(tmp_path):
    scores = {"classes": {"a": {}, "b": {}}, "confusion": [[9, 1], [0, 0]]}
    plots.confusion(scores, "title", tmp_path / "confusion.png")
    image = picture(tmp_path / "confusion.png").astype(int)  # bytes would wrap round
    blues = image[(image[..., 0] > image[..., 2] + 40)]
    assert len(blues) > 1000  # the 90 % field, dark blue; an empty row stays white


def test_names_outside_ascii_and_many_classes_are_drawn(tmp_path):
    names = {f"ärger {n}": {} for n in range(12)}
    plots.confusion({"classes": names, "confusion": np.eye(12, dtype=int).tolist()}, "t",
                    tmp_path / "wide.png")  # fmt: skip
    assert picture(tmp_path / "wide.png").shape[1] > 1000


def test_reliability_is_drawn_side_by_side_and_moves_with_the_numbers(tmp_path):
    bins = [(0.3, 0.2, 10), (0.8, 0.9, 30)]
    plots.reliability({"labels": bins}, tmp_path / "one.png")
    plots.reliability({"labels": bins, "people": bins}, tmp_path / "two.png")
    plots.reliability({"labels": [(0.3, 0.6, 10), (0.8, 0.9, 30)]}, tmp_path / "other.png")
    one, two, other = (picture(tmp_path / f"{name}.png") for name in ("one", "two", "other"))
    assert two.shape[1] > 1.5 * one.shape[1]
    assert one.shape == other.shape and not np.array_equal(one, other)
