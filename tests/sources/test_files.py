"""Pictures read, those that move among them."""

import cv2
import numpy as np
import pytest
from film import grey

from emotion.errors import UnreadableError
from emotion.output.recording import save_picture
from emotion.sources.files import Animation, Picture


def test_a_picture_is_one_frame_without_a_time(tmp_path):
    save_picture(tmp_path / "a.png", grey(7))
    with Picture(tmp_path / "a.png") as source:
        (frame,) = source
    assert (frame.index, frame.time, frame.wall) == (0, None, None)
    assert frame.source == str(tmp_path / "a.png")
    assert np.array_equal(frame.image, grey(7))


@pytest.fixture
def animated(tmp_path):
    """A WebP of three pictures, shown for a tenth of a second, three tenths and half a second."""
    if not hasattr(cv2, "imwriteanimation"):
        pytest.skip("this OpenCV knows no animations")
    animation = cv2.Animation()
    animation.frames = [grey(level) for level in (40, 120, 200)]
    animation.durations = np.array([100, 300, 500])
    cv2.imwriteanimation(str(tmp_path / "a.webp"), animation)
    return tmp_path / "a.webp"


def test_an_animated_webp_is_read_in_full_with_its_times(animated):
    with Animation(animated) as source:
        frames = list(source)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.4])
    assert [frame.lasts for frame in frames] == pytest.approx([0.1, 0.3, 0.5])
    assert [frame.image.mean() for frame in frames] == pytest.approx([40, 120, 200], abs=4)
    assert source.length == pytest.approx(0.9) and source.rate == pytest.approx(3 / 0.9)


def test_so_much_of_an_animation_is_looked_at(animated):
    with Animation(animated, duration=0.4) as source:
        assert [frame.index for frame in source] == [0, 1] and source.length == 0.4
    with Animation(animated, frame_rate=2) as source:
        assert [frame.index for frame in source] == [0]


def test_an_animation_that_this_opencv_cannot_read_is_said_to_be_one(animated, monkeypatch):
    monkeypatch.delattr(cv2, "imreadanimation")
    with pytest.raises(UnreadableError, match=r"a\.webp is an animated WebP, which this OpenCV"):
        Animation(animated)


def test_a_damaged_animation_is_named(animated):
    animated.write_bytes(animated.read_bytes()[:60])
    with pytest.raises(UnreadableError, match=r"a\.webp cannot be read as an animated WebP"):
        Animation(animated)
