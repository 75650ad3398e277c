"""OpenCV's YuNet in the cascades' place, for those who have its file; its boxes are made theirs.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import faces
from emotion.errors import EmotionError
from emotion.faces import MIN_FACE, Box, Boxes, Found, Image, overlap
from emotion.tracking.appearance import appearance
from emotion.tracking.tracker import Detection, Track

# px that the smallest face is brought to. The network was trained on faces of 10 px and more, its
# own boxes are a fifth narrower than these, and a picture's faces have one frame to be sure in.
_SMALLEST, _SMALLEST_PICTURE = 14, 20
_LARGEST = 300  # px; it was trained on none above
_CONFIRMED, _WEAK = 0.8, 0.6  # its scores: a face, and a face if it is detected again

# Where a cascade's box has eyes and mouth (portraits; parts of its side): pupils 0.365 apart and
# 0.395 down, the mouth 0.765 down.
_PUPILS, _EYES_TO_MOUTH, _MIDDLE = 0.365, 0.37, 0.58

Answer: TypeAlias = tuple[Box, float, float]  # box, roll in degrees, score


class YuNet:
    """Detects faces as FaceDetector does in pictures and VideoDetector in video, with a `.onnx`.

    `min_face` is the smallest face, as a part of the picture's shorter side. Raises EmotionError
    when the file is missing or is no such model.
    """

    def __init__(self, path: Path | str, *, min_face: float = MIN_FACE) -> None:
        if not Path(path).is_file():
            raise EmotionError(
                f"FACE_MODEL='{path}' does not exist: get face_detection_yunet_2023mar.onnx from "
                "OpenCV's model zoo, or leave it unset for the cascades"
            )
        try:
            self._network = cv2.FaceDetectorYN.create(str(path), "", (320, 320), _WEAK)
        except cv2.error as error:
            raise EmotionError(
                f"FACE_MODEL='{path}' is no YuNet model that OpenCV reads"
            ) from error
        self.min_face = faces.checked_part(min_face)

    def detect(self, image: Image) -> Boxes:
        """Boxes, int32 (F, 4), of the faces in a grey or BGR picture, largest first."""
        return faces.whole_pixels([one.box for one in self.find(image)])

    def find(self, image: Image) -> list[Found]:
        """The faces in a grey or BGR picture, each with its roll, largest first."""
        found = self._answers(image, _SMALLEST_PICTURE)
        sure = [Found(box, roll) for box, roll, score in found if score >= _CONFIRMED]
        return sorted(sure, key=lambda one: -one.box[2])

    def detect_next(
        self,
        frame: Image,
        grey: Image,
        tracks: Sequence[Track],
        time: float,
        *,
        cut: bool,
        live: bool = False,
    ) -> list[Detection]:
        """The faces in a BGR or grey `frame`; all searched every time, whoever is expected."""
        return [
            Detection(box, roll, score >= _CONFIRMED, appearance(frame, box))
            for box, roll, score in self._answers(frame, _SMALLEST)
        ]

    def _answers(self, image: Image, smallest: int) -> list[Answer]:
        """Box, roll in degrees and score of each face, the smallest made `smallest` px."""
        shorter = min(faces.checked(image).shape[:2])
        scale = min(1.0, smallest / (self.min_face * shorter))
        found = self._answers_at(image, scale)
        if scale * shorter > _LARGEST:  # what nearly fills it is seen in a smaller one
            found += self._answers_at(image, _LARGEST / 2 / shorter)
            found.sort(key=lambda one: -one[2])
            found = faces.non_maximum_suppression(
                found, lambda one, other: overlap(one[0], other[0])
            )
        return found

    def _answers_at(self, image: Image, scale: float) -> list[Answer]:
        """The same at one size of the picture."""
        small = _colour(faces.resized(image, scale))
        self._network.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._network.detect(small)
        if rows is None:
            return []
        return [_as_cascade(np.asarray(row, np.float64), scale) for row in rows]


def _as_cascade(row: NDArray[np.float64], scale: float) -> Answer:
    """Box in the cascades' manner, roll and score, from one row of YuNet's answer.

    A row is x, y, width, height, five points (right eye, left eye, nose, right and left corner of
    the mouth), score. The box stands on the eyes and the mouth: YuNet's own hugs the face, and so
    changes its shape with every turn of the head.
    """
    right_eye, left_eye, _, right_mouth, left_mouth = row[4:14].reshape(5, 2) / scale
    eyes, mouth = (right_eye + left_eye) / 2, (right_mouth + left_mouth) / 2
    down = mouth - eyes
    # A head turned aside brings the eyes together, one that nods brings eyes and mouth together.
    eye_distance = float(np.hypot(*(left_eye - right_eye)))
    side = max(eye_distance / _PUPILS, float(np.hypot(*down)) / _EYES_TO_MOUTH, 1.0)
    roll = math.degrees(math.atan2(-down[0], down[1])) if down.any() else 0.0
    upright = np.array([-math.sin(math.radians(roll)), math.cos(math.radians(roll))])
    x, y = (eyes + mouth) / 2 - (_MIDDLE - 0.5) * side * upright - side / 2
    return (float(x), float(y), side, side), roll, float(row[14])


def _colour(image: Image) -> Image:
    """The image with three channels, which is what the network takes."""
    if image.ndim == 3 and image.shape[2] == 3:
        return image
    return np.repeat(faces.grey(image)[:, :, None], 3, axis=2)
