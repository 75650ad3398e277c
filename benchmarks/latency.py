"""How old the frames of a live stream are when the program is slower than the stream.

python -m benchmarks.latency
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.quiet import silence_opencv
from emotion.sources.camera import Camera, opened
from emotion.sources.source import find
from tests.stream import Stream


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    rate: float = setting(30.0, "frames a second that the stream sends", check=config.above(0))
    work: float = setting(0.1, "seconds that each frame is worked on", check=config.at_least(0))
    seconds: float = setting(5.0, "how long the stream is watched", check=config.between(1, 7))


def main(settings: Settings) -> None:
    """Watch a stream on this machine with and without a reading thread; print the last age."""
    silence_opencv()
    for name, source in (("with a reading thread", threaded), ("without", direct)):
        with Stream(rate=settings.rate) as stream:
            age = watched(stream, source(stream.url), settings)
        print(f"{name:<22} {age:5.2f} s behind after {settings.seconds:g} s")


def watched(stream: Stream, images: Iterator[np.ndarray], settings: Settings) -> float:
    """How many seconds the last frame is old: its grey is its number, modulo 256."""
    end, level = time.monotonic() + settings.seconds, 0
    for image in images:
        level = round(float(image.mean()))
        behind = (stream.sent - 1 - level) % 256
        if time.monotonic() > end:
            return behind / settings.rate
        time.sleep(settings.work)
    return float("nan")


def threaded(url: str) -> Iterator[np.ndarray]:
    """The stream as the project reads it."""
    with Camera(url, opened(find(url))) as source:  # type: ignore[arg-type]
        yield from (frame.image for frame in source)


def direct(url: str) -> Iterator[np.ndarray]:
    """The stream as a plain loop reads it."""
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
    while True:
        yield capture.read()[1]


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
