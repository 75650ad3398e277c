"""What augmentation adds to a training step.

python -m benchmarks.augmentation
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    batch_size: int = setting(128, "images in a batch", check=config.at_least(2))
    width: int = setting(32, "channels of the network's first stage", check=config.at_least(4))
    symmetric: bool = setting(True, "1: the network that sees mirror images alike")
    mixed_precision: bool = setting(False, "1: bfloat16 arithmetic, as for train.py")
    steps: int = setting(10, "timed steps of each kind", check=config.at_least(3))


def main(settings: Settings) -> None:
    """Time steps with and without augmentation in turn, and compare their medians."""
    from emotion.training import artefacts

    print(artefacts.back_end())
    plain, augmented = _stepper(settings, 0.0), _stepper(settings, 1.0)
    times: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(settings.steps):
        for name, step in (("without", plain), ("with", augmented)):
            began = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - began)
    without, with_ = (statistics.median(times[name]) for name in ("without", "with"))
    print(f"a step of {settings.batch_size} images: {without * 1e3:.0f} ms without augmentation")
    print(f"{'':>21} {with_ * 1e3:.0f} ms with it: {(with_ - without) / with_:.1%} of the step")


def _stepper(settings: Settings, strength: float) -> Callable[[], object]:
    """A training step on one batch, compiled already."""
    from emotion.training.recipe import Recipe
    from emotion.training.trainer import Trainer

    chosen: dict[str, Any] = {"epochs": 1, "ema_half_life": 0.0, "augment": strength}
    if not strength:
        chosen |= {"blur_noise": 0.0, "random_erasing": 0.0}
    same = ("batch_size", "width", "symmetric", "mixed_precision")
    recipe = Recipe(**chosen, **{name: getattr(settings, name) for name in same})
    run = Trainer(recipe, classes=7, size=48, steps=1)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (settings.batch_size, 48, 48, 1), np.uint8)
    targets = np.eye(7, dtype=np.float32)[rng.integers(0, 7, settings.batch_size)]
    for _ in range(2):  # the first calls compile
        run.step_model.train_on_batch(images, targets)
    return lambda: run.step_model.train_on_batch(images, targets)


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
