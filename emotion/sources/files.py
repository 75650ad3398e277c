"""Pictures -> frames, those that move with their times. OpenCV reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emotion import picture_size, pictures
from emotion.errors import UnreadableError
from emotion.sources.frame import USUAL_RATE, Choice, Frame


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


class Animation:
    """A source of every frame of an animated WebP, which FFmpeg does not read; a Clip otherwise.

    All of it is decoded at once. Raises UnreadableError when that fails.
    """

    sound = None

    def __init__(
        self, path: Path, *, frame_rate: float | None = None, duration: float | None = None
    ) -> None:
        self.name, self._choice = str(path), Choice(frame_rate, duration)
        if not hasattr(cv2, "imreadanimation"):
            raise UnreadableError(
                f"{path} is an animated WebP, which this OpenCV does not read: 4.11 and later do"
            )
        _check_size(path)
        read, animation = cv2.imreadanimation(self.name)
        if not read:
            raise UnreadableError(f"{path} cannot be read as an animated WebP: it is damaged")
        self._images: Any = animation.frames
        self._lasts = [max(milliseconds, 1) / 1000 for milliseconds in animation.durations]
        self.length = min(sum(self._lasts), duration or sum(self._lasts))
        rate = len(self._lasts) / sum(self._lasts) if self._lasts else USUAL_RATE
        self.rate = min(rate, frame_rate or rate)

    def __iter__(self) -> Iterator[Frame]:
        time = 0.0
        for index, (image, lasts) in enumerate(zip(self._images, self._lasts, strict=True)):
            if self._choice.over(time):
                return
            if self._choice.takes(time):
                shown = pictures.opaque(np.asarray(image, np.uint8))
                yield Frame(shown, index, self.name, time, lasts=lasts)
            time += lasts

    def __enter__(self) -> "Animation":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _check_size(path: Path) -> None:
    """Refuse an animation whose pictures are too large. Raises UnreadableError."""
    try:
        with path.open("rb") as file:
            picture_size.check(file.read(30))
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from error
    except UnreadableError as error:
        raise UnreadableError(f"{path} cannot be read as an animated WebP: {error}") from error
