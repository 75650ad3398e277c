"""Drawn faces to train and test on: a cascade finds them, and a small network tells them apart.

Seven expressions differ in mouth, brows and eyes; place, size, tilt, skin, light and noise vary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SCENE = (480, 640)  # rows, columns of a photograph
FACE = (200, 280)  # px; the side of the box around a face in a photograph


@dataclass(frozen=True)
class Expression:
    """Lengths are parts of the face box's side; positive is down, as in pictures."""

    brow: float  # height of the brows over the eyes
    tilt: float  # how much lower the brows are towards the nose
    eye: float  # half the height of the open eye
    curve: float  # how far the mouth's corners lie above its middle
    gape: float  # half the height of the open mouth
    width: float  # half the width of the mouth


EXPRESSIONS = {
    "angry": Expression(brow=0.09, tilt=0.05, eye=0.030, curve=-0.02, gape=0.0, width=0.13),
    "disgust": Expression(brow=0.10, tilt=0.03, eye=0.015, curve=-0.07, gape=0.03, width=0.15),
    "fear": Expression(brow=0.17, tilt=-0.04, eye=0.055, curve=-0.03, gape=0.05, width=0.16),
    "happy": Expression(brow=0.13, tilt=-0.01, eye=0.025, curve=0.08, gape=0.04, width=0.21),
    "sad": Expression(brow=0.13, tilt=-0.05, eye=0.022, curve=-0.06, gape=0.0, width=0.12),
    "surprise": Expression(brow=0.20, tilt=0.0, eye=0.060, curve=0.0, gape=0.11, width=0.09),
    "neutral": Expression(brow=0.13, tilt=0.0, eye=0.035, curve=0.0, gape=0.0, width=0.14),
}


def draw(emotion: str, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A face crop, grey, uint8 (size, size), framed as FER-2013 frames its faces."""
    canvas = 192
    face = canvas * rng.uniform(0.76, 0.90)  # as a cascade frames those of `scene`
    middle = canvas / 2 + rng.uniform(-0.05, 0.05, 2) * canvas
    image = np.full((canvas, canvas), rng.uniform(40, 200), np.float32)
    _head(image, EXPRESSIONS[emotion], middle, face, rng)
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return _noisy(image, rng)


def scene(emotion: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A photograph, BGR, uint8 (480, 640, 3), with one face, 200 to 280 px wide, in a room."""
    rows, columns = SCENE
    face = rng.uniform(*FACE)
    middle = np.array([columns / 2, rows / 2]) + rng.uniform(-0.08, 0.08, 2) * rows
    image = np.linspace(rng.uniform(60, 110), rng.uniform(120, 180), columns, dtype=np.float32)
    image = np.repeat(image[None], rows, axis=0)
    left = int(rng.uniform(0, 60))
    image[40:220, left : left + 60] += 50  # a window
    _shoulders(image, middle, face, rng)
    _head(image, EXPRESSIONS[emotion], middle, face, rng)
    grey = _noisy(image, rng).astype(np.float32)
    tint = np.array([rng.uniform(0.75, 0.9), 0.95, 1.05], np.float32)
    return np.clip(grey[:, :, None] * tint, 0, 255).astype(np.uint8)


def write_folder(
    path: Path,
    *,
    per_class: int = 60,
    classes: Sequence[str] = tuple(EXPRESSIONS),
    size: int = 48,
    seed: int = 0,
) -> Path:
    """Write the Kaggle layout: `per_class` training crops for each class, and in `test/` a third
    as many, three at least, with each of the prefixes PublicTest_ and PrivateTest_. Gives `path`.
    """
    rng = np.random.default_rng(seed)
    held_back = max(3, per_class // 3)
    for label in classes:
        number = 0
        for part, prefix, count in (
            ("train", "Training", per_class),
            ("test", "PublicTest", held_back),
            ("test", "PrivateTest", held_back),
        ):
            folder = path / part / label
            folder.mkdir(parents=True, exist_ok=True)
            for _ in range(count):
                number += 1
                _write(folder / f"{prefix}_{number:05d}.jpg", draw(label, size, rng))
    return path


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


def _noisy(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Light from one side, more or less of it, and a sensor's noise."""
    rows, columns = image.shape
    light = 1 + rng.uniform(-0.15, 0.15) * np.linspace(-1, 1, columns)[None]
    image = image * light * rng.uniform(0.8, 1.15) + rng.normal(0, 5, (rows, columns))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _head(
    image: NDArray[np.float32],
    expression: Expression,
    middle: NDArray[np.float64],
    face: float,
    rng: np.random.Generator,
) -> None:
    """Paint a head whose box, brows to chin, is `face` px wide around `middle` (x, y)."""
    brush = _Brush(image, middle, face, angle=rng.uniform(-6, 6))
    skin, dark = rng.uniform(165, 215), rng.uniform(25, 55)
    brush.ellipse((0, -0.10), (0.50, 0.66), dark)  # hair
    brush.ellipse((0, 0.02), (0.42, 0.57), skin)
    brush.ellipse((0, -0.42), (0.30, 0.10), skin)  # forehead under the hair
    for side in (-1, 1):
        _eye(brush, expression, side, skin, dark)
    brush.line([(0.0, -0.14), (0.0, 0.08)], 0.06, skin + 18)  # the bridge of the nose
    brush.ellipse((0, 0.14), (0.09, 0.035), skin * 0.72)
    _mouth(brush, expression, dark)
    image[:] = cv2.GaussianBlur(image, (0, 0), face / 110)


def _eye(brush: "_Brush", expression: Expression, side: int, skin: float, dark: float) -> None:
    x, y = 0.20 * side, -0.13
    brush.ellipse((x, y - 0.01), (0.135, 0.085), skin * 0.62)  # the socket lies in shadow
    brush.ellipse((x, y), (0.085, expression.eye + 0.008), dark)
    brush.ellipse((x, y), (0.075, expression.eye), 230)
    brush.ellipse((x, y), (0.032, min(0.032, expression.eye)), dark)
    inner, outer = (0.09 * side, 0.31 * side)
    height = y - expression.brow
    brush.line([(inner, height + expression.tilt), (outer, height - expression.tilt)], 0.04, dark)


def _mouth(brush: "_Brush", expression: Expression, dark: float) -> None:
    y, half = 0.31, expression.width
    along = np.linspace(-1, 1, 15)
    middle = [(half * t, y + expression.curve * (0.5 - t * t)) for t in along]
    if expression.gape:
        opening = [expression.gape * np.sqrt(1 - t * t) for t in along]
        upper = [(x, v - gap) for (x, v), gap in zip(middle, opening, strict=True)]
        lower = [(x, v + gap) for (x, v), gap in zip(middle, opening, strict=True)]
        brush.polygon([*upper, *reversed(lower)], dark)
    else:
        brush.line(middle, 0.035, dark + 25)


def _shoulders(
    image: NDArray[np.float32],
    middle: NDArray[np.float64],
    face: float,
    rng: np.random.Generator,
) -> None:
    brush = _Brush(image, middle, face, angle=0)
    brush.ellipse((0, 1.25), (1.0, 0.60), rng.uniform(30, 90))
    brush.ellipse((0, 0.62), (0.20, 0.30), rng.uniform(120, 150))  # neck


class _Brush:
    """Paints on an image in the face's own coordinates: its middle is (0, 0), its box's side 1."""

    def __init__(
        self, image: NDArray[np.float32], middle: NDArray[np.float64], face: float, angle: float
    ) -> None:
        self.image, self.middle, self.face, self.angle = image, middle, face, angle
        turn = np.deg2rad(angle)
        self.turn = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])

    def ellipse(self, centre: tuple[float, float], axes: tuple[float, float], value: float) -> None:
        box = (self._at([centre])[0], np.array(axes) * 2 * self.face, self.angle)
        cv2.ellipse(self.image, box, value, -1, cv2.LINE_8)

    def line(self, points: Sequence[tuple[float, float]], width: float, value: float) -> None:
        thick = max(1, round(width * self.face))
        cv2.polylines(self.image, [np.rint(self._at(points)).astype(int)], False, value, thick)

    def polygon(self, points: Sequence[tuple[float, float]], value: float) -> None:
        cv2.fillPoly(self.image, [np.rint(self._at(points)).astype(int)], value)

    def _at(self, points: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
        return np.array(points) @ self.turn.T * self.face + self.middle
