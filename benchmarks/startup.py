"""From the start of recognition.py to the first row for one photograph, as a user waits for it.

python -m benchmarks.startup
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.errors import EmotionError


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    device_id: Path = setting(Path("samples/astronaut.png"), "the photograph")
    model_path: Path | None = setting(
        None, "the .tflite to run; by default the one that ships", check=config.ending(".tflite")
    )
    runs: int = setting(9, "runs, of which the median counts", check=config.at_least(1))


def main(settings: Settings) -> None:
    """Run the script with warm disk caches and print the seconds to its first row and its end."""
    _run(settings)
    runs = [_run(settings) for _ in range(settings.runs)]
    for name, values in zip(("first row", "end"), zip(*runs, strict=True), strict=True):
        middle, low, high = statistics.median(values), min(values), max(values)
        print(f"{name:<10} {middle:.2f} s ({low:.2f} to {high:.2f} in {settings.runs} runs)")


def _run(settings: Settings) -> tuple[float, float]:
    """Seconds until the first row, and until the end."""
    environment = {**os.environ, "DEVICE_ID": str(settings.device_id), "SHOW": "0"}
    if settings.model_path:
        environment["MODEL_PATH"] = str(settings.model_path)
    start = time.perf_counter()
    command = [sys.executable, str(Path(__file__).parents[1] / "recognition.py")]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        assert running.stdout
        row = running.stdout.readline()
        first = time.perf_counter() - start
    if not row:
        raise EmotionError(
            f"DEVICE_ID='{settings.device_id}' gave no row: run recognition.py on it"
        )
    return first, time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
