"""Keras layers that compute the same more quickly where PyTorch computes.

Keras' own copy every image from rows-columns-channels to channels-first and back around each
convolution and pool, and work out batch normalisation in separate float32 operations. These hand
PyTorch a view of the same memory. On other back ends they are Keras' own.
"""

from typing import Any

import keras
from keras import KerasTensor, layers


def fastest(layer: type[layers.Layer]) -> type[layers.Layer]:
    """The quickest class for this Keras layer for the back end in use."""
    return _CLASSES.get(layer, layer) if _torch() else layer


class Convolution(layers.Conv2D):
    """Conv2D with PyTorch's convolution on a view of (batch, rows, columns, channels)."""

    def convolution_op(self, inputs: KerasTensor, kernel: KerasTensor) -> KerasTensor:
        rows, columns = self.kernel_size
        symmetric = self.strides == (1, 1) and rows % 2 == columns % 2 == 1
        if not (_torch() and self.padding == "same" and symmetric and self.dilation_rate == (1, 1)):
            return super().convolution_op(inputs, kernel)
        from torch.nn import functional

        padding = (rows // 2, columns // 2)
        kernel = keras.ops.convert_to_tensor(kernel).permute(3, 2, 0, 1)
        return _last(functional.conv2d(_first(inputs), kernel, padding=padding))


class AveragePool(layers.AveragePooling2D):
    """AveragePooling2D without padding, on a view."""

    def call(self, inputs: KerasTensor) -> KerasTensor:
        if self.padding != "valid":
            return super().call(inputs)
        from torch.nn import functional

        return _last(functional.avg_pool2d(_first(inputs), self.pool_size, self.strides))


class Normalisation(layers.BatchNormalization):
    """BatchNormalization with PyTorch's fused operation inside."""

    def call(
        self, inputs: KerasTensor, training: bool | None = None, mask: Any = None
    ) -> KerasTensor:
        if not _torch():
            return super().call(inputs, training=training, mask=mask)
        import torch
        from torch.nn import functional

        parameters = {"weight": self.gamma.value, "bias": self.beta.value, "eps": self.epsilon}
        if not training:
            known = self.moving_mean.value, self.moving_variance.value
            return _last(functional.batch_norm(_first(inputs), *known, **parameters))
        mean, variance = (torch.zeros_like(self.gamma.value) for _ in range(2))
        values = inputs.numel() // len(mean)  # of each channel
        outputs = functional.batch_norm(
            _first(inputs),
            mean,  # receive the batch's own statistics
            variance,
            training=True,
            momentum=1.0,
            **parameters,
        )
        with torch.no_grad():
            self.moving_mean.value.lerp_(mean, 1 - self.momentum)
            # PyTorch's variance is that of a sample, Keras' that of these very values.
            variance = variance * ((values - 1) / values)
            self.moving_variance.value.lerp_(variance, 1 - self.momentum)
        return _last(outputs)


_CLASSES = {
    layers.Conv2D: Convolution,
    layers.AveragePooling2D: AveragePool,
    layers.BatchNormalization: Normalisation,
}


def _torch() -> bool:
    return keras.backend.backend() == "torch"


def _first(images: KerasTensor) -> KerasTensor:
    """(batch, rows, columns, channels) as PyTorch wants it, without a copy."""
    return images.permute(0, 3, 1, 2)


def _last(images: KerasTensor) -> KerasTensor:
    return images.permute(0, 2, 3, 1)
