"""deepface as its README gives it, `analyze`, with its fastest detector."""

from typing import Any

import cv2
import numpy as np
from deepface import DeepFace
from loop import serve


class Deepface:
    def __init__(self) -> None:
        blank = np.full((48, 48, 3), 128, np.uint8)  # loads the weights, or says that it cannot
        self.labels = list(self._analysed(blank, "skip")[0]["emotion"])

    def frame(self, image: np.ndarray, seconds: float) -> int:
        faces = self._analysed(image, "opencv")
        return sum(face["face_confidence"] > 0 for face in faces)  # 0: the whole frame instead

    def crop(self, image: np.ndarray) -> list[float]:
        scores = self._analysed(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), "skip")[0]["emotion"]
        return [float(scores[label]) for label in self.labels]

    def _analysed(self, image: np.ndarray, detector: str) -> list[dict[str, Any]]:
        return DeepFace.analyze(
            image,
            actions=["emotion"],
            detector_backend=detector,
            enforce_detection=False,
            silent=True,
        )


if __name__ == "__main__":
    serve(Deepface)
