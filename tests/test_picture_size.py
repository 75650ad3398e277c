"""Sizes are read off the first bytes of files that OpenCV has written, and of made-up ones."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from emotion import picture_size, pictures
from emotion.errors import UnreadableError

IMAGE = np.random.default_rng(0).integers(0, 256, (37, 61, 3), np.uint8)
FLOATS = (".hdr", ".pfm")
ISPE = b"\0\0\0\x14ispe\0\0\0\0"


@pytest.mark.parametrize(
    "suffix",
    [
        *(".jpg", ".png", ".bmp", ".webp", ".tif", ".jp2", ".ppm", ".pam", ".ras", ".gif", ".avif"),
        *FLOATS,
    ],
)
def test_the_size_is_read_off_every_kind_of_file(suffix):
    try:
        written, data = cv2.imencode(suffix, IMAGE / np.float32(255) if suffix in FLOATS else IMAGE)
    except cv2.error:
        written = False
    if not written:
        pytest.skip(f"this OpenCV writes no {suffix}")
    assert picture_size.stated(data.tobytes()) == (61, 37)


@pytest.mark.parametrize(
    "data",
    [
        cv2.imencode(".jpg", IMAGE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes(),
        cv2.imencode(".webp", IMAGE, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes(),
        b"RIFF____WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x3c\0\0\x24\0\0",
        b"\xff\xd8\xff\xe1\0\x04AB\xff\xff\xc0\0\x11\x08\0\x25\0\x3d",
        b"BM" + b"\0" * 12 + struct.pack("<IHH", 12, 61, 37),
        b"BM" + b"\0" * 12 + struct.pack("<Iii", 40, 61, -37),
        b"MM\0*\0\0\0\x08\0\x02" + struct.pack(">HHIHHHHIHH", 256, 3, 1, 61, 0, 257, 3, 1, 37, 0),
        b"II+\0\x08\0\0\0" + struct.pack("<QQHHQQHHQQ", 16, 2, 256, 4, 1, 61, 257, 4, 1, 37),
        b"P5 # a comment\n61\n# another\n37 255\n",
        b"P7\nHEIGHT 37\nWIDTH 61\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        b"\0\0\0\x18ftypheic"
        + ISPE
        + struct.pack(">II", 32, 32)
        + ISPE
        + struct.pack(">II", 61, 37),
    ],
    ids=[
        *(
            "progressive",
            "lossless WebP",
            "extended WebP",
            "fill bytes",
            "old BMP",
            "BMP downwards",
        ),
        *("big-endian TIFF", "BigTIFF", "comments", "PAM, height first", "HEIC of tiles"),
    ],
)
def test_the_size_is_read_off_rarer_files(data):
    assert picture_size.stated(data) == (61, 37)


FAR = b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**64 - 1)  # a BigTIFF whose sizes lie behind all
BLANKS = b"P5" + b" " * 900 + b"\n#" * 40  # exponential for an expression that goes back


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG",
        b"BM",
        b"letter",
        b"II*\0\xff",
        b"P7\nWIDTH 61\n",
        FAR,
        BLANKS,
    ],
)
def test_a_file_that_is_cut_short_or_none_states_nothing(data):
    assert picture_size.stated(data) == (0, 0)


def test_a_bomb_is_refused_before_it_is_decoded_and_the_limit_can_be_raised(monkeypatch):
    monkeypatch.delenv(picture_size.LIMIT, raising=False)
    with pytest.raises(UnreadableError) as error:
        pictures.decode(_png(30_000, 30_000))
    assert str(error.value) == (
        "30,000 x 30,000 pixels are more than 110,000,000; OPENCV_IO_MAX_IMAGE_PIXELS=N allows N"
    )
    picture_size.check(_png(12_000, 9_000))
    monkeypatch.setenv(picture_size.LIMIT, "900000000")
    picture_size.check(_png(30_000, 30_000))
    monkeypatch.setenv(picture_size.LIMIT, "many")
    assert picture_size.most_pixels() == 110_000_000


def _png(width, height):
    """A PNG's header, with nothing behind it."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + head + struct.pack(">I", zlib.crc32(head))
