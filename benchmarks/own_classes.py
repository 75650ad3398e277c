"""How good and how long a recogniser of one's own classes is, made from a few hundred pictures.

DATASET=fer2013 python -m benchmarks.own_classes
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from emotion.cli import command
from emotion.cli.settings import REQUIRED, setting
from emotion.data import dataset

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "emotion" / "models" / "fer2013.keras"
LEARN, SCORE = 60, 300  # pictures of a class
MADE_UP: tuple[dict[str, tuple[str, ...]], ...] = (
    {"bright": ("happy", "surprise"), "flat": ("neutral", "sad"), "tense": ("angry", "fear")},
    {"one": ("disgust", "sad"), "two": ("neutral",), "three": ("fear", "surprise")},
)


@dataclass(frozen=True)
class Settings:
    dataset: Path = setting(REQUIRED, "FER-2013, in any form that train.py takes")


def main(settings: Settings) -> None:
    data = dataset.load(settings.dataset)
    for classes in MADE_UP:
        with tempfile.TemporaryDirectory() as name:
            print(f"{', '.join(classes)}: {measured(data, classes, Path(name))}")


def measured(data: dataset.Dataset, classes: dict[str, tuple[str, ...]], folder: Path) -> str:
    """Seconds of the training, and the exported model's accuracy in emotion.report's words."""
    split, rng = data.splits["validation"], np.random.default_rng(7)
    for made_up, emotions in classes.items():
        numbers = [data.labels.index(emotion) for emotion in emotions]
        chosen = rng.permutation(np.flatnonzero(np.isin(split.targets, numbers)))[: LEARN + SCORE]
        for part, some in (("mine", chosen[:LEARN]), ("others", chosen[LEARN:])):
            place = folder / part / made_up
            place.mkdir(parents=True)
            for number in some:
                cv2.imwrite(str(place / f"{number}.png"), split.images[number])
    began = time.perf_counter()
    run(["train.py"], DATASET=folder / "mine", INITIAL_WEIGHTS=WEIGHTS, MODEL_EXPORT_PATH=folder)
    seconds = time.perf_counter() - began
    model = folder / "emotion.tflite"
    said = run(["-m", "emotion.report"], DATASET=folder / "others", MODEL_PATH=model)
    return f"{seconds:.0f} s; {said.strip().splitlines()[0]}"


def run(arguments: list[str], **settings: Path) -> str:
    """Standard output of a command of this repository."""
    environ = {**os.environ, **{name: str(value) for name, value in settings.items()}}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
