"""Faces in frames that follow each other, on clips made from the one photograph that ships."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion.faces import FaceDetector, grey
from emotion.tracking.detector import VideoDetector
from emotion.tracking.parameters import PARAMETERS
from emotion.tracking.shots import Shots
from emotion.tracking.tracker import Tracker

ASTRONAUT = Path(__file__).parents[2] / "samples" / "astronaut.png"
MEDIA = Path(__file__).parents[2] / ".." / "shared" / "media"
needs_media = pytest.mark.skipif(not MEDIA.is_dir(), reason="../shared/media is not here")
RATE = 25


@pytest.fixture(scope="module")
def head():
    """Head and shoulders, 240 px square; the face's box is about 50, 40, 109, 109 in it."""
    return cv2.imread(str(ASTRONAUT))[20:260, 120:360]


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


class Watching:
    """Detector and tracker over one clip, as EmotionRecogniser runs them, without a network."""

    def __init__(self, detector):
        self.detector, self.tracker = VideoDetector(detector), Tracker(("face",))
        self.shots = Shots()
        self.number = 0

    def __call__(self, frame, *, seconds=None):
        time = self.number / RATE if seconds is None else seconds
        self.number += 1
        dull = grey(frame)
        cut = self.shots.cut(dull)
        return self.tracker.update(
            time,
            detect=lambda tracks: self.detector.detect_next(frame, dull, tracks, time, cut=cut),
            classify=lambda tracks: np.ones((len(tracks), 1), np.float32),
            cut=cut,
        )


def scene(head, *places, size=(480, 640)):
    """A grey room with the head at each of the places (x, y)."""
    rows, columns = head.shape[:2]
    frame = np.full((*size, 3), 120, np.uint8)
    for x, y in places:
        frame[y : y + rows, x : x + columns] = head
    return frame


def rolled(head, angle):
    """The head rolled clockwise by `angle` degrees about its face."""
    turn = cv2.getRotationMatrix2D((104, 94), -angle, 1.0)
    return cv2.warpAffine(head, turn, (240, 240), borderMode=cv2.BORDER_REPLICATE)


def test_a_face_is_found_in_the_first_frame(detector, head):
    (person,) = Watching(detector)(scene(head, (200, 100)))
    assert person.box[:2] == pytest.approx((250, 140), abs=12)


def test_a_face_that_moves_is_followed_in_every_frame(detector, head):
    watching = Watching(detector)
    for x in range(40, 360, 8):
        (person,) = watching(scene(head, (x, 100)))
        assert person.seen
        assert person.box[0] == pytest.approx(x + 50, abs=16)
    assert person.identity == 1


def test_a_face_that_grows_is_followed_to_its_new_size(detector, head):
    watching = Watching(detector)
    for side in range(160, 460, 12):
        grown = cv2.resize(head, (side, side))
        (person,) = watching(scene(grown, (320 - side // 2, 240 - side // 2)))
        assert person.seen
    assert person.identity == 1
    assert person.box[2] == pytest.approx(109 * side / 240, rel=0.15)


def test_a_head_that_comes_to_roll_is_followed_and_its_roll_is_told(detector, head):
    watching = Watching(detector)
    for angle in [*range(0, 41, 2), *[40] * 15]:
        (person,) = watching(scene(rolled(head, angle), (200, 100)))
    assert (person.identity, person.seen) == (1, True)
    assert person.angle == pytest.approx(40, abs=12)


def test_a_newcomer_with_a_rolled_head_is_found(detector, head):
    watching = Watching(detector)
    (person,) = watching(scene(rolled(head, -32), (200, 100)))
    assert person.angle == pytest.approx(-30, abs=8)
    assert person.box[:2] == pytest.approx((250, 140), abs=14)


@pytest.mark.parametrize("side", [240, 130], ids=["near", "further back"])
def test_a_newcomer_in_an_empty_room_is_found_within_a_second(detector, head, side):
    watching = Watching(detector)
    head = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    for _ in range(10):
        assert watching(scene(head)) == []
    shown = [bool(watching(scene(head, (200, 100)))) for _ in range(RATE)]
    assert shown[-1]


def test_a_newcomer_beside_somebody_is_found_within_two_seconds(detector, head):
    watching = Watching(detector)
    small = cv2.resize(head, (180, 180))
    for _ in range(10):
        watching(scene(small, (40, 100)))
    for _ in range(2 * RATE):
        people = watching(scene(small, (40, 100), (400, 200)))
    assert sorted(person.identity for person in people) == [1, 2]


def test_a_face_that_jumps_is_found_again_as_the_same_person(detector, head):
    watching = Watching(detector)
    for _ in range(5):
        watching(scene(head, (100, 100)))
    for _ in range(5):
        people = watching(scene(head, (160, 120)))
    assert [(person.identity, person.seen) for person in people] == [(1, True)]
    assert people[0].box[0] == pytest.approx(210, abs=14)


class Doubtful(FaceDetector):
    """Sees what a FaceDetector sees, with the score that it is told; no eyes in anything."""

    told = PARAMETERS.certain_score - 1

    def score(self, image, box, *, equalised):
        half = self.told // 2
        return self.told - half if equalised else half, super().score(
            image, box, equalised=equalised
        )[1]

    def is_face(self, image, box, score, *, roll=0.0):
        return False


def test_a_doubtful_face_is_shown_only_when_it_is_still_there_after_a_second(head):
    watching = Watching(Doubtful())
    shown = [len(watching(scene(head, (200, 100)))) for _ in range(RATE + 2)]
    assert shown == [*[0] * RATE, 1, 1]


def test_a_doubtful_face_is_shown_as_soon_as_it_is_verified(head):
    detector = Doubtful()
    watching = Watching(detector)
    assert watching(scene(head, (200, 100))) == []
    detector.told = PARAMETERS.certain_score
    shown = [len(watching(scene(head, (200, 100)))) for _ in range(RATE // 2)]
    assert shown[-1] == 1


def test_a_face_with_eyes_is_shown_in_the_first_frame_of_a_shot_even_if_it_is_weak(head):
    detector = Doubtful()
    detector.is_face = lambda *_, **__: True
    assert len(Watching(detector)(scene(head, (200, 100)))) == 1


def test_frames_far_apart_are_searched_as_pictures(detector, head):
    watching = Watching(detector)
    small = cv2.resize(head, (120, 120))
    assert len(watching(scene(small, (40, 100)), seconds=0)) == 1
    people = watching(scene(small, (40, 100), (400, 300), (250, 40)), seconds=5)
    assert sorted(person.identity for person in people) == [1, 2, 3]


@pytest.mark.parametrize(("live", "searched_as_pictures"), [(True, 1), (False, 4)])
def test_a_slow_machines_gaps_are_no_time_lapse(
    detector, head, monkeypatch, live, searched_as_pictures
):
    clock = iter(range(100))  # the search of a frame takes a second, and the next one comes then
    monkeypatch.setattr("emotion.tracking.detector.perf_counter", lambda: next(clock))
    video, pictures = VideoDetector(detector), []
    monkeypatch.setattr(video, "_far", lambda *_: pictures.append(1) or [])
    frame = scene(head, (200, 100))
    for seconds in (0.0, 1.1, 2.2, 3.3, 8.0):
        video.detect_next(frame, grey(frame), [], seconds, cut=False, live=live)
    assert len(pictures) == searched_as_pictures


def test_a_head_that_a_picture_misses_is_looked_for_in_its_place(detector, head, monkeypatch):
    watching = Watching(detector)
    watching(scene(head, (200, 100)), seconds=0)
    monkeypatch.setattr(detector, "find", lambda _: [])
    (person,) = watching(scene(head, (200, 100)), seconds=5)
    assert (person.identity, person.seen) == (1, True)


def test_what_verification_refuses_is_never_shown(head):
    detector = Doubtful()
    watching = Watching(detector)
    watching(scene(head, (200, 100)))
    detector.told = 0
    assert [watching(scene(head, (200, 100))) for _ in range(2 * RATE)][RATE // 2 :] == [
        [] for _ in range(2 * RATE - RATE // 2)
    ]


class Counting(FaceDetector):
    """Refuses whatever is verified, and counts the halves."""

    halves = 0

    def score(self, image, box, *, equalised):
        self.halves += 1
        return 0, box


@pytest.mark.parametrize(("rate", "most"), [(60, 1), (30, 1), (10, 3)])
def test_what_there_is_to_verify_is_spread_over_the_frames(head, rate, most):
    detector = Counting()
    watching = Watching(detector)
    crowd = scene(cv2.resize(head, (120, 120)), *[(x, y) for x in (0, 200, 400) for y in (0, 240)])
    halves = []
    for number in range(3 * rate):
        watching(crowd, seconds=number / rate)
        halves.append(detector.halves - sum(halves))
    assert halves[0] >= 6
    assert max(halves[1:]) == most
    assert sum(halves[1:]) > 20


def test_somebody_who_left_is_not_found_in_the_empty_room(detector, head):
    watching = Watching(detector)
    for _ in range(10):
        watching(scene(head, (200, 100)))
    people = [watching(scene(head)) for _ in range(RATE)]
    assert not any(person.seen for shown in people for person in shown)
    assert people[-1] == []


def test_frames_may_change_their_size(detector, head):
    watching = Watching(detector)
    watching(scene(head, (200, 100)))
    (person,) = watching(scene(head, (20, 20), size=(300, 400)))
    assert person.box[:2] == pytest.approx((70, 60), abs=12)


def test_grey_frames_are_followed_too(detector, head):
    watching = Watching(detector)
    for x in range(100, 200, 10):
        (person,) = watching(cv2.cvtColor(scene(head, (x, 100)), cv2.COLOR_BGR2GRAY))
        assert person.seen


# The clips with real people


def people_in(detector, path):
    capture = cv2.VideoCapture(str(path))
    watching = Watching(detector)
    shown = []
    while (answer := capture.read())[0]:
        shown.append(watching(answer[1], seconds=len(shown) / capture.get(cv2.CAP_PROP_FPS)))
        shown[-1] = {one.identity: (one.box, one.seen) for one in shown[-1]}
    return shown


def test_who_comes_in_gets_a_number_and_who_is_there_keeps_hers(detector, people_clip):
    shown = [sorted(people) for people in people_in(detector, people_clip)]
    assert shown[:24] == [[1]] * 24
    assert shown[36:] == [[1, 2]] * 16
    assert set(map(tuple, shown[24:36])) <= {(1,), (1, 2)}


@needs_media
def test_the_nodding_man_is_one_person_and_nobody_is_on_his_shirt(detector):
    shown = people_in(detector, MEDIA / "yes.mkv")
    assert [sorted(people) for people in shown] == [[1]] * 65
    assert all(box[1] + box[3] < 200 for people in shown for box, _ in people.values())


@needs_media
@pytest.mark.parametrize("seconds", [1, 5])
def test_29_on_a_still_stay_the_same_29(detector, seconds):
    watching, frame = Watching(detector), cv2.imread(str(MEDIA / "solvay1927_660.jpg"))
    for number in range(3):
        people = watching(frame, seconds=number * seconds)
        assert sorted(person.identity for person in people) == list(range(1, 30))


@needs_media
def test_two_who_turn_their_heads_keep_two_numbers_from_the_first_frame_to_the_last(detector):
    shown = people_in(detector, MEDIA / "head-pose-face-detection-female-and-male.mp4")
    assert [sorted(people) for people in shown] == [[1, 2]] * 56
    assert all(people[1][0][0] > 240 > people[2][0][0] for people in shown)  # him, her
    assert sum(seen for people in shown for _, seen in people.values()) >= 0.95 * 112
