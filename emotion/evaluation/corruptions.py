"""Crops as a poor camera, a hasty cropper or a cheap link would have made them.

What a benchmark's clean crops do not show: after Hendrycks and Dietterich 2019, arXiv:1903.12261,
at the strengths that webcams reach.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Corruption = Callable[[Image, np.random.Generator], Image]


def apply(images: Image, corruption: Corruption) -> Image:
    """Every image (N, size, size) corrupted; what is random in it is the same in every call."""
    generator = np.random.default_rng(0)
    return np.stack([corruption(image, generator) for image in images])


def _brighter(image: Image, _: np.random.Generator, *, factor: float) -> Image:
    return _pixels(image * np.float32(factor))


def _blurred(image: Image, _: np.random.Generator, *, sigma: float) -> Image:
    return _pixels(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))


def _noisy(image: Image, generator: np.random.Generator, *, sigma: float) -> Image:
    return _pixels(image + generator.normal(0, sigma, image.shape))


def _moved(
    image: Image,
    _: np.random.Generator,
    *,
    degrees: float = 0,
    zoom: float = 1,
    right: float = 0,
    down: float = 0,
) -> Image:
    """Turned and enlarged about the middle, and shifted by parts of the side."""
    side = image.shape[0]
    middle = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, zoom)
    matrix[:, 2] += right * side, down * side
    return _pixels(cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REFLECT))


def _compressed(image: Image, _: np.random.Generator, *, quality: int) -> Image:
    code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return _pixels(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE))


def _small(image: Image, _: np.random.Generator, *, side: int) -> Image:
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return _pixels(cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _pixels(values: Any) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


KINDS: dict[str, tuple[Corruption, ...]] = {
    "brightness x0.5": (partial(_brighter, factor=0.5),),
    "brightness x1.5": (partial(_brighter, factor=1.5),),
    "blur, sigma 1 px": (partial(_blurred, sigma=1.0),),
    "noise, sigma 15": (partial(_noisy, sigma=15.0),),
    "rotation by 15 degrees": tuple(partial(_moved, degrees=angle) for angle in (-15, 15)),
    "shift by 10 %": (
        *(partial(_moved, right=part) for part in (-0.1, 0.1)),
        *(partial(_moved, down=part) for part in (-0.1, 0.1)),
    ),
    "crop 10 % tighter": (partial(_moved, zoom=1 / 0.9),),
    "crop 10 % looser": (partial(_moved, zoom=1 / 1.1),),
    "JPEG quality 30": (partial(_compressed, quality=30),),
    "24x24 pixels": (partial(_small, side=24),),
}
"""Each kind's variants, such as both directions of a rotation, count together as one."""
