"""The clips that the benchmarks measure on, from the files in ../shared/media."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.errors import EmotionError
from emotion.faces import FaceDetector
from emotion.sources.clip import Clip

Frame = NDArray[np.uint8]
SIZE = (640, 480)  # columns, rows
RATE = 30.0
FIVE = (
    "astronaut.png",
    "london_022_neutral.jpg",
    "london_034_smiling.jpg",
    "max_angry.jpg",
    "max_neutral.jpeg",
)


def clips(media: Path) -> list[Path]:
    """The clips in `media`; EmotionError when there is none."""
    found = sorted(path for path in media.glob("*") if path.suffix in (".mkv", ".mp4"))
    if not found:
        raise EmotionError(f"MEDIA='{media}' holds no .mkv or .mp4 clip: name a folder that does")
    return found


def frames(path: Path) -> Iterator[tuple[Frame, float]]:
    """The frames of a clip with their times in seconds; EmotionError when it cannot be opened."""
    with Clip(path) as clip:
        for frame in clip:
            yield frame.image, frame.time or 0.0


def looped(path: Path) -> Iterator[tuple[Frame, float]]:
    """A clip again and again, as if it were one that never ends."""
    start = 0.0
    while True:
        last = start
        for frame, time in frames(path):
            last = start + time
            yield frame, last
        start = last + 1 / RATE


def picture(path: Path) -> Frame:
    """A picture, BGR; EmotionError when it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise EmotionError(f"{path} is missing or is no picture")
    return np.asarray(image, np.uint8)


def head(path: Path, side: int) -> Frame:
    """The head in a portrait, BGR, square, `side` px, the face filling about half of it."""
    image = picture(path)
    x, y, width = (int(value) for value in FaceDetector().detect(image)[0][:3])
    bordered = cv2.copyMakeBorder(image, width, width, width, width, cv2.BORDER_REPLICATE)
    grown = width // 2
    part = bordered[y + width - grown : y + 2 * width + grown, x + width - grown :][:, : 2 * width]
    return np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def write(path: Path, images: Iterator[Frame] | Sequence[Frame], rate: float = RATE) -> Path:
    """Write a clip of 640x480 frames; EmotionError when OpenCV cannot."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, SIZE)
    if not writer.isOpened():
        raise EmotionError(f"{path} cannot be written: OpenCV has no MPEG-4 encoder here")
    for image in images:
        writer.write(image)
    writer.release()
    return path


def five(media: Path, path: Path, seconds: float = 6.0) -> Path:
    """A clip of five people who sway, each in their own way; it loops without a jump."""
    heads = [head(media / name, 190) for name in FIVE]
    places = [(10, 15), (225, 10), (440, 20), (110, 255), (335, 260)]

    def drawn() -> Iterator[Frame]:
        count = round(seconds * RATE)
        for number in range(count):
            frame = np.full((SIZE[1], SIZE[0], 3), 150, np.uint8)
            for turn, (image, (x, y)) in enumerate(zip(heads, places, strict=True)):
                phase = 2 * math.pi * (2 * number / count + turn / 5)
                left, top = x + round(10 * math.sin(phase)), y + round(8 * math.cos(phase))
                frame[top : top + 190, left : left + 190] = image
            yield frame

    return write(path, drawn())


def cut(first: Path, second: Path, path: Path, seconds: float = 3.0) -> Path:
    """A clip that shows one portrait, then another, `seconds` each; the face stays in its place."""
    heads = [head(one, 360) for one in (first, second)]
    count = round(seconds * RATE)
    noise = np.random.default_rng(0)

    def drawn() -> Iterator[Frame]:
        for image in heads:
            frame = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
            frame[60:420, 140:500] = image
            for _ in range(count):
                grain = noise.normal(0, 2, frame.shape)  # a camera's: no two frames are the same
                yield np.clip(frame + grain, 0, 255).astype(np.uint8)

    return write(path, drawn())
