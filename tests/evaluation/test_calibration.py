"""Calibration error and temperature, on numbers that can be checked by hand."""

import numpy as np
import pytest

from emotion.evaluation import calibration
from emotion.probabilities import softmax


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
    rows = softmax(logits)
    labels = (rows.cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    found = calibration.fit_temperature(logits * temperature, np.eye(4)[labels])
    assert found == pytest.approx(temperature, rel=0.05)


def test_a_few_wrong_labels_hardly_move_the_temperature():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (20000, 4))
    labels = (softmax(logits).cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    wrong = rng.random(len(labels)) < 0.02
    labels[wrong] = logits[wrong].argmin(axis=1)
    assert calibration.fit_temperature(logits, np.eye(4)[labels]) == pytest.approx(1, abs=0.15)


def test_a_temperature_is_fitted_to_votes_as_well():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (5000, 4))
    found = calibration.fit_temperature(logits * 1.7, softmax(logits))
    assert found == pytest.approx(1.7, rel=0.02)


def test_calibration_error_takes_any_shares():
    confidence, share = np.array([0.7, 0.72, 0.2]), np.array([0.6, 0.82, 0.5])
    assert calibration.calibration_error(confidence, share) == pytest.approx(0.3 / 3)


def test_a_reliability_diagram_has_the_means_of_each_bin():
    bins = calibration.reliability(np.array([0.91, 0.93, 0.1]), np.array([1.0, 0.5, 0.0]))
    assert bins == [(0.1, 0.0, 1), (pytest.approx(0.92), 0.75, 2)]
