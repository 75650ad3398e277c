"""Faces in frames that follow each other, on clips made from the one photograph that ships."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion import faces
from emotion.faces import FaceFinder, grey
from emotion.tracking.detector import FaceFollower, Shots
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
def finder():
    return FaceFinder()


class Watching:
    """Follower and tracker over one clip, as the pipeline runs them."""

    def __init__(self, finder):
        self.follower, self.tracker, self.shots = FaceFollower(finder), Tracker(()), Shots()
        self.number = 0

    def __call__(self, frame, *, seconds=None):
        time = self.number / RATE if seconds is None else seconds
        self.number += 1
        dull = grey(frame)
        cut = self.shots.cut(dull)
        expected = self.tracker.expect(time)
        sightings = self.follower.follow(frame, dull, expected, time, cut=cut)
        return self.tracker.place(sightings, cut=cut)


def scene(head, *places, size=(480, 640)):
    """A grey room with the head at each of the places (x, y)."""
    rows, columns = head.shape[:2]
    frame = np.full((*size, 3), 120, np.uint8)
    for x, y in places:
        frame[y : y + rows, x : x + columns] = head
    return frame


def leaning(head, angle):
    """The head leaning clockwise by `angle` degrees about its face."""
    turn = cv2.getRotationMatrix2D((104, 94), -angle, 1.0)
    return cv2.warpAffine(head, turn, (240, 240), borderMode=cv2.BORDER_REPLICATE)


def test_a_face_is_found_in_the_first_frame(finder, head):
    (person,) = Watching(finder)(scene(head, (200, 100)))
    assert person.box[:2] == pytest.approx((250, 140), abs=12)


def test_a_face_that_moves_is_followed_in_every_frame(finder, head):
    watching = Watching(finder)
    for x in range(40, 360, 8):
        (person,) = watching(scene(head, (x, 100)))
        assert person.seen
        assert person.box[0] == pytest.approx(x + 50, abs=16)
    assert person.identity == 1


def test_a_face_that_grows_is_followed_to_its_new_size(finder, head):
    watching = Watching(finder)
    for side in range(160, 460, 12):
        grown = cv2.resize(head, (side, side))
        (person,) = watching(scene(grown, (320 - side // 2, 240 - side // 2)))
        assert person.seen
    assert person.identity == 1
    assert person.box[2] == pytest.approx(109 * side / 240, rel=0.15)


def test_a_head_that_comes_to_lean_is_followed_and_its_lean_is_told(finder, head):
    watching = Watching(finder)
    for angle in [*range(0, 41, 2), *[40] * 15]:
        (person,) = watching(scene(leaning(head, angle), (200, 100)))
    assert (person.identity, person.seen) == (1, True)
    assert person.angle == pytest.approx(40, abs=12)


def test_a_newcomer_who_leans_is_found(finder, head):
    watching = Watching(finder)
    (person,) = watching(scene(leaning(head, -32), (200, 100)))
    assert person.angle == pytest.approx(-30, abs=8)
    assert person.box[:2] == pytest.approx((250, 140), abs=14)


@pytest.mark.parametrize("side", [240, 130], ids=["near", "further back"])
def test_a_newcomer_in_an_empty_room_is_found_within_a_second(finder, head, side):
    watching = Watching(finder)
    head = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    for _ in range(10):
        assert watching(scene(head)) == []
    shown = [bool(watching(scene(head, (200, 100)))) for _ in range(RATE)]
    assert shown[-1]


def test_a_newcomer_beside_somebody_is_found_within_two_seconds(finder, head):
    watching = Watching(finder)
    small = cv2.resize(head, (180, 180))
    for _ in range(10):
        watching(scene(small, (40, 100)))
    for _ in range(2 * RATE):
        people = watching(scene(small, (40, 100), (400, 200)))
    assert sorted(person.identity for person in people) == [1, 2]


def test_a_face_that_jumps_is_found_again_as_the_same_person(finder, head):
    watching = Watching(finder)
    for _ in range(5):
        watching(scene(head, (100, 100)))
    for _ in range(5):
        people = watching(scene(head, (160, 120)))
    assert [(person.identity, person.seen) for person in people] == [(1, True)]
    assert people[0].box[0] == pytest.approx(210, abs=14)


class Unsure(FaceFinder):
    """Sees what a FaceFinder sees, with as many votes as it is told."""

    votes = faces.SURE - 1

    def look(self, image, box):
        return self.votes, super().look(image, box)[1]


def test_a_doubtful_face_is_shown_only_when_it_is_still_there_after_a_second(head):
    watching = Watching(Unsure())
    shown = [len(watching(scene(head, (200, 100)))) for _ in range(RATE + 2)]
    assert shown == [*[0] * RATE, 1, 1]


def test_a_doubtful_face_is_shown_as_soon_as_a_closer_look_is_sure(head):
    finder = Unsure()
    watching = Watching(finder)
    assert watching(scene(head, (200, 100))) == []
    finder.votes = faces.SURE
    shown = [len(watching(scene(head, (200, 100)))) for _ in range(RATE // 2)]
    assert shown[-1] == 1


def test_what_a_closer_look_refuses_is_never_shown(head):
    finder = Unsure()
    watching = Watching(finder)
    watching(scene(head, (200, 100)))
    finder.votes = 0
    assert [watching(scene(head, (200, 100))) for _ in range(2 * RATE)][RATE // 2 :] == [
        [] for _ in range(2 * RATE - RATE // 2)
    ]


def test_somebody_who_left_is_not_found_in_the_empty_room(finder, head):
    watching = Watching(finder)
    for _ in range(10):
        watching(scene(head, (200, 100)))
    people = [watching(scene(head)) for _ in range(RATE)]
    assert not any(person.seen for shown in people for person in shown)
    assert people[-1] == []


def test_frames_may_change_their_size(finder, head):
    watching = Watching(finder)
    watching(scene(head, (200, 100)))
    (person,) = watching(scene(head, (20, 20), size=(300, 400)))
    assert person.box[:2] == pytest.approx((70, 60), abs=12)


def test_grey_frames_are_followed_too(finder, head):
    watching = Watching(finder)
    for x in range(100, 200, 10):
        (person,) = watching(cv2.cvtColor(scene(head, (x, 100)), cv2.COLOR_BGR2GRAY))
        assert person.seen


def test_a_new_shot_is_told_from_a_moving_camera(head):
    shots = Shots()
    frames = [scene(head, (x, 100)) for x in range(100, 200, 20)]
    frames += [255 - frame for frame in frames]
    assert [shots.cut(grey(frame)) for frame in frames] == [True, *[False] * 4, True, *[False] * 4]


# The clips with real people


def people_in(finder, name):
    capture = cv2.VideoCapture(str(MEDIA / name))
    watching = Watching(finder)
    shown = []
    while (answer := capture.read())[0]:
        shown.append(watching(answer[1], seconds=len(shown) / capture.get(cv2.CAP_PROP_FPS)))
        shown[-1] = {one.identity: (one.box, one.seen) for one in shown[-1]}
    return shown


@needs_media
def test_the_nodding_man_is_one_person_and_nobody_is_on_his_shirt(finder):
    shown = people_in(finder, "yes.mkv")
    assert [sorted(people) for people in shown] == [[1]] * 65
    assert all(box[1] + box[3] < 200 for people in shown for box, _ in people.values())


@needs_media
def test_two_who_turn_their_heads_keep_two_numbers_from_the_first_frame_to_the_last(finder):
    shown = people_in(finder, "head-pose-face-detection-female-and-male.mp4")
    assert [sorted(people) for people in shown] == [[1, 2]] * 56
    assert all(people[1][0][0] > 240 > people[2][0][0] for people in shown)  # him, her
    assert sum(seen for people in shown for _, seen in people.values()) >= 0.95 * 112
