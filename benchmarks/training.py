"""Training steps: images a second and the share of each part, by back end, and the usual pipeline.

The shares are of the processor's time, so that what else runs on the machine hardly counts.

python -m benchmarks.training
"""

import importlib.util
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emotion import files
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.errors import EmotionError

BACK_ENDS = ("tensorflow", "torch", "jax")
WHOLE, STILL, PLAIN = "whole step", "without augmentation", "with plain descent, too"
PIPELINE, READING = "usual pipeline", "usual pipeline, reading alone"
OURS, LOADING = "this project's epoch", "its reading, once a run"
CLASSES, SIDE = 7, 48

Spent = tuple[float, float]  # seconds of a step: by the clock, and of processor time


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    back_ends: tuple[str, ...] = setting((), "Keras' back ends, in turn; none: all installed")
    batch_size: int = setting(128, "images in a batch", check=config.at_least(2))
    width: int = setting(32, "channels of the network's first stage", check=config.at_least(4))
    symmetric: bool = setting(True, "1: the network that sees mirror images alike")
    mixed_precision: bool = setting(False, "1: bfloat16 arithmetic, as for train.py")
    steps: int = setting(4, "steps of each kind in a round", check=config.at_least(1))
    rounds: int = setting(5, "rounds, of which the median counts", check=config.at_least(1))
    output: Path | None = setting(
        None, "also write the figures to this `.json` file", check=config.ending(".json")
    )

    def conflicts(self) -> list[config.Conflict]:
        unknown = [name for name in self.back_ends if name not in BACK_ENDS]
        wrong = f"names {', '.join(unknown)}: there are {', '.join(BACK_ENDS)}"
        return [(("back_ends",), wrong)] if unknown else []


def main(settings: Settings) -> None:
    """Measure every back end in turn, each in a process of its own, and print a table."""
    chosen = settings.back_ends or [n for n in BACK_ENDS if importlib.util.find_spec(n)]
    with tempfile.TemporaryDirectory() as name:
        write_pictures(Path(name), settings.batch_size * settings.steps)
        workers = {back_end: begun(back_end, settings, name) for back_end in chosen}
        found: dict[str, dict[str, list[Spent]]] = {back_end: {} for back_end in workers}
        for back_end, (_, connection) in workers.items():
            print(f"{back_end}: {answer(connection)}")
        for _ in range(settings.rounds):
            for back_end, (_, connection) in workers.items():
                connection.send("round")
                for kind, seconds in answer(connection).items():
                    found[back_end].setdefault(kind, []).append(seconds)
        for process, connection in workers.values():
            connection.close()
            process.join()
    for back_end, times in found.items():
        print(f"\n{back_end}\n{table(times, settings.batch_size)}")
    if settings.output:
        with files.replacing(settings.output) as path:
            path.write_text(json.dumps(found, indent=2))
        print(f"wrote {settings.output}")


def table(times: dict[str, list[Spent]], batch_size: int) -> str:
    """Images a second of each kind of step, and what each part takes of a whole one."""
    lines, processor = [], {}
    for kind, run in times.items():
        clock = [seconds for seconds, _ in run]
        middle = statistics.median(clock)
        processor[kind] = statistics.median(seconds for _, seconds in run)
        spread = f"({1000 * min(clock):.0f} to {1000 * max(clock):.0f})"
        lines.append(
            f"{kind:<30} {1000 * middle:7.0f} ms {spread:<16} {batch_size / middle:6.0f} images/s"
            f"  CPU {1000 * processor[kind]:6.0f} ms"
        )
    return "\n".join((*lines, f"of a whole step: {shares(processor)}"))


def shares(middle: dict[str, float]) -> str:
    """What augmentation, the network and the optimiser take of a step, in words."""
    whole, still, plain = (middle[kind] for kind in (WHOLE, STILL, PLAIN))
    parts = {"augmentation": whole - still, "forward and backward": plain}
    parts["optimiser"] = still - plain
    return ", ".join(f"{name} {seconds / whole:.1%}" for name, seconds in parts.items())


def write_pictures(folder: Path, count: int) -> None:
    """Class folders of 48x48 JPEGs, as FER-2013's are: noise, made smooth."""
    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"class{number % CLASSES}"
        place.mkdir(exist_ok=True)
        image = cv2.GaussianBlur(rng.integers(0, 256, (SIDE, SIDE), np.uint8), (0, 0), 2)
        cv2.imwrite(str(place / f"{number}.jpg"), image)


def begun(back_end: str, settings: Settings, folder: str) -> tuple[Any, Connection]:
    """A process that trains with `back_end`, and the connection to it."""
    os.environ["KERAS_BACKEND"] = back_end  # the child imports Keras, this process never does
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=worker, args=(theirs, settings, folder), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def answer(connection: Connection) -> Any:
    """What a worker sends; EmotionError where it stopped instead."""
    try:
        return connection.recv()
    except EOFError:
        raise EmotionError("a back end stopped: what it said stands above") from None


def worker(connection: Connection, settings: Settings, folder: str) -> None:
    """Say what computes, then time a round of every kind of step for each word that comes."""
    from emotion.training import back_end

    words = back_end.words()
    kinds = steps(settings, Path(folder))
    for call in kinds.values():
        call()  # the first calls compile
    connection.send(words)
    while True:
        try:
            connection.recv()
        except EOFError:
            return
        connection.send({kind: clocked(call, settings.steps) for kind, call in kinds.items()})


def clocked(call: Callable[[], object], batches: int) -> Spent:
    """What each of the call's batches took, on average."""
    began, worked = time.perf_counter(), time.process_time()
    call()
    return (time.perf_counter() - began) / batches, (time.process_time() - worked) / batches


def steps(settings: Settings, folder: Path) -> dict[str, Callable[[], object]]:
    """Every kind of work, as a call that does `settings.steps` batches of it."""
    import keras

    from emotion.data import dataset
    from emotion.training.trainer import Examples

    rng = np.random.default_rng(0)
    count = settings.batch_size * settings.steps
    images = rng.integers(0, 256, (count, SIDE, SIDE), np.uint8)
    examples = Examples(images, rng.integers(0, CLASSES, count))
    targets = examples.targets(CLASSES)
    whole, still, plain = trainer(settings, 1.0), trainer(settings, 0.0), trainer(settings, 0.0)
    plain.step_model.compile(
        keras.optimizers.SGD(0.01),
        plain.step_model.loss,
        jit_compile=keras.backend.backend() == "jax",
    )

    def batches(run: Any) -> Callable[[], None]:
        def call() -> None:
            for first in range(0, count, settings.batch_size):
                part = slice(first, first + settings.batch_size)
                run.step_model.train_on_batch(images[part, ..., None], targets[part])

        return call

    kinds: dict[str, Callable[[], object]] = {WHOLE: batches(whole), STILL: batches(still)}
    kinds |= {PLAIN: batches(plain), OURS: lambda: list(whole.train(examples, 0))}
    kinds[LOADING] = lambda: dataset.load(folder, for_training=False)
    return kinds | usual(settings, folder)


def trainer(settings: Settings, strength: float) -> Any:
    """A training as train.py begins it, with augmentation of this strength."""
    from emotion.training.recipe import Recipe
    from emotion.training.trainer import Trainer

    chosen: dict[str, Any] = {"epochs": 1, "ema_half_life": 0.0, "augment": strength}
    if not strength:
        chosen |= {"blur_noise": 0.0, "random_erasing": 0.0}
    same = ("batch_size", "width", "symmetric", "mixed_precision")
    recipe = Recipe(**chosen, **{name: getattr(settings, name) for name in same})
    return Trainer(recipe, classes=CLASSES, size=SIDE, steps=settings.steps)


def usual(settings: Settings, folder: Path) -> dict[str, Callable[[], object]]:
    """Keras' tutorials: image_dataset_from_directory, layers that augment; the same network.

    Nothing where TensorFlow, which reads the pictures on every back end, is not installed.
    """
    if not importlib.util.find_spec("tensorflow"):
        return {}
    import keras
    from keras import layers

    from emotion import model

    data = keras.utils.image_dataset_from_directory(
        folder,
        color_mode="grayscale",
        image_size=(SIDE, SIDE),
        batch_size=settings.batch_size,
        verbose=False,
    )
    inputs = keras.Input((SIDE, SIDE, 1))
    x = layers.RandomFlip("horizontal")(inputs)
    x = layers.RandomTranslation(0.1, 0.1)(x)
    x = layers.RandomRotation(0.04)(x)
    x = layers.RandomZoom(0.15)(x)
    x = layers.RandomContrast(0.3)(x)
    network = model.build(CLASSES, width=settings.width)
    classic = keras.Model(inputs, network(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classic.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    # One iterator for all: at the end of a short epoch tf.data waits, up to seconds, for its thread
    # that tunes itself, which an epoch of a real data set would not notice.
    batches = data.repeat().as_numpy_iterator()

    def train() -> None:
        for _ in range(settings.steps):
            classic.train_on_batch(*next(batches))

    return {PIPELINE: train, READING: lambda: list(data)}


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
