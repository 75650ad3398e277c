"""Who is who from frame to frame, and what each one's face says when it is watched for a while."""

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

UNCERTAIN = "uncertain"
"""The emotion shown while the leading one is below the asked confidence."""

SMOOTHING = 0.5  # seconds
CONFIDENCE = 0.4
HOLD = 0.5  # seconds that a face is still shown after it was last found
MEMORY = 4.0  # seconds after which somebody who comes back is somebody new
_MARGIN = 0.1  # by how much another emotion must lead before the label follows
_DOUBT = 0.05  # how far from `confidence` the label turns to "uncertain" and back
_QUICK = 0.3  # span of the average that watches for a change, as a part of `smoothing`
_PERSIST = 0.7  # how long a change must last to take over at once, as a part of `smoothing`
_FIRST = 0.04  # seconds of watching that a person's first frame stands for
_AGREE = 3  # sightings that make a doubtful face somebody
_AGREE_FOR = 1.0  # seconds over which they must be spread
_REACH = 0.8  # how far off its expected place a face may be, in its own sides
_LOOK = 4.0  # how much a difference in looks counts against a distance in sides
_OTHER_LOOKS = 0.2  # difference in looks that one person does not show from shot to shot
_STEADY = 0.15  # seconds over which a resting box is averaged

Box = tuple[float, float, float, float]
Vector = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Face:
    """One person's face in one frame.

    `probabilities` are smoothed over time, `raw` are this frame's alone; both float32 (classes,).
    `emotion` is a label or "uncertain"; `confidence` is the leading emotion's smoothed probability.
    `angle` says how far the head leans, in degrees, clockwise positive. `seen` is false while the
    face was not found in this very frame and is shown where it is expected.
    """

    identity: int
    box: tuple[int, int, int, int]
    emotion: str
    confidence: float
    probabilities: Vector
    raw: Vector
    angle: float = 0.0
    seen: bool = True


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face that a detector found in a frame.

    A `sure` one becomes a person at once; a doubtful one has to be seen again first. `looks` is a
    small picture of the person as a vector in 0..1, or None.
    """

    box: Box
    angle: float = 0.0
    sure: bool = True
    looks: Vector | None = None


@dataclass(eq=False)
class Person:
    """What the tracker remembers of one person; `box` is where the face is expected."""

    identity: int
    box: Box
    angle: float
    since: float  # seconds, first sighting
    last: float  # seconds, latest sighting
    sightings: int = 1
    sure: bool = False
    seen: bool = True
    looks: Vector | None = None
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels per second
    raw: Vector = field(default_factory=lambda: np.zeros(0, np.float32))
    reading: "Reading | None" = None


class Average:
    """A running average in which what came in `span` seconds ago counts 1/e of what comes in now.

    It holds at any frame rate, and from the first frame on.
    """

    def __init__(self, span: float) -> None:
        self.span = span
        self._total: NDArray[np.floating] | float = 0.0
        self._weight = 0.0

    def add(self, row: Vector, gap: float) -> None:
        """Take in a row that comes `gap` seconds after the last one."""
        keep = math.exp(-gap / self.span) if self.span > 0 else 0.0
        self._total = keep * self._total + (1 - keep) * row
        self._weight = keep * self._weight + (1 - keep)

    @property
    def mean(self) -> Vector:
        """The average, float32 (classes,)."""
        return np.asarray(self._total / self._weight, np.float32)


class Reading:
    """What one person shows: averaged probabilities, and the label over the face.

    Two averages are kept, a slow one that is shown and a quick one that watches for a change. A
    new label that the quick one has asked for long enough is shown, and the slow one goes on from
    there: else a very sure old expression would hide a less sure new one for seconds.
    """

    def __init__(self, labels: Sequence[str], *, smoothing: float, confidence: float) -> None:
        self.emotion = ""
        self._labels, self._smoothing, self._confidence = labels, smoothing, confidence
        self._slow, self._quick = Average(smoothing), Average(_QUICK * smoothing)
        self._rivalled = 0.0  # seconds for which the quick average has spoken for another label
        self._time: float | None = None

    @property
    def probabilities(self) -> Vector:
        """Averaged, float32 (classes,)."""
        return self._slow.mean

    def add(self, row: Vector, time: float) -> None:
        """Take in one frame's probabilities."""
        gap = _FIRST if self._time is None else max(0.0, time - self._time)
        self._time = time
        self._slow.add(row, gap)
        self._quick.add(row, gap)
        self.emotion = self._label(self._slow.mean, _MARGIN)
        self._watch_for_change(gap)

    def _watch_for_change(self, gap: float) -> None:
        rival = self._label(self._quick.mean, _MARGIN / 2)
        self._rivalled = self._rivalled + gap if rival != self.emotion else 0.0
        if self._rivalled > _PERSIST * self._smoothing:
            self._slow = copy.copy(self._quick)
            self._slow.span = self._smoothing
            self.emotion, self._rivalled = rival, 0.0

    def _label(self, probabilities: Vector, margin: float) -> str:
        """The label to show after the one shown; another one must lead it by `margin`."""
        leading = int(probabilities.argmax())
        best = float(probabilities[leading])
        if self.emotion in self._labels:
            lead = best - float(probabilities[self._labels.index(self.emotion)])
            if lead <= margin and best >= self._confidence - _DOUBT:
                return self.emotion
        slack = _DOUBT if self.emotion == UNCERTAIN else -_DOUBT if self.emotion else 0.0
        return self._labels[leading] if best >= self._confidence + slack else UNCERTAIN


class Tracker:
    """Keeps a number for each person in view, and smooths what the network says of each.

    For every frame: `expect` where everybody is now, look there, `place` what was found, run the
    network on the boxes that come back, and `read` its answers. `smoothing` is in seconds, so the
    result does not depend on the frame rate; 0 switches it off.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        smoothing: float = SMOOTHING,
        confidence: float = CONFIDENCE,
    ) -> None:
        self.labels = tuple(labels)
        self.smoothing, self.confidence = smoothing, confidence
        self._people: list[Person] = []
        self._next, self._time = 1, 0.0

    def expect(self, time: float) -> list[Person]:
        """Everybody remembered, each box moved to where the face should be at `time`, seconds."""
        step = max(0.0, time - self._time)
        self._time = max(self._time, time)
        self._people = [one for one in self._people if self._time - one.last <= MEMORY]
        for one in self._people:
            x, y, width, height = one.box
            one.box = (x + one.velocity[0] * step, y + one.velocity[1] * step, width, height)
            if self._time - one.last > HOLD:  # a guess: nobody keeps walking unseen for long
                one.velocity = (0.0, 0.0)
        return list(self._people)

    def place(self, sightings: Sequence[Sighting], *, cut: bool = False) -> list[Person]:
        """Give each sighting to a person, known or new; returns the people to show.

        After a `cut`, somebody is known only by place and looks together, and is watched afresh.
        """
        if cut:
            self._forget_moves()
        for one in self._people:
            one.seen = False
        free = list(sightings)
        for one, sighting in _matched(self._people, free, self._time, cut=cut):
            self._meet(one, sighting)
            free.remove(sighting)
        if cut:
            self._people = [one for one in self._people if one.seen]
        self._people += [self._new(sighting) for sighting in free]
        return [one for one in self._people if self._shown(one)]

    def read(self, people: Sequence[Person], probabilities: NDArray[np.float32]) -> list[Face]:
        """Faces of the `people` that `place` gave, in that order.

        `probabilities`, (seen, classes), has a row for each of them who was seen in this frame.
        """
        seen = [one for one in people if one.seen]
        for one, row in zip(seen, probabilities, strict=True):
            self._watch(one, row)
        return [_face(one) for one in people]

    def _meet(self, one: Person, sighting: Sighting) -> None:
        gap = self._time - one.last
        one.box, one.velocity = _moved(one, sighting.box, gap)
        gain = 1 - math.exp(-gap / _STEADY)
        one.angle += gain * (sighting.angle - one.angle)
        one.looks = _blended(one.looks, sighting.looks)
        one.sure = one.sure or sighting.sure
        one.sightings += 1
        one.seen, one.last = True, self._time

    def _new(self, sighting: Sighting) -> Person:
        return Person(
            identity=0,
            box=sighting.box,
            angle=sighting.angle,
            since=self._time,
            last=self._time,
            sure=sighting.sure,
            looks=sighting.looks,
        )

    def _shown(self, one: Person) -> bool:
        """Whether a person is in view; a doubtful one gets its number when it first is."""
        if one.identity == 0:
            often = one.sightings >= _AGREE and one.last - one.since >= _AGREE_FOR
            if not (one.sure or often):
                return False
            one.identity, self._next = self._next, self._next + 1
        return self._time - one.last <= HOLD

    def _watch(self, one: Person, row: NDArray[np.float32]) -> None:
        if one.reading is None:
            one.reading = Reading(self.labels, smoothing=self.smoothing, confidence=self.confidence)
        one.raw = np.array(row, np.float32)
        one.reading.add(one.raw, self._time)

    def _forget_moves(self) -> None:
        """A new shot: nobody moves on from the last one, and nothing seen there counts here."""
        for one in self._people:
            one.velocity, one.reading = (0.0, 0.0), None


def _face(one: Person) -> Face:
    reading = one.reading
    assert reading is not None, "people are shown only after they were seen and read"
    probabilities = reading.probabilities
    x, y, width, height = (round(value) for value in one.box)
    return Face(
        identity=one.identity,
        box=(x, y, width, height),
        emotion=reading.emotion,
        confidence=float(probabilities.max()),
        probabilities=probabilities,
        raw=one.raw,
        angle=one.angle,
        seen=one.seen,
    )


def _matched(
    people: Sequence[Person], sightings: Sequence[Sighting], time: float, *, cut: bool
) -> Iterable[tuple[Person, Sighting]]:
    """Pairs of person and sighting, the best first, each at most once."""
    pairs = []
    for one in people:
        for sighting in sightings:
            far = _distance(one.box, sighting.box)
            if far > (_REACH if cut else _REACH + min(1.5, time - one.last)):
                continue
            different = _difference(one.looks, sighting.looks)
            if cut and different > _OTHER_LOOKS:
                continue
            # Between a person in view and one who is not, the first has the better claim.
            pairs.append((far + _LOOK * different + min(1.0, time - one.last), one, sighting))
    pairs.sort(key=lambda pair: pair[0])
    taken: set[int] = set()
    for _, one, sighting in pairs:
        if id(one) not in taken and id(sighting) not in taken:
            taken |= {id(one), id(sighting)}
            yield one, sighting


def _distance(one: Box, other: Box) -> float:
    """How far apart two boxes are in place and in size, in their own sides."""
    across = other[0] + other[2] / 2 - one[0] - one[2] / 2
    down = other[1] + other[3] / 2 - one[1] - one[3] / 2
    side = (one[2] + other[2]) / 2
    return math.hypot(across, down) / side + abs(math.log(other[2] / one[2]))


def _difference(looks: Vector | None, other: Vector | None) -> float:
    """How differently two people look, 0..1; 0 where nothing is known."""
    return 0.0 if looks is None or other is None else float(np.abs(looks - other).mean())


def _moved(one: Person, box: Box, gap: float) -> tuple[Box, tuple[float, float]]:
    """The person's box and velocity after a sighting `gap` seconds after the last one.

    A resting face's box trembles by a few per cent: it is averaged, so that the network sees the
    same crop. A moving face is followed at once.
    """
    old = np.array(one.box)
    new = np.array(box)
    middle, size = old[:2] + old[2:] / 2, float(old[2])
    step = new[:2] + new[2:] / 2 - middle
    gain = 1 - math.exp(-max(gap, 1e-3) / _STEADY)
    follow = min(1.0, max(gain, float(np.hypot(*step)) / (0.15 * size)))
    grow = min(1.0, max(gain, abs(float(new[2]) - size) / (0.4 * size)))
    middle = middle + follow * step
    size += grow * (float(new[2]) - size)
    speed = np.array(one.velocity) + 0.3 * follow * step / max(gap, 0.02)
    limit = 4 * size  # pixels per second: faster than that is a mistake, not a person
    speed = speed.clip(-limit, limit)
    x, y = middle - size / 2
    return (float(x), float(y), size, size), (float(speed[0]), float(speed[1]))


def _blended(old: Vector | None, new: Vector | None) -> Vector | None:
    if old is None or new is None:
        return old if new is None else new
    return 0.9 * old + 0.1 * new
