"""Pictures and clips -> frames with their time."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from emotion import pictures
from emotion.errors import UnreadableError
from emotion.sources.frame import USUAL_RATE, Frame, Notify
from emotion.sources.source import public

_URL_LIMITS = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 5000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 5000]
"""Milliseconds that a URL may take to open, and to send the next frame (FFmpeg's own: 30 s)."""


class Picture:
    """A source of one frame, upright as its EXIF orientation says.

    Raises UnreadableError when the file is missing or no picture.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._image = pictures.read(path)

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(self._image, 0, self.name)

    def __enter__(self) -> "Picture":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Clip:
    """A source of every frame of a clip, with the times that stand in the file.

    `rate` is the file's own frames per second where it names a usable one, `length` the seconds
    that its header promises. `notify` is told when the clip ends long before that. Raises
    UnreadableError when it cannot be opened, and on reading when not one frame can be decoded.
    """

    def __init__(self, path: Path | str, *, notify: Notify = lambda _: None) -> None:
        self.name, self._notify = public(str(path)), notify
        url = "://" in str(path)
        self._capture = open_url(str(path)) if url else cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise UnreadableError(
                f"{self.name} cannot be opened as a clip: it is damaged, or in a format that this "
                "OpenCV does not read; 'ffmpeg -i IN OUT.mp4' converts it"
            )
        reported = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = reported if 0 < reported <= 240 else USUAL_RATE
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
            self._notify(f"warning: {self.name} ends after {end}: the file may be damaged")

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()


def open_url(url: str) -> cv2.VideoCapture:
    """The clip or stream at `url`, which is not waited for as long as FFmpeg would."""
    return cv2.VideoCapture(url, cv2.CAP_FFMPEG, _URL_LIMITS)
