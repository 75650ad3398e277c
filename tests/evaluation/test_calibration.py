"""Calibration error and temperature, on numbers that can be checked by hand."""

import numpy as np
import pytest

from emotion.evaluation import calibration


def test_softmax_rows_sum_to_one_and_survive_large_logits():
    rows = calibration.softmax(np.array([[1000.0, 0.0], [0.0, 0.0]]))
    assert rows == pytest.approx(np.array([[1.0, 0.0], [0.5, 0.5]]))


def test_a_higher_temperature_evens_probabilities_out():
    logits = np.log([[0.8, 0.2]])
    assert calibration.softmax(logits, 2.0)[0, 0] == pytest.approx(2 / 3)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    probabilities = np.array([[0.9, 0.1]] * 10)
    labels = np.array([0] * 6 + [1] * 4)  # right in 60 %, sure to 90 %
    assert calibration.expected_error(probabilities, labels) == pytest.approx(0.3)


def test_gaps_in_different_bins_do_not_cancel():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
    labels = np.array([1, 0])  # 0.9 too sure in one bin, 0.4 not sure enough in the other
    assert calibration.expected_error(probabilities, labels) == pytest.approx((0.9 + 0.4) / 2)


def test_full_confidence_falls_into_the_last_bin():
    assert calibration.expected_error(np.array([[1.0, 0.0]]), np.array([0])) == 0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_was_applied_is_found(temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20000, 4))
    rows = calibration.softmax(logits)
    labels = (rows.cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    found = calibration.fit_temperature(logits * temperature, labels)
    assert found == pytest.approx(temperature, rel=0.05)


def test_a_few_wrong_labels_hardly_move_the_temperature():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (20000, 4))
    labels = (calibration.softmax(logits).cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    wrong = rng.random(len(labels)) < 0.02
    labels[wrong] = logits[wrong].argmin(axis=1)
    assert calibration.fit_temperature(logits, labels) == pytest.approx(1, abs=0.15)
