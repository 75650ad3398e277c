"""Frames -> picture files and clips, whole under their name or not there at all."""

import math
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import files
from emotion.errors import EmotionError
from emotion.quiet import silence
from emotion.sources.frame import USUAL_RATE, Notify

_LONGEST_PAUSE = 2.0  # seconds of a live source; a longer one is cut out: the program was paused
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


class PictureFile:
    """A picture being written; the form that Recording has, for a source of one frame."""

    def __init__(self, path: Path, *, notify: Notify = lambda _: None) -> None:
        self.path, self._notify = path, notify

    def write(self, picture: NDArray[np.uint8], time: float | None = None) -> None:
        """Write the picture, BGR uint8 (H, W, 3); EmotionError when that fails."""
        save_picture(self.path, picture)
        self._notify(f"wrote {self.path}")

    def __enter__(self) -> "PictureFile":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Recording:
    """A clip being written: under a temporary name, renamed by `close`.

    Every picture is written at its time: repeated where the source paused, so that the clip plays
    at the right speed. `lossless` writes each at least once, whatever its time; a live source sets
    it to False, and has gaps of over two seconds (the program was paused) cut out. The first
    picture fixes the clip's size; others are fitted into it. `notify` is told of the codec and of
    the file.
    """

    def __init__(
        self, path: Path, *, rate: float, lossless: bool = True, notify: Notify = lambda _: None
    ) -> None:
        self.path, self.rate = path, writing_rate(rate)
        self._part = files.part_of(path)
        self._lossless, self._notify = lossless, notify
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
        if not self._lossless and time - self._last > _LONGEST_PAUSE:
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
            files.publish(self._part, self.path)
        except OSError as error:  # on Windows, a player may have the old one open
            raise EmotionError(
                f"{self.path} cannot be replaced ({error.strerror}): the new one is {self._part}"
            ) from error
        seconds = self._written / self.rate
        self._notify(
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
                    self._notify(
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


def save_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture, BGR uint8 (H, W, 3), in the format of the path's suffix.

    Raises EmotionError when the format or the place cannot be written.
    """
    try:
        written, data = cv2.imencode(path.suffix, picture)
        if not written:
            raise EmotionError(f"{path} cannot be written: OpenCV could not encode it")
        with files.replacing(path) as part:
            part.write_bytes(data.tobytes())
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
        return USUAL_RATE
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
    fitted = np.zeros((size[1], size[0], 3), np.uint8)
    fitted[top : top + inner[1], left : left + inner[0]] = cv2.resize(picture, inner)
    return fitted
