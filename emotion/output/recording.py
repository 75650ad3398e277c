"""Frames -> picture files and clips, whole under their name or not there at all."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import files
from emotion.errors import EmotionError
from emotion.sources.frame import USUAL_RATE, Notify

if TYPE_CHECKING:
    from emotion.output.encoder import Encoder
    from emotion.sources.clip import Sound

_LONGEST_PAUSE = 2.0  # seconds of a live source; a longer one is cut out: the program was paused


class PictureFile:
    """A picture being written; the form that Recording has, for a source of one frame."""

    def __init__(self, path: Path, *, notify: Notify = lambda _: None) -> None:
        self.path, self._notify = path, notify

    def write(
        self, picture: NDArray[np.uint8], time: float | None = None, lasts: float | None = None
    ) -> None:
        """Write the picture, BGR uint8 (H, W, 3); EmotionError when that fails."""
        save_picture(self.path, picture)
        self._notify(f"wrote {self.path}")

    def __enter__(self) -> "PictureFile":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Recording:
    """A clip being written: under a temporary name, renamed by `close`.

    Every picture is written at its time, so that the clip plays at the right speed, whatever the
    speed of this machine. `rate` is the source's, on average. From a `live` source, gaps of over
    two seconds (the program was paused) are cut out. The first picture fixes the clip's size, made
    even; others are fitted into it. `sound` is what comes with a clip. `notify` is told of the
    file.
    """

    def __init__(
        self,
        path: Path,
        *,
        rate: float,
        live: bool = False,
        sound: "Sound | None" = None,
        notify: Notify = lambda _: None,
    ) -> None:
        self.path, self._rate = path, writing_rate(rate) if path.suffix.lower() == ".avi" else rate
        self._part, self._live, self._sound, self._notify = files.part_of(path), live, sound, notify
        self._encoder: Encoder | None = None
        self._size = self._shown = (0, 0)
        self._start = self._first = self._last = self._lasts = self._cut = 0.0
        self._written = 0

    def write(
        self, picture: NDArray[np.uint8], time: float | None, lasts: float | None = None
    ) -> None:
        """Add a picture, BGR uint8 (H, W, 3), that belongs at `time`, for `lasts` seconds.

        Raises EmotionError when the file cannot be written; then nothing is left of it.
        """
        time = time or 0.0
        with self._whole_or_absent():
            if self._encoder is None:
                self._shown = (picture.shape[1], picture.shape[0])
                self._encoder = self._opened()
                self._first = self._last = time
                self._start = 0.0 if self._sound else time
            if self._live and time - self._last > _LONGEST_PAUSE:
                self._cut += time - self._last - 1 / self._rate
            self._last, self._lasts = time, lasts or 1 / self._rate
            fitted = even(fit(picture, self._shown))
            self._encoder.write(fitted, time - self._start - self._cut, self._lasts)
            self._written += 1

    def close(self) -> None:
        """Finish the file and give it its name; EmotionError when that fails."""
        if self._encoder is None:
            return
        with self._whole_or_absent():
            self._encoder.close()
        codec, self._encoder = self._encoder.codec, None
        try:
            files.publish(self._part, self.path)
        except OSError as error:  # on Windows, a player may have the old one open
            raise EmotionError(
                f"{self.path} cannot be replaced ({error.strerror}): the new one is {self._part}"
            ) from error
        self._notify(f"wrote {self.path}: {self._described()}, {codec}")

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self) -> "Encoder":
        from emotion.output.encoder import Encoder  # FFmpeg, once there is a clip to write

        width, height = self._shown
        self._size = (width + width % 2, height + height % 2)
        return Encoder(self._part, self._size, rate=self._rate, sound=self._sound)

    @contextlib.contextmanager
    def _whole_or_absent(self) -> Iterator[None]:
        """Turn a failure to write into one line, and leave what was there before."""
        from emotion.output.encoder import ERRORS

        try:
            yield
        except ERRORS as error:
            encoder, self._encoder = self._encoder, None
            if encoder:
                encoder.abandon()
            self._part.unlink(missing_ok=True)
            raise EmotionError(files.unwritten(self.path, error)) from error

    def _described(self) -> str:
        length = self._last + self._lasts - self._start - self._cut
        between = self._last - self._first - self._cut
        rate = (self._written - 1) / between if between else self._rate
        if abs(rate - self._rate) < 0.01 * self._rate:
            rate = self._rate  # of which the times are roundings
        size = ""
        if self._size != self._shown:
            size = f", {self._size[0]}x{self._size[1]} (its kind needs even numbers)"
        return f"{length:.1f} s, {rate:.4g} frames a second{size}"


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


def writing_rate(rate: float) -> float:
    """The frames per second of a clip without times of its own, from a source's `rate`.

    A usual rate (30, 25, 29.97, 12.5) is kept. Any other is the average of a variable one: its
    shortest steps fit 30 a second, or 60 where the average is near or above 30.
    """
    if not math.isfinite(rate) or not 0 < rate <= 1000:
        return USUAL_RATE
    if any(abs(rate * factor - round(rate * factor)) < 0.02 for factor in (1, 1.001, 2)):
        return rate
    return 30.0 if rate < 20 else 60.0


def even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with its last row and column repeated where their number is odd."""
    height, width = picture.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return picture
    padded = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)


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
