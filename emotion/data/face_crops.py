"""A picture -> the square grey crop that training looks at."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import faces

CROP_SIDE = 48  # FER-2013's; a grey square no larger is a face crop already, and no photograph


@dataclass(frozen=True)
class Crop:
    """uint8 (size, size), and how it came about: "as it is", "face" or "no face found"."""

    image: NDArray[np.uint8]
    how: str


class Preparer:
    """Turns pictures into crops; loads the face cascades when the first photograph comes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._detector: faces.FaceDetector | None = None

    def __call__(self, image: NDArray[np.uint8]) -> Crop:
        """The crop of `image`, grey or BGR, uint8, any size.

        FER-2013's crops and those that recognition saves stay as they are: a cascade finds no face
        in a bare 48 x 48 crop. Of anything else it is the largest face, or else the centre square.
        """
        height, width = image.shape[:2]
        grey = _if_colourless(image)
        if grey is not None and height == width and height <= max(self.size, CROP_SIDE):
            return Crop(_scaled(grey, self.size), "as it is")
        image = image if grey is None else grey
        if self._detector is None:
            self._detector = faces.FaceDetector()
        boxes = self._detector.detect(image)
        if len(boxes):
            return Crop(faces.crop(image, boxes[:1], size=self.size)[0], "face")
        return Crop(faces.crop(image, _centre(image), size=self.size, margin=0)[0], "no face found")


def _if_colourless(image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """(H, W) of a picture without colour, stored in one channel or in three; None of others."""
    if image.ndim == 2:
        return image
    blue = image[:, :, 0]
    same = np.array_equal(blue, image[:, :, 1]) and np.array_equal(blue, image[:, :, 2])
    return np.ascontiguousarray(blue) if same else None


def _scaled(grey: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    if grey.shape == (size, size):
        return grey
    how = cv2.INTER_AREA if len(grey) > size else cv2.INTER_LINEAR
    return cv2.resize(grey, (size, size), interpolation=how).astype(np.uint8, copy=False)


def _centre(image: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The largest centred square: bars beside a whole picture would be a cue to learn from."""
    height, width = image.shape[:2]
    side = min(height, width)
    return np.array([[(width - side) // 2, (height - side) // 2, side, side]], np.int32)
