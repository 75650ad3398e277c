"""What every source yields and every output takes: a frame. And how fast frames come."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Notify = Callable[[str], object]
"""Is told, in a line of text, of what a person should know: losses, warnings, files written."""

USUAL_RATE = 30.0
"""Frames a second where a source does not say, or says what no source keeps."""

_ROUNDING = 0.0015  # seconds; Matroska rounds its times to milliseconds


@dataclass(frozen=True)
class Frame:
    """One frame of a source.

    `image` is BGR uint8 (H, W, 3). `time` counts seconds from the clip's start or the camera's
    first frame, and is None for a picture. `wall` is the Unix time at which a live frame arrived,
    otherwise None. A frame with a `status_message` repeats an earlier image while a live source is
    silent: something to show, not to recognise. `lasts` is for how many seconds a clip shows it, or
    None where the clip does not say.
    """

    image: NDArray[np.uint8]
    index: int
    source: str
    time: float | None = None
    wall: float | None = None
    status_message: str = ""
    lasts: float | None = None


class Choice:
    """Which frames of a clip are looked at: `rate` a second, those before `end` seconds; None: all.

    They keep to a grid, so that the average is `rate` whatever the clip's own.
    """

    def __init__(self, rate: float | None = None, end: float | None = None) -> None:
        self._rate, self._end, self._due = rate, math.inf if end is None else end, -math.inf

    def over(self, time: float) -> bool:
        """Whether nothing from `time` on is looked at."""
        return time >= self._end

    def takes(self, time: float) -> bool:
        """Whether the frame at `time` is; to be asked for each, in their order."""
        if self._rate is None:
            return True
        if time < self._due - _ROUNDING:
            return False
        self._due = (math.floor((time + _ROUNDING) * self._rate) + 1) / self._rate
        return True


class FpsMeter:
    """Frames a second, over the last thirty of them."""

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


class Pace(NamedTuple):
    """How fast frames are worked through, and come from a live source, a second; 0: unknown.

    `dropped` counts the live frames that came while an earlier one was worked on.
    """

    shown: float
    camera: float | None = None
    dropped: int = 0

    def __str__(self) -> str:
        """The line in a window's corner."""
        if not self.shown:
            return ""
        if self.camera is None:
            return f"{self.shown:.0f} fps"
        dropped = f" | {self.dropped} dropped" if self.dropped else ""
        return f"camera {self.camera:.0f} fps | shown {self.shown:.0f} fps{dropped}"
