"""Head and shoulders in a few pixels, compared and remembered."""

import numpy as np
import pytest

from emotion.tracking.appearance import appearance, blended, difference

BOX = (40.0, 40.0, 40.0, 40.0)


def person(coat):
    """A frame, 200 x 120, with a light face in BOX and a coat of one colour under it."""
    frame = np.zeros((200, 120, 3), np.uint8)
    frame[30:80, 36:84] = 200
    frame[80:, :] = coat
    return frame


def test_it_is_a_vector_in_0_to_1_with_four_by_eight_pixels_of_each_channel():
    vector = appearance(person((255, 255, 255)), BOX)
    assert (vector.shape, vector.dtype) == ((4 * 8 * 3,), np.float32)
    assert (vector.min(), vector.max()) == pytest.approx((200 / 255, 1))  # nothing beside the box


def test_a_box_that_leaves_the_frame_is_seen_as_far_as_it_goes():
    assert appearance(person((9, 9, 9)), (-30, 170, 60, 60)).shape == (96,)


def test_the_difference_is_the_mean_over_the_pixels():
    black, white = (appearance(person((v, v, v)), BOX) for v in (0, 255))
    assert difference(black, black) == 0
    assert difference(black, white) == pytest.approx(0.4, abs=0.01)  # the coat's part of it


def test_of_somebody_never_noted_nothing_differs():
    assert difference(None, np.ones(3, np.float32)) == difference(None, None) == 0


def test_a_new_one_changes_the_remembered_one_by_its_gain():
    old, new = np.zeros(3, np.float32), np.ones(3, np.float32)
    assert blended(old, new, 0.1) == pytest.approx([0.1] * 3)
    assert blended(None, new, 0.1) is new
    assert blended(old, None, 0.1) is old


def test_grey_and_transparent_frames_look_like_coloured_ones_of_the_same_pixels():
    grey = np.random.default_rng(0).integers(0, 255, (60, 60), np.uint8)
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    alpha = np.dstack([colour, np.full_like(grey, 255)])
    expected = appearance(colour, (10, 10, 20, 20))
    for frame in (grey, grey[:, :, None], alpha):
        assert appearance(frame, (10, 10, 20, 20)) == pytest.approx(expected)
