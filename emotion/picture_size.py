"""How large a picture says that it is, read off its first bytes before anything is decoded.

A PNG of 3 MB can hold 30,000 x 30,000 pixels, which take 5 GB to decode.
"""

import os
import re
import struct

from emotion.errors import UnreadableError

LIMIT = "OPENCV_IO_MAX_IMAGE_PIXELS"
"""OpenCV's own variable for the most pixels of one picture; with it the limit here is raised."""

_MOST = 110_000_000  # a telephone's 108 million, and less than 1 GB while it is decoded
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers that are followed by a size
_NETPBM = re.compile(rb"P[1-6Ff](?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)")
_PAM_WIDTH, _PAM_HEIGHT = re.compile(rb"\sWIDTH\s+(\d+)"), re.compile(rb"\sHEIGHT\s+(\d+)")
_RADIANCE = re.compile(rb"#\?.*?\n\n?[-+]Y (\d+) [-+]X (\d+)", re.DOTALL)
_TIFF_SIZES = {1: "B", 3: "H", 4: "I", 16: "Q"}  # kinds of number -> how struct reads them
_TEXT = 1000  # bytes; the header of a picture whose header is text is not longer


def most_pixels() -> int:
    """How many pixels a picture may have."""
    given = os.environ.get(LIMIT, "")
    return int(given) if given.isdecimal() and int(given) else _MOST


def check(data: bytes) -> None:
    """Refuse a picture file that says it has too many pixels. Raises UnreadableError."""
    width, height = stated(data)
    if width * height > (most := most_pixels()):
        raise UnreadableError(
            f"{width:,} x {height:,} pixels are more than {most:,}; {LIMIT}=N allows N"
        )


def stated(data: bytes) -> tuple[int, int]:
    """Width and height that the picture file says it has; zeros where it does not say."""
    try:
        return _stated(data)
    except (struct.error, IndexError, OverflowError):  # cut short: decoding it will say so
        return 0, 0


def _stated(data: bytes) -> tuple[int, int]:
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG"):
        return _numbers(">II", data, 16)
    if data.startswith(b"BM"):
        old = _numbers("<I", data, 14) == (12,)
        width, height = _numbers("<HH" if old else "<ii", data, 18)
        return abs(width), abs(height)
    if data.startswith(b"GIF8"):
        return _numbers("<HH", data, 6)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff(data)
    if data.startswith(b"\x59\xa6\x6a\x95"):  # Sun raster
        return _numbers(">II", data, 4)
    if data.startswith((b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP")):
        return _jpeg2000(data)
    if data[4:8] == b"ftyp":
        return _largest_item(data)
    head = data[:_TEXT]
    if found := _NETPBM.match(head):
        return _of_text(found[1], found[2])
    if head.startswith(b"P7"):
        width, height = _PAM_WIDTH.search(head), _PAM_HEIGHT.search(head)
        return _of_text(width[1], height[1]) if width and height else (0, 0)
    if found := _RADIANCE.match(head):
        return _of_text(found[2], found[1])
    return 0, 0


def _numbers(layout: str, data: bytes, start: int) -> tuple:
    return struct.unpack_from(layout, data, start)


def _of_text(width: bytes, height: bytes) -> tuple[int, int]:
    """Ten digits are too many already, and thousands take int() long."""
    return int(width[:10]), int(height[:10])


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] != 0xFF or marker == 0xDA or not length:
            return 0, 0
        if marker in _JPEG_FRAMES:
            height, width = _numbers(">HH", data, at + 5)
            return width, height
        at += 2 + length


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return tuple(int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))  # type: ignore[return-value]
    if kind == b"VP8L":
        (bits,) = _numbers("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = _numbers("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff(data: bytes) -> tuple[int, int]:
    order = "<" if data.startswith(b"II") else ">"
    big = b"+" in data[2:4]
    start, count, step = ("Q", "Q", 20) if big else ("I", "H", 12)
    (at,) = _numbers(order + start, data, 8 if big else 4)
    (entries,) = _numbers(order + count, data, at)
    sizes = {256: 0, 257: 0}  # tags of width and height
    for entry in range(min(entries, _TEXT)):
        place = at + struct.calcsize(order + count) + entry * step
        tag, kind = _numbers(order + "HH", data, place)
        if tag in sizes and kind in _TIFF_SIZES:
            (sizes[tag],) = _numbers(order + _TIFF_SIZES[kind], data, place + (12 if big else 8))
    return sizes[256], sizes[257]


def _jpeg2000(data: bytes) -> tuple[int, int]:
    stream = data.find(b"\xff\x4f\xff\x51")
    right, bottom, left, top = _numbers(">IIII", data, stream + 8)
    return max(right - left, 0), max(bottom - top, 0)


def _largest_item(data: bytes) -> tuple[int, int]:
    """Of HEIC and AVIF, which state the sizes of the whole and of its tiles."""
    head, at, sizes = data[:1_000_000], 0, [(0, 0)]
    while (at := head.find(b"ispe", at) + 8) >= 8:
        sizes.append(_numbers(">II", head, at))
    return max(sizes, key=lambda size: size[0] * size[1])
