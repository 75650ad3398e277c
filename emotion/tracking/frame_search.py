"""New faces anywhere in a frame, which is searched in pieces: at most one for each frame."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from emotion import faces
from emotion.faces import Box, FaceDetector, Image, Turn
from emotion.tracking.parameters import Parameters
from emotion.tracking.pyramid import Pyramid
from emotion.tracking.tracker import Detection

Found: TypeAlias = tuple[int, Box, float, bool]  # score, box in the frame, roll, confirmed


@dataclass
class _Piece:
    """A part of the frame at one level of its pyramid, searched every `period` seconds."""

    level: int
    strip: int
    strips: int
    period: float
    roll: float = 0.0  # degrees; of the heads that are searched for
    due: float = 0.0


class FrameSearch:
    """Detects faces that nobody follows yet; `detector` proposes and verifies."""

    def __init__(self, detector: FaceDetector, parameters: Parameters) -> None:
        self._detector, self._parameters = detector, parameters
        self._pieces: list[_Piece] = []
        self._shape: tuple[int, ...] = ()

    def __call__(
        self, levels: Pyramid, known: Sequence[Box], time: float, *, cut: bool, hurry: bool
    ) -> list[Detection]:
        """New faces in the piece whose turn it is, in all on a `cut`, the largest first.

        Where a face is `known`, nobody is new. In a `hurry` the next turn comes sooner.
        """
        shape, scale = levels.level(0).shape, self._detector.scale(levels.level(0))
        if shape != self._shape:
            self._shape, self._pieces, cut = shape, _pieces(shape, scale, self._parameters), True
        found: list[Found] = []
        for piece in self._pieces if cut else self._due(time):
            piece.due = time + piece.period / (self._parameters.hurry if hurry else 1)
            found += self._search(levels, scale, piece, known, thorough=cut)
        return _best(found)

    def _due(self, time: float) -> list[_Piece]:
        """The piece that has waited longest since its turn came, if there is one."""
        first = max(self._pieces, key=lambda piece: time - piece.due)
        return [first] if time >= first.due else []

    def _search(
        self, levels: Pyramid, scale: float, piece: _Piece, known: Sequence[Box], *, thorough: bool
    ) -> list[Found]:
        """Verified faces in one piece of the frame reduced by `scale`."""
        reduced = levels.reduced(scale)
        if not reduced:  # a frame smaller than any face
            return []
        image, offset, unit = _part(reduced, piece)
        image, back = faces.rolled(image, piece.roll)
        tuned = self._parameters
        factor = tuned.scale_factor_thorough if thorough else tuned.scale_factor
        found: list[Found] = []
        for _, box in faces.scan(self._detector.alt2, image, factor):
            place = _placed(box, back, offset, unit / scale)
            if any(faces.overlap(place, other) for other in known):
                continue
            score, box = self._detector.verify(image, box)
            if score >= tuned.weak_score:
                confirmed = score >= tuned.certain_score
                if thorough and not confirmed:
                    confirmed = self._detector.is_face(image, box, score, roll=piece.roll)
                place = _placed(box, back, offset, unit / scale)
                found.append((score, place, piece.roll, confirmed))
        return found


def _pieces(shape: tuple[int, ...], scale: float, parameters: Parameters) -> list[_Piece]:
    """The frame cut into searches of about the same cost, small ones more often."""
    shorter = min(shape) * scale
    roll, pieces = parameters.frame_roll, []
    for level in range(max(1, math.ceil(math.log2(shorter / faces.BASE_WINDOW)))):
        strips = max(1, parameters.strips >> 2 * level)
        period = parameters.periods[min(level, len(parameters.periods) - 1)]
        pieces += [_Piece(level, strip, strips, period) for strip in range(strips)]
        if level:  # small faces that are rolled are not worth what finding them costs
            waiting = parameters.rolled_period * period
            pieces += [_Piece(level, 0, 1, waiting, angle) for angle in (-roll, roll)]
    return pieces


def _part(levels: Sequence[Image], piece: _Piece) -> tuple[Image, float, float]:
    """The pixels of a piece; how far down it starts, in them; one of them in level 0's pixels."""
    level = min(piece.level, len(levels) - 1)
    image = levels[level]
    high = image.shape[0] / piece.strips
    top = round(piece.strip * high)
    bottom = round((piece.strip + 1) * high)
    if piece.strips > 1:  # a face on the seam is seen whole in one of the two
        bottom += 2 * faces.BASE_WINDOW
    return image[top:bottom], float(top), 2.0**level


def _placed(box: Box, back: Turn, offset: float, unit: float) -> Box:
    """A box found in a piece, as one of the frame."""
    x, y, width, height = faces.turned_back(box, back)
    return faces.enlarged((x, y + offset, width, height), unit)


def _best(found: Sequence[Found]) -> list[Detection]:
    """The largest first; of those that overlap, the one with the highest score."""
    kept = faces.non_maximum_suppression(
        sorted(found, reverse=True), lambda one, other: faces.overlap(one[1], other[1])
    )
    detections = [Detection(box, roll, confirmed=confirmed) for _, box, roll, confirmed in kept]
    return sorted(detections, key=lambda one: -one.box[2])
