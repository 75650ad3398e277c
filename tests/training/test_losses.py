"""What is minimised, on numbers that can be checked by hand."""

import numpy as np
import pytest
from keras import ops

from emotion.training import losses, step

RECIPE = {
    "label_smoothing": 0.2,
    "teachers_weight": 0.25,
    "temperature": 2.0,
    "annotator_votes_weight": 1.5,
}


def log_softmax(values, temperature=1.0):
    powers = np.exp(np.array(values) / temperature)
    return np.log(powers / powers.sum())


def number(found):
    return float(ops.convert_to_numpy(found)[0])


def tensor(values):
    return ops.convert_to_tensor([values])


def test_a_smoothed_label_is_partly_every_class():
    found = losses.label_loss(tensor([1.0, -1.0]), tensor([1.0, 0.0]), smoothing=0.2)
    assert number(found) == pytest.approx(-np.dot([0.9, 0.1], log_softmax([1, -1])), rel=1e-5)


def test_a_teacher_is_learnt_at_its_temperature():
    found = losses.distillation_loss(tensor([1.0, -1.0]), tensor([0.9, 0.1]), temperature=2.0)
    expected = -np.dot([0.9, 0.1], log_softmax([1, -1], 2.0)) * 4
    assert number(found) == pytest.approx(expected, rel=1e-5)


def test_an_image_without_votes_costs_nothing():
    assert number(losses.soft_target_loss(tensor([3.0, 0.0]), tensor([0.0, 0.0]))) == 0


def test_labels_teachers_and_votes_have_their_weights(recipe):
    logits, voted, taught = [1.0, -1.0], [0.5, 0.0], [0.9, 0.1]
    found = step.combined_loss(
        recipe(**RECIPE),
        tensor([1.0, 0.0, 0.3, 0.7]),
        tensor([*logits, *voted, *taught]),
        classes=2,
        every=4,
    )
    label = -np.dot([0.9, 0.1], log_softmax(logits))
    distilled = -np.dot(taught, log_softmax(logits, 2.0)) * 4
    vote = -np.dot([0.3, 0.7], log_softmax(voted))
    expected = 0.75 * label + 0.25 * distilled + 1.5 * vote
    assert number(found) == pytest.approx(expected, rel=1e-5)


def test_without_teachers_and_votes_the_label_has_all(recipe):
    found = step.combined_loss(
        recipe(**RECIPE), tensor([1.0, 0.0]), tensor([1.0, -1.0]), classes=2, every=2
    )
    assert number(found) == pytest.approx(-np.dot([0.9, 0.1], log_softmax([1, -1])), rel=1e-5)
