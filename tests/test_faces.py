"""Detecting faces in pictures, and cropping them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion import faces
from emotion.errors import EmotionError
from emotion.faces import FaceDetector, crop, grey, patch

ASTRONAUT = Path(__file__).parents[1] / "samples" / "astronaut.png"
MEDIA = Path(__file__).parents[1] / ".." / "shared" / "media"
needs_media = pytest.mark.skipif(not MEDIA.is_dir(), reason="../shared/media is not here")


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


@pytest.fixture(scope="module")
def astronaut():
    return cv2.imread(str(ASTRONAUT))


def media(name):
    return cv2.imread(str(MEDIA / name))


def middle(box):
    return box[0] + box[2] / 2, box[1] + box[3] / 2


# Detecting


def test_the_sample_holds_one_face_where_the_face_is(detector, astronaut):
    (box,) = detector.detect(astronaut)
    assert middle(box) == pytest.approx((224, 114), abs=8)
    assert box[2] == pytest.approx(105, abs=12)


def test_boxes_are_whole_numbers_four_to_a_face(detector, astronaut):
    boxes = detector.detect(astronaut)
    assert (boxes.shape, boxes.dtype) == ((1, 4), np.int32)


def test_no_faces_are_an_array_of_none(detector):
    boxes = detector.detect(np.full((200, 300, 3), 90, np.uint8))
    assert (boxes.shape, boxes.dtype) == ((0, 4), np.int32)


def test_grey_and_colour_and_an_alpha_channel_give_the_same_boxes(detector, astronaut):
    boxes = detector.detect(astronaut).tolist()
    assert detector.detect(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)).tolist() == boxes
    assert detector.detect(cv2.cvtColor(astronaut, cv2.COLOR_BGR2BGRA)).tolist() == boxes


def test_the_picture_is_left_as_it_is(detector, astronaut):
    before = astronaut.copy()
    crop(astronaut, detector.detect(astronaut))
    assert (astronaut == before).all()


def test_a_face_is_found_in_a_large_picture_at_its_own_scale(detector, astronaut):
    large = cv2.resize(astronaut, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    (small_box,), (large_box,) = detector.detect(astronaut), detector.detect(large)
    assert large_box == pytest.approx(4 * small_box, abs=24)


def test_a_small_face_at_the_back_and_one_that_fills_the_frame_are_both_found_largest_first(
    detector, astronaut
):
    scene = np.full((480, 640, 3), 130, np.uint8)
    near = astronaut[20:230, 120:330]
    scene[30:450, 20:440] = cv2.resize(near, (420, 420), interpolation=cv2.INTER_CUBIC)
    scene[200:260, 540:600] = cv2.resize(near, (60, 60), interpolation=cv2.INTER_AREA)
    boxes = detector.detect(scene)
    assert boxes[:, 2] == pytest.approx([210, 30], rel=0.2)


def test_faces_below_min_face_are_not_detected(astronaut):
    assert len(FaceDetector(min_face=0.35).detect(astronaut)) == 0  # hers is a fifth of the picture


def test_a_picture_smaller_than_the_cascades_window_holds_no_face(detector):
    assert len(detector.detect(np.zeros((12, 9, 3), np.uint8))) == 0


def test_two_in_a_picture_are_two_boxes(detector, two_people):
    right, left = sorted(detector.detect(two_people).tolist(), reverse=True)
    assert left == pytest.approx([30, 45, 82, 82], abs=6)
    assert right == pytest.approx([368, 47, 80, 80], abs=6)


def test_a_room_with_nobody_in_it_has_no_face(detector, nobody):
    assert detector.detect(nobody).tolist() == []


@needs_media
def test_at_least_24_of_the_29_are_found_in_the_group_and_little_else(detector):
    boxes = detector.detect(media("solvay1927_660.jpg"))
    people = [box for box in boxes if 20 <= box[2] <= 36 and 160 < box[1] < 270]
    assert len(people) >= 24
    assert len(boxes) - len(people) <= 2


@needs_media
@pytest.mark.parametrize("name", ["chelsea.png", "rocket.jpg"])
def test_nobody_is_found_where_nobody_is(detector, name):
    assert detector.detect(media(name)).tolist() == []


PORTRAITS = {  # the middle of the face and its width, read off the pictures; parts of the width
    "london_022_neutral.jpg": (0.50, 0.47, 0.35),
    "london_022_smiling.jpg": (0.50, 0.51, 0.36),
    "london_034_neutral.jpg": (0.50, 0.48, 0.43),
    "london_034_smiling.jpg": (0.50, 0.55, 0.43),
    "max_angry.jpg": (0.48, 0.77, 0.82),
    "max_neutral.jpeg": (0.52, 0.62, 0.61),
    "max_surprised.jpeg": (0.66, 0.36, 0.33),
}


@needs_media
@pytest.mark.parametrize("name", PORTRAITS)
def test_a_portrait_holds_one_face(detector, name):
    image = media(name)
    (box,) = detector.detect(image)
    x, y, width = PORTRAITS[name]
    assert np.array([*middle(box), box[2]]) / image.shape[1] == pytest.approx(
        [x, y, width], abs=0.06
    )


def test_of_boxes_that_overlap_the_first_is_kept():
    face, nose, neighbour = (0, 0, 100, 100), (40, 45, 20, 20), (90, 0, 100, 100)
    kept = faces.non_maximum_suppression([face, nose, neighbour], faces.overlap)
    assert kept == [face, neighbour]


def test_two_dark_spots_that_a_few_large_windows_answer_to_are_no_face(detector):
    room = np.full((240, 320), 180, np.uint8)
    for x in (130, 190):
        cv2.ellipse(room, (x, 95), (22, 10), 0, 0, 360, 60, -1)
    room = cv2.GaussianBlur(room, (0, 0), 5)
    assert [one for side in (97, 150) for one in detector._large_at(room, side)]
    assert detector.detect(room).tolist() == []


def test_a_confirmed_face_inside_one_with_a_higher_score_is_not_kept(monkeypatch, astronaut):
    detector = FaceDetector()
    proposals = [(170.0, 60.0, 109.0, 109.0), (200.0, 110.0, 40.0, 40.0)]
    monkeypatch.setattr(detector, "_proposals", lambda *_: proposals)
    monkeypatch.setattr(detector, "verify", lambda _, box: (200 + int(box[2]), box))
    scale = detector.scale(astronaut)
    assert detector.detect(astronaut)[:, 2].tolist() == [round(109 / scale)]


@pytest.mark.parametrize("roll", [-25, 0, 25])
def test_a_tilted_head_is_found_in_a_picture_and_its_roll_is_told(detector, astronaut, roll):
    turn = cv2.getRotationMatrix2D((224, 114), -roll, 1.0)
    turned = cv2.warpAffine(astronaut, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    (found,) = detector.find(turned)
    assert found.roll == (20 if roll > 0 else -20 if roll else 0)
    assert middle(found.box) == pytest.approx((224, 114), abs=10)


def test_in_doubt_what_has_no_eyes_is_no_face(detector, astronaut):
    grey_one, box = grey(astronaut), (170.0, 60.0, 109.0, 109.0)
    blind = grey_one.copy()
    blind[85:120, 185:265] = cv2.GaussianBlur(blind, (0, 0), 12)[85:120, 185:265]
    assert detector.is_face(grey_one, box, 57)
    assert not detector.is_face(blind, box, 57)
    assert detector.is_face(blind, box, 200)  # no doubt: sunglasses, say
    assert not detector.is_face(grey_one, box, 20)


def test_what_is_seen_in_a_turned_picture_needs_a_higher_score(detector, astronaut):
    box = (170.0, 60.0, 109.0, 109.0)
    assert detector.is_face(grey(astronaut), box, 40)
    assert not detector.is_face(grey(astronaut), box, 40, roll=20.0)


@needs_media
def test_all_29_of_the_group_are_found_in_the_picture_and_in_frames_a_second_apart(detector):
    assert len(detector.detect(media("solvay1927_660.jpg"))) == 29


# Errors


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (np.zeros((4, 4, 2), np.uint8), "an image with 2 channels: needed is grey, BGR or BGRA"),
        (
            np.zeros((4, 4, 3), np.float32),
            "an image of shape (4, 4, 3), float32: needed is 8-bit grey or BGR",
        ),
        (
            np.zeros((0, 4, 3), np.uint8),
            "an image of shape (0, 4, 3), uint8: needed is 8-bit grey or BGR",
        ),
        (np.zeros(4, np.uint8), "an image of shape (4,), uint8: needed is 8-bit grey or BGR"),
    ],
    ids=["two channels", "floats", "no rows", "one dimension"],
)
def test_what_is_no_image_is_refused(image, complaint):
    with pytest.raises(EmotionError) as caught:
        grey(image)
    assert str(caught.value) == complaint


def test_something_that_is_no_array_is_refused():
    with pytest.raises(EmotionError, match="needed is 8-bit grey or BGR"):
        grey(None)


def test_a_missing_cascade_is_named():
    with pytest.raises(EmotionError, match=r"haarcascade_nobody\.xml is missing or broken"):
        faces.load_cascade("haarcascade_nobody.xml")


def test_a_broken_cascade_is_named(monkeypatch, tmp_path):
    (tmp_path / "haarcascade_profileface.xml").write_text("<opencv_storage></opencv_storage>")
    monkeypatch.setattr(cv2.data, "haarcascades", str(tmp_path))
    with pytest.raises(EmotionError, match="is missing or broken: install opencv-python again"):
        faces.load_cascade("haarcascade_profileface.xml")


def test_an_opencv_without_cascades_says_which_to_install(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    with pytest.raises(EmotionError, match=r"has no Haar cascades: pip install 'opencv-python>=4"):
        FaceDetector()


# Crops


def test_a_crop_is_the_box_scaled():
    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert crop(image, [(2, 3, 4, 4)], size=4, margin=0).tolist() == [image[3:7, 2:6].tolist()]


def test_unless_told_otherwise_a_crop_is_a_fortieth_of_the_box_tighter_on_every_side():
    image = np.random.default_rng(0).integers(0, 255, (100, 100), np.uint8)
    assert crop(image, [(10, 10, 80, 80)], size=76)[0].tolist() == image[12:88, 12:88].tolist()


def test_a_crop_that_shrinks_averages():
    image = np.array([[0, 100, 8, 8], [100, 200, 8, 8], [1, 1, 9, 9], [1, 1, 9, 9]], np.uint8)
    assert crop(image, [(0, 0, 4, 4)], size=2, margin=0).tolist() == [[[100, 8], [1, 9]]]


def test_a_margin_is_added_on_every_side():
    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert crop(image, [(3, 3, 2, 2)], size=4, margin=0.5)[0].tolist() == image[2:6, 2:6].tolist()


def test_an_oblong_box_gives_the_square_around_its_middle():
    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert crop(image, [(3, 2, 2, 4)], size=4, margin=0)[0].tolist() == image[2:6, 2:6].tolist()


def test_the_edge_is_repeated_where_a_box_crosses_it():
    image = np.array([[1, 2], [3, 4]], np.uint8)
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert crop(image, [(-1, -1, 4, 4)], size=4, margin=0)[0].tolist() == expected


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((-1, 0, 3, 3), [[1, 1, 2], [4, 4, 5], [7, 7, 8]]),
        ((1, 0, 3, 3), [[2, 3, 3], [5, 6, 6], [8, 9, 9]]),
        ((0, -1, 3, 3), [[1, 2, 3], [1, 2, 3], [4, 5, 6]]),
        ((0, 1, 3, 3), [[4, 5, 6], [7, 8, 9], [7, 8, 9]]),
    ],
    ids=["left", "right", "top", "bottom"],
)
def test_where_a_box_crosses_one_edge_that_edge_alone_is_repeated(box, expected):
    image = np.arange(1, 10, dtype=np.uint8).reshape(3, 3)
    assert crop(image, [box], size=3, margin=0)[0].tolist() == expected


@pytest.mark.parametrize("box", [(-50, -50, 8, 8), (90, 4, 8, 8), (3, 70, 0, 0)])
def test_a_box_outside_the_picture_gives_its_nearest_pixels(box):
    image = np.full((10, 12), 7, np.uint8)
    assert (crop(image, [box], size=4) == 7).all()


def test_colour_is_made_grey_in_the_crop(astronaut):
    box = [(177, 66, 96, 96)]
    expected = crop(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY), box)
    assert (crop(astronaut, box) == expected).all()


def test_no_boxes_give_no_crops(astronaut):
    crops = crop(astronaut, np.empty((0, 4), np.int32))
    assert (crops.shape, crops.dtype) == ((0, 48, 48), np.uint8)


@pytest.mark.parametrize("roll", [-40, -15, 20, 45])
def test_a_rolled_head_is_set_upright(astronaut, roll):
    """Turned by OpenCV about the face, then cropped: the same crop as of the picture as it was."""
    box, centre = (170, 60, 109, 109), (224.5 - 0.5, 114.5 - 0.5)
    turn = cv2.getRotationMatrix2D(centre, -roll, 1.0)  # OpenCV counts the other way round
    rolled = cv2.warpAffine(astronaut, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    upright = crop(astronaut, [box])[0].astype(float)
    assert np.abs(crop(rolled, [box], rolls=[roll])[0] - upright).mean() < 6
    assert np.abs(crop(rolled, [box])[0] - upright).mean() > 18


def test_a_patch_reaches_no_further_than_asked_when_it_turns():
    image = np.zeros((100, 100), np.uint8)
    image[40:60, 40:60] = 200
    assert (patch(image, (45, 45, 10, 10), margin=0, size=10, roll=45) == 200).all()
