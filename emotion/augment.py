"""Images as a camera might also have seen them: moved, tilted, dimmed, partly hidden.

One Keras layer, so that it runs inside the compiled training step on every back end, and outside
the saved network.
"""

import math

import keras
from keras import KerasTensor, ops

REACH = 0.1  # shift, of the image's side
TILT = 15.0  # degrees to either side
ZOOM = 0.15  # log scale: 0.86 to 1.16
STRETCH = 0.1  # log of the aspect ratio
BRIGHTNESS = 0.15  # of the whole range
CONTRAST = 0.3
HIDDEN = (0.02, 0.25)  # the erased rectangle, of the image's area


class Augment(keras.layers.Layer):
    """Pixels (batch, side, side, 1) in 0..255 -> augmented float32 (batch, size, size, 1).

    Every image draws its own shift, rotation, zoom, aspect ratio, flip, brightness, contrast and
    erased rectangle (Zhong et al. 2017, arXiv:1708.04896, for the last). `strength` scales the
    ranges, 0 leaves images as they are; `erase` is the share of images that lose a rectangle.
    `size` may be changed between epochs: small images first make the early epochs cheap.
    """

    def __init__(
        self, *, size: int, strength: float = 1.0, erase: float = 0.5, seed: int = 0
    ) -> None:
        super().__init__(trainable=False, dtype="float32", name="augment")
        self.size = size
        self.strength = strength
        self.erase = erase
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: KerasTensor) -> KerasTensor:
        images = ops.cast(images, "float32")
        if self.strength:
            images = self._moved(images)
        if images.shape[1] != self.size:
            shape = (self.size, self.size)
            images = ops.image.resize(images, shape, interpolation="bilinear", antialias=True)
        if self.strength:
            images = self._lit(images)
        return self._erased(images) if self.erase else images

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (shape[0], self.size, self.size, 1)

    def _draw(self, batch: int, low: float, high: float) -> KerasTensor:
        return keras.random.uniform((batch,), low, high, seed=self.seed_generator)

    def _about(self, batch: int, spread: float) -> KerasTensor:
        return self._draw(batch, -spread, spread) * self.strength

    def _moved(self, images: KerasTensor) -> KerasTensor:
        batch, side = ops.shape(images)[0], images.shape[1]
        angle = self._about(batch, math.radians(TILT))
        zoom, stretch = self._about(batch, ZOOM), self._about(batch, STRETCH) / 2
        mirror = ops.sign(self._draw(batch, -1, 1))
        across, down = ops.exp(zoom + stretch) * mirror, ops.exp(zoom - stretch)
        # Output pixel -> input pixel, about the middle: rows (a0 a1 a2), (a3 a4 a5), (a6 a7 1).
        a0, a1 = ops.cos(angle) * across, -ops.sin(angle) * down
        a3, a4 = ops.sin(angle) * across, ops.cos(angle) * down
        middle = (side - 1) / 2
        a2 = middle * (1 - a0 - a1) + self._about(batch, REACH * side)
        a5 = middle * (1 - a3 - a4) + self._about(batch, REACH * side)
        none = ops.zeros_like(a0)
        transform = ops.stack([a0, a1, a2, a3, a4, a5, none, none], axis=1)  # (batch, 8)
        return ops.image.affine_transform(
            images, transform, interpolation="bilinear", fill_mode="reflect"
        )

    def _lit(self, images: KerasTensor) -> KerasTensor:
        batch = ops.shape(images)[0]
        contrast = ops.reshape(ops.exp(self._about(batch, CONTRAST)), (-1, 1, 1, 1))
        offset = ops.reshape(self._about(batch, BRIGHTNESS * 255), (-1, 1, 1, 1))
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return ops.clip((images - mean) * contrast + mean + offset, 0, 255)

    def _erased(self, images: KerasTensor) -> KerasTensor:
        batch, side = ops.shape(images)[0], images.shape[1]
        area = self._draw(batch, *HIDDEN)
        aspect = ops.exp(self._draw(batch, -1, 1) / 2)  # square root of the height over the width
        chosen = ops.cast(self._draw(batch, 0, 1) < self.erase, "float32")
        height, width = ops.sqrt(area) * aspect * chosen, ops.sqrt(area) / aspect * chosen
        rows = self._inside(self._draw(batch, 0, 1), height, side)  # (batch, side)
        columns = self._inside(self._draw(batch, 0, 1), width, side)
        hole = ops.reshape(rows, (-1, side, 1, 1)) * ops.reshape(columns, (-1, 1, side, 1))
        grey = ops.reshape(self._draw(batch, 0, 255), (-1, 1, 1, 1))
        return images * (1 - hole) + grey * hole

    def _inside(self, centre: KerasTensor, extent: KerasTensor, side: int) -> KerasTensor:
        """Ones where a pixel lies within half the extent of the centre, both of the side."""
        pixel = (ops.arange(side, dtype="float32") + 0.5) / side
        distance = ops.abs(ops.expand_dims(pixel, 0) - ops.expand_dims(centre, 1))
        return ops.cast(distance < ops.expand_dims(extent, 1) / 2, "float32")
