"""How the time grows with a frame's size, faces, a clip's length, files and classes.

The time is the processor's, so that what else runs on the machine hardly counts.

taskset -c 0 python -m benchmarks.growth
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks import clips
from benchmarks.clips import Frame
from emotion import files
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.errors import EmotionError
from emotion.output.rows import Rows
from emotion.recogniser import EmotionRecogniser
from emotion.sources.clip import Clip
from emotion.sources.source import find

ROOT = Path(__file__).parents[1]
HER = ROOT / "samples" / "astronaut.png"
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (3840, 2160))
FACES = (0, 1, 2, 5, 10, 20, 50)
FRAMES = (100, 200, 400, 800)
PICTURES = (10, 20, 40, 80)
LISTED = (1_000, 10_000, 100_000)
CLASSES = (2, 7, 20, 50, 100)
KINDS = ("size", "faces", "length", "files", "classes")


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    only: tuple[str, ...] = setting((), f"which of {', '.join(KINDS)}; none: all")
    frames: int = setting(30, "frames of each size and number of faces", check=config.at_least(2))
    runs: int = setting(3, "runs of each, in turn, of which the median counts")
    output: Path | None = setting(
        None, "also write the figures to this `.json` file", check=config.ending(".json")
    )

    def conflicts(self) -> list[config.Conflict]:
        unknown = [name for name in self.only if name not in KINDS]
        wrong = f"names {', '.join(unknown)}: there are {', '.join(KINDS)}"
        return [(("only",), wrong)] if unknown else []


@dataclass(frozen=True)
class Growth:
    """What was measured at each amount: a figure a run, in `unit`."""

    of: str
    per: str
    unit: str
    amounts: tuple[float, ...]
    runs: tuple[tuple[float, ...], ...]

    @property
    def middle(self) -> list[float]:
        """The median of each amount's runs."""
        return [statistics.median(run) for run in self.runs]

    @property
    def exponent(self) -> float:
        """The slope of a line through the logarithms: 1 grows in proportion, 2 as the square."""
        return slope(self.amounts, self.middle)

    @property
    def last(self) -> float:
        """The same between the two largest amounts, where what is there anyway weighs least."""
        return slope(self.amounts[-2:], self.middle[-2:])


def slope(amounts: Sequence[float], figures: Sequence[float]) -> float:
    """The exponent of a power law fitted to the positive amounts, by least squares of logs."""
    some = [(a, b) for a, b in zip(amounts, figures, strict=True) if a > 0 and b > 0]
    logs = np.log(np.array(some, np.float64))
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0]) if len(some) > 1 else math.nan


def main(settings: Settings) -> None:
    """Measure and print a table for each kind."""
    cv2.setNumThreads(1)
    measures = {"size": sizes, "faces": faces, "length": length, "files": listed_and_read}
    measures |= {"classes": classes}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in settings.only or KINDS:
            for growth in measures[name](settings, Path(folder)):
                print(table(growth), flush=True)
                found.append(growth)
    if settings.output:
        written = [asdict(one) | {"exponent": one.exponent, "last": one.last} for one in found]
        with files.replacing(settings.output) as path:
            path.write_text(json.dumps(written, indent=2))
        print(f"wrote {settings.output}")


def table(growth: Growth) -> str:
    """A line for each amount, and the exponents."""
    lines = [f"\n{growth.of}: {growth.unit} by {growth.per}"]
    for amount, middle, run in zip(growth.amounts, growth.middle, growth.runs, strict=True):
        lines.append(f"{amount:>12,g}  {middle:10.4g}  ({min(run):.4g} to {max(run):.4g})")
    lines.append(f"exponent {growth.exponent:.2f}, {growth.last:.2f} between the last two")
    return "\n".join(lines)


def measured(
    of: str,
    per: str,
    unit: str,
    settings: Settings,
    calls: Mapping[float, Callable[[], float]],
) -> Growth:
    """Each amount's call as often as the settings say, all amounts in turn."""
    runs: dict[float, list[float]] = {amount: [] for amount in calls}
    for _ in range(settings.runs):
        for amount, call in calls.items():
            runs[amount].append(call())
    return Growth(of, per, unit, tuple(calls), tuple(tuple(run) for run in runs.values()))


def sizes(settings: Settings, folder: Path) -> list[Growth]:
    """A frame of each size whose one face takes the same part of it."""
    scenes = {float(w * h): scene(w, h, [place(w, h, 1, 1, 0)]) for w, h in SIZES}
    return both(scenes, "a frame's size", "pixels", settings)


def faces(settings: Settings, folder: Path) -> list[Growth]:
    """A frame of 1920x1080 with 0 to 50 heads of 153 px, whose faces are half as wide."""
    width, height = 1920, 1080
    grid = [place(width, height, 10, 5, number) for number in range(50)]
    scenes = {float(count): scene(width, height, grid[:count]) for count in FACES}
    return both(scenes, "faces in 1920x1080", "faces", settings)


def place(width: int, height: int, columns: int, rows: int, number: int) -> tuple[int, int, int]:
    """x, y and side of a head: the middle of a cell of a grid, as large as leaves a gap."""
    cell_x, cell_y = width / columns, height / rows
    side = int(0.8 * min(cell_x, cell_y))
    row, column = divmod(number, columns)
    return (
        int((column + 0.5) * cell_x - side / 2),
        int((row + 0.5) * cell_y - side / 2),
        side,
    )


def scene(width: int, height: int, places: Sequence[tuple[int, int, int]]) -> Frame:
    """A grey frame with her head at each place."""
    frame = np.full((height, width, 3), 140, np.uint8)
    for x, y, side in places:
        frame[y : y + side, x : x + side] = clips.head(HER, side)
    return frame


def both(scenes: dict[float, Frame], of: str, per: str, settings: Settings) -> list[Growth]:
    """Milliseconds a frame of a video and of a picture alone, and the faces found."""

    def spent(frame: Frame, times: Sequence[float | None]) -> float:
        recogniser = EmotionRecogniser()
        began = cpu()
        for moment in times:
            recogniser(frame, moment)
        return 1000 * (cpu() - began) / len(times)

    moments = [number / clips.RATE for number in range(settings.frames)]
    kinds: dict[str, Sequence[float | None]] = {"video": moments, "pictures": [None, None]}
    found = {amount: len(EmotionRecogniser()(frame)) for amount, frame in scenes.items()}
    print(f"\nfaces found, {of}: {', '.join(str(count) for count in found.values())}")
    return [
        measured(
            f"{of}, {kind}",
            per,
            "ms a frame",
            settings,
            {amount: partial(spent, frame, times) for amount, frame in scenes.items()},
        )
        for kind, times in kinds.items()
    ]


def length(settings: Settings, folder: Path) -> list[Growth]:
    """Clips of a face that sways, from decoding to rows: seconds, and memory."""
    still = scene(*clips.SIZE, [place(*clips.SIZE, 1, 1, 0)])
    memory: dict[float, list[float]] = {}

    def read(count: int) -> float:
        path = folder / f"{count}.mp4"
        if not path.exists():
            sways = (np.roll(still, round(20 * math.sin(n / 9)), axis=1) for n in range(count))
            clips.write(path, sways)
        recogniser = EmotionRecogniser()
        began = cpu()
        with (
            Clip(path) as clip,
            Rows(folder / "rows.csv", recogniser.labels, reading=recogniser.reading) as rows,
        ):
            for frame in clip:
                rows.write(frame, recogniser(frame.image, frame.time))
        spent = cpu() - began
        memory.setdefault(count, []).append(resident())
        return spent

    calls = {float(n): partial(read, n) for n in FRAMES}
    growth = measured("a clip's length, 640x480", "frames", "seconds", settings, calls)
    held = tuple(tuple(memory[amount]) for amount in growth.amounts)
    return [growth, Growth("a clip's length, 640x480", "frames", "MB held", growth.amounts, held)]


def cpu() -> float:
    """Seconds of processor time that this process and those it has waited for have taken."""
    others = os.times()
    return time.process_time() + others.children_user + others.children_system


def resident() -> float:
    """MB of memory that this process holds; 0 where /proc does not tell."""
    path = Path("/proc/self/statm")
    if not path.is_file():
        return 0.0
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def listed_and_read(settings: Settings, folder: Path) -> list[Growth]:
    """A folder of pictures: listed alone, and read to rows by recognition.py."""
    picture = (ROOT / "samples" / "two.jpg").read_bytes()

    def filled(count: int, data: bytes) -> Path:
        place = folder / f"{count} files of {len(data)}"
        if not place.exists():
            place.mkdir()
            for number in range(count):
                (place / f"{number}.jpg").write_bytes(data)
        return place

    def listed(count: int) -> float:
        place = filled(count, b"")
        began = cpu()
        source = find(str(place))
        assert source and len(source.files) == count
        return cpu() - began

    def read(count: int) -> float:
        began = cpu()
        done = subprocess.run(
            [sys.executable, str(ROOT / "recognition.py")],
            env=surroundings(filled(count, picture), folder / "rows.csv"),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise EmotionError(f"recognition.py: {done.stderr.strip().splitlines()[-1]}")
        return cpu() - began

    listing = {float(n): partial(listed, n) for n in LISTED}
    reading = {float(n): partial(read, n) for n in PICTURES}
    return [
        measured("files of a folder, listed", "files", "seconds", settings, listing),
        measured("pictures of 480x360, recognition.py", "files", "seconds", settings, reading),
    ]


def surroundings(pictures: Path, rows: Path) -> dict[str, str]:
    """The environment of a recognition.py that writes rows and nothing else.

    OUTPUT means something there as well: it would receive every picture, annotated.
    """
    kept = {name: value for name, value in os.environ.items() if name != "OUTPUT"}
    return {**kept, "DEVICE_ID": str(pictures), "RESULTS": str(rows), "SHOW": "0"}


def classes(settings: Settings, folder: Path) -> list[Growth]:
    """Untrained networks of 2 to 100 classes, as int8: a face of a picture, cropping included."""
    from emotion import export, model
    from emotion.model_file import FER2013

    noise = np.random.default_rng(0).integers(0, 256, (200, 48, 48), np.uint8)
    calls = {}
    for count in CLASSES:
        labels = FER2013 if count == len(FER2013) else tuple(f"class{n}" for n in range(count))
        path = folder / f"{count}.tflite"
        export.write(path, model.build(count), labels, {"size": 48}, noise[:20])
        recogniser = EmotionRecogniser(path)

        def spent(recogniser: EmotionRecogniser = recogniser) -> float:
            began = cpu()
            recogniser.read(noise)
            return 1000 * (cpu() - began) / len(noise)

        calls[float(count)] = spent
    return [measured("classes", "classes", "ms a face", settings, calls)]


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
