"""Picture files: what counts as one, and what is read from their bytes."""

import sys
import zlib

import cv2
import drawn
import numpy as np
import pytest

from emotion import pictures
from emotion.data import folders
from emotion.errors import UnreadableError
from emotion.output import paths
from emotion.pictures import CLIPS, DECODABLE, PICTURES
from emotion.sources import source as sources

NOISE = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)


@pytest.mark.parametrize("suffix", [*PICTURES, *CLIPS, ".txt", ".csv", ""])
def test_both_scripts_take_the_same_files_for_pictures(tmp_path, suffix):
    """But a .gif: it is watched as a clip, and its first picture can be learnt from."""
    name = f"1{suffix}"
    (tmp_path / name).touch()
    (tmp_path / "2.jpg").touch()
    learnt = {entry.name for entry in folders.recognise("", [f"a/{name}", "a/2.jpg"], []).entries}
    watched = {path.name for path in sources.find(str(tmp_path)).files}
    kind = sources.find(str(tmp_path / name)).kind
    assert (f"a/{name}" in learnt) == (suffix in PICTURES or suffix == ".gif")
    assert (name in watched) == (suffix in PICTURES or suffix in CLIPS)
    assert (kind == "picture") == (suffix in PICTURES)


def test_capitals_in_a_suffix_change_nothing(tmp_path):
    (tmp_path / "1.JPG").touch()
    assert folders.recognise("", ["a/1.JPG"], []).entries
    assert sources.find(str(tmp_path / "1.JPG")).kind == "picture"


def test_pictures_and_clips_are_not_the_same_files():
    assert not set(PICTURES) & set(CLIPS)
    assert set(DECODABLE) - set(PICTURES) == {".gif"}
    assert set(paths.WRITABLE_PICTURES) <= set(PICTURES)
    assert set(paths.WRITABLE_CLIPS) <= set(CLIPS)


@pytest.fixture(scope="module")
def photograph():
    return drawn.scene("happy", np.random.default_rng(0))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_pixels_become_8_bit_ones(suffix):
    deep = NOISE.astype(np.uint16) * 257
    np.testing.assert_array_equal(pictures.decode(_file(suffix, deep)), NOISE)


def test_float_pixels_from_0_to_1_become_8_bit_ones():
    light = NOISE.astype(np.float32) / 255
    np.testing.assert_array_equal(pictures.decode(_file(".tiff", light)), NOISE)
    with pytest.raises(UnreadableError, match="pixels of type float32 and not 8-bit"):
        pictures.decode(_file(".tiff", light * 3))


def test_what_is_transparent_is_mid_grey():
    image = np.full((2, 2, 4), 200, np.uint8)
    image[0, :, 3], image[1, :, 3] = 255, 0
    shown = pictures.decode(_file(".png", image))
    assert shown[:, :, 0].tolist() == [[200, 200], [128, 128]]


def test_an_opaque_alpha_channel_changes_nothing():
    image = cv2.merge([NOISE] * 3 + [np.full_like(NOISE, 255)])
    np.testing.assert_array_equal(pictures.decode(_file(".png", image)), cv2.merge([NOISE] * 3))
    turned = pictures.decode(_png_with_exif(_file(".png", image), 3))
    np.testing.assert_array_equal(turned, cv2.merge([NOISE[::-1, ::-1]] * 3))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the file is empty"),
        (b"not a picture at all", "no picture that OpenCV can read, or a damaged one"),
        (b"\xff\xd8\xff", "no picture that OpenCV can read, or a damaged one"),
    ],
    ids=["empty", "text", "a beginning"],
)
def test_a_file_that_is_no_picture_says_why(data, why):
    with pytest.raises(UnreadableError) as error:
        pictures.decode(data)
    assert str(error.value) == why


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_file_that_is_cut_short_is_unreadable(suffix, kept, photograph):
    data = _file(suffix, photograph)
    with pytest.raises(UnreadableError):
        pictures.decode(data[: int(len(data) * kept)])


def test_a_jpeg_that_lost_its_last_bytes_is_cut_short(photograph, capfd):
    data = _file(".jpg", photograph)
    with pytest.raises(UnreadableError, match="the file is cut short"):
        pictures.decode(data[:-2])
    assert capfd.readouterr().err == ""


def test_what_lies_behind_a_jpegs_end_is_no_matter():
    """Telephones put a short film there."""
    data = _file(".jpg", NOISE)
    assert pictures.decode(data + b"film \xff\xda film").shape == (48, 48)


def test_a_damaged_png_is_unreadable_without_a_word_of_its_library(capfd):
    data = bytearray(_file(".png", NOISE))
    data[60] ^= 255
    with pytest.raises(UnreadableError):
        pictures.decode(bytes(data))
    assert capfd.readouterr().err == ""


def test_a_palette_may_be_transparent_too():
    png = _file(".png", np.full((2, 2, 3), 200, np.uint8))
    head = png[:25] + b"\x03" + png[26:29]  # of colour type 3: a number in a list for each pixel
    chunks = _chunk(b"PLTE", bytes([10, 20, 30, 200, 210, 220])) + _chunk(b"tRNS", bytes([0, 255]))
    data = _chunk(b"IDAT", zlib.compress(b"\x00\x00\x01" * 2))
    whole = png[:8] + _chunk(head[12:16], head[16:]) + chunks + data + _chunk(b"IEND", b"")
    assert pictures.decode(whole).tolist() == [[[128] * 3, [220, 210, 200]]] * 2


@pytest.mark.parametrize("orientation", [6, 8], ids=["turned right", "turned left"])
def test_a_rotated_photograph_comes_upright(tmp_path, orientation):
    lying = np.zeros((48, 64, 3), np.uint8)
    lying[:, : 64 // 2] = 255  # white on the left
    jpeg = cv2.imencode(".jpg", lying)[1].tobytes()
    path = tmp_path / "phone.jpg"
    path.write_bytes(_with_exif(jpeg, orientation))
    upright = pictures.read(path)
    assert upright.shape == (64, 48, 3)
    white_above = upright[:20].mean() > 200
    assert white_above == (orientation == 6)


def test_a_grey_picture_comes_with_three_channels(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), NOISE)
    assert np.array_equal(pictures.read(tmp_path / "grey.png"), cv2.merge([NOISE] * 3))


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "cut off"]
)
def test_a_file_that_is_no_picture_is_named(tmp_path, capfd, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(
        UnreadableError, match=r"a\.png cannot be read as a picture: (the file is empty|no picture)"
    ):
        pictures.read(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_fewer_bits_in_a_16_bit_file_are_stretched_by_their_true_range(bits):
    deep = np.array([[0, 2 ** (bits - 1)], [2**bits - 1, 2 ** (bits - 2)]], np.uint16)
    shown = pictures.decode(_file(".png", deep))
    assert shown.tolist() == [[0, 128], [255, 64]]


def test_heic_needs_a_package_that_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnreadableError, match="HEIC needs pillow-heif"):
        pictures.decode(b"\0\0\0\x18ftypheic" + bytes(40))


def test_heic_is_read_where_its_package_is(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    colours = np.full((48, 64, 3), (200, 90, 30), np.uint8)
    pillow_heif.from_bytes("BGR", (64, 48), colours.tobytes()).save(tmp_path / "a.heic")
    shown = pictures.read(tmp_path / "a.heic")
    assert shown.shape == (48, 64, 3) and abs(shown.astype(int) - colours).max() < 8
    data = (tmp_path / "a.heic").read_bytes()
    with pytest.raises(UnreadableError, match="HEIC that is damaged"):
        pictures.decode(data[: len(data) // 2])


@pytest.mark.parametrize("suffix", [".pgm", ".ppm", ".pbm", ".jp2", ".jfif", ".jpe", ".dib"])
def test_every_suffix_of_a_picture_is_one_for_both_halves(suffix):
    assert suffix in pictures.PICTURES and suffix in pictures.DECODABLE


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(UnreadableError, match=r"a\.png cannot be read: No such file"):
        pictures.read(tmp_path / "a.png")


def _file(suffix, image):
    return cv2.imencode(suffix, image)[1].tobytes()


def _exif(orientation):
    """An EXIF block that holds nothing but the orientation: tag 0x0112, one short."""
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([orientation, 0, 0, 0])
    return b"II*\x00\x08\x00\x00\x00\x01\x00" + entry + bytes(4)


def _png_with_exif(png, orientation):
    head = 8 + 25  # signature and first chunk
    return png[:head] + _chunk(b"eXIf", _exif(orientation)) + png[head:]


def _chunk(kind, body):
    """A chunk of a PNG."""
    check = zlib.crc32(kind + body)
    return len(body).to_bytes(4, "big") + kind + body + check.to_bytes(4, "big")


def _with_exif(jpeg, orientation):
    block = b"Exif\x00\x00" + _exif(orientation)
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]
