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
    *(".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".bmp", ".dib", ".webp", ".tif", ".tiff"),
    *(".pgm", ".ppm", ".pbm", ".pnm", ".jp2", ".j2k", ".heic", ".heif", ".avif"),
)
"""What counts as a picture. Some builds of OpenCV cannot read the last ones; then they are named
among the unreadable files instead of being overlooked."""

CLIPS = (
    *(".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".wmv", ".asf", ".flv", ".f4v"),
    *(".3gp", ".3g2", ".mpg", ".mpeg", ".mpe", ".m2v", ".vob", ".ts", ".mts", ".m2ts", ".m2t"),
    *(".mod", ".tod", ".dv", ".mxf", ".ogv", ".ogm", ".divx", ".rm", ".rmvb", ".ivf", ".nut"),
    *(".y4m", ".h264", ".264", ".h265", ".265", ".hevc", ".gif", ".apng"),
)
"""What counts as a clip."""

DECODABLE = (*PICTURES, ".gif")
"""What `decode` is worth trying on: of a `.gif`, a clip to watch, it gives the first picture."""

_HEIF = (b"heic", b"heix", b"heim", b"heis", b"mif1")
_SEQUENCES = (b"avis", b"hevc", b"hevx", b"msf1")
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
    if _brand(data) in _HEIF:
        return _heif(data)
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


def opaque(image: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    """BGRA (H, W, 4) as BGR on mid-grey; BGR as it is."""
    return image if image.shape[2] == 3 else _on_grey(image)


def is_animated(path: Path) -> bool:
    """Whether a file with a picture's suffix is a clip all the same: WebP, PNG or AVIF that moves.

    False for one that cannot be read: whoever opens it says why.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return False
    if start[:4] == b"RIFF" and start[8:16] == b"WEBPVP8X":
        return bool(start[20:21] and start[20] & 2)
    if start.startswith(_PNG):
        return b"acTL" in start.partition(b"IDAT")[0]
    return _brand(start) in _SEQUENCES


def _brand(data: bytes) -> bytes:
    """The kind of file that one of MPEG-4's family says it is."""
    return data[8:12] if data[4:8] == b"ftyp" else b""


def _heif(data: bytes) -> "NDArray[np.uint8]":
    """A telephone's HEIC, BGR, which the library turns by itself."""
    import numpy as np

    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadableError(
            "HEIC needs pillow-heif ('pip install pillow-heif'), or a copy as .jpg"
        ) from error
    try:
        picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=True, bgr_mode=True)
        stored = np.asarray(picture).astype("uint8")
    except (OSError, ValueError, RuntimeError, SyntaxError) as error:
        raise UnreadableError(f"HEIC that is damaged or of a kind not known: {error}") from error
    return opaque(stored) if stored.ndim == 3 else stored


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
        return (image >> _surplus(image)).astype("uint8")
    if image.dtype.kind == "f" and image.min() >= 0 and image.max() <= 1:  # false for NaN too
        return (image * 255).round().astype("uint8")
    raise UnreadableError(f"pixels of type {image.dtype} and not 8-bit, 16-bit or 0..1")


def _surplus(image: "NDArray[Any]") -> int:
    """How many of the lower bits of 16 to leave out.

    Scanners, X-rays and microscopes store 8, 10, 12 or 14 bits in 16: taken for 16 they are black.
    """
    bits = int(image.max()).bit_length()
    return next(depth for depth in (8, 10, 12, 14, 16) if bits <= depth) - 8


def _on_grey(stored: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    """`stored` (H, W, 4) over mid-grey, a strip at a time: floats take four times the memory."""
    import numpy as np

    mixed = np.empty((*stored.shape[:2], 3), np.uint8)
    for top in range(0, len(stored), _STRIP):
        strip = stored[top : top + _STRIP]
        alpha = strip[:, :, 3:].astype("float32") / 255
        mixed[top : top + _STRIP] = (strip[:, :, :3] * alpha + 128 * (1 - alpha)).round()
    return mixed
