"""Who was in view for how long, and with which emotion: a summary in words and a picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.output.annotate import Colour, ascii_text, ink, palette, shown_label
from emotion.tracking.tracker import Face

LONGEST_STEP = 1.0
"""Seconds that a frame stands for at most; a longer gap is a loss of the source, not a frame."""

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _FOOT = 1280, 120, 32, 66, 56, 54  # pixels of the picture
_PEOPLE = 20  # in the picture and the summary; crowds pass by a camera that runs for days
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_INK, _FAINT = (40, 40, 40), (222, 222, 222)


@dataclass
class Span:
    """A stretch of time, start to end in seconds, in which a person showed one emotion."""

    start: float
    end: float
    emotion: str


@dataclass
class Person:
    """One identity and the spans in which it was seen, in order."""

    identity: int
    spans: list[Span] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long the person was in view."""
        return sum(span.end - span.start for span in self.spans)

    def shares(self) -> dict[str, float]:
        """The part of that time for each emotion shown, largest first; the parts add up to one."""
        totals: dict[str, float] = {}
        for span in self.spans:
            totals[span.emotion] = totals.get(span.emotion, 0.0) + span.end - span.start
        whole = sum(totals.values()) or 1.0
        ranked = sorted(totals.items(), key=lambda item: -item[1])
        return {emotion: seconds / whole for emotion, seconds in ranked}


class Timeline:
    """Collects the faces of a clip, frame by frame, as spans: memory grows with changes only.

    A frame stands for the time until the next one, and the last for as long as the one before it.
    """

    def __init__(self) -> None:
        self._people: dict[int, Person] = {}
        self._present: dict[int, Span] = {}
        self._time: float | None = None
        self._step = 0.0
        self.start = self.end = 0.0

    def add(self, time: float, faces: Sequence[Face]) -> None:
        """Take in the faces of the frame at `time`, in seconds."""
        if self._time is None:
            self.start = time
        else:
            self._step = min(time - self._time, LONGEST_STEP)
            self._extend(self._time + self._step)
        unbroken = self._time is not None and time - self._time <= LONGEST_STEP
        self._present = {face.identity: self._span(face, time, unbroken=unbroken) for face in faces}
        self._time = time

    def finish(self) -> bool:
        """Give the last frame its time, after which nothing is added; whether there was a frame."""
        if self._time is None:
            return False
        self._extend(self._time + self._step)
        self._present = {}
        return True

    @property
    def people(self) -> list[Person]:
        """Everybody who was seen, in the order of their identities."""
        return [self._people[identity] for identity in sorted(self._people)]

    def _extend(self, end: float) -> None:
        self.end = end
        for span in self._present.values():
            span.end = end

    def _span(self, face: Face, time: float, *, unbroken: bool) -> Span:
        """The span that this face goes on with, or a new one."""
        current = self._present.get(face.identity) if unbroken else None
        if current is not None and current.emotion == face.emotion:
            return current
        span = Span(time, time, face.emotion)
        self._people.setdefault(face.identity, Person(face.identity)).spans.append(span)
        return span


def summary(people: Sequence[Person]) -> list[str]:
    """A line for each person: seconds in view and the share of each emotion."""
    if not people:
        return ["nobody was seen"]
    longest = sorted(people, key=lambda person: -person.seconds)[:_PEOPLE]
    lines = []
    for person in sorted(longest, key=lambda person: person.identity):
        shares = ", ".join(f"{name} {share:.0%}" for name, share in person.shares().items())
        lines.append(f"person {person.identity}: {person.seconds:.1f} s in view, {shares}")
    if len(people) > len(longest):
        lines.append(f"and {len(people) - len(longest)} more, in view for a shorter time")
    return lines


def draw(timeline: Timeline, labels: Sequence[str]) -> NDArray[np.uint8]:
    """The timeline as a picture, BGR uint8 (H, W, 3): a band for each person, time to the right.

    A band is the emotion's colour, with its name where there is room, and blank while the person
    is away. Of more than 20 people, those longest in view are shown.
    """
    people = sorted(timeline.people, key=lambda person: -person.seconds)[:_PEOPLE]
    people.sort(key=lambda person: person.identity)
    height = _TOP + _ROW * max(1, len(people)) + _FOOT
    picture = np.full((height, _WIDTH, 3), 255, np.uint8)
    length = max(timeline.end - timeline.start, 1e-3)
    _legend(picture, labels)
    _axis(picture, timeline.start, length)
    for number, person in enumerate(people):
        _band(picture, person, number, timeline.start, length, labels)
    if not people:
        _write(picture, "nobody was seen", (_LEFT + 8, _TOP + _ROW // 2 + 5))
    return picture


def _band(
    picture: NDArray[np.uint8],
    person: Person,
    number: int,
    start: float,
    length: float,
    labels: Sequence[str],
) -> None:
    top = _TOP + number * _ROW + 8
    bottom = top + _ROW - 16
    name = f"person {person.identity}"
    _write(picture, name, (_LEFT - 12 - _width(name), (top + bottom) // 2 + 5))
    cv2.rectangle(picture, (_LEFT, top), (_WIDTH - _RIGHT, bottom), _FAINT, 1)
    for span in sorted(person.spans, key=lambda span: span.start - span.end):  # moments on top
        left = _across(span.start, start, length)
        right = max(left, _across(span.end, start, length) - 1)
        colour = palette(tuple(labels)).get(span.emotion, (90, 90, 90))
        cv2.rectangle(picture, (left, top), (right, bottom), colour, cv2.FILLED)
        label = shown_label(span.emotion, labels)
        if right - left > _width(label) + 8:
            middle = (left + right - _width(label)) // 2
            _write(picture, label, (middle, (top + bottom) // 2 + 5), ink(colour))


def _legend(picture: NDArray[np.uint8], labels: Sequence[str]) -> None:
    left = _LEFT
    for label, colour in palette(tuple(labels)).items():
        name = shown_label(label, labels)
        if left + 30 + _width(name) > _WIDTH:
            return
        cv2.rectangle(picture, (left, 20), (left + 16, 36), colour, cv2.FILLED)
        cv2.rectangle(picture, (left, 20), (left + 16, 36), _INK, 1)
        _write(picture, name, (left + 23, 33))
        left += 46 + _width(name)


def _axis(picture: NDArray[np.uint8], start: float, length: float) -> None:
    """Vertical lines at round times, with the time below."""
    height = picture.shape[0]
    step = _step(length)
    for number in range(int(length / step + 1e-6) + 1):
        across = _across(start + number * step, start, length)
        cv2.line(picture, (across, _TOP), (across, height - _FOOT + 6), _FAINT, 1)
        text = clock(start + number * step, step)
        middle = min(across - _width(text) // 2, _WIDTH - _width(text) - 4)
        _write(picture, text, (middle, height - _FOOT + 26))


def clock(seconds: float, step: float = 1.0) -> str:
    """Seconds as a person reads them beside marks `step` apart: 0.5 s, 12 s, 3:05, 1:02:05."""
    if seconds < 60:
        return f"{seconds:.{0 if step >= 1 else 1 if step >= 0.1 else 2}f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _step(length: float) -> float:
    """The smallest round step that gives at most twelve marks."""
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800)
    return next((step for step in steps if length / step <= 12), 3600 * (1 + length // 43200))


def _across(time: float, start: float, length: float) -> int:
    return _LEFT + round((time - start) / length * (_WIDTH - _RIGHT - _LEFT))


def _write(
    picture: NDArray[np.uint8], text: str, at: tuple[int, int], colour: Colour = _INK
) -> None:
    cv2.putText(picture, ascii_text(text), at, _FONT, 0.5, colour, 1, cv2.LINE_AA)


def _width(text: str) -> int:
    return cv2.getTextSize(text, _FONT, 0.5, 1)[0][0]
