"""A frame's levels: made once, as small as a search can bear."""

import numpy as np
import pytest

from emotion.tracking.pyramid import Pyramid


@pytest.fixture
def levels():
    return Pyramid(np.full((320, 480), 90, np.uint8))


def test_each_level_is_half_the_one_before_and_made_once(levels):
    assert [levels.level(number).shape for number in (0, 2, 1)] == [
        (320, 480),
        (80, 120),
        (160, 240),
    ]
    assert levels.level(2) is levels.level(2)


@pytest.mark.parametrize(("width", "scale"), [(20, 1), (79, 1), (80, 0.5), (159, 0.5), (160, 0.25)])
def test_the_smallest_level_that_leaves_a_box_its_side_is_best(levels, width, scale):
    image, found = levels.best((0, 0, width, width), 40)
    assert found == scale
    assert image.shape == (320 * scale, 480 * scale)


def test_a_line_of_pixels_is_not_halved():
    assert Pyramid(np.full((3, 480), 90, np.uint8)).level(9).shape == (1, 120)
