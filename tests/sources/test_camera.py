"""Live sources: newest frame wins, losses are told and survived. No camera is needed."""

import contextlib
import sys
import threading
import time
import types
from typing import ClassVar

import cv2
import numpy as np
import pytest
from stream import Stream

from emotion.errors import EmotionError
from emotion.sources import camera
from emotion.sources.camera import Camera
from emotion.sources.camera_help import advice
from emotion.sources.source import find


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """The same behaviour, sooner."""
    monkeypatch.setattr(camera, "_PAUSES", (0.02, 0.05))
    monkeypatch.setattr(camera, "_TICK", 0.01)
    monkeypatch.setattr(camera, "_FAREWELL", 0.01)
    monkeypatch.setattr(camera, "SILENCE", 0.3)
    monkeypatch.setattr(camera, "FIRST_FRAME", 20.0)


class FakeCapture:
    """Delivers `images` and then fails; an image may be a function that is called first."""

    def __init__(self, images=(), *, opens=True, rate=25.0):
        self.images, self.opens, self.rate, self.released = list(images), opens, rate, False

    def isOpened(self):  # noqa: N802
        return self.opens

    def read(self):
        image = self.images.pop(0) if self.images else None
        if callable(image):
            image = image()
        return image is not None, image

    def get(self, prop):
        return self.rate if prop == cv2.CAP_PROP_FPS else 0.0

    def release(self):
        self.released = True


def grey(level, size=(4, 3)):
    return np.full((size[1], size[0], 3), level, np.uint8)


def live(*captures, **options):
    """A camera that is opened as each of `captures` in turn, and then never again."""
    left = list(captures)
    return Camera("0", lambda: left.pop(0) if left else FakeCapture(opens=False), **options)


def blocks():
    time.sleep(30)


def test_so_many_frames_a_second_are_taken_of_a_faster_source():
    def later(level):
        return lambda: time.sleep(0.03) or grey(level)

    with live(FakeCapture([grey(0), *map(later, range(1, 31)), blocks]), frame_rate=5) as source:
        taken = []
        for frame in source:
            if not frame.status_message:
                taken.append(frame)
            if frame.time > 0.7:
                break
    assert [frame.index for frame in taken] == list(range(len(taken)))
    fifths = [int((frame.time + 0.0015) * 5) for frame in taken]  # as Choice rounds
    assert len(fifths) > 1 and fifths == sorted(set(fifths))  # never two within one


def test_frames_carry_their_number_their_time_and_the_wall_clock():
    ready = threading.Event()
    before = time.time()
    second = [lambda: ready.wait(5) and grey(2), blocks]
    with live(FakeCapture([grey(1), *second])) as source:
        frames = iter(source)
        first = next(frames)
        ready.set()
        then = next(frames)
    assert (first.index, first.time, first.source) == (0, 0.0, "0")
    assert then.index == 1 and then.time > 0
    assert before <= first.wall <= then.wall <= time.time()
    assert [first.image[0, 0, 0], then.image[0, 0, 0]] == [1, 2]


def test_the_newest_frame_is_given_and_older_ones_are_dropped_and_counted():
    read = threading.Event()
    last = [lambda: read.set() or blocks()]  # all frames before it have been delivered
    watched = threading.Event()
    images = [grey(0), lambda: watched.wait(5) and grey(1), *map(grey, range(2, 10)), *last]
    with live(FakeCapture(images)) as source:
        frames = iter(source)
        next(frames)
        watched.set()
        assert read.wait(5)
        frame = next(frames)
    assert frame.image[0, 0, 0] == 9
    assert frame.index == 1
    assert source.dropped == 8


def test_the_rate_is_the_cameras_own_where_it_is_sensible():
    for told, taken in ((25.0, 25.0), (0.0, 30.0), (90000.0, 30.0)):
        with live(FakeCapture([grey(1), blocks], rate=told)) as source:
            next(iter(source))
        assert source.rate == taken


def test_a_lost_camera_is_told_of_and_goes_on_with_another_frame_size():
    heard = []
    captures = [FakeCapture([grey(1)]), FakeCapture(opens=False), FakeCapture([])]
    back = FakeCapture([grey(2, size=(8, 6)), blocks])
    with live(*captures, back, notify=heard.append) as source:
        frames = iter(source)
        assert next(frames).status_message == ""
        meanwhile = []
        frame = next(frames)
        while frame.status_message:
            meanwhile.append(frame)
            frame = next(frames)
    assert frame.image.shape == (6, 8, 3) and frame.index == 1
    assert all("no picture: trying again, " in one.status_message for one in meanwhile)
    assert all(one.image.shape == (3, 4, 3) and one.wall is None for one in meanwhile)
    assert all(capture.released for capture in captures)
    if meanwhile:  # the way back may have been too quick to be noticed
        assert heard == [
            "camera 0: no picture; trying again for 60 s",
            "camera 0: the picture is back",
        ]


def test_a_camera_that_stays_lost_is_given_up():
    heard = []
    with (
        live(FakeCapture([grey(1)]), give_up=0.2, notify=heard.append) as source,
        pytest.raises(EmotionError, match=r"camera 0 has sent no picture for 0\.2 s"),
    ):
        list(source)
    assert heard == ["camera 0: no picture; trying again for 0.2 s"]


def test_a_camera_that_hangs_is_noticed_and_given_up():
    messages = []
    source = live(FakeCapture([grey(1), blocks]), give_up=0.6)
    with source, pytest.raises(EmotionError, match="has sent no picture"):
        messages.extend(frame.status_message for frame in source)
    assert "no picture: trying again, 0 s left" in messages


def test_pauses_between_attempts_grow(monkeypatch):
    waited = []
    monkeypatch.setattr(camera, "_PAUSES", (1, 2, 3))
    source = live(FakeCapture([grey(1)]))

    def wait(seconds):
        waited.append(seconds)
        if len(waited) == 5:
            source._stop.set()

    monkeypatch.setattr(source._stop, "wait", wait)
    source._work()
    assert waited == [1, 2, 3, 3, 3]


@pytest.mark.parametrize(
    ("capture", "failure"),
    [
        (FakeCapture(opens=False), "does not open"),
        (FakeCapture([]), "was opened but sends no picture"),
        (FakeCapture([blocks]), "sends no picture within 1 s"),
    ],
    ids=["does not open", "sends nothing", "hangs"],
)
def test_a_camera_that_never_came_is_named_with_the_next_step(monkeypatch, capture, failure):
    monkeypatch.setattr(camera, "FIRST_FRAME", 1.0)
    with (
        live(capture, advice=lambda: "try this") as source,
        pytest.raises(EmotionError, match=f"camera 0 {failure}: try this"),
    ):
        next(iter(source))


def test_a_driver_that_raises_counts_as_a_loss():
    def broken():
        raise cv2.error("select() failed")

    with (
        live(FakeCapture([broken]), advice=lambda: "try this") as source,
        pytest.raises(EmotionError, match=r"fails \(select\(\) failed\): try this"),
    ):
        next(iter(source))


def test_an_error_that_was_foreseen_is_passed_on_as_it_is():
    def opened():
        raise EmotionError("install that")

    with Camera("picamera", opened) as source, pytest.raises(EmotionError, match=r"^install that$"):
        next(iter(source))


def test_a_camera_that_was_never_read_is_closed_quietly():
    with live(FakeCapture([grey(1)])):
        pass


def stream_source(stream, **options):
    return Camera("the stream", camera.opened(find(stream.url)), **options)


class Device(FakeCapture):
    """A camera of this machine; `asked` is what was set, in order."""

    def __init__(self, *given):
        super().__init__([grey(1)])
        self.given, self.asked = given, []

    def set(self, prop, value):
        self.asked.append((prop, value))


MOTION_JPEG = cv2.VideoWriter.fourcc(*"MJPG")


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ({}, []),
        (
            {"size": (1280, 720)},
            [
                (cv2.CAP_PROP_FOURCC, MOTION_JPEG),  # first: it decides which sizes there are
                (cv2.CAP_PROP_FRAME_WIDTH, 1280),
                (cv2.CAP_PROP_FRAME_HEIGHT, 720),
            ],
        ),
        ({"rate": 15.0}, [(cv2.CAP_PROP_FPS, 15.0)]),
    ],
    ids=["nothing", "a size", "a rate"],
)
def test_a_camera_is_asked_for_motion_jpeg_before_a_size(monkeypatch, wanted, asked):
    monkeypatch.setattr(camera.cv2, "VideoCapture", Device)
    device = camera.opened(find("/dev/video2"), **wanted)()
    assert device.given[0] == 2
    assert device.asked == asked


def test_a_real_stream_that_drops_comes_back():
    heard = []
    with Stream() as stream, stream_source(stream, notify=heard.append) as source:
        frames = iter(source)
        assert next(frames).image.shape == (240, 320, 3)
        stream.mode = "drop"
        while not next(frames).status_message:
            pass
        stream.size, stream.mode = (160, 120), "send"
        while (frame := next(frames)).status_message:
            pass
        while frame.status_message or frame.image.shape != (120, 160, 3):
            frame = next(frames)
    assert heard == [
        "the stream: no picture; trying again for 60 s",
        "the stream: the picture is back",
    ]


def test_a_real_stream_that_stalls_comes_back():
    heard = []
    with Stream() as stream, stream_source(stream, notify=heard.append) as source:
        frames = iter(source)
        next(frames)
        stream.mode = "stall"
        while not next(frames).status_message:
            pass
        stream.mode = "send"
        while next(frames).status_message:
            pass
    assert heard[-1] == "the stream: the picture is back"


def test_a_real_stream_that_is_gone_is_given_up():
    with Stream() as stream, stream_source(stream, give_up=0.5) as source:
        frames = iter(source)
        next(frames)
        stream.mode = "drop"
        stream.mode = "refuse"
        with pytest.raises(EmotionError, match=r"the stream has sent no picture for 0\.5 s"):
            list(frames)


def test_a_slow_reader_of_a_real_stream_gets_recent_frames():
    with Stream(rate=100) as stream, stream_source(stream) as source:
        frames = iter(source)
        next(frames)
        while stream.sent < 60:
            time.sleep(0.01)
        next(frames)
        level = int(next(frames).image[0, 0, 0])
    assert level > 40
    assert source.dropped > 40


def test_a_stream_that_answers_with_an_error_fails_with_the_next_step(capfd):
    with Stream() as stream:
        stream.mode = "refuse"
        found = find(stream.url)
        source = Camera(stream.url, camera.opened(found), advice=lambda: advice(found))
        with source, pytest.raises(EmotionError, match=r"live\.mjpg does not open: check the addr"):
            next(iter(source))


class FakePicamera2:
    """What is used of picamera2's class of that name."""

    made: ClassVar[list] = []

    def __init__(self, number):
        if number > 0:
            raise IndexError("list index out of range")
        self.calls = []
        self.made.append(self)

    def create_video_configuration(self, **options):
        return options

    def configure(self, options):
        self.options = options

    def start(self):
        self.calls.append("start")

    def capture_array(self, name):
        assert name == "main"
        return grey(5)

    def stop(self):
        self.calls.append("stop")

    def close(self):
        self.calls.append("close")


@pytest.fixture
def picamera2(monkeypatch):
    module = types.ModuleType("picamera2")
    module.Picamera2 = FakePicamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)
    monkeypatch.setattr(FakePicamera2, "made", [])
    return FakePicamera2


def test_a_ribbon_camera_is_read_through_picamera2(picamera2):
    opened = camera.opened(find("picamera"), size=(1280, 720), rate=15)
    with Camera("picamera", opened) as source:
        frame = next(iter(source))
    assert frame.image[0, 0, 0] == 5 and source.rate == 15
    (made,) = picamera2.made
    assert made.options["main"] == {"size": (1280, 720), "format": "RGB888"}
    assert made.options["controls"] == {"FrameRate": 15}
    with contextlib.suppress(RuntimeError):
        source._thread.join(2)
    assert made.calls == ["start", "stop", "close"]


def test_a_ribbon_camera_that_is_not_there_is_named(picamera2):
    with (
        Camera("picamera1", camera.opened(find("picamera1"))) as source,
        pytest.raises(EmotionError, match="picamera2 finds no camera 1"),
    ):
        next(iter(source))


def test_without_picamera2_its_installation_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with (
        Camera("picamera", camera.opened(find("picamera"))) as source,
        pytest.raises(EmotionError, match="sudo apt install python3-picamera2"),
    ):
        next(iter(source))
