"""A frame at full size, half, a quarter: each search takes the smallest that serves."""

import math

from emotion import faces
from emotion.faces import Box, Image


class Pyramid:
    """The levels of one grey frame, each made when it is first asked for."""

    def __init__(self, image: Image) -> None:
        self._levels = [image]
        self._reduced: list[Image] = []

    def level(self, number: int) -> Image:
        """The frame halved `number` times."""
        while len(self._levels) <= number:
            self._levels.append(faces.resized(self._levels[-1], 0.5))
        return self._levels[number]

    def best(self, box: Box, side: float) -> tuple[Image, float]:
        """The smallest level in which the box still has `side` pixels, and its scale."""
        number = max(0, math.floor(math.log2(max(1.0, box[2] / side))))
        return self.level(number), 0.5**number

    def reduced(self, scale: float) -> list[Image]:
        """The levels of the frame made smaller by `scale` first, the same in every call."""
        if not self._reduced:
            self._reduced = list(faces.pyramid(faces.resized(self.level(0), scale)))
        return self._reduced
