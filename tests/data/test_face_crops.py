import cv2
import drawn
import numpy as np
import pytest

from emotion import faces, pictures
from emotion.data import face_crops

NOISE = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
ORIENTATIONS = {  # EXIF's number -> how the upright picture lies in the file
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    6: lambda image: np.rot90(image, 1),
    8: lambda image: np.rot90(image, -1),
}


@pytest.fixture(scope="module")
def prepare():
    return face_crops.Preparer(48)


@pytest.fixture(scope="module")
def photograph():
    return drawn.scene("happy", np.random.default_rng(0))


@pytest.mark.parametrize("image", [NOISE, cv2.merge([NOISE] * 3)], ids=["grey", "three channels"])
def test_a_grey_crop_of_the_right_size_is_left_as_it_is(prepare, image):
    crop = prepare(pictures.decode(_file(".png", image)))
    assert crop.how == "as it is"
    np.testing.assert_array_equal(crop.image, NOISE)


def test_a_fer2013_crop_is_only_scaled_for_another_size():
    crop = face_crops.Preparer(64)(NOISE)
    assert (crop.how, crop.image.shape) == ("as it is", (64, 64))
    expected = cv2.resize(NOISE, (64, 64), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(crop.image, expected)


def test_a_photograph_is_cropped_to_its_face_as_recognition_crops(prepare, photograph):
    crop = prepare(photograph)
    boxes = faces.FaceDetector().detect(photograph)
    assert crop.how == "face"
    np.testing.assert_array_equal(crop.image, faces.crop(photograph, boxes[:1])[0])


def test_the_largest_of_two_faces_is_taken(prepare, photograph):
    other = drawn.scene("surprise", np.random.default_rng(1))
    small = cv2.resize(other, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    both = np.zeros((480, 960, 3), np.uint8)
    both[120:360, :320], both[:, 320:] = small, photograph
    assert len(faces.FaceDetector().detect(both)) == 2
    np.testing.assert_allclose(
        _smooth(prepare(both).image), _smooth(prepare(photograph).image), atol=25
    )


def test_without_a_face_the_centre_square_is_used(prepare):
    stripes = np.zeros((96, 200), np.uint8)
    stripes[:, 52:148] = np.tile(np.repeat([40, 200], 48), (96, 1))
    crop = prepare(stripes)
    assert crop.how == "no face found"
    np.testing.assert_array_equal(crop.image, np.tile(np.repeat([40, 200], 24), (48, 1)))


@pytest.mark.parametrize("shape", [(1, 900), (3, 2, 3), (50, 10), (49, 49), (5000, 3, 3)], ids=str)
def test_pictures_of_odd_shapes_have_their_centre_used(prepare, shape):
    crop = prepare(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    assert (crop.how, crop.image.shape) == ("no face found", (48, 48))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_photograph_is_turned_as_its_exif_data_asks(prepare, photograph, orientation):
    stored = np.ascontiguousarray(ORIENTATIONS[orientation](photograph))
    image = pictures.decode(_with_exif(_file(".jpg", stored), orientation))
    assert image.shape == photograph.shape
    crop = prepare(image)
    assert crop.how == "face"
    np.testing.assert_allclose(_smooth(crop.image), _smooth(prepare(photograph).image), atol=25)


def _file(suffix, image):
    return cv2.imencode(suffix, image)[1].tobytes()


def _exif(orientation):
    """An EXIF block that holds nothing but the orientation: tag 0x0112, one short."""
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([orientation, 0, 0, 0])
    return b"II*\x00\x08\x00\x00\x00\x01\x00" + entry + bytes(4)


def _with_exif(jpeg, orientation):
    block = b"Exif\x00\x00" + _exif(orientation)
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def _smooth(crop):
    """Without noise, and less apart where a box moved by a pixel."""
    return cv2.GaussianBlur(crop, (0, 0), 3).astype(np.int16)
