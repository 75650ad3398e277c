"""A frame at full size, half, a quarter: each search takes the smallest that serves."""

import math

from emotion import faces
from emotion.faces import Box, Image


class Pyramid:
    """The levels of one grey frame, each made when it is first asked for."""

    def __init__(self, image: Image) -> None:
        self._levels = [image]

    def level(self, number: int) -> Image:
        """The frame halved `number` times, down to a line of pixels."""
        while len(self._levels) <= number:
            last = self._levels[-1]
            self._levels.append(faces.resized(last, 0.5) if min(last.shape) > 1 else last)
        return self._levels[number]

    def best(self, box: Box, side: float) -> tuple[Image, float]:
        """The smallest level in which the box still has `side` pixels, and its scale."""
        number = max(0, math.floor(math.log2(max(1.0, box[2] / side))))
        return self.level(number), 0.5**number
