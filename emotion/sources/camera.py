"""Live sources: cameras and streams that are watched, retried when they fail, and never lag."""

import platform
import threading
from collections.abc import Callable, Iterator
from time import monotonic, time
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.errors import EmotionError
from emotion.sources.frame import USUAL_RATE, Choice, FpsMeter, Frame, Notify
from emotion.sources.source import Source

FIRST_FRAME = 6.0
"""Seconds in which a camera has to deliver its first frame; slow webcams need 2 to 4.

With two more for trying other cameras and one for the thread to end, there is an answer within ten.
"""

SILENCE = 2.0
"""Seconds without a frame before it is said that the source is silent."""

_URL_LIMITS = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 5000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 5000]
"""Milliseconds that a URL may take to open, and to send the next frame (FFmpeg's own: 30 s)."""

_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between attempts to get a lost source back
_FAREWELL = 1.0  # seconds for the thread to end; a read may block for longer, it is a daemon
_TICK = 0.1  # seconds between two frames that only repeat the last one, with a message


class Capture(Protocol):
    """What is needed of cv2.VideoCapture; the Raspberry Pi's camera is brought to the same form."""

    def isOpened(self) -> bool: ...  # noqa: N802

    def read(self) -> tuple[bool, Any]: ...

    def get(self, prop: int, /) -> float: ...

    def release(self) -> None: ...


class Camera:
    """The newest frame of a live source, whenever one is asked for.

    A thread reads the source, because drivers and sockets queue up what nobody reads: with 100 ms
    of work a frame, a 30 frames a second stream was 3.3 s behind after five seconds without it,
    and not one frame with it (benchmarks/latency.py). Frames overwritten unread count in `dropped`.

    A source that fails or stalls is opened again, with growing pauses; meanwhile iteration goes on
    with status messages (see Frame). It ends with EmotionError when the source never delivered a
    frame, with what `advice` answers, or has been silent for `give_up` seconds. `notify` is told of
    every loss and return. `frame_rate` leaves all but so many frames a second out. `rate` is what
    the source promises, `meter` what it keeps.
    """

    def __init__(
        self,
        name: str,
        opened: Callable[[], Capture],
        *,
        give_up: float = 60.0,
        frame_rate: float | None = None,
        advice: Callable[[], str] = str,
        notify: Notify = lambda _: None,
    ) -> None:
        self.name, self.dropped, self.rate = name, 0, USUAL_RATE
        self._called = f"camera {name}" if name.isdecimal() else name
        self._opened, self._give_up, self._advice, self._notify = opened, give_up, advice, notify
        self._choice = Choice(frame_rate)
        self._news = threading.Condition()
        self._fresh: tuple[NDArray[np.uint8], float, float] | None = None
        self._failure: str | EmotionError = ""  # why there is no picture at the moment
        self._stop = threading.Event()
        self.meter = FpsMeter()
        self._thread = threading.Thread(target=self._work, name=f"camera {name}", daemon=True)

    def __iter__(self) -> Iterator[Frame]:
        """Frames with `time` counted from the first one, by the clock at their arrival."""
        self._thread.start()
        image, began, wall = self._first()
        taken, index, lost = began, 0, False
        self._choice.takes(0.0)  # the first one always; the others count from it
        yield Frame(image, index, self.name, 0.0, wall)
        while True:
            if fresh := self._newest():
                image, taken, wall = fresh
                if lost:
                    self._notify(f"{self._called}: the picture is back")
                    lost = False
                if self._choice.takes(taken - began):
                    index += 1
                    yield Frame(image, index, self.name, taken - began, wall)
                continue
            silent = monotonic() - taken
            if silent > self._give_up:
                raise EmotionError(
                    f"{self._called} has sent no picture for {self._give_up:g} s; GIVE_UP sets how "
                    "long it is waited for"
                )
            if silent > SILENCE or self._failure:
                if not lost:
                    self._notify(
                        f"{self._called}: no picture; trying again for {self._give_up:g} s"
                    )
                    lost = True
                left = self._give_up - silent
                message = f"no picture: trying again, {left:.0f} s left"
                yield Frame(image, index, self.name, monotonic() - began, None, message)

    def __enter__(self) -> "Camera":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(_FAREWELL)

    def _first(self) -> tuple[NDArray[np.uint8], float, float]:
        """The first frame and when it arrived, by both clocks; EmotionError when there is none."""
        began = monotonic()
        while monotonic() - began < FIRST_FRAME:
            if fresh := self._newest():
                return fresh
            if isinstance(self._failure, EmotionError):
                raise self._failure
            if self._failure:
                break
        failure = self._failure or f"sends no picture within {FIRST_FRAME:g} s"
        raise EmotionError(f"{self._called} {failure}: {self._advice()}")

    def _newest(self) -> tuple[NDArray[np.uint8], float, float] | None:
        """The frame that came in since the last call, waiting a tick for one."""
        with self._news:
            self._news.wait_for(lambda: self._fresh, timeout=_TICK)
            fresh, self._fresh = self._fresh, None
            return fresh

    def _work(self) -> None:
        """In the thread: read until told to stop, opening the source again whenever it fails."""
        attempt = 0
        while not self._stop.is_set():
            got = self._read()
            attempt = 0 if got else attempt + 1
            self._stop.wait(_PAUSES[min(attempt, len(_PAUSES) - 1)])

    def _read(self) -> int:
        """Open the source and read it until it fails; how many frames came."""
        count, capture = 0, None
        try:
            capture = self._opened()
            if not capture.isOpened():
                self._failure = "does not open"
                return 0
            self.rate = _sensible(capture.get(cv2.CAP_PROP_FPS))
            while not self._stop.is_set():
                read, image = capture.read()
                if not read:
                    break
                self._deliver(image)
                count += 1
            self._failure = "was opened but sends no picture"
        except EmotionError as error:
            self._failure = error
        except (cv2.error, RuntimeError, OSError) as error:
            self._failure = f"fails ({error})"
        finally:
            if capture is not None:
                capture.release()
        return count

    def _deliver(self, image: NDArray[np.uint8]) -> None:
        now = monotonic()
        with self._news:
            self.dropped += self._fresh is not None
            self._fresh, self._failure = (image, now, time()), ""
            self._news.notify()
        self.meter.tick()


def opened(
    source: Source, *, size: tuple[int, int] | None = None, rate: float | None = None
) -> Callable[[], Capture]:
    """What opens a live source, asking for a capture size (width, height) and rate."""
    if source.kind == "stream":
        return lambda: cv2.VideoCapture(source.name, cv2.CAP_FFMPEG, _URL_LIMITS)
    if source.kind == "picamera":
        return lambda: PiCamera(int(source.name.removeprefix("picamera") or 0), size, rate)
    return lambda: open_device(source.name, size, rate)


class PiCamera:
    """A Raspberry Pi's ribbon-cable camera, which OpenCV does not see, through picamera2.

    Raises EmotionError when picamera2 is not installed or finds no such camera.
    """

    def __init__(self, number: int, size: tuple[int, int] | None, rate: float | None) -> None:
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise EmotionError(
                f"DEVICE_ID='picamera' needs picamera2 ({error}): on a Raspberry Pi, 'sudo apt "
                "install python3-picamera2', and a virtual environment made with "
                "--system-site-packages"
            ) from error
        self._rate = rate or USUAL_RATE
        try:
            self._camera = Picamera2(number)
        except (IndexError, RuntimeError) as error:
            raise EmotionError(
                f"picamera2 finds no camera {number} ({error}): check its ribbon cable, and what "
                "'rpicam-hello --list-cameras' lists"
            ) from error
        # picamera2's RGB888 lies in memory as blue, green, red: OpenCV's order.
        configuration = self._camera.create_video_configuration(
            main={"size": size or (640, 480), "format": "RGB888"},
            controls={"FrameRate": self._rate},
        )
        self._camera.configure(configuration)
        self._camera.start()

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def read(self) -> tuple[bool, Any]:
        return True, self._camera.capture_array("main")

    def get(self, prop: int, /) -> float:
        return self._rate if prop == cv2.CAP_PROP_FPS else 0.0

    def release(self) -> None:
        self._camera.stop()
        self._camera.close()


def open_device(
    name: str, size: tuple[int, int] | None = None, rate: float | None = None
) -> cv2.VideoCapture:
    """Camera number or /dev/videoN through the backend that knows cameras best on this system."""
    number = int(name.removeprefix("/dev/video"))
    backend = cv2.CAP_V4L2 if platform.system() == "Linux" else cv2.CAP_ANY
    capture = cv2.VideoCapture(number, backend)
    if size:
        # Above 640x480 most webcams send raw frames at 5 a second and motion JPEG at 30.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    if rate:
        capture.set(cv2.CAP_PROP_FPS, rate)
    return capture


def _sensible(rate: float) -> float:
    return rate if 1 <= rate <= 240 else USUAL_RATE
