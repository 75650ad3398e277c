"""New faces anywhere in a frame, which is searched in pieces: a little of it in each frame."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from emotion import faces
from emotion.faces import Box, FaceDetector
from emotion.tracking.parameters import Parameters
from emotion.tracking.pyramid import Pyramid
from emotion.tracking.tracker import Detection

Found: TypeAlias = tuple[int, Box, float, bool]  # score, box in the frame, roll, confirmed


@dataclass
class _Piece:
    """A strip of one level of the frame's pyramid, searched every `period` seconds."""

    level: int
    roll: float  # degrees; of the heads that are searched for
    period: float = 0.0
    strip: int = 0
    strips: int = 1
    cost: float = 1.0  # of a search, in strips of the finest level
    due: float = 0.0


class FrameSearch:
    """Detects faces that nobody follows yet; `detector` proposes and verifies."""

    def __init__(self, detector: FaceDetector, parameters: Parameters) -> None:
        self._detector, self._parameters = detector, parameters
        self._pieces: list[_Piece] = []
        self._proposed: deque[tuple[_Piece, Box]] = deque()  # in the piece's pixels, not verified
        self._shape: tuple[int, ...] = ()

    def __call__(
        self,
        levels: Pyramid,
        known: Sequence[Box],
        time: float,
        *,
        cut: bool,
        hurry: bool,
        work: float = 1.0,
    ) -> list[Detection]:
        """New faces in the pieces whose turn it is, everywhere on a `cut`, the largest first.

        Where a face is `known`, nobody is new. In a `hurry` the next turn comes sooner. `work` is
        how many searches of a strip, or verifications, this frame may cost.
        """
        whole = levels.level(0)
        scale = self._detector.scale(whole)
        if whole.shape != self._shape:
            self._shape, cut = whole.shape, True
            self._pieces = _pieces(whole.shape, scale, self._parameters)
        waits = 1 / self._parameters.hurry if hurry else 1.0
        if cut:
            return _best(self._everywhere(levels, scale, known, time, waits))
        return _best(self._in_turn(levels, scale, known, time, waits, work))

    def _everywhere(
        self, levels: Pyramid, scale: float, known: Sequence[Box], time: float, waits: float
    ) -> list[Found]:
        self._proposed.clear()
        found: list[Found] = []
        for piece in self._pieces:
            piece.due = time + waits * piece.period
            if not piece.strip:
                view = _View(levels, _Piece(piece.level, piece.roll), scale)
                for box in self._proposals(view, self._parameters.scale_factor_thorough):
                    found += self._verified(view, box, known, thorough=True)
        return found

    def _in_turn(
        self,
        levels: Pyramid,
        scale: float,
        known: Sequence[Box],
        time: float,
        waits: float,
        work: float,
    ) -> list[Found]:
        found: list[Found] = []
        while work > 0:
            if self._proposed:
                if work < 1:
                    break
                work -= 1
                piece, box = self._proposed.popleft()
                view = _View(levels, piece, scale)
                found += self._verified(view, box, known, thorough=False)
                continue
            piece = max(self._pieces, key=lambda one: time - one.due)
            if time < piece.due or piece.cost > work:
                break
            work -= piece.cost
            piece.due = time + waits * piece.period
            proposals = self._proposals(_View(levels, piece, scale), self._parameters.scale_factor)
            self._proposed.extend((piece, box) for box in proposals)
        return found

    def _proposals(self, view: "_View", factor: float) -> list[Box]:
        """Where there may be new faces, the likeliest first."""
        if min(view.image.shape) < faces.BASE_WINDOW:  # a frame smaller than any face
            return []
        return [box for _, box in faces.scan(self._detector.alt2, view.image, factor)]

    def _verified(
        self, view: "_View", box: Box, known: Sequence[Box], *, thorough: bool
    ) -> list[Found]:
        """The proposed face, if it is new and one."""
        about = view.placed(box)
        if any(faces.overlap(about, other) for other in known):
            return []
        score, box = self._detector.verify(view.image, box)
        if score < self._parameters.weak_score:
            return []
        confirmed = score >= self._parameters.certain_score
        if thorough and not confirmed:
            confirmed = self._detector.is_face(view.image, box, score, roll=view.roll)
        return [(score, view.placed(box), view.roll, confirmed)]


class _View:
    """The pixels of a piece in one frame, reduced by `scale`."""

    def __init__(self, levels: Pyramid, piece: _Piece, scale: float) -> None:
        level, self._back = faces.rolled(levels.level(piece.level), piece.roll)
        high = level.shape[0] / piece.strips
        self._top, bottom = round(piece.strip * high), round((piece.strip + 1) * high)
        if piece.strips > 1:  # a face on the seam is seen whole in one of the two
            bottom += math.ceil(2 * faces.BASE_WINDOW / scale)
        self.image = faces.resized(level[self._top : bottom], scale)
        self.roll = piece.roll
        self._scale, self._unit = scale, 2.0**piece.level

    def placed(self, box: Box) -> Box:
        """A box in these pixels as one of the frame."""
        x, y, width, height = faces.enlarged(box, 1 / self._scale)
        place = faces.turned_back((x, y + self._top, width, height), self._back)
        return faces.enlarged(place, self._unit)


def _pieces(shape: tuple[int, ...], scale: float, parameters: Parameters) -> list[_Piece]:
    """The frame cut into searches of about the same cost, small ones more often."""
    shorter = min(shape) * scale
    finest = min(parameters.strips, int(shape[0] * scale / (parameters.strip * faces.BASE_WINDOW)))
    roll, pieces = parameters.frame_roll, []
    for level in range(max(1, math.ceil(math.log2(shorter / faces.BASE_WINDOW)))):
        strips = max(1, finest >> 2 * level)
        period = parameters.periods[min(level, len(parameters.periods) - 1)]
        rolls = {0.0: period}
        if level:  # small faces that are rolled are not worth what finding them costs
            rolls |= dict.fromkeys((-roll, roll), parameters.rolled_period * period)
        cost = max(1, finest) / strips / 4**level
        pieces += [
            _Piece(level, angle, waiting, strip, strips, cost)
            for angle, waiting in rolls.items()
            for strip in range(strips)
        ]
    return pieces


def _best(found: Sequence[Found]) -> list[Detection]:
    """The largest first; of those that overlap, the one with the highest score."""
    kept = faces.non_maximum_suppression(
        sorted(found, reverse=True), lambda one, other: faces.overlap(one[1], other[1])
    )
    detections = [Detection(box, roll, confirmed=confirmed) for _, box, roll, confirmed in kept]
    return sorted(detections, key=lambda one: -one.box[2])
