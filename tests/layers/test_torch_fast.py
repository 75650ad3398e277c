"""The quick layers: the same figures as Keras' own, and never in a saved network."""

import keras
import numpy as np
import pytest
from keras import layers

from emotion import model
from emotion.layers import torch_fast

on_torch = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="KERAS_BACKEND is not torch"
)


def pair(plain, *shape, **options):
    """A Keras layer and its quick kind, built alike with the same random weights."""
    both = [plain(**options), torch_fast.fastest(plain)(**options)]
    for layer in both:
        layer.build((None, *shape))
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.5, 1.5, w.shape) for w in both[0].get_weights()]
    for layer in both:
        layer.set_weights(weights)
    return both


def images(*shape):
    return np.random.default_rng(1).normal(3, 2, shape).astype(np.float32)


def test_other_back_ends_keep_keras_own_layers(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert torch_fast.fastest(layers.Conv2D) is layers.Conv2D
    assert torch_fast.fastest(layers.ReLU) is layers.ReLU


def test_a_network_to_be_saved_is_made_of_keras_own_layers():
    kinds = {type(layer).__module__.split(".")[0] for layer in model.build(3, width=4).layers}
    assert kinds == {"keras"}


def test_the_quick_network_takes_the_same_weights():
    quick, plain = (model.build(3, width=4, fast=fast) for fast in (True, False))
    assert [w.shape for w in quick.weights] == [w.shape for w in plain.weights]


@on_torch
@pytest.mark.parametrize(
    ("plain", "options"),
    [
        (layers.Conv2D, {"filters": 5, "kernel_size": 3, "padding": "same"}),
        (layers.Conv2D, {"filters": 5, "kernel_size": 5, "strides": 2, "padding": "same"}),
        (layers.Conv2D, {"filters": 5, "kernel_size": 3, "padding": "valid"}),
        (layers.AveragePooling2D, {"pool_size": 2}),
        (layers.AveragePooling2D, {"pool_size": 3, "padding": "same"}),
        (layers.BatchNormalization, {"momentum": 0.9}),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_the_same_figures(plain, options, training):
    batch = images(6, 9, 8, 4)
    results = []
    for layer in pair(plain, 9, 8, 4, **options):
        arguments = {"training": training} if plain is layers.BatchNormalization else {}
        result = keras.ops.convert_to_numpy(layer(batch, **arguments))
        results.append([result, *layer.get_weights()])
    assert type(layer) is not plain
    for one, other in zip(*results, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-4)
