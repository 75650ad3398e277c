"""What changes from epoch to epoch."""

import keras
import pytest

from emotion.training import schedule
from emotion.training.schedule import Augmentation, Reason, Stop


def rate(recipe, steps, step):
    return float(keras.ops.convert_to_numpy(schedule.learning_rate(recipe, steps)(step)))


def test_the_rate_warms_up_over_a_twentieth_and_falls_to_zero(recipe):
    chosen = recipe(epochs=100, learning_rate=0.1)
    assert rate(chosen, 10, 0) == 0
    assert rate(chosen, 10, 25) == pytest.approx(0.05)
    assert rate(chosen, 10, 50) == pytest.approx(0.1)
    assert rate(chosen, 10, 525) == pytest.approx(0.05)
    assert rate(chosen, 10, 1000) == pytest.approx(0, abs=1e-9)


def test_a_short_run_warms_up_for_an_epoch(recipe):
    assert rate(recipe(epochs=4, learning_rate=0.1), 10, 9) == pytest.approx(0.09)
    assert rate(recipe(epochs=4, learning_rate=0.1), 10, 10) == pytest.approx(0.1)


def test_the_last_epochs_are_augmented_less(recipe):
    chosen = recipe(
        epochs=4, low_augmentation_last=0.5, augment=1.0, blur_noise=0.25, random_erasing=0.5
    )
    seen = [schedule.augmentation(chosen, epoch) for epoch in range(4)]
    assert seen[:2] == [Augmentation(1.0, 0.25, 0.5)] * 2
    assert seen[2:] == [Augmentation(0.4, 0.1, 0.0)] * 2


def stopped(recipe, epoch, best_epoch):
    return schedule.stop(recipe, 3, epoch=epoch, best_epoch=best_epoch)


def test_all_epochs_are_the_end(recipe):
    assert stopped(recipe(epochs=4), 4, 4) == Stop(Reason.ALL_EPOCHS, 4)
    assert stopped(recipe(epochs=4), 3, 3) is None


def test_a_patience_that_is_asked_for_counts_from_the_start(recipe):
    assert stopped(recipe(epochs=50, patience=2), 2, 1) is None
    assert stopped(recipe(epochs=50, patience=2), 3, 1) == Stop(Reason.PATIENCE, 2)


def test_a_patience_of_0_never_stops(recipe):
    assert stopped(recipe(epochs=50, patience=0), 49, 1) is None


def test_without_a_patience_flat_epochs_count_once_the_rate_is_low(recipe):
    chosen = recipe(epochs=50, patience=None)
    low = schedule.low_rate_epoch(chosen, 3)
    assert 35 < low < 45  # a cosine passes a tenth at four fifths of its way
    before, after = (rate(chosen, 3, epoch * 3) for epoch in (low - 1, low))
    assert after <= 0.1 * chosen.learning_rate < before
    assert stopped(chosen, low + 4, 3) is None
    assert stopped(chosen, low + 5, 3) == Stop(Reason.PATIENCE, 5)


def test_patience_waits_for_the_weaker_augmentation(recipe):
    chosen = recipe(epochs=100, patience=None, low_augmentation_last=0.05)
    assert schedule.low_rate_epoch(chosen, 3) < 90
    assert stopped(chosen, 96, 50) is None
