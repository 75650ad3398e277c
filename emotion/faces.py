"""Where the faces are in a picture, and the square grey crops that the network sees.

A Haar cascade answers with a square from the brows to the chin. That square is what "box" means
everywhere in this project; boxes of other detectors are brought to it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.errors import EmotionError

MIN_FACE = 0.04
"""The smallest face looked for, as a part of the image's shorter side."""

MARGIN = 0.02
"""What a crop adds on each side of a box, as a part of the box: FER-2013's own framing."""

_SMALLEST = 20  # px; the cascades' own window, below which they see nothing
_CLOSE = 56  # px; the size at which a proposed face is looked at again
_ROUND = 0.45  # what that second look sees around the face, as a part of it
_SURE = 100  # agreeing windows in the second look; real faces get 170 to 900, others up to 83
_LIKELY = 15  # the same for a big face, of which there are too few windows to agree by chance
_BIG = 0.35  # what "big" means, as a part of the image's shorter side

Boxes = NDArray[np.int32]
Image = NDArray[np.uint8]


class FaceFinder:
    """Finds upright faces in single pictures with OpenCV's Haar cascades.

    Three frontal cascades, trained differently, each propose faces; each proposal is then looked
    at closely by all three. A face is hit by dozens of neighbouring windows of every cascade, a
    false alarm by a few of one.

    `min_face` is the smallest face, as a part of the picture's shorter side. Raises EmotionError
    when OpenCV's cascade files are missing.
    """

    def __init__(self, *, min_face: float = MIN_FACE) -> None:
        self.min_face = min_face
        self._cascades = [
            cascade(f"haarcascade_frontalface_{name}.xml") for name in ("alt2", "alt", "default")
        ]

    def find(self, image: Image) -> Boxes:
        """Boxes, int32 (F, 4), of the faces in a grey or BGR picture, largest first."""
        whole = grey(image)
        shorter = min(whole.shape)
        scale = min(1.0, _SMALLEST / (self.min_face * shorter))
        reduced = resized(whole, scale)
        proposals = apart(self._proposed(reduced, smallest=self.min_face * shorter * scale))
        votes = [self._votes(reduced, box) for box in proposals]
        found = [box for box, count in zip(proposals, votes, strict=True) if count >= _SURE]
        if not found:
            found = _likely(proposals, votes, min(reduced.shape))
        boxes = np.array(found, np.float64).reshape(-1, 4) / scale
        boxes = boxes[np.argsort(-boxes[:, 2], kind="stable")]
        return np.rint(boxes).astype(np.int32)

    def _proposed(self, image: Image, *, smallest: float) -> list[tuple[int, ...]]:
        """Squares in which some cascade sees a face, those with the most windows first."""
        side = max(_SMALLEST, round(smallest))
        alt2, alt, default = self._cascades
        even = cv2.equalizeHist(image)
        found: list[tuple[int, tuple[int, ...]]] = []
        for detector, seen in ((alt2, image), (default, image), (alt, even)):
            boxes, counts = detector.detectMultiScale2(seen, 1.1, 1, minSize=(side, side))
            found += [(int(n), tuple(map(int, box))) for n, box in zip(counts, boxes, strict=True)]
        return [box for _, box in sorted(found, reverse=True)]

    def _votes(self, image: Image, box: Sequence[float]) -> int:
        """How many windows in and around `box` hold a face, over all cascades."""
        square = around(image, box, margin=_ROUND, size=round(_CLOSE * (1 + 2 * _ROUND)))
        smallest, largest = round(_CLOSE / 1.4), round(_CLOSE * 1.5)
        votes = 0
        for seen in (square, cv2.equalizeHist(square)):
            for detector in self._cascades:
                _, counts = detector.detectMultiScale2(
                    seen, 1.05, 1, minSize=(smallest, smallest), maxSize=(largest, largest)
                )
                votes += max(counts, default=0)
        return votes


def crop(image: Image, boxes: Boxes, *, size: int = 48, margin: float = MARGIN) -> Image:
    """The faces in `boxes` as the network sees them: grey, square, uint8 (F, size, size).

    `image` is grey or BGR. Where a box crosses the edge, the edge's pixels are repeated.
    """
    crops = np.empty((len(boxes), size, size), np.uint8)
    for row, box in zip(crops, boxes, strict=True):
        row[:] = around(image, box, margin=margin, size=size)
    return crops


def around(image: Image, box: Sequence[float], *, margin: float, size: int) -> Image:
    """The square around a box's centre with `margin` on each side, grey, `size` x `size`."""
    x, y, width, height = (float(value) for value in box)
    side = max(1, round(max(width, height) * (1 + 2 * margin)))
    left, top = round(x + (width - side) / 2), round(y + (height - side) / 2)
    rows, columns = image.shape[:2]
    # A box that lies outside altogether still gets the nearest pixels instead of none.
    x0, x1 = min(max(left, 0), columns - 1), min(max(left + side, 1), columns)
    y0, y1 = min(max(top, 0), rows - 1), min(max(top + side, 1), rows)
    inside = grey(image[y0:y1, x0:x1])
    gaps = (y0 - top, top + side - y1, x0 - left, left + side - x1)
    if any(gaps):
        inside = cv2.copyMakeBorder(inside, *(max(0, gap) for gap in gaps), cv2.BORDER_REPLICATE)
    smooth = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(inside, (size, size), interpolation=smooth)


def grey(image: Image) -> Image:
    """A grey, BGR or BGRA image as grey; a grey one is given back as it is.

    Raises EmotionError for anything else.
    """
    shape = image.shape
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in shape:
        raise EmotionError(f"an image of shape {shape}, {image.dtype}: needed is 8-bit grey or BGR")
    if image.ndim == 2:
        return image
    if shape[2] == 1:
        return image[:, :, 0]
    if shape[2] not in (3, 4):
        raise EmotionError(f"an image with {shape[2]} channels: needed is grey, BGR or BGRA")
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY if shape[2] == 3 else cv2.COLOR_BGRA2GRAY)


def resized(image: Image, scale: float) -> Image:
    """The image made smaller by `scale`, averaging; itself when `scale` is 1 or more."""
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def cascade(name: str) -> cv2.CascadeClassifier:
    """One of OpenCV's cascades; EmotionError when its file is missing or broken."""
    folder = getattr(getattr(cv2, "data", None), "haarcascades", None)
    kind = getattr(cv2, "CascadeClassifier", None)
    if folder is None or kind is None:
        raise EmotionError(
            f"OpenCV {cv2.__version__} has no Haar cascades: pip install 'opencv-python>=4.10,<5'"
        )
    path = Path(folder) / name
    loaded = kind(str(path)) if path.is_file() else None
    if loaded is None or loaded.empty():
        raise EmotionError(f"{path} is missing or broken: install opencv-python again")
    return loaded


def apart(boxes: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The boxes in their order, without those that lie on one already kept."""
    kept: list[tuple[int, ...]] = []
    for box in boxes:
        if not any(same_face(box, other) for other in kept):
            kept.append(box)
    return kept


def same_face(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two boxes are so close in place and size that they hold the same face."""
    larger, smaller = max(one[2], other[2]), min(one[2], other[2])
    across = abs((one[0] + one[2] / 2) - (other[0] + other[2] / 2))
    down = abs((one[1] + one[3] / 2) - (other[1] + other[3] / 2))
    return max(across, down) < 0.35 * larger and smaller > 0.5 * larger


def _likely(
    proposals: Sequence[tuple[int, ...]], votes: Sequence[int], shorter: int
) -> list[tuple[int, ...]]:
    """In a picture without a sure face: the likeliest of the big ones, if any is likely."""
    big = [
        (count, box)
        for count, box in zip(votes, proposals, strict=True)
        if count >= _LIKELY and box[2] >= _BIG * shorter
    ]
    return [max(big)[1]] if big else []
