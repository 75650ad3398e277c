"""What a person looks like, in a few pixels: enough to tell apart two who are near each other."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.faces import Box, Image

Appearance: TypeAlias = NDArray[np.float32]  # values in 0..1


def appearance(frame: Image, box: Box) -> Appearance:
    """Head and shoulders of the face in `box`, 4 x 8 pixels of the frame as one vector in 0..1."""
    x, y, width, height = box
    rows, columns = frame.shape[:2]
    left, right = (round(min(max(v, 0), columns - 1)) for v in (x, x + width))
    top, bottom = (round(min(max(v, 0), rows - 1)) for v in (y - 0.2 * height, y + 1.8 * height))
    part = frame[top : bottom + 1, left : right + 1]
    small = cv2.resize(part, (4, 8), interpolation=cv2.INTER_AREA).reshape(32, -1)
    colour = np.repeat(small, 3, axis=1) if small.shape[1] == 1 else small[:, :3]
    return (colour.reshape(-1) / 255).astype(np.float32)  # as long for grey frames as for colour


def difference(one: Appearance | None, other: Appearance | None) -> float:
    """How differently two people look, 0..1; 0 where nothing is known."""
    return 0.0 if one is None or other is None else float(np.abs(one - other).mean())


def blended(old: Appearance | None, new: Appearance | None, gain: float) -> Appearance | None:
    """The old one with `gain` of the new one in it; the known one where only one is known."""
    if old is None or new is None:
        return old if new is None else new
    return (1 - gain) * old + gain * new
