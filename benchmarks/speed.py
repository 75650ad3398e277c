"""Frames a second through the whole of recognition, its slowest frames, its start, and memory.

taskset -c 0 python -m benchmarks.speed
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import clips
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.recogniser import EmotionRecogniser
from emotion.tracking.tracker import Face

FIRST = """
import sys
from pathlib import Path
from emotion import EmotionRecogniser
model, path, time = sys.argv[1] or None, sys.argv[2], sys.argv[3]
if time:
    from emotion.sources.clip import Clip as Source
else:
    from emotion.sources.files import Picture as Source
frame = next(iter(Source(Path(path))))
faces = EmotionRecogniser(model)(frame.image, frame.time)
print(len(faces))
"""


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    model_path: Path | None = setting(None, "the .tflite to run; by default the one that ships")
    media: Path = setting(Path("../shared/media"), "folder with yes.mkv and the portraits")
    frames: int = setting(600, "frames in each run", check=config.at_least(10))
    runs: int = setting(5, "runs, of which the median counts", check=config.at_least(1))
    minutes: float = setting(
        1.0, "minutes of video, at 30 frames a second, for the memory", check=config.at_least(0)
    )


def main(settings: Settings) -> None:
    """Measure and print one table."""
    print(f"cores usable: {_cores()}")
    with tempfile.TemporaryDirectory() as folder:
        five = clips.five(settings.media, Path(folder) / "five.mp4")
        one = settings.media / "yes.mkv"
        for name, path, size in (
            ("one face, 640x480", one, None),
            ("five faces, 640x480", five, None),
            ("one face, 1280x720", one, (1280, 720)),
        ):
            _print_speed(name, [_run(settings, path, size) for _ in range(settings.runs)])
    _print_first(settings)
    if settings.minutes:
        _print_memory(settings)


def _run(settings: Settings, path: Path, size: tuple[int, int] | None) -> dict[str, float]:
    """Milliseconds a frame for each part of one run, and the mean number of faces.

    Frames are brought to `size` as a part of decoding. "slowest" is what one frame in a hundred
    takes to recognise, or more.
    """
    recogniser = EmotionRecogniser(settings.model_path)
    network = _Timed(recogniser._classifier)
    recogniser._classifier = network  # type: ignore[assignment]
    spent = dict.fromkeys(("decode", "faces", "row", "found"), 0.0)
    source = clips.looped(path)
    frames = []
    start = time.perf_counter()
    for _ in range(settings.frames):
        before = time.perf_counter()
        frame, moment = next(source)
        if size:
            frame = np.asarray(cv2.resize(frame, size), np.uint8)
        decoded = time.perf_counter()
        found = recogniser(frame, moment)
        recognised = time.perf_counter()
        row(found, moment)
        spent["decode"] += decoded - before
        spent["faces"] += recognised - decoded
        frames.append(recognised - decoded)
        spent["row"] += time.perf_counter() - recognised
        spent["found"] += len(found) / 1000
    spent["all"] = time.perf_counter() - start
    spent["network"] = network.spent
    spent["faces"] -= network.spent
    parts = {part: 1000 * seconds / settings.frames for part, seconds in spent.items()}
    return parts | {"slowest": 1000 * sorted(frames)[-len(frames) // 100]}


class _Timed:
    """A network that counts the seconds it takes."""

    def __init__(self, network: Any) -> None:
        self._network, self.spent = network, 0.0
        self.size, self.labels = network.size, network.labels

    def __call__(self, crops: Any) -> Any:
        start = time.perf_counter()
        rows = self._network(crops)
        self.spent += time.perf_counter() - start
        return rows


def row(found: list[Face], moment: float) -> str:
    """A frame's faces as a line of JSON."""
    people = [
        {
            "identity": face.identity,
            "box": face.box,
            "emotion": face.emotion,
            "confidence": round(face.confidence, 4),
            "probabilities": [round(value, 4) for value in face.probabilities.tolist()],
            "raw": [round(value, 4) for value in face.raw.tolist()],
        }
        for face in found
    ]
    return json.dumps({"time": round(moment, 4), "faces": people})


def _print_speed(name: str, runs: list[dict[str, float]]) -> None:
    middle = {part: statistics.median(run[part] for run in runs) for part in runs[0]}
    rates = [1000 / run["all"] for run in runs]
    print(
        f"{name}  {1000 / middle['all']:6.1f} frames/s ({min(rates):.0f} to {max(rates):.0f})  "
        f"faces found {middle['found']:.2f}  ms a frame: decode {middle['decode']:.2f}, "
        f"detect and track {middle['faces']:.2f}, network {middle['network']:.2f}, "
        f"row {middle['row']:.2f}; the slowest of 100 {middle['slowest']:.1f}"
    )


def _print_first(settings: Settings) -> None:
    """Time from the start of a fresh process to its end, which is its first result."""
    for name, file, moment in (
        ("first frame of a clip", "yes.mkv", "0"),
        ("one picture", "astronaut.png", ""),
    ):
        spent = []
        for _ in range(settings.runs):
            start = time.perf_counter()
            model = str(settings.model_path or "")
            command = [sys.executable, "-c", FIRST, model, str(settings.media / file), moment]
            subprocess.run(command, check=True, capture_output=True)
            spent.append(time.perf_counter() - start)
        print(f"fresh process, {name}: {statistics.median(spent):.2f} s (best {min(spent):.2f})")


def _print_memory(settings: Settings) -> None:
    recogniser = EmotionRecogniser(settings.model_path)
    source = clips.looped(settings.media / "yes.mkv")
    count = round(settings.minutes * 60 * clips.RATE)
    start = 0.0
    for number in range(count):
        row(recogniser(*next(source)), 0.0)
        if number == 200:  # everything that is made once has been made
            start = _resident()
    print(f"resident memory: {start:.1f} MB at frame 200, {_resident():.1f} MB at frame {count}")


def _resident() -> float:
    """MB of memory that this process holds; 0 where /proc does not tell."""
    path = Path("/proc/self/statm")
    if not path.is_file():
        return 0.0
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    raise SystemExit(command.run(main, Settings, __doc__))
