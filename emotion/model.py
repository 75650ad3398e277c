"""The network: a small residual CNN made only of what quantises well.

Plain convolutions, batch normalisation that folds away, ReLU, addition and average pools (He et
al. 2015, arXiv:1512.03385, at a fraction of the width). No squeeze-excite, swish or depthwise
convolution: those are what 8-bit activations lose accuracy on. Nothing is computed at the full
48x48, where a layer costs far more time than its multiply-adds say.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import keras
import numpy as np
from keras import KerasTensor, layers
from numpy.typing import NDArray

from emotion.layers import mirror
from emotion.layers.torch_fast import fastest

EVALUATION_BATCH = 512

LayerClass = Callable[[type[layers.Layer]], type[layers.Layer]]

CHANNELS = (1, 2, 6)  # of the three stages, in widths
STEM, SYMMETRIC_STEM = 5, 6  # an even one meets the same pixels in a mirror image
BLOCKS = (1, 1, 2)  # the last stage is the cheapest place for depth: 6x6 maps
FULL_SIZE = (1, 2, 4, 8), (1, 2, 2, 2)  # channels and blocks of a network that is no quick one


def build(
    classes: int,
    *,
    width: int = 32,
    size: int | None = 48,
    dropout: float = 0.3,
    symmetric: bool = False,
    full_size: bool = False,
    reduced: bool = False,
    dtype: str = "float32",
    fast: bool = False,
) -> keras.Model:
    """An uncompiled network from pixels to logits.

    Input: (batch, size, size, 1), grey pixels in 0..255; scaling happens inside. `size` None
    takes any size, with the same weights. Output: (batch, classes) logits, float32.
    `symmetric` can say the same of a mirror image, and says it with the weights that
    `mirror.expanded` makes; `reduced` is its form for training, with only the weights to be learnt.
    `full_size` has a first stage at the image's own size, for networks that only teach.
    `dtype` is Keras' dtype policy, such as "mixed_bfloat16". `fast` is for training alone: layers
    that compute the same more quickly, but that a saved model must not depend on.
    """
    layer_class = fastest if fast else _plain
    convolution = partial(_convolution, reduced=reduced, dtype=dtype, layer_class=layer_class)
    inputs = keras.Input((size, size, 1), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1, dtype=dtype, name="scale")(inputs)
    if full_size:
        x, stages = convolution(x, width, STEM), zip(*FULL_SIZE, strict=True)
    else:
        x = convolution(x, width, SYMMETRIC_STEM if symmetric else STEM, stride=2)
        stages = zip(CHANNELS, BLOCKS, strict=True)
    for stage, (channels, blocks) in enumerate(stages):
        if stage:  # of size 48: to 12, to 6, and before them to 24, if it is not that yet
            x = layer_class(layers.AveragePooling2D)(2, dtype=dtype)(x)
            x = convolution(x, width * channels)
        for _ in range(blocks):
            y = convolution(x, x.shape[-1])
            y = convolution(y, x.shape[-1], active=False)
            x = layers.ReLU(dtype=dtype)(layers.Add(dtype=dtype)([x, y]))
    x = layers.GlobalAveragePooling2D(dtype=dtype)(x)  # (batch, channels of the last stage)
    x = layers.Dropout(dropout, dtype=dtype)(x)
    if reduced:
        x = mirror.GroupPooling(dtype=dtype)(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="emotion")


def predict(network: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits (N, outputs) for `images` (N, size, size), in batches, without Keras' predict loop.

    Under TensorFlow that loop can idle for seconds at its end.
    """
    parts = [
        keras.ops.convert_to_numpy(network.predict_on_batch(batch[..., None]))
        for batch in batches(images)
    ]
    return np.concatenate(parts).astype(np.float32)


def batches(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """`images` (N, size, size) in the batches in which a network is asked about them."""
    for start in range(0, len(images), EVALUATION_BATCH):
        yield images[start:][:EVALUATION_BATCH]


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
    x: KerasTensor,
    filters: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    active: bool = True,
    reduced: bool,
    dtype: str,
    layer_class: LayerClass,
) -> KerasTensor:
    x = (mirror.MirrorConvolution if reduced else layer_class(layers.Conv2D))(
        filters // 2 if reduced else filters,
        kernel,
        stride,
        "same",
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(1 / 3),
        dtype=dtype,
    )(x)
    # A residual branch starts at zero, so that the network starts out shallow (arXiv:1706.02677).
    gamma = "ones" if active else "zeros"
    normalisation = (
        mirror.MirrorNormalisation if reduced else layer_class(layers.BatchNormalization)
    )
    x = normalisation(momentum=0.95, gamma_initializer=gamma, dtype=dtype)(x)
    return layers.ReLU(dtype=dtype)(x) if active else x


def _plain(layer: type[layers.Layer]) -> type[layers.Layer]:
    return layer
