"""Arguments of the library: a value that can be used, or one line that says why not."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emotion import arguments
from emotion.errors import EmotionError


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), Fraction(2)])
def test_any_kind_of_number_is_a_number(value):
    assert arguments.number("time", value, "seconds", lambda _: True) == 2.0


@pytest.mark.parametrize(
    "value",
    [None, "2", b"2", True, [2], np.array([2]), 2j, float("nan"), float("inf"), 10**400, object()],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(EmotionError, match=r"^time=.* must be seconds$"):
        arguments.number("time", value, "seconds", lambda _: True)


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(EmotionError) as caught:
        arguments.number("confidence", 2, "0 to 1", lambda n: 0 <= n <= 1)
    assert str(caught.value) == "confidence=2 must be 0 to 1"


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", True, None, 10**9, 10**5000], ids=lambda _: "")
def test_a_count_is_a_whole_number_of_one_or_more(value):
    assert arguments.count("threads", np.int32(3)) == 3
    with pytest.raises(EmotionError, match=r"^threads=.* must be a whole number of 1 or more$"):
        arguments.count("threads", value)


@pytest.mark.parametrize("value", [5, None, b"model.tflite", ["model.tflite"]])
def test_a_path_is_text_or_a_path(value):
    assert arguments.path("model", "a.tflite") == Path("a.tflite")
    with pytest.raises(EmotionError, match=r"^model=.* must be the path of a file$"):
        arguments.path("model", value)


def test_a_long_or_broken_value_is_repeated_on_one_short_line():
    class Broken:
        def __repr__(self):
            raise ValueError

    assert arguments.shown("a" * 1000) == "'" + "a" * 56 + "..."
    assert arguments.shown(np.eye(9)).count("\n") == 0
    assert arguments.shown(Broken()) == "a Broken"


@pytest.mark.parametrize(
    "value", [(1, 2, 3), (0, 0, 1, 0), (-1, 0, 4, 4), (0, 0, 1.5, 2), (0, 0, True, 2), (0,) * 5]
)
def test_a_region_is_four_whole_numbers_of_pixels(value):
    assert arguments.wrong_region((0, 0, 1, 1)) is None
    assert arguments.wrong_region(value).startswith("must be x,y,width,height: four whole numbers")
