"""Faces in the frames of a video: looked for everywhere now and then, and where they were always.

A whole frame costs a cascade 30 to 60 ms; the place where a face was a moment ago, at the size it
had, a third of one. So the frame is searched in pieces, at most one a frame, and known faces are
looked for around their places.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import faces
from emotion.faces import Box, FaceFinder, Image
from emotion.tracking.tracker import Person, Sighting

_WEAK = 20  # votes of a closer look that make a face doubtful instead of nothing
_LEAN = 15.0  # degrees between the leans that are tried
_LARGEST_LEAN = 60.0
_TILT = 30.0  # the lean for which the whole frame is searched, to either side
_EXPLORE = 0.2  # seconds between tries of a better pose for a face that leans or looks aside
_EXPLORE_UPRIGHT = 0.6  # the same for one that is found upright with few votes
_PLAIN = 6  # votes with which an upright face needs neither a better pose nor a closer look
_VERIFY = 2.0  # seconds between closer looks at a face that is followed with fewer
_AGAIN = 0.3  # seconds until the next such look at a face that is in doubt
_LOOKED = 0.3  # seconds between notes of what a person looks like
_TRIES = 4  # closer looks in a frame, at most, for faces that were lost
_URGENT = 0.5  # seconds; a face that was lost for longer gets one try a frame
_FRONTAL = 8  # votes with which the frontal cascade takes a face over from the profile one
_STRIPS = 4  # pieces in which the finest octave is searched
_PERIODS = (4.0, 2.0, 0.6)  # seconds between searches of the octaves, finest first
_STEP = 1.25  # between the sizes of such a search: what one misses, the next one finds
_THOROUGH = 1.1  # the same in the first frame of a shot
_HURRY = 4.0  # how much more often that is done while nobody is in view, or somebody was just lost
_CUT = 0.12  # mean change of a few hundred pixels that makes a new shot, as a part of 255

FRONT, LEFT, RIGHT = "front", "left", "right"

# Where the profile cascade sees a head that the frontal one sees too (medians over the media and
# FER-2013): its square is larger, and reaches further back and up.
_PROFILE_SCALE = 0.9
_PROFILE_BACK, _PROFILE_UP = 0.14, 0.03  # parts of the square's side


@dataclass(frozen=True)
class _Search:
    """How a cascade looks for a known face.

    The face's side in pixels, the step between sizes, the votes needed; how far around the face
    it looks, on each side, as a part of the face; and what its boxes are to be multiplied by to
    be as large as FaceFinder's, medians over the media.
    """

    side: int
    step: float
    votes: int
    margin: float = 0.4
    scale: float = 1.0


_QUICK = _Search(26, 1.15, 3, scale=1.08)  # a third of a millisecond: every face, every frame
_CLOSE = _Search(44, 1.1, 5, scale=0.97)  # four times that: what the quick one missed, or doubts
_WIDE = _Search(32, 1.15, 4, margin=1.0)  # as much again: for a face that jumped


@dataclass
class _Pose:
    """How a known face was last found, and what is due for it; times are in seconds."""

    angle: float
    verified: float
    side: str = FRONT
    explored: float = -math.inf
    looked: float = -math.inf
    votes: int = _WEAK  # of the last closer look
    turn: int = 0  # which of the other poses comes next

    @property
    def upright(self) -> bool:
        return self.side == FRONT and not self.angle


@dataclass
class _Piece:
    """A part of the frame at one octave, searched every `period` seconds."""

    octave: int
    strip: int
    strips: int
    period: float
    angle: float = 0.0  # the lean of the heads that are looked for
    due: float = 0.0


class FaceFollower:
    """Finds faces in frames that follow each other, given where the known ones should be."""

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder
        self._profile = faces.cascade("haarcascade_profileface.xml")
        self._poses: WeakKeyDictionary[Person, _Pose] = WeakKeyDictionary()
        self._pieces: list[_Piece] = []
        self._shape: tuple[int, ...] = ()
        self._tries = 0

    def follow(
        self,
        frame: Image,
        grey: Image,
        people: Sequence[Person],
        time: float,
        *,
        cut: bool = False,
    ) -> list[Sighting]:
        """The faces in a `frame` at `time`, seconds; all of it is searched on a `cut`.

        `grey` is the same frame in grey; `people` are those whose faces are expected, and where.
        """
        levels, self._tries = _Levels(grey), _TRIES
        crowded = _crowded([one.box for one in people])
        found: list[Sighting] = []
        for one in people:
            pose = self._poses.get(one) or _Pose(_LEAN * round(one.angle / _LEAN), time)
            self._poses[one] = pose
            if near := self._around(levels, one, pose, time):
                watch = crowded or time - pose.looked >= _LOOKED
                pose.looked = time if watch else pose.looked
                found.append(replace(near, looks=looks(frame, near.box) if watch else None))
        lost = any(not one.seen and time - one.last < _URGENT for one in people)
        hurry = lost or not found
        known = [sighting.box for sighting in found]
        new = self._elsewhere(levels, known, time, cut=cut, hurry=hurry)
        return _unlike(found) + [replace(one, looks=looks(frame, one.box)) for one in new]

    def _around(self, levels: "_Levels", one: Person, pose: _Pose, time: float) -> Sighting | None:
        """A known face where it is now, if it is found."""
        best = self._near(levels, one.box, pose.side, pose.angle, _QUICK)
        if best is None:
            return self._lost(levels, one, pose, time)
        if one.sure and pose.upright and best[0] >= _PLAIN:
            pose.votes = faces.SURE
            return Sighting(best[1])
        if time - pose.explored >= (_EXPLORE_UPRIGHT if pose.upright else _EXPLORE):
            pose.explored = time
            best = self._better(levels, pose, best)
        every = _VERIFY if one.sure and pose.votes >= _WEAK else _AGAIN
        if pose.upright and time - pose.verified >= every:
            image, scale = levels.best(best[1], 2 * _CLOSE.side)
            pose.votes, _ = self._finder.look(image, faces.enlarged(best[1], scale))
            pose.verified = time
        if pose.votes < _WEAK:
            return None
        return Sighting(best[1], pose.angle, sure=one.sure or pose.votes >= faces.SURE)

    def _lost(self, levels: "_Levels", one: Person, pose: _Pose, time: float) -> Sighting | None:
        """A face that was not found as it was before, in the other poses that a frame allows."""
        here = (pose.side, pose.angle)
        others = [(*here, _CLOSE), (*here, _WIDE)]
        others += [(side, angle, _CLOSE) for side, angle in _other_poses(pose)]
        tries = _TRIES if time - one.last < _URGENT else 1
        for _ in range(min(tries, self._tries)):
            self._tries -= 1
            side, angle, search = others[pose.turn % len(others)]
            pose.turn += 1
            if found := self._near(levels, one.box, side, angle, search):
                pose.side, pose.angle, pose.turn = side, angle, 0
                return Sighting(found[1], angle, sure=one.sure)
        return None

    def _better(self, levels: "_Levels", pose: _Pose, best: tuple[int, Box]) -> tuple[int, Box]:
        """The same face in a neighbouring pose if that fits better, the frontal one if any."""
        others = _neighbours(pose)
        side, angle = others[pose.turn % len(others)]
        pose.turn += 1
        now = self._near(levels, best[1], pose.side, pose.angle, _CLOSE) or best
        other = self._near(levels, best[1], side, angle, _CLOSE)
        if other and other[0] > (1.2 * now[0] if side == pose.side else _FRONTAL):
            pose.side, pose.angle, pose.turn = side, angle, 0
            return other
        return now

    def _near(
        self, levels: "_Levels", box: Box, side: str, angle: float, search: _Search
    ) -> tuple[int, Box] | None:
        """A face at about the place and size of `box`, with its votes."""
        image, scale = levels.best(box, search.side)
        size = round(search.side * (1 + 2 * search.margin))
        small = faces.enlarged(box, scale)
        square = faces.around(image, small, margin=search.margin, size=size, angle=angle)
        if side == RIGHT:
            square = np.asarray(cv2.flip(square, 1), np.uint8)
        detector = self._finder.alt2 if side == FRONT else self._profile
        answer = faces.hits(
            detector,
            square,
            search.step,
            smallest=round(search.side / 1.3),
            largest=round(search.side * 1.3),
        )
        if not answer or answer[0][0] < search.votes:
            return None
        votes, (x, y, width, _) = answer[0]
        # Half a pixel: windows start at whole pixels, and the square's own middle lies between two.
        across, down = x + width / 2 - size / 2 + 0.5, y + width / 2 - size / 2 + 0.5
        if side != FRONT:
            across, down = across - _PROFILE_BACK * width, down + _PROFILE_UP * width
            width *= _PROFILE_SCALE
        if side == RIGHT:
            across = -across
        zoom = box[2] * (1 + 2 * search.margin) / size
        turn = math.radians(angle)
        dx = zoom * (across * math.cos(turn) - down * math.sin(turn))
        dy = zoom * (across * math.sin(turn) + down * math.cos(turn))
        wide = width * zoom * search.scale
        middle = box[0] + box[2] / 2 + dx, box[1] + box[3] / 2 + dy
        return votes, (middle[0] - wide / 2, middle[1] - wide / 2, wide, wide)

    def _elsewhere(
        self, levels: "_Levels", known: Sequence[Box], time: float, *, cut: bool, hurry: bool
    ) -> list[Sighting]:
        """New faces in the pieces of the frame whose turn it is, the largest first."""
        whole = levels.at(0)
        scale = self._finder.scale(whole)
        if whole.shape != self._shape:
            self._shape, self._pieces, cut = whole.shape, _pieces(whole.shape, scale), True
        if cut:
            pieces = self._pieces
        else:
            pieces = [max(self._pieces, key=lambda piece: time - piece.due)]
            if time < pieces[0].due:
                return []
        octaves = levels.reduced(scale)
        found: list[tuple[int, Box, float]] = []
        for piece in pieces:
            piece.due = time + piece.period / (_HURRY if hurry else 1)
            image, offset, unit = _part(octaves, piece)
            image, back = _leaning(image, piece.angle)
            for _, box in faces.hits(self._finder.alt2, image, _THOROUGH if cut else _STEP):
                place = _placed(box, back, offset, unit / scale)
                if any(faces.overlap(place, other) for other in known):
                    continue
                votes, box = self._finder.look(image, box)
                if votes >= _WEAK:
                    found.append((votes, _placed(box, back, offset, unit / scale), piece.angle))
        return _best(found)


class Shots:
    """Tells where one shot of a film ends and the next begins."""

    def __init__(self) -> None:
        self._last: Image | None = None

    def cut(self, grey: Image) -> bool:
        """Whether a grey frame starts a new shot, as the first one does; to be asked for each."""
        rows, columns = grey.shape
        small = grey[:: max(1, rows // 24), :: max(1, columns // 32)].copy()
        last, self._last = self._last, small
        if last is None or last.shape != small.shape:
            return True
        return float(np.mean(cv2.absdiff(last, small))) / 255 > _CUT


class _Levels:
    """A frame at full size, half, a quarter; each made when it is first asked for."""

    def __init__(self, image: Image) -> None:
        self._images = [image]
        self._octaves: list[Image] = []

    def at(self, level: int) -> Image:
        while len(self._images) <= level:
            self._images.append(faces.resized(self._images[-1], 0.5))
        return self._images[level]

    def best(self, box: Box, side: float) -> tuple[Image, float]:
        """The smallest level in which the box still has `side` pixels, and its scale."""
        level = max(0, math.floor(math.log2(max(1.0, box[2] / side))))
        return self.at(level), 0.5**level

    def reduced(self, scale: float) -> list[Image]:
        """The octaves of the image made smaller by `scale`."""
        if not self._octaves:
            self._octaves = list(faces.octaves(faces.resized(self.at(0), scale)))
        return self._octaves


def looks(frame: Image, box: Box) -> NDArray[np.float32]:
    """Head and shoulders in a few pixels, by which people can be told apart: values in 0..1."""
    x, y, width, height = box
    rows, columns = frame.shape[:2]
    left, right = (round(min(max(v, 0), columns - 1)) for v in (x, x + width))
    top, bottom = (round(min(max(v, 0), rows - 1)) for v in (y - 0.2 * height, y + 1.8 * height))
    part = frame[top : bottom + 1, left : right + 1]
    small = cv2.resize(part, (4, 8), interpolation=cv2.INTER_AREA)
    return (small.reshape(-1) / 255).astype(np.float32)


def _other_poses(pose: _Pose) -> list[tuple[str, float]]:
    """Where to look for a face that is not found in `pose`, the likeliest first."""
    angle = pose.angle
    leans = [angle - _LEAN, angle + _LEAN]
    poses = [(FRONT, angle)] if pose.side != FRONT else []
    poses += [(FRONT, lean) for lean in leans]
    poses += [(side, angle) for side in (LEFT, RIGHT) if side != pose.side]
    poses += [(side, lean) for lean in leans for side in (LEFT, RIGHT)]
    poses += [(FRONT, angle - 2 * _LEAN), (FRONT, angle + 2 * _LEAN), (FRONT, 0.0)]
    return [(side, lean) for side, lean in poses if abs(lean) <= _LARGEST_LEAN]


def _neighbours(pose: _Pose) -> list[tuple[str, float]]:
    """Poses that a found face may be changing to."""
    leans = [pose.angle - _LEAN, pose.angle + _LEAN]
    poses = [(pose.side, lean) for lean in leans]
    if pose.side != FRONT:
        poses += [(FRONT, lean) for lean in (pose.angle, *leans)]
    return [(side, lean) for side, lean in poses if abs(lean) <= _LARGEST_LEAN]


def _pieces(shape: tuple[int, ...], scale: float) -> list[_Piece]:
    """The frame cut into searches of about the same cost, small ones more often."""
    shorter = min(shape) * scale
    pieces = []
    for octave in range(max(1, math.ceil(math.log2(shorter / faces.WINDOW)))):
        strips = max(1, _STRIPS >> 2 * octave)
        period = _PERIODS[min(octave, len(_PERIODS) - 1)]
        pieces += [_Piece(octave, strip, strips, period) for strip in range(strips)]
        if octave:  # small faces that lean are not worth what finding them costs
            pieces += [_Piece(octave, 0, 1, 4 * period, angle) for angle in (-_TILT, _TILT)]
    return pieces


def _part(octaves: Sequence[Image], piece: _Piece) -> tuple[Image, float, float]:
    """The pixels of a piece; how far down it starts, in them; one of them in octave 0's pixels."""
    octave = min(piece.octave, len(octaves) - 1)
    image = octaves[octave]
    high = image.shape[0] / piece.strips
    top = round(piece.strip * high)
    bottom = round((piece.strip + 1) * high) + (2 * faces.WINDOW if piece.strips > 1 else 0)
    return image[top:bottom], float(top), 2.0**octave


def _leaning(image: Image, angle: float) -> tuple[Image, NDArray[np.float64]]:
    """The image turned so that heads leaning by `angle` are upright, and the way back, (2, 3)."""
    if not angle:
        return image, np.eye(2, 3)
    rows, columns = image.shape
    middle = (columns / 2, rows / 2)
    turn = cv2.getRotationMatrix2D(middle, angle, 1.0)
    turned = cv2.warpAffine(image, turn, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8), np.asarray(cv2.invertAffineTransform(turn), np.float64)


def _placed(box: Box, back: NDArray[np.float64], offset: float, unit: float) -> Box:
    """A box found in a piece, as one of the frame: its middle turned back, its size kept."""
    x, y, width, height = box
    across, down = back @ (x + width / 2, y + height / 2, 1.0)
    return faces.enlarged(
        (float(across) - width / 2, float(down) - height / 2 + offset, width, height), unit
    )


def _best(found: Sequence[tuple[int, Box, float]]) -> list[Sighting]:
    """Sightings of (votes, box, lean), of those that overlap the one with most votes."""
    kept: list[Sighting] = []
    for votes, box, angle in sorted(found, reverse=True):
        if not any(faces.overlap(box, other.box) for other in kept):
            kept.append(Sighting(box, angle, sure=votes >= faces.SURE))
    return sorted(kept, key=lambda one: -one.box[2])


def _crowded(boxes: Sequence[Box]) -> bool:
    """Whether two of the boxes are so near each other that they could be mixed up."""
    return any(
        math.dist(one[:2], other[:2]) < 1.5 * max(one[2], other[2])
        for number, one in enumerate(boxes)
        for other in boxes[:number]
    )


def _unlike(found: Sequence[Sighting]) -> list[Sighting]:
    """What was found, without sightings of the same face as one before them."""
    kept: list[Sighting] = []
    for sighting in found:
        if not any(faces.same_face(sighting.box, other.box) for other in kept):
            kept.append(sighting)
    return kept
