"""Where a known face is, on squares that a stand-in for the cascades reads."""

import numpy as np
import pytest

from emotion import faces
from emotion.tracking.local_search import (
    FRONT,
    LEFT,
    RIGHT,
    LocalSearch,
    Pose,
    alternatives,
    neighbours,
)
from emotion.tracking.parameters import PARAMETERS, Search
from emotion.tracking.pyramid import Pyramid

BOX = (100.0, 100.0, 40.0, 40.0)
SEARCH = Search(side=40, scale_factor=1.1, min_score=5, margin=0.25)  # sees 60 x 60 pixels


class Cascade:
    """Answers with one window and its score; without a window, with what is bright."""

    def __init__(self, window=None, score=5):
        self.window, self.score = window, score

    def detectMultiScale2(self, image, *_, **__):  # noqa: N802, OpenCV's name
        if self.window is not None:
            return [self.window], [self.score]
        rows, columns = np.nonzero(image > 128)
        x, y = columns.min(), rows.min()
        return [(x, y, columns.max() + 1 - x, rows.max() + 1 - y)], [self.score]


@pytest.fixture
def search(monkeypatch):
    """Makes a search, both of whose cascades answer alike."""

    def made(*answer):
        monkeypatch.setattr(faces, "load_cascade", lambda _: Cascade(*answer))
        return LocalSearch(Cascade(*answer), PARAMETERS)

    return made


def frame():
    return np.full((240, 240), 90, np.uint8)


def middle(box):
    return box[0] + box[2] / 2, box[1] + box[3] / 2


@pytest.mark.parametrize(
    ("pose", "expected", "side"),
    [
        # The window's middle is 0 px across and 3 px above the square's.
        (Pose(), (120, 117), 30),
        (Pose(roll=90), (123, 120), 30),
        # A profile's window is larger, and reaches further back and up: by 4.2 and 0.9 px here.
        (Pose(view=LEFT), (115.8, 117.9), 27),
        (Pose(view=RIGHT), (124.2, 117.9), 27),
    ],
    ids=["front", "rolled", "left", "right"],
)
def test_a_window_in_the_square_is_placed_in_the_frame(search, pose, expected, side):
    score, box = search((15, 12, 30, 30))(Pyramid(frame()), BOX, pose, SEARCH)
    assert score == 5
    assert middle(box) == pytest.approx(expected)
    assert box[2:] == pytest.approx((side, side))


def test_a_face_that_looks_right_is_found_as_its_mirror_image_that_looks_left(search):
    left = frame()
    left[105:135, 112:142] = 200
    right = np.ascontiguousarray(left[:, ::-1])
    mirrored = (240 - BOX[0] - BOX[2], *BOX[1:])
    _, one = search()(Pyramid(left), BOX, Pose(view=LEFT), SEARCH)
    _, other = search()(Pyramid(right), mirrored, Pose(view=RIGHT), SEARCH)
    assert other == pytest.approx((240 - one[0] - one[2], *one[1:]))


def test_a_box_is_made_as_large_as_the_searchs_scale_says(search):
    wider = Search(side=40, scale_factor=1.1, min_score=5, margin=0.25, box_scale=1.1)
    _, box = search((15, 15, 30, 30))(Pyramid(frame()), BOX, Pose(), wider)
    assert box[2:] == pytest.approx((33, 33))


def test_a_score_below_the_searchs_is_nothing_found(search):
    assert search((15, 15, 30, 30), 4)(Pyramid(frame()), BOX, Pose(), SEARCH) is None


def test_a_large_face_is_searched_for_in_a_smaller_level_at_its_place(search):
    large = (40.0, 60.0, 160.0, 160.0)  # four times the search's side
    _, box = search((14, 14, 32, 32))(Pyramid(frame()), large, Pose(), SEARCH)
    assert middle(box) == pytest.approx((40 + 80, 60 + 80))
    assert box[2] == pytest.approx(4 * 32)


def test_a_head_that_is_seen_from_a_side_may_turn_to_the_front_or_roll():
    assert neighbours(Pose(15, LEFT), PARAMETERS) == [
        Pose(0, LEFT),
        Pose(30, LEFT),
        Pose(15),
        Pose(0),
        Pose(30),
    ]


@pytest.mark.parametrize("view", [FRONT, LEFT, RIGHT])
@pytest.mark.parametrize("roll", [-60.0, 0.0, 45.0])
def test_every_view_is_tried_and_no_pose_beyond_the_largest_roll(roll, view):
    others = alternatives(Pose(roll, view), PARAMETERS)
    assert max(abs(one.roll) for one in others) <= PARAMETERS.max_roll
    assert {FRONT, LEFT, RIGHT} == {one.view for one in others}
