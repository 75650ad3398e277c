"""The newest of a run, for any number of threads that wait for it; none of them holds the run up.

The run only leaves what there is to draw: drawing and coding are done in the threads of those who
watch, once for all of them, and not at all while nobody does.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic, sleep
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion.sources.frame import Pace

Row = Mapping[str, Any]

_KEPT = 128  # frames; whoever listens to the rows and falls further behind misses the oldest


@dataclass(frozen=True)
class Newest:
    """The newest frame, its number counted from 1; 0 is before the first.

    `draw` gives the annotated frame, BGR uint8 (H, W, 3). `rows` gives the rows of the last frame
    that was recognised. `ended` says why the run is over, and is empty while it goes on.
    """

    number: int = 0
    draw: Callable[[], NDArray[np.uint8]] | None = None
    rows: Callable[[], Sequence[Row]] | None = None
    labels: tuple[str, ...] = ()
    status_message: str = ""
    pace: Pace | None = None
    ended: str = ""


class Latest:
    """Where a run leaves its newest frame and others find it."""

    def __init__(self) -> None:
        self.newest = Newest()
        self._news = threading.Condition()
        self._listeners = 0
        self._told: deque[tuple[int, bytes]] = deque(maxlen=_KEPT)

    def update(
        self,
        draw: Callable[[], NDArray[np.uint8]],
        rows: Callable[[], Sequence[Row]] | None,
        *,
        labels: tuple[str, ...],
        status_message: str = "",
        pace: Pace | None = None,
    ) -> None:
        """Leave a frame. Without `rows` it is none to recognise, and those before stay."""
        number = self.newest.number + 1
        told = _events(rows()) if rows and self._listeners else b""
        with self._news:
            if told:
                self._told.append((number, told))
            self.newest = Newest(
                number, draw, rows or self.newest.rows, labels, status_message, pace
            )
            self._news.notify_all()

    def end(self, why: str) -> None:
        """No frame comes any more: whoever waits is told."""
        with self._news:
            self.newest = replace(self.newest, number=self.newest.number + 1, ended=why)
            self._news.notify_all()

    def after(self, number: int, timeout: float) -> Newest | None:
        """The newest frame once there is a later one than `number`; None after `timeout` seconds.

        The end of the run counts as a frame.
        """
        with self._news:
            there = self._news.wait_for(lambda: self.newest.number > number, timeout)
            return self.newest if there else None

    @contextmanager
    def listening(self) -> Iterator[Callable[[float], bytes | None]]:
        """What gives, at each call, the rows since the last one, as server-sent events.

        It answers None when there are none after so many seconds, and b"" once the run is over.
        """
        with self._news:
            self._listeners += 1
            last = self.newest.number

        def more(timeout: float) -> bytes | None:
            nonlocal last
            with self._news:
                self._news.wait_for(lambda: self.newest.ended or self._later(last), timeout)
                found = [text for number, text in self._told if number > last]
                last = self.newest.number
                return b"".join(found) if found or self.newest.ended else None

        try:
            yield more
        finally:
            with self._news:
                self._listeners -= 1
                if not self._listeners:
                    self._told.clear()

    def _later(self, number: int) -> bool:
        return bool(self._told) and self._told[-1][0] > number


class MadeOnce:
    """What `make` makes of the newest frame, once for all who ask; at most `rate` a second."""

    def __init__(self, latest: Latest, make: Callable[[Newest], bytes], *, rate: float) -> None:
        self._latest, self._make, self._step = latest, make, 1 / rate
        self._making = threading.Lock()
        self._made, self._due = (0, b""), 0.0

    def after(self, number: int, timeout: float) -> tuple[int, bytes] | None:
        """What was made of a later frame than `number`, with that one's; None after `timeout`."""
        if self._latest.after(number, timeout) is None:
            return None
        with self._making:
            if self._made[0] <= number:
                sleep(max(0.0, self._due - monotonic()))
                self._due = max(self._due, monotonic() - self._step) + self._step
                newest = self._latest.newest
                self._made = newest.number, self._make(newest)
            return self._made


def _events(rows: Sequence[Row]) -> bytes:
    return "".join(f"data: {json.dumps(row)}\n\n" for row in rows).encode()
