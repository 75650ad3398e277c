"""Pictures and clips to frames with their time; frames to pictures and clips.

Live sources are in `camera`, the window is in `window`.
"""

import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.errors import EmotionError, UnreadableError
from emotion.quiet import silence
from emotion.sources.source import public

Say = Callable[[str], object]

OPEN_TIMEOUT, READ_TIMEOUT = 5000, 5000
"""Milliseconds that a URL may take to open, and to send the next frame (FFmpeg's own: 30 s)."""

_USUAL_RATE = 30.0
# The first that this build of OpenCV can write is taken. The PyPI wheel for Linux has no H.264
# encoder. VP8 goes before VP9: 25 ms a 640x480 frame against 130 ms, and browsers play both.
_CODECS = {
    ".mp4": ("avc1", "mp4v"),
    ".m4v": ("avc1", "mp4v"),
    ".mov": ("avc1", "mp4v"),
    ".mkv": ("avc1", "mp4v"),
    ".webm": ("VP80", "VP90"),
    ".avi": ("XVID", "MJPG"),
}
_CODEC_NAMES = {
    "avc1": "H.264",
    "mp4v": "MPEG-4 part 2",
    "VP80": "VP8",
    "VP90": "VP9",
    "XVID": "MPEG-4 part 2",
    "MJPG": "motion JPEG",
}


@dataclass(frozen=True)
class Frame:
    """One frame of a source.

    `image` is BGR uint8 (H, W, 3). `time` counts seconds from the clip's or camera's first frame,
    and is None for a picture. `wall` is the Unix time at which a live frame arrived, otherwise
    None. A frame with a `notice` repeats an earlier image while a live source is silent: something
    to show, not to recognise.
    """

    image: NDArray[np.uint8]
    index: int
    source: str
    time: float | None = None
    wall: float | None = None
    notice: str = ""


class Meter:
    """Events a second, over the last thirty of them."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=30)

    def tick(self) -> None:
        """Count one."""
        self._times.append(monotonic())

    @property
    def rate(self) -> float:
        """How many came in a second; 0 when the last one is over two seconds ago."""
        times = list(self._times)
        if len(times) < 2 or monotonic() - times[-1] > 2:
            return 0.0
        return (len(times) - 1) / max(times[-1] - times[0], 1e-6)


def quieten() -> None:
    """Keep OpenCV's and FFmpeg's own chatter off stderr, unless their variables ask for it.

    Every failure it tells of is checked here and told in one line of our own.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "5")  # seconds; its own is 10
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class Picture:
    """A source of one frame, upright as its EXIF orientation says.

    Raises UnreadableError when the file is missing or no picture.
    """

    live, dropped, rate = False, 0, 0.0

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._image = read_picture(path)

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(self._image, 0, self.name)

    def __enter__(self) -> "Picture":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Clip:
    """A source of every frame of a clip, with the times that stand in the file.

    `rate` is the file's own frames per second where it names a usable one. `say` is told when the
    clip ends long before its header says. Raises UnreadableError when it cannot be opened, and on
    reading when not one frame can be decoded.
    """

    live, dropped = False, 0

    def __init__(self, path: Path | str, *, say: Say = lambda _: None) -> None:
        self.name, self._say = public(str(path)), say
        if "://" in str(path):
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT]
            limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT]
            self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, limits)
        else:
            self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise UnreadableError(
                f"{self.name} cannot be opened as a clip: it is damaged, or in a format that this "
                "OpenCV does not read; 'ffmpeg -i IN OUT.mp4' converts it"
            )
        reported = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = reported if 0 < reported <= 240 else _USUAL_RATE
        self.length = self._capture.get(cv2.CAP_PROP_FRAME_COUNT) / self.rate

    def __iter__(self) -> Iterator[Frame]:
        index, time = 0, 0.0
        while True:
            read, image = self._capture.read()
            if not read:
                break
            # After a read OpenCV answers with that frame's own timestamp. Raw streams have none.
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            time = stamp if index == 0 or stamp > time else time + 1 / self.rate
            yield Frame(np.asarray(image, np.uint8), index, self.name, time)
            index += 1
        if not index:
            raise UnreadableError(f"{self.name} holds no frame that can be decoded")
        missing = self.length - time - 1 / self.rate
        if missing > max(1.0, self.length / 20):
            end = f"{time:.1f} of {self.length:.1f} s"
            self._say(f"warning: {self.name} ends after {end}: the file may be damaged")

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()


class PictureFile:
    """A picture being written; the form that Recording has, for a source of one frame."""

    def __init__(self, path: Path, *, say: Say = lambda _: None) -> None:
        self.path, self._say = path, say

    def write(self, picture: NDArray[np.uint8], time: float | None = None) -> None:
        """Write the picture, BGR uint8 (H, W, 3); EmotionError when that fails."""
        save_picture(self.path, picture)
        self._say(f"wrote {self.path}")

    def __enter__(self) -> "PictureFile":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Recording:
    """A clip being written: under a temporary name, renamed by `close`.

    Every picture is written at its time: repeated where the source paused, so that the clip plays
    at the right speed. `lossless` writes each at least once, whatever its time; a live source sets
    it to False, and has gaps of over two seconds (the program was paused) cut out. The first
    picture fixes the clip's size; others are fitted into it. `say` hears of the codec and the file.
    """

    def __init__(
        self, path: Path, *, rate: float, lossless: bool = True, say: Say = lambda _: None
    ) -> None:
        self.path, self.rate = path, writing_rate(rate)
        self._part = path.with_name(f"{path.stem}.part{path.suffix}")
        self._lossless, self._say = lossless, say
        self._writer: cv2.VideoWriter | None = None
        self._size, self._codec = (0, 0), ""
        self._start = self._last = 0.0
        self._written = 0

    def write(self, picture: NDArray[np.uint8], time: float | None) -> None:
        """Add a picture, BGR uint8 (H, W, 3), that belongs at `time` in seconds.

        Raises EmotionError when no codec for the path's suffix can be written.
        """
        time = time or 0.0
        if self._writer is None:
            self._size = (picture.shape[1], picture.shape[0])
            self._writer = self._opened()
            self._start = self._last = time
        if not self._lossless and time - self._last > 2:
            self._start += time - self._last - 1 / self.rate
        self._last = time
        due = round((time - self._start) * self.rate) + 1 - self._written
        fitted = fit(picture, self._size)
        for _ in range(max(due, int(self._lossless))):
            self._writer.write(fitted)
            self._written += 1

    def close(self) -> None:
        """Finish the file and give it its name."""
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        if not self._part.is_file() or not self._part.stat().st_size:
            raise EmotionError(f"{self.path} could not be written: is the disk full?")
        try:
            self._part.replace(self.path)
        except OSError as error:  # on Windows, a player may have the old one open
            raise EmotionError(
                f"{self.path} cannot be replaced ({error.strerror}): the new one is {self._part}"
            ) from error
        seconds = self._written / self.rate
        self._say(
            f"wrote {self.path}: {seconds:.1f} s, {self.rate:g} frames a second, {self._codec}"
        )

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self) -> cv2.VideoWriter:
        codecs = _CODECS[self.path.suffix.lower()]
        for codec in codecs:
            with silence():
                code = cv2.VideoWriter.fourcc(*codec)
                writer = cv2.VideoWriter(str(self._part), code, self.rate, self._size)
            if writer.isOpened():
                self._codec = _CODEC_NAMES[codec]
                if codec == "mp4v" and self.path.suffix.lower() != ".mkv":
                    self._say(
                        f"warning: this OpenCV cannot write H.264, so {self.path.suffix} clips are "
                        f"{self._codec}, which players show and browsers do not; "
                        "what ends in .webm plays in both"
                    )
                return writer
        tried = " nor ".join(_CODEC_NAMES[codec] for codec in codecs)
        raise EmotionError(
            f"{self.path} cannot be written: this OpenCV offers neither {tried} here; "
            "check that its folder can be written to, or try another suffix"
        )


def read_picture(path: Path) -> NDArray[np.uint8]:
    """The picture at `path`, BGR uint8 (H, W, 3), upright; UnreadableError when it is none."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        with silence():  # libjpeg and libpng tell stderr what they miss
            image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from error
    except cv2.error as error:
        raise UnreadableError(f"{path} cannot be read as a picture: {error.err}") from error
    if image is None:
        raise UnreadableError(
            f"{path} cannot be read as a picture: it is empty, damaged or no picture"
        )
    return image  # type: ignore[return-value]


def save_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture, BGR uint8 (H, W, 3), in the format of the path's suffix.

    Raises EmotionError when the format or the place cannot be written.
    """
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        written, data = cv2.imencode(path.suffix, picture)
        if not written:
            raise EmotionError(f"{path} cannot be written: OpenCV could not encode it")
        part.write_bytes(data.tobytes())
        part.replace(path)
    except cv2.error as error:
        raise EmotionError(f"{path} cannot be written as {path.suffix}: {error.err}") from error
    except OSError as error:
        raise EmotionError(f"{path} cannot be written: {error.strerror}") from error


def writing_rate(rate: float) -> float:
    """The frames per second to write for a source that reports `rate`.

    A usual rate (30, 25, 29.97, 12.5) is kept. Any other is the average of a variable one: its
    shortest steps fit 30 a second, or 60 where the average is near or above 30.
    """
    if not math.isfinite(rate) or not 0 < rate <= 240:
        return _USUAL_RATE
    if any(abs(rate * factor - round(rate * factor)) < 0.02 for factor in (1, 1.001, 2)):
        return rate
    return 30.0 if rate < 20 else 60.0


def fit(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture scaled into `size` (width, height), with black beside it where shapes differ."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    whole = np.zeros((size[1], size[0], 3), np.uint8)
    whole[top : top + inner[1], left : left + inner[0]] = cv2.resize(picture, inner)
    return whole
