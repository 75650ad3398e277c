"""What decides the result of a training, apart from the images and other networks.

Imports nothing heavy: a script reads it before anything slow.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from typing import Any

from emotion.declare import Conflict, above, between, setting

MOST_EPOCHS = 100_000
FEW_IMAGES = 3000
"""So many training images are few: what suits FER-2013's 28,709 unlearns other weights on them."""

_FEW: dict[str, Any] = {"epochs": 8, "batch_size": 32, "learning_rate": 0.001}


@dataclass(frozen=True)
class Recipe:
    """How to train, and so what a run that goes on must have in common with the one it goes on."""

    epochs: int = setting(
        200,
        "most passes over the training images; also the schedule's length",
        check=between(1, MOST_EPOCHS),
    )
    patience: int | None = setting(
        None,
        "epochs without a better validation score before stopping, 0 for never; none: 5, counted "
        "once the rate is below a tenth of its highest",
        check=between(0, MOST_EPOCHS),
        aliases=("patience",),
    )
    batch_size: int = setting(128, "images in a batch", check=between(2, 8192))
    learning_rate: float = setting(0.1, "highest rate, after the warm-up", check=above(0, 10))
    augment: float = setting(1.0, "strength of the augmentation, 0 for none", check=between(0, 2))
    seed: int = setting(
        0, "of the split, the weights and the augmentation", check=between(0, 2**32 - 1)
    )
    annotator_votes_weight: float = setting(
        1.0,
        "of the annotator votes' loss beside the labels'",
        check=between(0, 100),
        renamed_from=("VOTES_WEIGHT",),
    )
    teachers_weight: float = setting(
        0.7, "of the teachers' loss; the labels' has the rest", check=between(0, 1)
    )
    one_teacher_per_image: bool = setting(
        False,
        "1: each image asks one of the teachers, so that several cost little more than one",
        renamed_from=("TEACHERS_IN_TURN",),
    )
    temperature: float = setting(
        2.0, "evens out the teachers' probabilities", check=between(0.1, 100)
    )
    # Decoupled: ten times the L2 factor at momentum 0.9.
    weight_decay: float = setting(0.005, "decoupled, on kernels only", check=between(0, 1))
    label_smoothing: float = setting(0.1, "share spread over all classes", check=between(0, 0.9))
    blur_noise: float = setting(
        0.25,
        "share of images that are blurred, and share that get noise",
        check=between(0, 1),
        renamed_from=("DEGRADE",),
    )
    random_erasing: float = setting(
        0.5,
        "share of images that lose a rectangle",
        check=between(0, 1),
        renamed_from=("ERASE",),
    )
    low_augmentation_last: float = setting(
        0.0,
        "part of the epochs, at the end, with 0.4 times `AUGMENT` and `BLUR_NOISE`, without "
        "`RANDOM_ERASING`",
        check=between(0, 1),
        renamed_from=("GENTLE_LAST",),
    )
    initial_weights_share: float = setting(
        0.0,
        "part of `INITIAL_WEIGHTS` in the weights that are scored and kept, what was learnt since "
        "having the rest",
        check=between(0, 0.99),
    )
    ema_half_life: float = setting(
        1.0,
        "half-life of the weights' exponential moving average in epochs, 0 for none",
        check=between(0, 1000),
        renamed_from=("AVERAGE",),
    )
    width: int = setting(32, "channels of the first stage", check=between(4, 512))
    symmetric: bool = setting(
        True, "1: a network that says the same of a face and of its mirror image"
    )
    full_size: bool = setting(
        False,
        "1: a first stage at the image's full size and more layers after it, four times the "
        "arithmetic, for teachers",
    )
    dropout: float = setting(0.3, "before the last layer", check=between(0, 0.9))
    folds: int = setting(
        0,
        "parts of the training images, for teachers of which each has not seen one of them",
        check=between(0, 100),
    )
    fold: int = setting(
        0, "the part, counted from 1, that this run does not see", check=between(0, 100)
    )
    mixed_precision: bool = setting(False, "1: bfloat16 arithmetic, for back ends that gain by it")

    @property
    def dtype(self) -> str:
        """Keras' dtype policy for what is computed in training."""
        return "mixed_bfloat16" if self.mixed_precision else "float32"

    def conflicts(self) -> Iterator[Conflict]:
        """Fields that do not fit together, each with what is wrong with the first of them."""
        if self.symmetric and self.width % 2:
            yield ("width", "symmetric"), "must be even: give another, or SYMMETRIC=0"
        if self.folds == 1 or bool(self.fold) != bool(self.folds) or self.fold > self.folds:
            yield (
                ("fold", "folds"),
                "must be from 1 to FOLDS, which is two or more: give FOLD=1 FOLDS=5, say",
            )
        if self.fold and self.initial_weights_share:
            yield (
                ("initial_weights_share", "fold"),
                "must be 0: it would keep what INITIAL_WEIGHTS has learnt of that part",
            )


def for_few_images(recipe: Recipe, given: Container[str]) -> tuple[Recipe, str]:
    """`recipe` as it suits few images that begin with another network's weights, and what changed.

    What is `given`, by its field's name, stays. The changes are in words as they would be given.
    """
    changes = {name: value for name, value in _FEW.items() if name not in given}
    words = " ".join(f"{name.upper()}={value:g}" for name, value in changes.items())
    return replace(recipe, **changes), words
