"""Who is who from frame to frame."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emotion.faces import Box
from emotion.tracking.appearance import Appearance, blended, difference
from emotion.tracking.parameters import PARAMETERS, Parameters
from emotion.tracking.smoothing import CONFIDENCE, SMOOTHING, LabelSmoother, Probabilities


@dataclass(frozen=True, eq=False)
class Face:
    """One person's face in one frame.

    `probabilities` are smoothed over time, `raw` are this frame's alone; both float32 (classes,).
    `emotion` is a label or "uncertain"; `confidence` is the leading emotion's smoothed probability.
    `angle` is the head's roll in degrees, clockwise positive. `seen` is false while the face was
    not found in this very frame and is shown where it is expected.
    """

    identity: int
    box: tuple[int, int, int, int]
    emotion: str
    confidence: float
    probabilities: Probabilities
    raw: Probabilities
    angle: float = 0.0
    seen: bool = True


@dataclass(frozen=True, eq=False)
class Detection:
    """A face that a detector found in a frame; `roll` in degrees, clockwise positive.

    A `confirmed` one is shown at once; a doubtful one has to be detected again first.
    """

    box: Box
    roll: float = 0.0
    confirmed: bool = True
    appearance: Appearance | None = None


@dataclass(eq=False)
class Track:
    """What is remembered of one person; `box` is where the face is predicted."""

    box: Box
    roll: float
    first_seen: float  # seconds
    last_seen: float  # seconds
    confirmed: bool
    appearance: Appearance | None
    identity: int = 0  # until it is first shown
    hits: int = 1  # detections so far
    missed: int = 0  # frames since the last detection
    shown: bool = False  # in the last frame
    velocity: tuple[float, float] = (0.0, 0.0)  # pixels per second
    raw: Probabilities = field(default_factory=lambda: np.zeros(0, np.float32))
    smoother: LabelSmoother | None = None

    @property
    def seen(self) -> bool:
        """Whether it was detected in this very frame."""
        return not self.missed


class Tracker:
    """Keeps a number for each person in view, and smooths what the network says of each.

    `smoothing` is in seconds, so that the result does not depend on the frame rate; 0 switches it
    off. Below `confidence` a label is "uncertain". Of more people than `max_faces`, the largest are
    shown; whoever already is stays until another is clearly larger.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        smoothing: float = SMOOTHING,
        confidence: float = CONFIDENCE,
        max_faces: int | None = None,
        parameters: Parameters = PARAMETERS,
    ) -> None:
        self._labels, self._parameters = tuple(labels), parameters
        self._smoothing, self._confidence = smoothing, confidence
        self._max_faces = max_faces
        self._tracks: list[Track] = []
        self._next, self._time = 1, -math.inf

    def update(
        self,
        time: float,
        detect: Callable[[list[Track]], Sequence[Detection]],
        classify: Callable[[list[Track]], NDArray[np.float32]],
        *,
        cut: bool = False,
    ) -> list[Face]:
        """The faces to show at `time`, seconds, numbered in the order of their first detections.

        `detect` gets everybody remembered, each box where the face should be now, and gives what
        it finds; `classify` gets those who are shown and were found, and gives a row of
        probabilities, (F, classes), for each. After a `cut`, somebody is known only by place and
        appearance together, and is watched afresh.
        """
        self._predict(time)
        self._associate(detect(list(self._tracks)), cut=cut)
        shown = self._shown()
        seen = [one for one in shown if one.seen]
        for one, row in zip(seen, classify(seen), strict=True):
            self._classified(one, row)
        return [_face(one) for one in shown]

    def _predict(self, time: float) -> None:
        """Forget who has been away for too long, and move everybody else on."""
        tuned, step = self._parameters, max(0.0, time - self._time)
        self._time = max(self._time, time)
        self._tracks = [
            one
            for one in self._tracks
            if self._unseen(one) <= tuned.max_age or one.missed < tuned.max_missed
        ]
        for one in self._tracks:
            if step > tuned.max_coast:  # where somebody walked to since the last frame is anywhere
                one.velocity = (0.0, 0.0)
            x, y, width, height = one.box
            one.box = (x + one.velocity[0] * step, y + one.velocity[1] * step, width, height)
            if self._unseen(one) > tuned.max_coast:  # nobody walks unseen for long
                one.velocity = (0.0, 0.0)

    def _associate(self, detections: Sequence[Detection], *, cut: bool) -> None:
        """Give each detection to a track, a known one or a new one."""
        for one in self._tracks:
            one.missed += 1
            if cut:  # nobody moves on from the last shot, and nothing seen there counts here
                one.velocity, one.smoother = (0.0, 0.0), None
        free = list(detections)
        for one, detection in self._pairs(free, cut=cut):
            self._correct(one, detection)
            free.remove(detection)
        if cut:
            self._tracks = [one for one in self._tracks if one.seen]
        self._tracks += [self._new(detection) for detection in free]

    def _pairs(
        self, detections: Sequence[Detection], *, cut: bool
    ) -> list[tuple[Track, Detection]]:
        """Pairs of track and detection, the cheapest first, each at most once."""
        costs = [
            (cost, one, detection)
            for one in self._tracks
            for detection in detections
            if (cost := self._cost(one, detection, cut=cut)) is not None
        ]
        costs.sort(key=lambda pair: pair[0])
        pairs: list[tuple[Track, Detection]] = []
        for _, one, detection in costs:
            if not any(one is track or detection is other for track, other in pairs):
                pairs.append((one, detection))
        return pairs

    def _cost(self, one: Track, detection: Detection, *, cut: bool) -> float | None:
        """What speaks against a detection being this person, in sides; None if it cannot be."""
        tuned, unseen = self._parameters, self._unseen(one)
        growth = 0.0 if cut else min(tuned.max_gating_growth, tuned.gating_growth * unseen)
        distance = _distance(one.box, detection.box)
        if distance > tuned.gating_distance + growth:
            return None
        different = difference(one.appearance, detection.appearance)
        if (cut or unseen > tuned.max_age) and different > tuned.max_appearance_change:
            return None
        # Between a person in view and one who is not, the first has the better claim.
        absence = min(tuned.max_absence_cost, tuned.absence_cost * unseen)
        return distance + tuned.appearance_weight * different + absence

    def _correct(self, one: Track, detection: Detection) -> None:
        """Bring a track to where it was detected."""
        tuned, gap = self._parameters, self._unseen(one)
        one.box, one.velocity = _moved(one, detection.box, gap, tuned)
        one.roll += _gain(gap, tuned) * (detection.roll - one.roll)
        one.appearance = blended(one.appearance, detection.appearance, tuned.appearance_gain)
        one.confirmed = one.confirmed or detection.confirmed
        one.hits += 1
        one.missed, one.last_seen = 0, self._time

    def _new(self, detection: Detection) -> Track:
        return Track(
            box=detection.box,
            roll=detection.roll,
            first_seen=self._time,
            last_seen=self._time,
            confirmed=detection.confirmed,
            appearance=detection.appearance,
        )

    def _shown(self) -> list[Track]:
        """Those in view, the largest if they are too many; a newcomer gets a number."""
        tuned = self._parameters
        shown = [one for one in self._tracks if self._in_view(one)]
        if self._max_faces is not None:
            sides = {id(one): one.box[2] * (tuned.held if one.shown else 1) for one in shown}
            largest = sorted(shown, key=lambda one: -sides[id(one)])[: self._max_faces]
            shown = [one for one in shown if one in largest]
        for one in self._tracks:
            one.shown = one in shown
        for one in shown:
            if one.identity == 0:
                one.identity, self._next = self._next, self._next + 1
        return shown

    def _in_view(self, one: Track) -> bool:
        """Whether a person is there; a doubtful one has to be detected again first."""
        tuned = self._parameters
        spread = one.last_seen - one.first_seen >= tuned.min_hits_span
        known = one.identity or one.confirmed or (one.hits >= tuned.min_hits and spread)
        # Who was never classified was passed over as one too many, and has nothing to be shown.
        ready = one.seen or one.smoother is not None
        return bool(known) and ready and self._unseen(one) <= tuned.max_coast

    def _classified(self, one: Track, row: NDArray[np.float32]) -> None:
        """Take in what the network says of a face in this frame."""
        if one.smoother is None:
            one.smoother = LabelSmoother(
                self._labels,
                smoothing=self._smoothing,
                confidence=self._confidence,
                parameters=self._parameters,
            )
        one.raw = np.array(row, np.float32)
        one.smoother.add(one.raw, self._time)

    def _unseen(self, one: Track) -> float:
        """Seconds since somebody was last detected."""
        return self._time - one.last_seen


def _face(one: Track) -> Face:
    assert one.smoother is not None, "people are shown only after they were seen and classified"
    probabilities = one.smoother.probabilities
    x, y, width, height = (round(value) for value in one.box)
    return Face(
        identity=one.identity,
        box=(x, y, width, height),
        emotion=one.smoother.emotion,
        confidence=float(probabilities.max()),
        probabilities=probabilities,
        raw=one.raw,
        angle=one.roll,
        seen=one.seen,
    )


def _distance(one: Box, other: Box) -> float:
    """How far apart two boxes are in place and in size, in their own sides."""
    across = other[0] + other[2] / 2 - one[0] - one[2] / 2
    down = other[1] + other[3] / 2 - one[1] - one[3] / 2
    side = (one[2] + other[2]) / 2
    return math.hypot(across, down) / side + abs(math.log(other[2] / one[2]))


def _gain(gap: float, parameters: Parameters) -> float:
    """Part of what is new that an average over the box's time constant takes in after `gap`."""
    return 1 - math.exp(-gap / parameters.box_time_constant)


def _moved(
    one: Track, box: Box, gap: float, parameters: Parameters
) -> tuple[Box, tuple[float, float]]:
    """The track's box and velocity after a detection `gap` seconds after the last one.

    A resting face's box trembles by a few per cent: it is averaged, so that the network sees the
    same crop. A moving face is followed at once.
    """
    old, new = np.array(one.box), np.array(box)
    middle, size = old[:2] + old[2:] / 2, float(old[2])
    step = new[:2] + new[2:] / 2 - middle
    growth = float(new[2]) - size
    gain = _gain(max(gap, 1e-3), parameters)  # a repeated frame still counts a little
    follow = min(1.0, max(gain, float(np.hypot(*step)) / (parameters.follow_distance * size)))
    grow = min(1.0, max(gain, abs(growth) / (parameters.follow_growth * size)))
    middle = middle + follow * step
    size += grow * growth
    speed = np.array(one.velocity) + parameters.velocity_gain * follow * step / max(gap, 0.02)
    limit = parameters.max_speed * size
    speed = speed.clip(-limit, limit)
    x, y = middle - size / 2
    return (float(x), float(y), size, size), (float(speed[0]), float(speed[1]))
