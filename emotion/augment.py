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
BRIGHTNESS = 0.5  # log scale: 0.61 to 1.65
OFFSET = 0.1  # of the whole range
CONTRAST = 0.3  # log scale, about the image's mean
BLUR = 1.2  # standard deviation in pixels
NOISE = 20.0  # standard deviation in grey levels, at most
HIDDEN = (0.02, 0.25)  # the erased rectangle, of the image's area


class Augment(keras.layers.Layer):
    """Pixels (batch, side, side, 1) in 0..255 -> augmented float32 of the same shape.

    Every image draws its own shift, rotation, zoom, aspect ratio, flip, brightness, contrast and
    erased rectangle (Zhong et al. 2017, arXiv:1708.04896, for the last). `strength` scales the
    ranges, 0 leaves images as they are; `blur_noise` is the share of images that are blurred, and
    the share that get noise; `random_erasing` is the share that lose a rectangle. All three may be
    changed between epochs: weaker changes last let the network settle on images as they are.
    """

    def __init__(
        self,
        *,
        strength: float = 1.0,
        blur_noise: float = 0.25,
        random_erasing: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__(trainable=False, dtype="float32", name="augment")
        self.strength = strength
        self.blur_noise = blur_noise
        self.random_erasing = random_erasing
        self.seed_generator = keras.random.SeedGenerator(seed)
        # As a weight: a compiled step goes on with other amounts, unless one was left out of it.
        self._amounts = self.add_weight(shape=(3,), initializer="zeros", trainable=False)
        self._parts = self._wanted()
        self._amounts.assign([strength, blur_noise, random_erasing])

    def change(self, *, strength: float, blur_noise: float, random_erasing: float) -> bool:
        """Other amounts from now on; whether a compiled step must be compiled anew for them."""
        self.strength, self.blur_noise, self.random_erasing = strength, blur_noise, random_erasing
        self._amounts.assign([strength, blur_noise, random_erasing])
        added = any(now and not was for now, was in zip(self._wanted(), self._parts, strict=True))
        if added:
            self._parts = self._wanted()
        return added

    def call(self, images: KerasTensor) -> KerasTensor:
        images = ops.cast(images, "float32")
        moves, degrades, erases = self._parts
        if moves:
            images = self._lit(self._moved(images))
        if degrades:
            images = self._noisy(self._blurred(images))
        return self._erased(images) if erases else images

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape

    def _wanted(self) -> tuple[bool, bool, bool]:
        return bool(self.strength), bool(self.blur_noise), bool(self.random_erasing)

    def _draw(self, batch: int, low: float, high: float) -> KerasTensor:
        return keras.random.uniform((batch,), low, high, seed=self.seed_generator)

    def _about(self, batch: int, spread: float) -> KerasTensor:
        return self._draw(batch, -spread, spread) * self._amounts[0]

    def _moved(self, images: KerasTensor) -> KerasTensor:
        batch, side = ops.shape(images)[0], images.shape[1]
        angle = self._about(batch, math.radians(TILT))
        zoom, stretch = self._about(batch, ZOOM), self._about(batch, STRETCH) / 2
        mirror = ops.sign(self._draw(batch, -1, 1))
        across, down = ops.exp(zoom + stretch) * mirror, ops.exp(zoom - stretch)
        # Output pixel -> input pixel, both counted from the middle of the image.
        pixel = ops.arange(side, dtype="float32") - (side - 1) / 2
        x, y = ops.reshape(pixel, (1, 1, side)), ops.reshape(pixel, (1, side, 1))
        cosine, sine, shape = ops.cos(angle), ops.sin(angle), (-1, 1, 1)
        a, b, c, d = (
            ops.reshape(factor, shape)
            for factor in (cosine * across, -sine * down, sine * across, cosine * down)
        )
        right = ops.reshape(self._about(batch, REACH * side), shape)
        below = ops.reshape(self._about(batch, REACH * side), shape)
        middle = (side - 1) / 2
        return _sampled(images, a * x + b * y + right + middle, c * x + d * y + below + middle)

    def _lit(self, images: KerasTensor) -> KerasTensor:
        batch = ops.shape(images)[0]
        contrast = ops.reshape(ops.exp(self._about(batch, CONTRAST)), (-1, 1, 1, 1))
        gain = ops.reshape(ops.exp(self._about(batch, BRIGHTNESS)), (-1, 1, 1, 1))
        offset = ops.reshape(self._about(batch, OFFSET * 255), (-1, 1, 1, 1))
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return ops.clip(((images - mean) * contrast + mean) * gain + offset, 0, 255)

    def _blurred(self, images: KerasTensor) -> KerasTensor:
        kernel = [math.exp(-((i / BLUR) ** 2) / 2) for i in range(-3, 4)]
        kernel = ops.convert_to_tensor(kernel, "float32") / sum(kernel)
        padded = ops.pad(images, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect")
        blurred = ops.conv(padded, ops.reshape(kernel, (7, 1, 1, 1)))
        blurred = ops.conv(blurred, ops.reshape(kernel, (1, 7, 1, 1)))
        return images + (blurred - images) * self._degree(images)

    def _noisy(self, images: KerasTensor) -> KerasTensor:
        noise = keras.random.normal(ops.shape(images), seed=self.seed_generator)
        return ops.clip(images + noise * NOISE * self._degree(images), 0, 255)

    def _degree(self, images: KerasTensor) -> KerasTensor:
        """0 for most images, and anything up to 1 for the share that is degraded."""
        batch = ops.shape(images)[0]
        chosen = ops.cast(self._draw(batch, 0, 1) < self._amounts[1], "float32")
        return ops.reshape(chosen * self._draw(batch, 0, 1), (-1, 1, 1, 1))

    def _erased(self, images: KerasTensor) -> KerasTensor:
        batch, side = ops.shape(images)[0], images.shape[1]
        area = self._draw(batch, *HIDDEN)
        aspect = ops.exp(self._draw(batch, -1, 1) / 2)  # square root of the height over the width
        chosen = ops.cast(self._draw(batch, 0, 1) < self._amounts[2], "float32")
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


def _sampled(images: KerasTensor, x: KerasTensor, y: KerasTensor) -> KerasTensor:
    """`images` (batch, side, side, 1) at the points x, y (batch, side, side), between pixels.

    Beyond the edges the image goes on as its own mirror picture. Keras' affine_transform does the
    same, but with PyTorch one image at a time.
    """
    batch, side = ops.shape(images)[0], images.shape[1]
    flat = ops.reshape(images, (-1,))
    first = ops.reshape(ops.arange(batch, dtype="int32") * side * side, (-1, 1, 1))
    left, right, across = _neighbours(x, side)
    above, below, down = _neighbours(y, side)
    above, below = first + above * side, first + below * side
    upper = ops.take(flat, above + left) * (1 - across) + ops.take(flat, above + right) * across
    lower = ops.take(flat, below + left) * (1 - across) + ops.take(flat, below + right) * across
    return ops.expand_dims(upper * (1 - down) + lower * down, -1)


def _neighbours(at: KerasTensor, side: int) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
    """The two pixels that a coordinate lies between, and its part of the way to the second."""
    mirrored = side - ops.abs(ops.mod(at + 0.5, 2.0 * side) - side) - 0.5
    inside = ops.clip(mirrored, 0.0, side - 1.0)
    low = ops.floor(inside)
    first = ops.cast(low, "int32")
    return first, ops.minimum(first + 1, side - 1), inside - low
