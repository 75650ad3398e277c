"""The network: its size, its shape, and what it is made of."""

import keras
import numpy as np
import pytest

from emotion import model


@pytest.mark.parametrize("classes", [2, 7, 11])
def test_any_number_of_classes(classes):
    assert model.build(classes, width=4).output_shape == (None, classes)


def test_the_default_width_keeps_within_its_budget():
    network = model.build(7)
    assert network.count_params() <= 2_000_000
    assert model.multiply_adds(network) <= 120_000_000


def test_a_full_size_network_has_a_stage_at_the_images_own_size():
    network = model.build(7, full_size=True)
    sides = [layer.output.shape[1] for layer in network.layers if layer.name.startswith("conv")]
    assert sorted(set(sides)) == [6, 12, 24, 48] and sides.count(48) == 3
    assert model.multiply_adds(network) == pytest.approx(333e6, rel=0.01)  # as training.md says


def test_multiply_adds_are_counted_as_by_hand():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
    outputs = keras.layers.Dense(5)(keras.layers.Flatten()(x))
    expected = 4 * 4 * (3 * 3 * 3 * 4) + 4 * 4 * 4 * 5
    assert model.multiply_adds(keras.Model(inputs, outputs)) == expected


def test_only_layers_that_quantise_well():
    kinds = {type(layer).__name__ for layer in model.build(7, width=4).layers}
    assert kinds == {
        "Add",
        "AveragePooling2D",
        "BatchNormalization",
        "Conv2D",
        "Dense",
        "Dropout",
        "GlobalAveragePooling2D",
        "InputLayer",
        "ReLU",
        "Rescaling",
    }


def test_scaling_lives_inside():
    network = model.build(3, width=4)
    scaled = network.get_layer("scale")(np.array([[[[0.0]], [[255.0]]]]))
    assert keras.ops.convert_to_numpy(scaled).ravel() == pytest.approx([-1, 1])


def test_weights_fit_any_image_size():
    small, large = model.build(3, width=4, size=None), model.build(3, width=4, size=48)
    large.set_weights(small.get_weights())
    images = np.random.default_rng(0).uniform(0, 255, (2, 48, 48, 1)).astype(np.float32)
    one, other = (keras.ops.convert_to_numpy(net(images)) for net in (small, large))
    assert one == pytest.approx(other, abs=1e-5)


def test_predictions_come_in_the_order_of_the_images():
    network = model.build(2, width=4, size=24)
    images = np.random.default_rng(0).integers(0, 255, (600, 24, 24), np.uint8)  # two batches
    found = model.predict(network, images)
    alone = keras.ops.convert_to_numpy(network(images[-1:, ..., None]))
    assert found.shape == (600, 2)
    assert found[-1] == pytest.approx(alone[0], abs=1e-4)


def test_residual_branches_start_at_zero():
    network = model.build(3, width=4)
    gammas = [
        keras.ops.convert_to_numpy(layer.gamma)
        for layer in network.layers
        if type(layer).__name__ == "BatchNormalization"
    ]
    zeros = [bool((gamma == 0).all()) for gamma in gammas]
    assert sum(zeros) == sum(model.BLOCKS)
    assert all((gamma == 1).all() for gamma, zero in zip(gammas, zeros, strict=True) if not zero)
