"""The faces that were seen as pictures of 48 x 48, the form that training takes as it is."""

import hashlib
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from emotion import faces, files
from emotion.errors import EmotionError
from emotion.sources.frame import Frame
from emotion.sources.source import public
from emotion.tracking.tracker import Face

_EVERY = 1.0  # seconds between two crops of one person, which would look alike
_LONGEST = 80  # characters of a source's name in a file's


class Crops:
    """Writes the crop of each seen face to `folder`, one a second of each person.

    A file is named by its source, the time and the person's identity, like
    `film.mp4-3f29ab-person1-00012.40s.png`; by date and time where the source is live; a picture
    has no time. With `cropped`, the boxes are faces that were cropped already and stay as they
    are. The frames of a source come together. `written` counts the files.
    """

    def __init__(self, folder: Path, *, cropped: bool = False) -> None:
        self._folder, self._margin = folder, 0.0 if cropped else faces.MARGIN
        self.written = 0
        self._source, self._name = "", ""
        self._last: dict[int, float] = {}  # by identity

    def write(self, frame: Frame, found: Sequence[Face]) -> None:
        """Save what is due of `found` in `frame`; EmotionError when it cannot be written."""
        if frame.source != self._source:  # the one before is done: 100,000 need no more memory
            self._source, self._name, self._last = frame.source, _name(frame.source), {}
        for face in found:
            if face.seen and self._is_due(face, frame.time):
                self._save(frame, face)

    def summary(self) -> str:
        """What was written, and where to, in a line."""
        crops = "crop" if self.written == 1 else "crops"
        return f"wrote {self.written} face {crops} to {self._folder}"

    def _is_due(self, face: Face, time: float | None) -> bool:
        if time is None:
            return True
        last = self._last.get(face.identity)
        if last is not None and 0 <= time - last < _EVERY:
            return False
        self._last[face.identity] = time
        return True

    def _save(self, frame: Frame, face: Face) -> None:
        rolls = [face.angle]  # 48 px: a grey square no larger is a face to emotion.data
        (crop,) = faces.crop(frame.image, [face.box], margin=self._margin, rolls=rolls)
        path = self._folder / f"{self._name}-person{face.identity}{_moment(frame)}.png"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmotionError(files.unwritten(f"CROPS='{self._folder}'", error)) from error
        with files.replacing(path) as part:
            part.write_bytes(np.asarray(cv2.imencode(".png", crop)[1]).tobytes())
        self.written += 1


def _name(source: str) -> str:
    """A source's name as a part of a file's, with a mark that no other source has.

    Two clips called IMG_1.mov, in this run or another, do not write over each other's crops.
    """
    plain = re.sub(r"[^\w.-]+", "_", Path(public(source)).name)[-_LONGEST:].lstrip(".-")
    return f"{plain or 'source'}-{_mark(source)}"


def _mark(source: str) -> str:
    """Six digits that tell sources of one name apart; the same source always has the same."""
    whole = os.path.realpath(source) if os.path.lexists(source) else source
    return hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:6]


def _moment(frame: Frame) -> str:
    """When the frame was, as a part of a file's name; nothing for a picture."""
    if frame.wall is not None:  # a live source's seconds begin again in every run
        return f"-{datetime.fromtimestamp(frame.wall, UTC):%Y%m%dT%H%M%S.%f}"
    return "" if frame.time is None else f"-{frame.time:08.2f}s"
