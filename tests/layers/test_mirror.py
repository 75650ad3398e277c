"""A network that cannot tell an image from its mirror image."""

import keras
import numpy as np
import pytest

from emotion import model
from emotion.layers import mirror


@pytest.fixture(scope="module")
def weights():
    """Those to be learnt of a narrow network, at random: it tells images apart."""
    rng = np.random.default_rng(0)
    shapes = [w.shape for w in model.build(3, width=8, symmetric=True, reduced=True).get_weights()]
    return [
        rng.normal(0, 0.2, shape) if len(shape) > 1 else rng.uniform(0.5, 1.5, shape)
        for shape in shapes
    ]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).uniform(0, 255, (4, 48, 48, 1)).astype(np.float32)


def said(network, images):
    return keras.ops.convert_to_numpy(network(images, training=False))


@pytest.mark.parametrize("fast", [False, True])
def test_the_plain_network_says_what_the_one_in_training_says(weights, images, fast):
    learning = model.build(3, width=8, size=None, symmetric=True, reduced=True, fast=fast)
    learning.set_weights(weights)
    plain = model.build(3, width=8, symmetric=True)
    plain.set_weights(mirror.expanded(weights))
    answers = said(plain, images)
    assert np.ptp(answers, axis=0).max() > 0.01
    assert said(learning, images) == pytest.approx(answers, abs=1e-4)


def test_mirror_images_get_the_same_answer_and_turned_ones_another(weights, images):
    network = model.build(3, width=8, symmetric=True)
    network.set_weights(mirror.expanded(weights))
    answers = said(network, images)
    assert said(network, images[:, :, ::-1]) == pytest.approx(answers, abs=1e-4)
    assert np.abs(said(network, images[:, ::-1]) - answers).max() > 0.01


def test_in_training_both_halves_share_one_normalisation():
    layer = mirror.MirrorNormalisation(momentum=0.5)
    images = np.random.default_rng(0).normal(0, 1, (8, 6, 6, 4)).astype(np.float32)
    images[..., 2:] += 2  # the second half
    outputs = keras.ops.convert_to_numpy(layer(images, training=True))
    assert outputs.shape == images.shape
    pairs = images.reshape(8, 6, 6, 2, 2)
    mean, variance = pairs.mean(axis=(0, 1, 2, 3)), pairs.var(axis=(0, 1, 2, 3))
    expected = (pairs - mean) / np.sqrt(variance + layer.epsilon)
    assert outputs == pytest.approx(expected.reshape(images.shape), abs=1e-4)
    assert keras.ops.convert_to_numpy(layer.moving_mean) == pytest.approx(mean / 2, abs=1e-5)


def test_half_of_a_whole_is_what_it_was_made_of(weights):
    whole = mirror.expanded(weights)
    assert mirror.symmetric(whole)
    for one, other in zip(mirror.reduced(whole), weights, strict=True):
        assert one == pytest.approx(other)


@pytest.mark.parametrize("changed", [0, 1, 6, -2])
def test_a_network_with_one_weight_changed_is_not_symmetric(weights, changed):
    whole = mirror.expanded(weights)
    whole[changed] = whole[changed].copy()
    whole[changed].flat[0] += 0.01
    assert not mirror.symmetric(whole)
