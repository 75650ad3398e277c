"""YuNet behind the cascades' interface; a stand-in answers for the network, which is not here."""

import cv2
import numpy as np
import pytest

from emotion.errors import EmotionError
from emotion.tracking.tracker import Tracker
from emotion.tracking.yunet import YuNet


class StandIn:
    """Answers like cv2.FaceDetectorYN, in pixels of the image that it is given."""

    def __init__(self, rows):
        self.rows, self.size, self.seen = rows, None, None

    def setInputSize(self, size):  # noqa: N802, OpenCV's name
        self.size = size

    def detect(self, image):
        self.seen = image
        return 1, None if self.rows is None else np.array(self.rows, np.float32)


def face(x=100.0, y=100.0, side=100.0, roll=0.0, score=0.9):
    """A row of YuNet's answer for a face whose cascade box is x, y, side, side."""
    points = np.array(
        [(-0.1825, -0.105), (0.1825, -0.105), (0, 0.1), (-0.12, 0.265), (0.12, 0.265)]
    )
    turn = np.radians(roll)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = points @ spin.T * side + (x + side / 2, y + side / 2)
    return [x + 10, y - 5, 80, 105, *points.ravel(), score]


@pytest.fixture
def detector(monkeypatch, tmp_path):
    """Makes a YuNet whose network answers with the given rows."""
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"stand-in")

    def made(rows, **settings):
        stand_in = StandIn(rows)
        monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *_: stand_in)
        return YuNet(path, **settings), stand_in

    return made


FRAME = np.full((300, 400, 3), 90, np.uint8)


def test_a_face_gets_the_box_that_a_cascade_would_give_it(detector):
    yunet, _ = detector([face(100, 120, 90)])
    assert yunet.detect(FRAME).tolist() == [[100, 120, 90, 90]]


def test_boxes_come_largest_first_and_doubtful_ones_are_left_out_of_pictures(detector):
    yunet, _ = detector([face(10, 10, 60), face(200, 50, 120), face(20, 200, 50, score=0.7)])
    assert yunet.detect(FRAME)[:, 2].tolist() == [120, 60]


def test_in_video_doubtful_faces_are_told_apart_from_confirmed_ones(detector):
    yunet, _ = detector([face(10, 10, 60), face(200, 50, 120, score=0.7)])
    detections = yunet.detect_next(FRAME, FRAME[:, :, 0], [], 0.0, cut=False)
    assert [one.confirmed for one in detections] == [True, False]
    assert detections[0].box == pytest.approx((10, 10, 60, 60), abs=0.01)


@pytest.mark.parametrize("roll", [-40, 0, 25])
def test_a_rolled_head_keeps_its_box_and_tells_its_roll(detector, roll):
    yunet, _ = detector([face(100, 120, 90, roll=roll)])
    (found,) = yunet.detect_next(FRAME, FRAME[:, :, 0], [], 0.0, cut=False)
    assert found.roll == pytest.approx(roll, abs=0.01)
    assert found.box == pytest.approx((100, 120, 90, 90), abs=0.01)


def test_a_head_turned_aside_keeps_its_size(detector):
    row = face(100, 120, 90)
    middle = 145
    for index in (4, 6, 10, 12):  # eyes and mouth corners move together, as in a half profile
        row[index] = middle + (row[index] - middle) * 0.4
    yunet, _ = detector([row])
    assert yunet.detect(FRAME).tolist() == [[100, 120, 90, 90]]


def test_nothing_found_is_empty(detector):
    yunet, _ = detector(None)
    assert yunet.detect(FRAME).shape == (0, 4)
    assert yunet.detect_next(FRAME, FRAME[:, :, 0], [], 0.0, cut=False) == []


def test_a_large_frame_is_made_smaller_until_its_smallest_face_is_fourteen_pixels(detector):
    yunet, stand_in = detector([face(50, 50, 60)], min_face=0.1)
    frame = np.zeros((480, 640, 3), np.uint8)
    (found,) = yunet.detect_next(frame, frame[:, :, 0], [], 0.0, cut=False)
    assert stand_in.seen.shape == (140, 187, 3)
    assert stand_in.size == (187, 140)
    assert found.box[2] == pytest.approx(60 * 480 / 140)


def test_in_a_picture_the_smallest_face_has_twenty_pixels(detector):
    yunet, stand_in = detector([face(50, 50, 60)], min_face=0.1)
    boxes = yunet.detect(np.zeros((480, 640, 3), np.uint8))
    assert stand_in.seen.shape == (200, 267, 3)
    assert boxes[0][2] == round(60 * 480 / 200)


def test_a_picture_of_8k_is_also_searched_small_enough_for_a_face_that_fills_it(detector):
    """The network knows faces of up to 300 px: in one of its two sizes each face is smaller."""
    yunet, stand_in = detector([])
    sizes = []

    def detect(image):
        sizes.append(image.shape[:2])
        side = image.shape[0] * 0.6  # one face, the same part of the picture in both
        return 1, np.array([face(10, 10, side)], np.float32)

    stand_in.detect = detect
    (box,) = yunet.detect(np.zeros((4320, 7680, 3), np.uint8))
    assert sizes == [(500, 889), (150, 267)]
    assert 0.6 * sizes[1][0] < 300 < sizes[0][0]
    assert box[2] == pytest.approx(0.6 * 4320, rel=0.01)


@pytest.mark.parametrize("shape", [(300, 400), (300, 400, 1), (300, 400, 4)])
def test_grey_and_transparent_frames_reach_the_network_in_three_channels(detector, shape):
    yunet, stand_in = detector([face()])
    assert len(yunet.detect(np.full(shape, 90, np.uint8))) == 1
    assert stand_in.seen.shape == (300, 400, 3)


@pytest.mark.parametrize("seconds", [0.04, 1, 5, 3600])
def test_identities_hold_at_any_gap_in_a_still_scene(detector, seconds):
    yunet, _ = detector([face(10, 10, 60), face(200, 50, 120)])
    tracker = Tracker(("face",))
    for number in range(5):
        time = number * seconds
        people = tracker.update(
            time,
            lambda tracks, time=time: yunet.detect_next(
                FRAME, FRAME[:, :, 0], tracks, time, cut=False
            ),
            lambda tracks: np.ones((len(tracks), 1), np.float32),
        )
        assert {one.identity: one.box[2] for one in people} == {1: 60, 2: 120}


def test_a_missing_file_says_where_to_get_it(tmp_path):
    path = tmp_path / "face_detection_yunet_2023mar.onnx"
    with pytest.raises(EmotionError) as caught:
        YuNet(path)
    assert str(caught.value) == (
        f"FACE_MODEL='{path}' does not exist: get face_detection_yunet_2023mar.onnx from "
        "OpenCV's model zoo, or leave it unset for the cascades"
    )


def test_a_file_that_is_no_network_is_refused(tmp_path):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(EmotionError) as caught:
        YuNet(path)
    assert str(caught.value) == f"FACE_MODEL='{path}' is no YuNet model that OpenCV reads"
