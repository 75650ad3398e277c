"""This project, as its README gives it from Python; `pictures` makes every frame one by itself."""

import sys

import numpy as np
from loop import serve

from emotion import EmotionRecogniser


class Emotion:
    def __init__(self, reading: str, in_order: bool) -> None:
        self._recogniser, self._in_order = EmotionRecogniser(reading=reading), in_order
        self.labels = list(self._recogniser.labels)

    def frame(self, image: np.ndarray, seconds: float) -> int:
        return len(self._recogniser(image, seconds if self._in_order else None))

    def crop(self, image: np.ndarray) -> list[float]:
        return self._recogniser.read([image])[0].raw.tolist()


if __name__ == "__main__":
    serve(lambda: Emotion(sys.argv[2], sys.argv[1] == "video"))
