"""A folder done by several processes, against one: clips of a few seconds, and pictures.

python -m benchmarks.many
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from benchmarks.clips import picture
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.errors import EmotionError

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    media: Path = setting(
        ROOT / "samples" / "people.mp4", "the clip, copied so often as CLIPS says"
    )
    clips: int = setting(40, "clips in the folder", check=config.at_least(2))
    pictures: int = setting(500, "pictures in the other folder", check=config.at_least(2))
    workers: int = setting(2, "processes against one", check=config.at_least(2))
    runs: int = setting(3, "runs of each kind, in turn", check=config.at_least(1))


def main(settings: Settings) -> None:
    """Measure in turn and print a line for each folder."""
    with tempfile.TemporaryDirectory() as made:
        for name, folders in (
            (f"{settings.clips} clips", _clips(settings, Path(made) / "clips")),
            (f"{settings.pictures} pictures", _pictures(settings, Path(made) / "pictures")),
        ):
            _measure(name, folders, settings)


def _measure(name: str, folders: Sequence[Path], settings: Settings) -> None:
    """One process, several, and as many runs side by side as the machine could do at best."""
    whole, parts = folders[0], folders[1:]
    ways = {
        "WORKERS=1": lambda: _run([whole], 1),
        f"WORKERS={settings.workers}": lambda: _run([whole], settings.workers),
        "side by side": lambda: _run(parts, 1),
    }
    spent: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(settings.runs):
        for way, run in ways.items():
            spent[way].append(run())
    print(name)
    for way, runs in spent.items():
        walls, work = zip(*runs, strict=True)
        times = [one[0] / wall for one, wall in zip(spent["WORKERS=1"], walls, strict=True)]
        print(
            f"  {way:<12} {statistics.median(walls):6.2f} s ({min(walls):.2f} to {max(walls):.2f}),"
            f" {statistics.median(work):6.2f} s of CPU, {statistics.median(times):.2f} times as"
            f" fast as one ({min(times):.2f} to {max(times):.2f})"
        )


def _run(folders: Sequence[Path], workers: int) -> tuple[float, float]:
    """Seconds by the clock and of all processes, until all the folders are done."""
    kept = {name: value for name, value in os.environ.items() if name.isupper()}
    start, before = time.perf_counter(), _work()
    with tempfile.TemporaryDirectory() as results:
        running = [
            subprocess.Popen(
                [sys.executable, str(ROOT / "recognition.py")],
                env=kept
                | {"DEVICE_ID": str(folder), "SHOW": "0", "WORKERS": str(workers)}
                | {"RESULTS": f"{results}/{number}.csv"},
                stderr=subprocess.DEVNULL,
            )
            for number, folder in enumerate(folders)
        ]
        codes = [process.wait() for process in running]
        if any(codes):
            raise EmotionError(f"recognition.py failed: DEVICE_ID={folders[0]}")
    return time.perf_counter() - start, _work() - before


def _work() -> float:
    """CPU seconds of all processes that ended."""
    times = os.times()
    return times.children_user + times.children_system


def _clips(settings: Settings, folder: Path) -> list[Path]:
    """A folder with all, and one with each process' share."""
    if not settings.media.is_file():
        raise EmotionError(f"MEDIA='{settings.media}' is no file: name a clip")
    names = [f"{number}{settings.media.suffix}" for number in range(settings.clips)]
    whole = folder / "all"
    whole.mkdir(parents=True)
    for name in names:
        shutil.copy(settings.media, whole / name)
    return [whole, *_shares(whole, names, settings.workers)]


def _pictures(settings: Settings, folder: Path) -> list[Path]:
    """The samples, each a little smaller and darker than the one before; see `_clips`."""
    images = [picture(ROOT / "samples" / name) for name in ("astronaut.png", "two.jpg")]
    names = [f"{number}.jpg" for number in range(settings.pictures)]
    whole = folder / "all"
    whole.mkdir(parents=True)
    for number, name in enumerate(names):
        scale = 1 - 0.3 * number / len(names)
        image = cv2.resize(images[number % 2], None, fx=scale, fy=scale)
        cv2.imwrite(str(whole / name), cv2.convertScaleAbs(image, alpha=0.7 + 0.3 * scale))
    return [whole, *_shares(whole, names, settings.workers)]


def _shares(whole: Path, names: Sequence[str], count: int) -> list[Path]:
    shares = []
    for number in range(count):
        shares.append(whole.with_name(str(number)))
        shares[-1].mkdir()
        for name in names[number::count]:
            shutil.copy(whole / name, shares[-1] / name)
    return shares


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
