"""What drawing costs a frame, for frames of several sizes with no, one and five faces.

python -m benchmarks.drawing
"""

import statistics
import sys
import time
from dataclasses import dataclass

import cv2
import numpy as np

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.model_file import FER2013
from emotion.output.annotate import annotate
from emotion.tracking.tracker import Face

SIZES = ((320, 240), (640, 480), (1280, 720), (3840, 2160))


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    frames: int = setting(300, "frames, of which the median counts", check=config.at_least(1))


def main(settings: Settings) -> None:
    """Print a row for each size: milliseconds with no, one and five faces, and for a bare copy."""
    cv2.setNumThreads(1)
    print("size        no face  one face  five faces  bare copy   ms a frame")
    for width, height in SIZES:
        frame = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
        costs = [_cost(frame, people(count, width, height), settings) for count in (0, 1, 5)]
        copying = _median(lambda frame=frame: frame.copy(), settings.frames)
        print(f"{width:>4}x{height:<5} {''.join(f'{cost:9.3f} ' for cost in costs)} {copying:9.3f}")


def people(count: int, width: int, height: int) -> list[Face]:
    """Faces a fifth of the frame high, in two rows, each with its own emotion."""
    side = height // 5
    places = [(width * (2 * n + 1) // 11, side * (1 + 2 * (n % 2))) for n in range(count)]
    values = np.array([0.1, 0.05, 0.15, 0.4, 0.1, 0.05, 0.15], np.float32)
    return [
        Face(n + 1, (x, y, side, side), FER2013[n], 0.4, np.roll(values, n), values)
        for n, (x, y) in enumerate(places)
    ]


def _cost(frame: np.ndarray, faces: list[Face], settings: Settings) -> float:
    corner = "camera 30 fps | shown 30 fps | 2 dropped"
    return _median(lambda: annotate(frame, faces, FER2013, corner=corner), settings.frames)


def _median(call: object, times: int) -> float:
    """Milliseconds of one call."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        call()  # type: ignore[operator]
        spent.append(time.perf_counter() - start)
    return 1000 * statistics.median(spent)


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
