"""What every source yields and every output takes: a frame. And how fast frames come."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray

Notify = Callable[[str], object]
"""Is told, in a line of text, of what a person should know: losses, warnings, files written."""

USUAL_RATE = 30.0
"""Frames a second where a source does not say, or says what no source keeps."""


@dataclass(frozen=True)
class Frame:
    """One frame of a source.

    `image` is BGR uint8 (H, W, 3). `time` counts seconds from the clip's or camera's first frame,
    and is None for a picture. `wall` is the Unix time at which a live frame arrived, otherwise
    None. A frame with a `status_message` repeats an earlier image while a live source is silent:
    something to show, not to recognise.
    """

    image: NDArray[np.uint8]
    index: int
    source: str
    time: float | None = None
    wall: float | None = None
    status_message: str = ""


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
