"""How often a person's label changes, before and after steadying; how late a true change shows.

"alone" takes every frame for a picture by itself; "raw" follows people and their boxes, but not
their labels; "steady" is what is shown.

NOISE=10 python -m benchmarks.flicker
"""

import itertools
import statistics
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import clips
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.faces import overlap
from emotion.recogniser import EmotionRecogniser
from emotion.tracking.smoothing import CONFIDENCE, SMOOTHING
from emotion.tracking.tracker import Face

CHANGES = (
    ("london_022_neutral.jpg", "london_022_smiling.jpg"),
    ("london_022_smiling.jpg", "london_022_neutral.jpg"),
    ("london_034_neutral.jpg", "london_034_smiling.jpg"),
    ("london_034_smiling.jpg", "london_034_neutral.jpg"),
    ("max_neutral.jpeg", "max_angry.jpg"),
    ("max_angry.jpg", "max_neutral.jpeg"),
    ("max_neutral.jpeg", "astronaut.png"),
)
AFTER = 3.0  # seconds that each portrait is shown


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    model_path: Path | None = setting(None, "the .tflite to run; by default the one that ships")
    media: Path = setting(Path("../shared/media"), "folder with the clips and the portraits")
    smoothing: float = setting(
        SMOOTHING,
        "seconds over which probabilities are averaged",
        check=config.at_least(0),
    )
    confidence: float = setting(
        CONFIDENCE, "below it the label is uncertain", check=config.between(0, 1)
    )
    noise: float = setting(
        0.0,
        "grey levels of noise, its sigma, added to the clips, as a dark room adds it",
        check=config.between(0, 50),
    )


@dataclass
class Watched:
    """One person's labels over a clip."""

    alone: list[str]
    raw: list[str]
    steady: list[str]
    times: list[float]


def main(settings: Settings) -> None:
    """Measure and print two tables."""
    recogniser = EmotionRecogniser(
        settings.model_path, smoothing=settings.smoothing, confidence=settings.confidence
    )
    _print_flicker(recogniser, clips.clips(settings.media), settings.noise)
    _print_delays(recogniser, settings.media)


def _print_flicker(recogniser: EmotionRecogniser, paths: list[Path], noise: float) -> None:
    print(f"{'label changes a second':44} person  seconds  alone    raw  steady  shown")
    seconds, counts = 0.0, np.zeros(3, int)
    for path in paths:
        for identity, person in sorted(watch(recogniser, path, noise=noise, alone=True).items()):
            spent = person.times[-1] - person.times[0]
            found = [changes(labels) for labels in (person.alone, person.raw, person.steady)]
            seconds, counts = seconds + spent, counts + found
            shown = ", ".join(f"{label} {n}" for label, n in Counter(person.steady).most_common())
            rates = "  ".join(f"{count / max(spent, 1e-9):5.2f}" for count in found)
            print(f"{path.name:44} {identity:6}  {spent:7.1f}  {rates}   {shown}")
    rates = "  ".join(f"{count / seconds:5.2f}" for count in counts)
    print(f"{'all':44} {'':6}  {seconds:7.1f}  {rates}")
    print(f"changes: {counts[0]} alone, {counts[1]} raw, {counts[2]} steady")


def _print_delays(recogniser: EmotionRecogniser, media: Path) -> None:
    print(f"\n{'from':26} {'to':26} labels, and the seconds until the change shows")
    delays = []
    with tempfile.TemporaryDirectory() as folder:
        for first, second in CHANGES:
            path = clips.cut(media / first, media / second, Path(folder) / "cut.mp4", AFTER)
            old, new, delay = change(watch(recogniser, path).values())
            if old == new:
                result = f"{old} in both: no change to show"
            else:
                result = f"{old} to {new}: {delay:.2f}"
                delays.append(delay)
            print(f"{first:26} {second:26} {result}")
    if delays:
        print(f"median {statistics.median(delays):.2f} s, longest {max(delays):.2f} s")


def watch(
    recogniser: EmotionRecogniser, path: Path, *, noise: float = 0.0, alone: bool = False
) -> dict[int, Watched]:
    """Every person's labels in a clip; `alone` for those of single frames too."""
    people: dict[int, Watched] = defaultdict(lambda: Watched([], [], [], []))
    rng = np.random.default_rng(0)
    recogniser.reset()
    for frame, time in clips.frames(path):
        if noise:
            frame = (frame + rng.normal(0, noise, frame.shape)).clip(0, 255).astype(np.uint8)
        single = recogniser(frame) if alone else []
        for face in recogniser(frame, time):
            person = people[face.identity]
            _note(person, face, recogniser.labels, time)
            same = [one for one in single if overlap(one.box, face.box)]
            person.alone += [recogniser.labels[int(one.raw.argmax())] for one in same[:1]]
    return people


def _note(person: Watched, face: Face, labels: tuple[str, ...], time: float) -> None:
    person.raw.append(labels[int(face.raw.argmax())])
    person.steady.append(face.emotion)
    person.times.append(time)


def changes(shown: Iterable[str]) -> int:
    """How often one label follows another."""
    return sum(first != second for first, second in itertools.pairwise(shown))


def change(people: Iterable[Watched]) -> tuple[str, str, float]:
    """The label before the cut, the one it settles on after it, and how late that first shows."""
    shown = sorted(
        (time, steady)
        for person in people
        for time, steady in zip(person.times, person.steady, strict=True)
    )
    old = Counter(steady for time, steady in shown if time < AFTER).most_common(1)[0][0]
    new = Counter(steady for time, steady in shown if time >= 2 * AFTER - 1).most_common(1)[0][0]
    late = [time - AFTER for time, steady in shown if time >= AFTER and steady == new]
    return old, new, min(late)


if __name__ == "__main__":
    raise SystemExit(command.run(main, Settings, __doc__))
