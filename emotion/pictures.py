"""Picture files for both halves: which suffixes they have, and their bytes -> pixels.

The lists are read before anything slow is loaded, so NumPy and OpenCV wait until a picture comes.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.errors import UnreadableError
from emotion.quiet import silence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PICTURES = (
    *(".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"),
    *(".jp2", ".heic", ".heif", ".avif"),
)
"""What counts as a picture. Some builds of OpenCV cannot read the last ones; then they are named
among the unreadable files instead of being overlooked."""

CLIPS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".gif")
"""What counts as a clip."""

DECODABLE = (*PICTURES, ".gif")
"""What `decode` is worth trying on: of a `.gif`, a clip to watch, it gives the first picture."""

_JPEG, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
_PNG, _PNG_COLOUR = b"\x89PNG", 25  # the byte that says how colours are stored
_STRIP = 256  # rows
_PNG_OPAQUE = (b"\0", b"\2", b"\3")  # grey, colour, palette; each may have a tRNS chunk


def decode(data: bytes) -> "NDArray[np.uint8]":
    """The picture in a file's bytes, turned as its EXIF data asks: grey (H, W) or BGR (H, W, 3).

    16-bit and float pixels become 8-bit, transparent ones are shown on mid-grey. Raises
    UnreadableError, which says what is wrong and leaves it to the caller to name the file.
    """
    import cv2

    from emotion import picture_size

    if not data:
        raise UnreadableError("the file is empty")
    picture_size.check(data)
    if not data.startswith(_JPEG) and not _is_opaque_png(data):
        stored = _eight_bit(_decoded(data, cv2.IMREAD_UNCHANGED))
        if stored.ndim == 3 and stored.shape[2] == 4 and stored[:, :, 3].min() < 255:
            return _on_grey(stored)
        del stored  # before it is decoded again: of the largest pictures each takes 0.5 GB
    # As IMREAD_UNCHANGED, but turned as EXIF asks, and without transparency.
    return _eight_bit(_decoded(data, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR))


def read(path: Path) -> "NDArray[np.uint8]":
    """The picture at `path` to look at, BGR (H, W, 3), upright; UnreadableError names the file."""
    import cv2

    try:
        image = decode(path.read_bytes())
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from error
    except UnreadableError as error:
        raise UnreadableError(f"{path} cannot be read as a picture: {error}") from error
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)  # type: ignore[return-value]


def _decoded(data: bytes, flags: int) -> "NDArray[Any]":
    import cv2
    import numpy as np

    try:
        with silence():  # libjpeg and libpng tell standard error what they miss
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise UnreadableError(f"OpenCV refuses it ({error.err})") from error
    if image is None and data.startswith(_JPEG) and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
        raise UnreadableError("the file is cut short")
    if image is None:
        raise UnreadableError("no picture that OpenCV can read, or a damaged one")
    return image


def _is_opaque_png(data: bytes) -> bool:
    """Whether a look at the bytes is enough to know: decoding a photograph again costs 10 ms."""
    if not data.startswith(_PNG) or data[_PNG_COLOUR : _PNG_COLOUR + 1] not in _PNG_OPAQUE:
        return False
    return b"tRNS" not in data


def _eight_bit(image: "NDArray[Any]") -> "NDArray[np.uint8]":
    if image.dtype == "uint8":
        return image
    if image.dtype == "uint16":
        return (image >> 8).astype("uint8")
    if image.dtype.kind == "f" and image.min() >= 0 and image.max() <= 1:  # false for NaN too
        return (image * 255).round().astype("uint8")
    raise UnreadableError(f"pixels of type {image.dtype} and not 8-bit, 16-bit or 0..1")


def _on_grey(stored: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    """`stored` (H, W, 4) over mid-grey, a strip at a time: floats take four times the memory."""
    import numpy as np

    mixed = np.empty((*stored.shape[:2], 3), np.uint8)
    for top in range(0, len(stored), _STRIP):
        strip = stored[top : top + _STRIP]
        alpha = strip[:, :, 3:].astype("float32") / 255
        mixed[top : top + _STRIP] = (strip[:, :, :3] * alpha + 128 * (1 - alpha)).round()
    return mixed
