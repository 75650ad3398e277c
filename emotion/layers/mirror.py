"""A network that says the same of an image and of its mirror image, by the way it is built.

Every layer has its channels in two halves, and mirroring the image mirrors the maps and swaps the
halves: the group-equivariant convolutions of Cohen and Welling 2016, arXiv:1602.07576, for the
group of reflections in a vertical axis. Only the reduced weights are learnt;
`expanded` writes out both halves, for the plain layers of the network that is saved.
"""

from typing import Any

import numpy as np
from keras import KerasTensor, layers, ops
from numpy.typing import NDArray

from emotion.layers.torch_fast import Convolution, Normalisation

Weights = list[NDArray[np.float32]]


class MirrorConvolution(Convolution):
    """Conv2D with twice its `filters` for output: the second half are the first ones, mirrored."""

    def convolution_op(self, inputs: KerasTensor, kernel: KerasTensor) -> KerasTensor:
        mirrored = ops.flip(kernel, axis=1)
        if kernel.shape[2] > 1:  # an image has one channel, and no halves to swap
            mirrored = ops.concatenate(ops.split(mirrored, 2, axis=2)[::-1], axis=2)
        return super().convolution_op(inputs, ops.concatenate([kernel, mirrored], axis=3))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        *rest, filters = super().compute_output_shape(input_shape)
        return (*rest, 2 * filters)


class MirrorNormalisation(Normalisation):
    """BatchNormalization whose two halves of channels share everything."""

    def build(self, input_shape: tuple) -> None:
        super().build((*input_shape[:-1], input_shape[-1] // 2))
        self.input_spec = None

    def call(
        self, inputs: KerasTensor, training: bool | None = None, mask: Any = None
    ) -> KerasTensor:
        images, rows, columns, channels = ops.shape(inputs)
        # Both halves of a pixel lie behind one another in memory, as if they were two pixels.
        halves = ops.reshape(inputs, (images, rows, 2 * columns, inputs.shape[-1] // 2))
        outputs = super().call(halves, training=training)
        return ops.reshape(outputs, (images, rows, columns, channels))


class GroupPooling(layers.Layer):
    """The mean of both halves (batch, 2 * features): the same for an image and its mirror image."""

    def call(self, inputs: KerasTensor) -> KerasTensor:
        return ops.mean(ops.reshape(inputs, (-1, 2, inputs.shape[-1] // 2)), axis=1)


def pooled(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `GroupPooling` makes of features (N, 2 * features): (N, features)."""
    return features.reshape(len(features), 2, -1).mean(axis=1)


def expanded(reduced: Weights) -> Weights:
    """The weights of the plain network that computes the same."""
    *rest, kernel, bias = reduced
    return [*map(_both, rest), np.concatenate([kernel, kernel]) * np.float32(0.5), bias]


def reduced(weights: Weights) -> Weights:
    """What `expanded` was given: of a plain network that is symmetric, the part to be learnt."""
    *rest, kernel, bias = weights
    rest = [weight[..., : weight.shape[-1] // 2] for weight in rest]
    return [*rest, kernel[: len(kernel) // 2] * np.float32(2), bias]


def symmetric(weights: Weights) -> bool:
    """Whether a plain network says the same of an image and of its mirror image by its build."""
    return all(
        np.allclose(one, other, atol=1e-6)
        for one, other in zip(weights, expanded(reduced(weights)), strict=True)
    )


def _both(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    if weight.ndim == 1:  # of a batch normalisation
        return np.concatenate([weight, weight])
    mirrored = weight[:, ::-1]
    if weight.shape[2] > 1:
        mirrored = np.roll(mirrored, weight.shape[2] // 2, axis=2)
    return np.concatenate([weight, mirrored], axis=3)
