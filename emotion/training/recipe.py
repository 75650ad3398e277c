"""How to train: what decides the result, and so what a resumed run must have in common."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How to train: what decides the result, and so what a resumed run must have in common."""

    epochs: int
    patience: int | None  # epochs without a better score before stopping; 0 trains to the end
    batch_size: int
    learning_rate: float
    weight_decay: float  # decoupled, so ten times the L2 factor at momentum 0.9
    label_smoothing: float
    ema_half_life: float  # of the averaged weights, in epochs; 0 keeps the last weights
    augment: float  # strength
    blur_noise: float  # share of images that are blurred, and share that get noise
    random_erasing: float  # share of images that lose a rectangle
    low_augmentation_last: float  # part of the epochs whose augmentation is weaker
    annotator_votes_weight: float  # of the votes' loss beside the labels'
    teachers_weight: float  # of the teachers' probabilities; the labels have the rest
    one_teacher_per_image: bool  # one teacher for each image, and not the mean of all
    temperature: float  # that evens out the teachers' probabilities
    width: int
    symmetric: bool  # whether the network says the same of a mirror image by its build
    dropout: float
    mixed_precision: bool
    seed: int

    @property
    def dtype(self) -> str:
        """Keras' dtype policy for what is computed in training."""
        return "mixed_bfloat16" if self.mixed_precision else "float32"
