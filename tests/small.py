"""A recipe for tests: short, narrow, with everything in it that may be changed."""

from typing import Any

from emotion.training.recipe import Recipe

RECIPE: dict[str, Any] = {
    "epochs": 4,
    "patience": 0,
    "batch_size": 8,
    "learning_rate": 0.05,
    "weight_decay": 0.005,
    "label_smoothing": 0.0,
    "ema_half_life": 0.5,
    "augment": 0.5,
    "blur_noise": 0.5,
    "random_erasing": 0.5,
    "low_augmentation_last": 0.0,
    "annotator_votes_weight": 1.0,
    "teachers_weight": 0.7,
    "one_teacher_per_image": False,
    "temperature": 2.0,
    "width": 4,
    "symmetric": False,
    "dropout": 0.2,
    "mixed_precision": False,
    "seed": 3,
}


def small_recipe(**changes):
    """The recipe with some `changes`."""
    return Recipe(**{**RECIPE, **changes})
