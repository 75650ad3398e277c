"""hsemotion-onnx as its README gives it; it has no detector: OpenCV's frontal cascade finds faces.

The cascade's settings are those of `fer`, so that what differs is the network.
"""

import urllib.request  # noqa: F401 - the package calls it without importing it
from pathlib import Path

import cv2
import numpy as np
from hsemotion_onnx.facial_emotions import HSEmotionRecognizer
from loop import serve

MODEL = "enet_b0_8_best_vgaf"  # what the README begins with


class HsEmotion:
    def __init__(self) -> None:
        self._network = HSEmotionRecognizer(model_name=MODEL)
        self.labels = [self._network.idx_to_class[n] for n in sorted(self._network.idx_to_class)]
        folder = Path(cv2.__file__).parent / "data"
        self._cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))

    def frame(self, image: np.ndarray, seconds: float) -> int:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        boxes = self._cascade.detectMultiScale(
            grey, scaleFactor=1.1, minNeighbors=5, minSize=(50, 50)
        )
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        for x, y, width, height in boxes:
            self._network.predict_emotions(rgb[y : y + height, x : x + width], logits=False)
        return len(boxes)

    def crop(self, image: np.ndarray) -> list[float]:
        rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
        return [float(one) for one in self._network.predict_emotions(rgb, logits=False)[1]]


if __name__ == "__main__":
    serve(HsEmotion)
