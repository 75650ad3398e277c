"""Logits to probabilities."""

import numpy as np
import pytest

from emotion.probabilities import log_softmax, softmax


def test_softmax_rows_sum_to_one_and_survive_large_logits():
    rows = softmax(np.array([[1000.0, 0.0], [0.0, 0.0]]))
    assert rows == pytest.approx(np.array([[1.0, 0.0], [0.5, 0.5]]))


def test_a_higher_temperature_evens_probabilities_out():
    logits = np.log([[0.8, 0.2]])
    assert softmax(logits, 2.0)[0, 0] == pytest.approx(2 / 3)


def test_logarithms_stay_finite():
    rows = log_softmax(np.array([[1000.0, 0.0]]))
    assert rows == pytest.approx(np.array([[0.0, -1000.0]]))
