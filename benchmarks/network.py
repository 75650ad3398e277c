"""What the network alone costs: a face at a time, on one thread.

python -m benchmarks.network
"""

import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion.classifier import Classifier
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.recogniser import DEFAULT_MODEL


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    model_path: Path = setting(DEFAULT_MODEL, "the .tflite to run", check=config.ending(".tflite"))
    faces: int = setting(500, "faces in each run", check=config.at_least(10))
    runs: int = setting(9, "runs, of which the median counts", check=config.at_least(1))


def main(settings: Settings) -> None:
    """Recognise noise, which takes as long as faces do."""
    classifier = Classifier(settings.model_path, threads=1)
    side = classifier.size
    crops = np.random.default_rng(0).integers(0, 256, (settings.faces, 1, side, side), np.uint8)
    medians = [_median(classifier, crops) for _ in range(settings.runs)]
    middle, low, high = statistics.median(medians), min(medians), max(medians)
    print(f"{middle:.2f} ms a face ({low:.2f} to {high:.2f} in {settings.runs} runs)")


def _median(classifier: Classifier, crops: np.ndarray) -> float:
    """Milliseconds of the median call."""
    times = []
    for crop in crops:
        began = time.perf_counter()
        classifier(crop)
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
