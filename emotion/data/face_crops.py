"""A picture file's bytes -> the square grey crop that training looks at."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import faces
from emotion.data.archive import Unreadable

CROP_SIDE = 48  # FER-2013's; a grey square no larger is a face crop already, and no photograph

_AS_SHOWN = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR  # as IMREAD_UNCHANGED, but EXIF-rotated
_JPEG, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"


@dataclass(frozen=True)
class Crop:
    """uint8 (size, size), and how it came about: "as it is", "face" or "whole"."""

    image: NDArray[np.uint8]
    how: str


class Preparer:
    """Turns pictures into crops; loads the face cascades when the first photograph comes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._detector: faces.FaceDetector | None = None

    def __call__(self, image: NDArray[np.uint8]) -> Crop:
        """The crop of `image`, grey or BGR, uint8, any size.

        FER-2013's crops stay as they are: a cascade finds no face in a bare 48 x 48 crop. Of
        anything else it is the largest face, or else the centre square.
        """
        height, width = image.shape[:2]
        grey = _if_colourless(image)
        if grey is not None and height == width and height <= max(self.size, CROP_SIDE):
            return Crop(_scaled(grey, self.size), "as it is")
        image = image if grey is None else grey
        if self._detector is None:
            self._detector = faces.FaceDetector()
        boxes = self._detector.detect(image)
        if len(boxes):
            return Crop(faces.crop(image, boxes[:1], size=self.size)[0], "face")
        return Crop(faces.crop(image, _centre(image), size=self.size, margin=0)[0], "whole")


@contextmanager
def quietly() -> Iterator[None]:
    """Keep OpenCV from writing about damaged files on its own: they are reported by name."""
    before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)


def decode(data: bytes) -> NDArray[np.uint8]:
    """The picture in a file's bytes, turned as its EXIF data asks: grey (H, W) or BGR (H, W, 3).

    16-bit and float pixels become 8-bit, transparent ones are shown on mid-grey. Raises
    Unreadable.
    """
    if not data:
        raise Unreadable("the file is empty")
    jpeg = data.startswith(_JPEG)
    if jpeg and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
        raise Unreadable("the file is cut short")
    image = _imdecode(data, _AS_SHOWN)
    if not jpeg:  # only then can there be transparency
        stored = _imdecode(data, cv2.IMREAD_UNCHANGED)
        if stored.ndim == 3 and stored.shape[2] == 4:
            return _on_grey(_eight_bit(stored), _eight_bit(image))
    return _eight_bit(image)


def _imdecode(data: bytes, flags: int) -> NDArray:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise Unreadable(f"OpenCV refuses it ({error.err})") from error
    if image is None:
        raise Unreadable("no picture that OpenCV can read, or a damaged one")
    return image


def _eight_bit(image: NDArray) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    if image.dtype.kind == "f" and image.min() >= 0 and image.max() <= 1:  # false for NaN too
        return np.rint(image * 255).astype(np.uint8)
    raise Unreadable(f"pixels of type {image.dtype} and not 8-bit, 16-bit or 0..1")


def _on_grey(stored: NDArray[np.uint8], shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`stored` (H, W, 4) over mid-grey; `shown`, turned as EXIF asks, if nothing shines through."""
    if stored[:, :, 3].min() == 255:
        return shown
    alpha = stored[:, :, 3:].astype(np.float32) / 255
    mixed: NDArray = stored[:, :, :3] * alpha + 128 * (1 - alpha)
    return np.rint(mixed).astype(np.uint8)


def _if_colourless(image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """(H, W) of a picture without colour, stored in one channel or in three; None of others."""
    if image.ndim == 2:
        return image
    blue = image[:, :, 0]
    same = np.array_equal(blue, image[:, :, 1]) and np.array_equal(blue, image[:, :, 2])
    return np.ascontiguousarray(blue) if same else None


def _scaled(grey: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    if grey.shape == (size, size):
        return grey
    how = cv2.INTER_AREA if len(grey) > size else cv2.INTER_LINEAR
    return cv2.resize(grey, (size, size), interpolation=how).astype(np.uint8, copy=False)


def _centre(image: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The largest centred square: bars beside a whole picture would be a cue to learn from."""
    height, width = image.shape[:2]
    side = min(height, width)
    return np.array([[(width - side) // 2, (height - side) // 2, side, side]], np.int32)
