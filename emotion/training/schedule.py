"""What changes from epoch to epoch: the learning rate, the augmentation, and when it is enough."""

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from emotion.training.recipe import Recipe

if TYPE_CHECKING:
    from keras.optimizers.schedules import CosineDecay

PATIENCE = 5  # epochs, where none is asked for, and only once the rate is low
LOW_RATE = 0.1  # of the highest
LOW_AUGMENTATION = 0.4  # of the strength and of blur and noise, in the last epochs


class Reason(Enum):
    """Why a run ended."""

    ALL_EPOCHS = "all epochs"
    PATIENCE = "patience"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class Stop:
    """Why a run ended, and after how many epochs of which the reason speaks.

    `epochs` are all of them, the flat ones in a row for PATIENCE, the finished ones for
    INTERRUPTED and DIVERGED; `by` is what interrupted it.
    """

    reason: Reason
    epochs: int
    by: str = "Ctrl-C"


@dataclass(frozen=True)
class Augmentation:
    """What `augment.Augment` is set to in one epoch."""

    strength: float
    blur_noise: float
    random_erasing: float


def learning_rate(recipe: Recipe, steps: int) -> "CosineDecay":
    """The rate by step: a linear warm-up, then half a cosine down to 0 (arXiv:1608.03983).

    `steps` are the batches in an epoch. The warm-up takes a twentieth of all steps, at least an
    epoch and at most half of them.
    """
    import keras  # here, so that why a run ended can be said without Keras

    total, warm = _lengths(recipe, steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warm else recipe.learning_rate,
        decay_steps=max(total - warm, 1),
        warmup_target=recipe.learning_rate if warm else None,
        warmup_steps=warm,
    )


def low_rate_epoch(recipe: Recipe, steps: int) -> int:
    """How many epochs are done when the rate falls below a tenth of its highest."""
    total, warm = _lengths(recipe, steps)
    fallen = math.acos(2 * LOW_RATE - 1) / math.pi  # of the half cosine's length
    return min(math.ceil((warm + fallen * (total - warm)) / steps), recipe.epochs)


def low_augmentation_epoch(recipe: Recipe) -> int:
    """How many epochs are done when the augmentation becomes weaker."""
    return recipe.epochs - round(recipe.epochs * recipe.low_augmentation_last)


def augmentation(recipe: Recipe, epoch: int) -> Augmentation:
    """The augmentation of the epoch after `epoch` finished ones."""
    if epoch < low_augmentation_epoch(recipe):
        return Augmentation(recipe.augment, recipe.blur_noise, recipe.random_erasing)
    return Augmentation(
        LOW_AUGMENTATION * recipe.augment, LOW_AUGMENTATION * recipe.blur_noise, 0.0
    )


def stop(recipe: Recipe, steps: int, *, epoch: int, best_epoch: int) -> Stop | None:
    """Why no further epoch follows after `epoch` finished ones, or None while one does.

    Without a patience of the user's own, flat epochs count only once the rate is low and the
    augmentation weak: those bring most of the gain.
    """
    if epoch >= recipe.epochs:
        return Stop(Reason.ALL_EPOCHS, epoch)
    since, patience = 0, recipe.patience
    if patience is None:
        weak = low_augmentation_epoch(recipe) if recipe.low_augmentation_last else 0
        since, patience = max(low_rate_epoch(recipe, steps), weak), PATIENCE
    flat = epoch - max(best_epoch, since)
    return Stop(Reason.PATIENCE, flat) if patience and flat >= patience else None


def _lengths(recipe: Recipe, steps: int) -> tuple[int, int]:
    """All steps of a run, and those of its warm-up."""
    total = recipe.epochs * steps
    return total, min(max(steps, total // 20), total // 2)
