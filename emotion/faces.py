"""Where the faces are in a picture, and the square grey crops that the network sees.

A Haar cascade answers with a square from the brows to the chin. That square is what "box" means
everywhere in this project; boxes of other detectors are brought to it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.errors import EmotionError

MIN_FACE = 0.04
"""The smallest face looked for, as a part of the image's shorter side."""

MARGIN = -0.025
"""What a crop adds on each side of a box, as a part of the box.

Around FER-2013's own crops (350 of them, enlarged) a box comes out 1.05 times as large as the crop
and centred on it to within 0.01: cut by this much, a crop shows what FER-2013's do.
"""

WINDOW = 20  # px; the side of the cascades' own window, below which they see nothing
SURE = 45  # agreeing windows of the second look; faces get 56 to 420, anything else up to 35
_CLOSE = 44  # px; the size that a proposed face has in the second look
_ROUND = 0.4  # what the second look sees around the face, on each side, as a part of it
_BIG = 0.45  # part of the shorter side from which a face is looked for more patiently
_VERSIONS = (97, 150)  # px; the shorter sides at which that is done
_LIKELY = 40  # agreeing windows that such a face needs: a hidden one got 52, anything else up to 22

Box: TypeAlias = tuple[float, float, float, float]  # x, y, width, height
Boxes: TypeAlias = NDArray[np.int32]
Image: TypeAlias = NDArray[np.uint8]


class FaceFinder:
    """Finds upright faces in single pictures with OpenCV's Haar cascades.

    One frontal cascade proposes faces; then three, trained differently, look closely at each
    proposal. A face is hit by dozens of neighbouring windows of every cascade, a false alarm by a
    few windows of one.

    `min_face` is the smallest face, as a part of the picture's shorter side. Raises EmotionError
    when that is not above 0 and at most 1, or when OpenCV's cascade files are missing.
    """

    def __init__(self, *, min_face: float = MIN_FACE) -> None:
        self.min_face = checked_part(min_face)
        self.alt2, self.default, self.alt = (
            cascade(f"haarcascade_frontalface_{name}.xml") for name in ("alt2", "default", "alt")
        )

    def find(self, image: Image) -> Boxes:
        """Boxes, int32 (F, 4), of the faces in a grey or BGR picture, largest first."""
        whole = grey(image)
        scale = self.scale(whole)
        reduced = resized(whole, scale)
        looked = [self.look(reduced, box) for box in self._proposals(reduced)]
        sure = [box for votes, box in sorted(looked, reverse=True) if votes >= SURE]
        found = apart(sure, overlap)
        if not found:
            found = self._big(reduced)
        return whole_pixels(found, scale)

    def scale(self, image: Image) -> float:
        """How much smaller an image may be made before its smallest face is lost."""
        return min(1.0, WINDOW / (self.min_face * min(image.shape[:2])))

    def _proposals(self, image: Image) -> list[Box]:
        """Where in a reduced image there may be faces of any size, those with most votes first."""
        found: list[tuple[int, Box]] = []
        for octave, part in enumerate(octaves(image)):
            answer = hits(self.alt2, part, 1.1)
            found += [(votes, enlarged(box, 2**octave)) for votes, box in answer]
        # Merged only where they are alike: a large false one must not hide small true ones.
        return apart([box for _, box in sorted(found, reverse=True)], same_face)

    def look(self, image: Image, box: Box) -> tuple[int, Box]:
        """A closer look at one proposal: the votes for a face there, and where it is exactly."""
        first, box = self._ballot(image, box, even=False)
        if not first:  # most proposals end here, at half the cost
            return 0, box
        second, box = self._ballot(image, box, even=True)
        return first + second, box

    def _ballot(self, image: Image, box: Box, *, even: bool) -> tuple[int, Box]:
        """Votes and mean place of what the cascades see in and around `box`."""
        square = around(image, box, margin=_ROUND, size=round(_CLOSE * (1 + 2 * _ROUND)))
        seen = _bytes(cv2.equalizeHist(square)) if even else square
        smallest, largest = round(_CLOSE / 1.4), round(_CLOSE * 1.4)
        found: list[tuple[int, Box]] = []
        for detector in (self.alt2, self.default, self.alt):
            found += hits(detector, seen, 1.08, smallest=smallest, largest=largest)[:1]
        return _mean(found, square.shape[0], box)

    def _big(self, image: Image) -> list[Box]:
        """The likeliest face among those that fill much of the picture, if there is one.

        For portraits in which a hat, a beard or a hand hides what a cascade wants to see. A few
        windows answer in every version of the picture where there is a face, in one or two of
        them where there is none.
        """
        shorter = min(image.shape)
        found: list[tuple[int, Box]] = []
        for target in _VERSIONS:
            plain = resized(image, target / shorter)
            scale = min(plain.shape) / shorter
            smallest, largest = round(_BIG * shorter * scale), min(plain.shape)
            for version in (plain, _bytes(cv2.equalizeHist(plain))):
                for detector in (self.alt2, self.default, self.alt):
                    answer = hits(detector, version, 1.05, smallest=smallest, largest=largest)
                    found += [(count, enlarged(box, 1 / scale)) for count, box in answer]
        votes = [sum(n for n, other in found if same_face(box, other)) for _, box in found]
        best = max(votes, default=0)
        return [found[votes.index(best)][1]] if best >= _LIKELY else []


def hits(
    detector: cv2.CascadeClassifier,
    image: Image,
    step: float,
    *,
    smallest: int = WINDOW,
    largest: int = 2 * WINDOW + 1,
) -> list[tuple[int, Box]]:
    """Where one cascade sees something: (neighbouring windows, box), most windows first."""
    boxes, counts = detector.detectMultiScale2(
        image, step, 1, minSize=(smallest, smallest), maxSize=(largest, largest)
    )
    found: list[tuple[int, Box]] = []
    for count, (x, y, width, height) in zip(counts, boxes, strict=True):
        found.append((int(count), (float(x), float(y), float(width), float(height))))
    return sorted(found, reverse=True)


def octaves(image: Image) -> Iterator[Image]:
    """The image, then halved again and again: one step of sizes covers each, at the least cost."""
    while min(image.shape) >= WINDOW:
        yield image
        image = resized(image, 0.5)


def crop(
    image: Image,
    boxes: NDArray[Any] | Sequence[Box],
    *,
    size: int = 48,
    margin: float = MARGIN,
    angles: Sequence[float] | None = None,
) -> Image:
    """The faces in `boxes` as the network sees them: grey, square, uint8 (F, size, size).

    `image` is grey or BGR. Where a box crosses the edge, the edge's pixels are repeated. `angles`
    says how far each head leans, in degrees, clockwise positive; it is set upright in the crop.
    """
    crops = np.empty((len(boxes), size, size), np.uint8)
    leans = [0.0] * len(boxes) if angles is None else angles
    for row, box, angle in zip(crops, boxes, leans, strict=True):
        row[:] = around(image, box, margin=margin, size=size, angle=angle)
    return crops


def around(
    image: Image, box: Sequence[float], *, margin: float, size: int, angle: float = 0.0
) -> Image:
    """The square around a box's centre with `margin` on each side, grey, `size` x `size`."""
    if angle:
        return _upright(image, box, margin=margin, size=size, angle=angle)
    x, y, width, height = (float(value) for value in box)
    side = max(1, round(max(width, height) * (1 + 2 * margin)))
    left, top = round(x + (width - side) / 2), round(y + (height - side) / 2)
    rows, columns = image.shape[:2]
    # A box that lies outside altogether still gets the nearest pixels instead of none.
    x0, x1 = min(max(left, 0), columns - 1), min(max(left + side, 1), columns)
    y0, y1 = min(max(top, 0), rows - 1), min(max(top + side, 1), rows)
    inside = grey(image[y0:y1, x0:x1])
    if x1 - x0 < side or y1 - y0 < side:
        inside = np.take(inside, np.arange(top, top + side).clip(y0, y1 - 1) - y0, axis=0)
        inside = np.take(inside, np.arange(left, left + side).clip(x0, x1 - 1) - x0, axis=1)
    smooth = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return _bytes(cv2.resize(inside, (size, size), interpolation=smooth))


def _upright(
    image: Image, box: Sequence[float], *, margin: float, size: int, angle: float
) -> Image:
    """`around` for a head that leans `angle` degrees clockwise."""
    room = math.sqrt(2)  # the diagonal: every corner of the turned square lies inside
    wide = math.ceil(size * room)
    margin = ((1 + 2 * margin) * wide / size - 1) / 2
    square = around(image, box, margin=margin, size=wide)
    turn = cv2.getRotationMatrix2D(((wide - 1) / 2, (wide - 1) / 2), angle, 1.0)
    turn = turn - [[0, 0, (wide - size) / 2]] * 2
    return _bytes(cv2.warpAffine(square, turn, (size, size), borderMode=cv2.BORDER_REPLICATE))


def grey(image: Image) -> Image:
    """A grey, BGR or BGRA image as grey; a grey one is given back as it is.

    Raises EmotionError for anything else.
    """
    if not isinstance(image, np.ndarray):
        raise EmotionError(f"a {type(image).__name__} is no image: needed is 8-bit grey or BGR")
    shape = image.shape
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in shape:
        raise EmotionError(f"an image of shape {shape}, {image.dtype}: needed is 8-bit grey or BGR")
    if image.ndim == 2:
        return image
    if shape[2] == 1:
        return image[:, :, 0]
    if shape[2] not in (3, 4):
        raise EmotionError(f"an image with {shape[2]} channels: needed is grey, BGR or BGRA")
    way = cv2.COLOR_BGR2GRAY if shape[2] == 3 else cv2.COLOR_BGRA2GRAY
    return _bytes(cv2.cvtColor(image, way))


def resized(image: Image, scale: float) -> Image:
    """The image made smaller by `scale`, averaging; itself when `scale` is 1 or more."""
    if scale >= 1:
        return image
    return _bytes(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def cascade(name: str) -> cv2.CascadeClassifier:
    """One of OpenCV's cascades; EmotionError when its file is missing or broken."""
    folder = getattr(getattr(cv2, "data", None), "haarcascades", None)
    kind = getattr(cv2, "CascadeClassifier", None)
    if folder is None or kind is None:
        raise EmotionError(
            f"OpenCV {cv2.__version__} has no Haar cascades: pip install 'opencv-python>=4.10,<5'"
        )
    path = Path(folder) / name
    try:
        loaded = kind(str(path)) if path.is_file() else None
    except (cv2.error, SystemError):  # what the bindings make of a file they cannot parse
        loaded = None
    if loaded is None or loaded.empty():
        raise EmotionError(f"{path} is missing or broken: install opencv-python again")
    return loaded


def apart(boxes: Iterable[Box], alike: Callable[[Box, Box], bool]) -> list[Box]:
    """The boxes in their order, without those that are `alike` with one already kept."""
    kept: list[Box] = []
    for box in boxes:
        if not any(alike(box, other) for other in kept):
            kept.append(box)
    return kept


def overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the middle of either box lies in the other, as two faces' never do."""
    for first, second in ((one, other), (other, one)):
        x, y = first[0] + first[2] / 2, first[1] + first[3] / 2
        if second[0] < x < second[0] + second[2] and second[1] < y < second[1] + second[3]:
            return True
    return False


def same_face(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two boxes are so close in place and size that they hold the same face."""
    larger, smaller = max(one[2], other[2]), min(one[2], other[2])
    across = abs((one[0] + one[2] / 2) - (other[0] + other[2] / 2))
    down = abs((one[1] + one[3] / 2) - (other[1] + other[3] / 2))
    return max(across, down) < 0.35 * larger and smaller > 0.5 * larger


def enlarged(box: Box, by: float) -> Box:
    """The box in an image that is `by` times as large."""
    x, y, width, height = box
    return x * by, y * by, width * by, height * by


def checked_part(min_face: float) -> float:
    """`min_face` as it was given; EmotionError when it is no part of a picture's side."""
    if not 0 < min_face <= 1:
        raise EmotionError(
            f"min_face={min_face} must be above 0 and at most 1: it is a part of the shorter side"
        )
    return min_face


def whole_pixels(boxes: Sequence[Box], scale: float = 1.0) -> Boxes:
    """Boxes found in an image reduced by `scale`, as int32 (F, 4), largest first."""
    exact = np.array(boxes, np.float64).reshape(-1, 4) / scale
    exact = exact[np.argsort(-exact[:, 2], kind="stable")]
    return np.rint(exact).astype(np.int32)


def _mean(found: Sequence[tuple[int, Box]], side: int, box: Box) -> tuple[int, Box]:
    """Votes and mean box of what was found in a square of `side` around `box`."""
    votes = sum(count for count, _ in found)
    if not votes:
        return 0, box
    left, top, width, _ = (
        sum(count * place[part] for count, place in found) / votes for part in range(4)
    )
    zoom = max(box[2:]) * (1 + 2 * _ROUND) / side  # pixels of the image for one of the square
    middle = side / 2
    return votes, (
        box[0] + box[2] / 2 + (left - middle) * zoom,
        box[1] + box[3] / 2 + (top - middle) * zoom,
        width * zoom,
        width * zoom,
    )


def _bytes(image: Any) -> Image:
    """OpenCV's answer, which its type stubs leave open, as the 8-bit image it is."""
    return np.asarray(image, np.uint8)
