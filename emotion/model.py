"""The network: a small residual CNN made only of what quantises well.

Plain 3x3 convolutions, batch normalisation that folds away, ReLU, addition and one average pool
(He et al. 2015, arXiv:1512.03385, at a fraction of the width). No squeeze-excite, swish or
depthwise convolution: those are what 8-bit activations lose accuracy on.
"""

import math

import keras
from keras import KerasTensor, layers

CHANNELS = (1, 2, 4)  # of the three stages, in widths: the map halves where the channels double
BLOCKS = (1, 1, 2)  # the last stage is the cheapest place for depth: 6x6 maps


def build(
    classes: int,
    *,
    width: int = 40,
    size: int | None = 48,
    dropout: float = 0.3,
    dtype: str = "float32",
) -> keras.Model:
    """An uncompiled network from pixels to logits.

    Input: (batch, size, size, 1), grey pixels in 0..255; scaling happens inside. `size` None
    takes any size, with the same weights. Output: (batch, classes) logits, float32.
    `dtype` is Keras' dtype policy, such as "mixed_bfloat16".
    """
    inputs = keras.Input((size, size, 1), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1, dtype=dtype, name="scale")(inputs)
    x = _convolution(x, width // 2, dtype=dtype)  # size x size
    for channels, blocks in zip(CHANNELS, BLOCKS, strict=True):
        x = _convolution(x, width * channels, stride=2, dtype=dtype)  # 24, 12, 6 for size 48
        for _ in range(blocks):
            x = _residual(x, dtype=dtype)
    x = layers.GlobalAveragePooling2D(dtype=dtype)(x)  # (batch, 4 * width)
    x = layers.Dropout(dropout, dtype=dtype)(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="emotion")


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one forward pass of one image: convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            _, rows, columns, _ = layer.output.shape
            total += rows * columns * math.prod(layer.kernel.shape)
        elif isinstance(layer, layers.Dense):
            total += math.prod(layer.kernel.shape)
    return total


def _convolution(
    x: KerasTensor, filters: int, *, stride: int = 1, active: bool = True, dtype: str
) -> KerasTensor:
    x = layers.Conv2D(
        filters, 3, stride, "same", use_bias=False, kernel_initializer="he_normal", dtype=dtype
    )(x)
    # A residual branch starts at zero, so that the network starts out shallow (arXiv:1706.02677).
    gamma = "ones" if active else "zeros"
    x = layers.BatchNormalization(momentum=0.95, gamma_initializer=gamma, dtype=dtype)(x)
    return layers.ReLU(dtype=dtype)(x) if active else x


def _residual(x: KerasTensor, *, dtype: str) -> KerasTensor:
    y = _convolution(x, x.shape[-1], dtype=dtype)
    y = _convolution(y, x.shape[-1], active=False, dtype=dtype)
    return layers.ReLU(dtype=dtype)(layers.Add(dtype=dtype)([x, y]))
