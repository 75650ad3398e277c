"""Where the faces are in a picture, and the square grey crops that the network sees.

A Haar cascade answers with a square from the brows to the chin. That square is what "box" means
everywhere in this project; boxes of other detectors are brought to it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import arguments
from emotion.errors import EmotionError

MIN_FACE = 0.04
"""The smallest face that is detected, as a part of the image's shorter side."""

MARGIN = -0.025
"""What a crop adds on each side of a box, as a part of the box.

Around FER-2013's own crops (350 of them, enlarged) a box comes out 1.05 times as large as the crop
and centred on it to within 0.01: cut by this much, a crop shows what FER-2013's do.
"""

BASE_WINDOW = 20
"""px; the side of the window that the cascades were trained on: they see nothing smaller."""

_CONFIRMED_SCORE = 30  # with which something upright that has eyes is a face
_CONFIRMED_ROLLED = 45  # the same for what is seen in a turned picture; others get up to 42
_CERTAIN_SCORE = 110  # with which anything is, whatever its eyes; a wine glass reaches 57
_STEP = 1.1  # ratio between the sizes that are tried
_STEP_ROLLED = 1.2  # the same in a turned picture, which costs three quarters of what 1.1 would
_ROLLS = (-20.0, 20.0)  # degrees; a cascade sees heads that are rolled by up to 10 either way
_VERIFY_SIDE = 44  # px; the size that a proposed face has when it is verified
_VERIFY_MARGIN = 0.4  # what is seen around it then, on each side, as a part of the face
_LARGE = 0.45  # part of the shorter side from which a face is searched for more patiently
_LARGE_SIDES = (97, 150)  # px; the shorter sides at which that is done
_LARGE_SCORE = 40  # what such a face needs: a hidden one got 52, anything else up to 22
_EYES = ("eye", "lefteye_2splits", "righteye_2splits")
_EYES_SIDE = 110  # px; the size that a face has when its eyes are searched for
_EYES_BAND = (0.1, 0.7)  # the part of its height where that is done
_EYES_SCORE = 8  # windows that agree on eyes in a face; a wine glass gets up to 3

Box: TypeAlias = tuple[float, float, float, float]  # x, y, width, height
Boxes: TypeAlias = NDArray[np.int32]
Image: TypeAlias = NDArray[np.uint8]
Scored: TypeAlias = tuple[int, Box]  # the neighbouring windows that agree on a box, and the box
Turn: TypeAlias = NDArray[np.float64]  # (2, 3), from a turned image back to the image
T = TypeVar("T")


class Found(NamedTuple):
    """A face in a picture: its box, and the head's roll in degrees, clockwise positive."""

    box: Box
    roll: float = 0.0


class FaceDetector:
    """Detects faces in single pictures with OpenCV's Haar cascades.

    One frontal cascade proposes faces; then three, trained differently, verify each proposal. A
    face is hit by dozens of neighbouring windows of every cascade, a false alarm by a few windows
    of one; their number is the score. Where it leaves a doubt, there must be eyes. Heads that are
    rolled are found in the picture turned to either side.

    `min_face` is the smallest face, as a part of the picture's shorter side. Raises EmotionError
    when that is not above 0 and at most 1, or when OpenCV's cascade files are missing.
    """

    def __init__(self, *, min_face: float = MIN_FACE) -> None:
        self.min_face = checked_part(min_face)
        self.alt2, self.default, self.alt = (
            load_cascade(f"haarcascade_frontalface_{name}.xml")
            for name in ("alt2", "default", "alt")
        )
        self._eye_cascades: dict[str, cv2.CascadeClassifier] = {}

    def detect(self, image: Image) -> Boxes:
        """Boxes, int32 (F, 4), of the faces in a grey or BGR picture, largest first."""
        return whole_pixels([one.box for one in self.find(image)])

    def find(self, image: Image) -> list[Found]:
        """The faces in a grey or BGR picture, each with its roll, largest first."""
        full = grey(image)
        scale = self.scale(full)
        reduced = resized(full, scale)
        found: list[Found] = []
        for roll in (0.0, *_ROLLS):  # an upright face is also seen turned, but less exactly
            found += self._find_rolled(reduced, roll, found)
        found = found or [Found(box) for box in self._large(reduced)]
        found = [Found(enlarged(one.box, 1 / scale), one.roll) for one in found]
        return sorted(found, key=lambda one: -one.box[2])

    def _find_rolled(self, image: Image, roll: float, known: Sequence[Found]) -> list[Found]:
        """Faces rolled by about `roll` in a reduced image, where none is `known`."""
        turned, back = rolled(image, roll)
        verified: list[Scored] = []
        for box in self._proposals(turned, _STEP_ROLLED if roll else _STEP):
            place = turned_back(box, back)
            if not any(overlap(place, one.box) for one in known):
                verified.append(self.verify(turned, box))
        found: list[Found] = []
        for score, box in sorted(verified, reverse=True):
            place = turned_back(box, back)
            if any(overlap(place, one.box) for one in (*known, *found)):
                continue
            if self.is_face(turned, box, score, roll=roll):
                found.append(Found(place, roll))
        return found

    def is_face(self, image: Image, box: Box, score: int, *, roll: float = 0.0) -> bool:
        """Whether what was verified with this score is a face; in doubt, its eyes decide.

        `image` is turned so that a head with this `roll` is upright in it.
        """
        enough = _CONFIRMED_ROLLED if roll else _CONFIRMED_SCORE
        return score >= _CERTAIN_SCORE or (score >= enough and self._has_eyes(image, box))

    def _has_eyes(self, image: Image, box: Box) -> bool:
        """Whether there are eyes where a face in `box` has them."""
        side, (top, bottom) = _EYES_SIDE, (round(part * _EYES_SIDE) for part in _EYES_BAND)
        square = patch(image, box, margin=0, size=side)
        score = 0
        for seen in (square, _uint8(cv2.equalizeHist(square))):
            for name in _EYES:
                eyes = scan(
                    self._eye_cascade(name),
                    seen[top:bottom],
                    1.08,
                    min_size=side // 6,
                    max_size=side * 2 // 5,
                )
                score += sum(n for n, eye in eyes if _is_eye(enlarged(eye, 1 / side)))
                if score >= _EYES_SCORE:
                    return True
        return False

    def _eye_cascade(self, name: str) -> cv2.CascadeClassifier:
        """Loaded when it is needed first: most pictures need none of them."""
        if name not in self._eye_cascades:
            self._eye_cascades[name] = load_cascade(f"haarcascade_{name}.xml")
        return self._eye_cascades[name]

    def scale(self, image: Image) -> float:
        """How much smaller an image may be made before its smallest face is lost."""
        return min(1.0, BASE_WINDOW / (self.min_face * min(image.shape[:2])))

    def verify(self, image: Image, box: Box) -> Scored:
        """The score of one proposal under closer inspection, and where the face is exactly."""
        first, box = self.score(image, box, equalised=False)
        if not first:  # most proposals end here, at half the cost
            return 0, box
        second, box = self.score(image, box, equalised=True)
        return first + second, box

    def score(self, image: Image, box: Box, *, equalised: bool) -> Scored:
        """Half a verification: three cascades' score at `box`, and the mean of what they see."""
        square = patch(
            image, box, margin=_VERIFY_MARGIN, size=round(_VERIFY_SIDE * (1 + 2 * _VERIFY_MARGIN))
        )
        seen = _uint8(cv2.equalizeHist(square)) if equalised else square
        min_size, max_size = round(_VERIFY_SIDE / 1.4), round(_VERIFY_SIDE * 1.4)
        found: list[Scored] = []
        for cascade in (self.alt2, self.default, self.alt):
            found += scan(cascade, seen, 1.08, min_size=min_size, max_size=max_size)[:1]
        return _mean(found, square.shape[0], box)

    def _proposals(self, image: Image, step: float) -> list[Box]:
        """Where in a reduced image there may be faces of any size, the highest scores first."""
        found: list[Scored] = []
        for level, part in enumerate(pyramid(image)):
            seen = scan(self.alt2, part, step)
            found += [(score, enlarged(box, 2**level)) for score, box in seen]
        # Merged only where they are alike: a large false one must not hide small true ones.
        boxes = [box for _, box in sorted(found, reverse=True)]
        return non_maximum_suppression(boxes, same_face)

    def _large(self, image: Image) -> list[Box]:
        """The likeliest face among those that fill much of the picture, if there is one.

        For portraits in which a hat, a beard or a hand hides what a cascade wants to see. A few
        windows answer in every version of the picture where there is a face, in one or two of
        them where there is none.
        """
        found = [one for side in _LARGE_SIDES for one in self._large_at(image, side)]
        scores = [sum(n for n, other in found if same_face(box, other)) for _, box in found]
        best = max(scores, default=0)
        return [found[scores.index(best)][1]] if best >= _LARGE_SCORE else []

    def _large_at(self, image: Image, side: int) -> list[Scored]:
        """What every cascade sees of large faces, the image's shorter side made `side` px."""
        shorter = min(image.shape)
        plain = resized(image, side / shorter)
        scale = min(plain.shape) / shorter
        min_size, max_size = round(_LARGE * shorter * scale), min(plain.shape)
        found: list[Scored] = []
        for version in (plain, _uint8(cv2.equalizeHist(plain))):
            for cascade in (self.alt2, self.default, self.alt):
                seen = scan(cascade, version, 1.05, min_size=min_size, max_size=max_size)
                found += [(score, enlarged(box, 1 / scale)) for score, box in seen]
        return found


def scan(
    cascade: cv2.CascadeClassifier,
    image: Image,
    scale_factor: float,
    *,
    min_size: int = BASE_WINDOW,
    max_size: int = 2 * BASE_WINDOW + 1,
) -> list[Scored]:
    """Where one cascade sees something, the highest score first; sizes in pixels."""
    boxes, scores = cascade.detectMultiScale2(
        image, scale_factor, 1, minSize=(min_size, min_size), maxSize=(max_size, max_size)
    )
    found: list[Scored] = []
    for score, (x, y, width, height) in zip(scores, boxes, strict=True):
        found.append((int(score), (float(x), float(y), float(width), float(height))))
    return sorted(found, reverse=True)


def _is_eye(eye: Box) -> bool:
    """Whether something in the band of the eyes is where one of them should be; parts of a face."""
    x, y = eye[0] + eye[2] / 2, eye[1] + eye[3] / 2 + _EYES_BAND[0]
    return 0.22 < y < 0.58 and 0.15 < min(x, 1 - x) < 0.45


def rolled(image: Image, roll: float) -> tuple[Image, Turn]:
    """The image turned so that heads rolled by `roll` are upright, and the way back."""
    if not roll:
        return image, np.eye(2, 3)
    rows, columns = image.shape
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), roll, 1.0)
    turned = cv2.warpAffine(image, turn, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    return _uint8(turned), np.asarray(cv2.invertAffineTransform(turn), np.float64)


def turned_back(box: Box, back: Turn) -> Box:
    """A box found in a turned image, in the image: its middle turned back, its size kept."""
    x, y, width, height = box
    across, down = back @ (x + width / 2, y + height / 2, 1.0)
    return float(across) - width / 2, float(down) - height / 2, width, height


def pyramid(image: Image) -> Iterator[Image]:
    """The image, then halved again and again: one step of sizes covers each, at the least cost."""
    while min(image.shape) >= BASE_WINDOW:
        yield image
        image = resized(image, 0.5)


def crop(
    image: Image,
    boxes: NDArray[Any] | Sequence[Box],
    *,
    size: int = 48,
    margin: float = MARGIN,
    rolls: Sequence[float] | None = None,
) -> Image:
    """The faces in `boxes` as the network sees them: grey, square, uint8 (F, size, size).

    `image` is grey or BGR. Where a box crosses the edge, the edge's pixels are repeated. `rolls`
    says how far each head is tilted towards a shoulder, in degrees, clockwise positive; it is set
    upright in the crop.
    """
    crops = np.empty((len(boxes), size, size), np.uint8)
    rolls = [0.0] * len(boxes) if rolls is None else rolls
    for row, box, roll in zip(crops, boxes, rolls, strict=True):
        row[:] = patch(image, box, margin=margin, size=size, roll=roll)
    return crops


def patch(
    image: Image, box: Sequence[float], *, margin: float, size: int, roll: float = 0.0
) -> Image:
    """The square around a box's centre with `margin` on each side, grey, `size` x `size`."""
    if roll:
        return _upright(image, box, margin=margin, size=size, roll=roll)
    x, y, width, height = (float(value) for value in box)
    side = max(1, round(max(width, height) * (1 + 2 * margin)))
    left, top = round(x + (width - side) / 2), round(y + (height - side) / 2)
    square = _square(image, left, top, side)
    smooth = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return _uint8(cv2.resize(square, (size, size), interpolation=smooth))


def _square(image: Image, left: int, top: int, side: int) -> Image:
    """`side` x `side` pixels, grey; beyond the image's edges the edge's pixels are repeated."""
    rows, columns = image.shape[:2]
    # A square that lies outside altogether still gets the nearest pixels instead of none.
    x0, x1 = min(max(left, 0), columns - 1), min(max(left + side, 1), columns)
    y0, y1 = min(max(top, 0), rows - 1), min(max(top + side, 1), rows)
    inside = grey(image[y0:y1, x0:x1])
    if x1 - x0 < side or y1 - y0 < side:
        inside = np.take(inside, np.arange(top, top + side).clip(y0, y1 - 1) - y0, axis=0)
        inside = np.take(inside, np.arange(left, left + side).clip(x0, x1 - 1) - x0, axis=1)
    return inside


def _upright(image: Image, box: Sequence[float], *, margin: float, size: int, roll: float) -> Image:
    """`patch` for a head that is rolled by `roll` degrees, clockwise positive."""
    room = math.sqrt(2)  # the diagonal: every corner of the turned square lies inside
    wide = math.ceil(size * room)
    margin = ((1 + 2 * margin) * wide / size - 1) / 2
    square = patch(image, box, margin=margin, size=wide)
    turn = cv2.getRotationMatrix2D(((wide - 1) / 2, (wide - 1) / 2), roll, 1.0)
    turn = turn - [[0, 0, (wide - size) / 2]] * 2
    return _uint8(cv2.warpAffine(square, turn, (size, size), borderMode=cv2.BORDER_REPLICATE))


def grey(image: Image) -> Image:
    """A grey, BGR or BGRA image as grey; a grey one is given back as it is.

    Raises EmotionError for anything else.
    """
    channels = checked(image).shape[2:]
    if not channels:
        return image
    if channels == (1,):
        return image[:, :, 0]
    way = cv2.COLOR_BGR2GRAY if channels == (3,) else cv2.COLOR_BGRA2GRAY
    return _uint8(cv2.cvtColor(image, way))


def checked(image: Image) -> Image:
    """The image as it was given; EmotionError when it is no 8-bit grey, BGR or BGRA one."""
    if not isinstance(image, np.ndarray):
        raise EmotionError(f"a {type(image).__name__} is no image: needed is 8-bit grey or BGR")
    shape = image.shape
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in shape:
        raise EmotionError(f"an image of shape {shape}, {image.dtype}: needed is 8-bit grey or BGR")
    if image.ndim == 3 and shape[2] not in (1, 3, 4):
        raise EmotionError(f"an image with {shape[2]} channels: needed is grey, BGR or BGRA")
    return image


def resized(image: Image, scale: float) -> Image:
    """The image made smaller by `scale`, averaging; itself when `scale` is 1 or more."""
    if scale >= 1:
        return image
    return _uint8(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def load_cascade(name: str) -> cv2.CascadeClassifier:
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


def non_maximum_suppression(found: Iterable[T], alike: Callable[[T, T], bool]) -> list[T]:
    """What was found, best first, without all that is `alike` with something before it."""
    kept: list[T] = []
    for one in found:
        if not any(alike(one, other) for other in kept):
            kept.append(one)
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
    needed = "above 0 and at most 1: it is a part of the shorter side"
    return arguments.number("min_face", min_face, needed, lambda part: 0 < part <= 1)


def whole_pixels(boxes: Sequence[Box]) -> Boxes:
    """Boxes as int32 (F, 4), largest first."""
    exact = np.array(boxes, np.float64).reshape(-1, 4)
    exact = exact[np.argsort(-exact[:, 2], kind="stable")]
    return np.rint(exact).astype(np.int32)


def _mean(found: Sequence[Scored], side: int, box: Box) -> Scored:
    """Score and mean box of what was found in a square of `side` around `box`."""
    total = sum(score for score, _ in found)
    if not total:
        return 0, box
    left, top, width, _ = (
        sum(score * place[part] for score, place in found) / total for part in range(4)
    )
    zoom = max(box[2:]) * (1 + 2 * _VERIFY_MARGIN) / side  # pixels of the image for one of these
    middle = side / 2
    x = box[0] + box[2] / 2 + (left - middle) * zoom
    y = box[1] + box[3] / 2 + (top - middle) * zoom
    return total, (x, y, width * zoom, width * zoom)


def _uint8(image: Any) -> Image:
    """OpenCV's answer, which its type stubs leave open, as the 8-bit image it is."""
    return np.asarray(image, np.uint8)
