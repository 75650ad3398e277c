"""The running average of weights."""

import numpy as np
import pytest

from emotion.training.ema import EVERY, WeightAverage


def weights(value):
    return [np.full(2, value, np.float32)]


def test_after_a_half_life_half_of_the_old_is_left():
    average = WeightAverage(weights(1.0), half_life=2.0, steps=100)
    for step in range(10**6, 10**6 + 200, EVERY):  # long after the first steps
        average.add(weights(0.0), step)
    assert average.value[0] == pytest.approx(0.5, rel=1e-3)


def test_the_first_steps_are_forgotten_fast():
    average = WeightAverage(weights(1.0), half_life=5.0, steps=225)
    for step in range(0, 10 * EVERY, EVERY):
        average.add(weights(0.0), step)
    assert average.value[0] == pytest.approx(0, abs=1e-4)


def test_weights_are_added_every_few_steps():
    average = WeightAverage(weights(1.0), half_life=1.0, steps=100)
    assert [step for step in range(20) if average.due(step)] == [0, EVERY, 2 * EVERY]


def test_without_a_half_life_the_last_weights_count():
    average = WeightAverage(weights(1.0), half_life=0, steps=100)
    assert not average.due(0)
    average.end_epoch(weights(3.0))
    assert average.value[0] == pytest.approx(3.0)


def test_an_average_is_not_overwritten_by_an_epochs_last_weights():
    average = WeightAverage(weights(1.0), half_life=1.0, steps=100)
    average.end_epoch(weights(3.0))
    assert average.value[0] == pytest.approx(1.0)
