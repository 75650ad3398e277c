"""Scores on numbers that can be checked by hand, and the tables that show them."""

import json

import numpy as np
import pytest

from emotion.evaluation import metrics, report

NAMES = ("a", "b", "c")
# Chosen classes 0 0 1 1 against the right ones 0 1 1 1; class c has no image.
ROWS = np.array([[0.8, 0.1, 0.1], [0.6, 0.4, 0.0], [0.2, 0.7, 0.1], [0.1, 0.9, 0.0]])
RIGHT = np.array([0, 1, 1, 1])
COPIED = np.array([True, False, False, False])


@pytest.fixture
def scores():
    return metrics.score(ROWS, RIGHT, COPIED, NAMES)


def test_accuracy_with_and_without_copies(scores):
    assert scores["accuracy"] == 0.75
    assert scores["accuracy_without_copies"] == pytest.approx(2 / 3)
    assert (scores["images"], scores["images_without_copies"]) == (4, 3)


def test_figures_of_each_class(scores):
    assert scores["classes"]["a"] == {
        "images": 1,
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
    }
    assert scores["classes"]["b"]["precision"] == 1.0
    assert scores["classes"]["b"]["recall"] == pytest.approx(2 / 3)
    assert scores["classes"]["c"] == {"images": 0, "precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_macro_f1_is_the_mean_over_classes_that_have_images(scores):
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_confusion_has_a_row_for_each_true_class(scores):
    assert scores["confusion"] == [[1, 0, 0], [1, 2, 0], [0, 0, 0]]


def test_scores_can_be_written_as_json(scores):
    assert json.loads(json.dumps(scores)) == scores


def test_a_split_of_copies_alone_has_no_score_without_them():
    scores = metrics.score(ROWS, RIGHT, np.ones(4, bool), NAMES)
    assert scores["accuracy_without_copies"] is None
    assert "without copies" not in report.headline(scores)


def test_corrupted_scores_are_means_over_kinds():
    """A model that says "bright" or "dark" by the mean: dimming fools it, moving does not."""

    def by_brightness(images):
        bright = images.mean(axis=(1, 2)) > 100
        return np.stack([~bright, bright], axis=1).astype(float)

    images = np.full((4, 48, 48), 40, np.uint8)
    images[2:] = 130
    found = metrics.corrupted(by_brightness, images, np.array([0, 0, 1, 1]))
    assert found["brightness x0.5"] == 0.5
    assert found["shift by 10 %"] == 1.0
    assert found["mean"] == pytest.approx(0.95)
    table = report.corrupted_table({"accuracy": 1.0, "corrupted": found})
    assert "brightness x0.5           50.00%         50.0" in table


def test_tables_show_the_figures(scores):
    assert report.headline(scores) == (
        "4 images, accuracy 75.00%, macro-F1 73.33%, calibration error 0.300, without copies 66.67%"
    )
    assert report.class_table(scores).splitlines()[2] == (
        "  b           3      1.000   0.667  0.800"
    )
    table = report.model_table({"Keras": {"validation": scores}, "int8": {"validation": scores}})
    assert [line.split()[:4] for line in table.splitlines()[1:]] == [
        ["validation", "Keras", "4", "75.00%"],
        ["validation", "int8", "4", "75.00%"],
    ]


def test_people_agree_where_half_chose_one_and_no_other():
    shares = np.array([[0.5, 0.3], [0.5, 0.5], [0.4, 0.3], [0.2, 0.8]])
    clear, chosen = metrics.majority(shares)
    assert clear.tolist() == [True, False, False, True]
    assert chosen[clear].tolist() == [0, 1]


def test_peoples_reading_is_scored_against_their_votes():
    columns, names = [1, 0], ("a", "b")  # the answers are b, a, unknown
    votes = np.array(
        [[0.1, 0.9, 0.0], [0.6, 0.2, 0.2], [0.6, 0.4, 0.0], [0, 0, 0], [0.1, 0.1, 0.8]]
    )
    shares = np.array(
        [[0.3, 0.7, 0.0], [0.5, 0.3, 0.2], [0.4, 0.5, 0.1], [1, 0, 0], [0.2, 0.0, 0.8]]
    )
    scores = metrics.score_people(shares, votes, columns, names)
    assert (scores["images"], scores["with_majority"]) == (4, 3)
    assert scores["agreement"] == pytest.approx(2 / 3)
    assert scores["recall"] == {"a": 1.0, "b": 0.5}
    assert scores["macro_recall"] == 0.75
    # half of 0.2 + 0.2 + 0, 0.1 + 0.1 + 0, 0.2 + 0.1 + 0.1 and 0.1 + 0.1 + 0
    assert scores["distance"] == pytest.approx((0.2 + 0.1 + 0.2 + 0.1) / 4)
    # of those who named a class: sure of a 0.7, b 0.625 and a 0.556; found 0.9, 0.75 and 0.4
    gaps = (0.7 - 0.9), (0.5 / 0.8 - 0.6 / 0.8), (0.5 / 0.9 - 0.4)
    assert scores["expected_calibration_error"] == pytest.approx(sum(map(abs, gaps)) / 3)
    assert "agreement 66.67% with the majority of 3" in report.people_headline(scores)
    assert "  b       0.500" in report.people_table(scores)


def test_a_drop_is_counted_on_pairs():
    before = np.array([True] * 6 + [False] * 4)
    after = np.array([True] * 3 + [False] * 3 + [True] + [False] * 3)
    drop, (low, high) = metrics.accuracy_drop(before, after)
    assert drop == pytest.approx(0.2)
    assert low < 0 < drop < high  # three lost and one won of ten is chance
    assert metrics.accuracy_drop(before, before)[0] == 0


def test_the_interval_of_a_drop_narrows_with_the_images():
    before, after = np.ones(3600, bool), np.ones(3600, bool)
    before[:20], after[20:100] = False, False
    drop, (low, high) = metrics.accuracy_drop(before, after)
    assert drop == pytest.approx(60 / 3600)
    assert 0.011 < low < drop < high < 0.023
