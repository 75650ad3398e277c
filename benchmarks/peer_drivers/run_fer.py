"""`fer` as its README gives it first: OpenCV's frontal cascade, its own network as TFLite."""

import cv2
import numpy as np
from fer.fer import FER
from loop import serve

SIDE = 64  # pixels, what its network takes


class Fer:
    labels = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

    def __init__(self) -> None:
        self._recogniser = FER(mtcnn=False)

    def frame(self, image: np.ndarray, seconds: float) -> int:
        return len(self._recogniser.detect_emotions(image))

    def crop(self, image: np.ndarray) -> list[float]:
        grey = cv2.resize(image, (SIDE, SIDE)).astype(np.float32)
        scaled = (grey / 255 - 0.5) * 2  # as it does itself with what it has cut out
        return [float(one) for one in self._recogniser._classify_emotions(scaled[np.newaxis])[0]]


if __name__ == "__main__":
    serve(Fer)
