"""Cuts, told from whatever else moves in a frame."""

import numpy as np

from emotion.tracking.shots import Shots


def room(x):
    """A grey frame, 480 x 640, with something bright at column `x`."""
    frame = np.full((480, 640), 120, np.uint8)
    frame[100:340, x : x + 240] = 200
    return frame


def test_the_first_frame_starts_a_shot():
    assert Shots().cut(room(0))


def test_a_new_shot_is_told_from_something_that_moves():
    shots = Shots()
    frames = [room(x) for x in range(100, 200, 20)]
    frames += [255 - frame for frame in frames]
    assert [shots.cut(frame) for frame in frames] == [True, *[False] * 4, True, *[False] * 4]


def test_a_frame_of_another_size_starts_a_shot():
    shots = Shots()
    shots.cut(room(0))
    assert shots.cut(room(0)[:200, :200])


def test_a_frame_that_the_caller_goes_on_drawing_in_is_remembered_as_it_was():
    shots, frame = Shots(), room(0)
    shots.cut(frame)
    frame[:] = 255 - frame
    assert shots.cut(frame)
