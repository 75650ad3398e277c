"""What is minimised, image by image: pure functions of logits and targets, on every back end."""

from keras import KerasTensor, ops


def label_loss(logits: KerasTensor, labels: KerasTensor, *, smoothing: float) -> KerasTensor:
    """Cross-entropy (batch,) with one-hot `labels` (batch, classes), both (batch, classes).

    `smoothing` is the share of each label that is spread over all classes (Szegedy et al. 2016,
    arXiv:1512.00567).
    """
    smoothed = labels * (1 - smoothing) + smoothing / labels.shape[1]
    return soft_target_loss(logits, smoothed)


def distillation_loss(
    logits: KerasTensor, soft_targets: KerasTensor, *, temperature: float
) -> KerasTensor:
    """Cross-entropy (batch,) with teachers' probabilities (batch, classes) at `temperature`.

    Scaled by its square, so that gradients keep their size (Hinton et al. 2015, arXiv:1503.02531).
    """
    return soft_target_loss(logits / temperature, soft_targets) * temperature**2


def soft_target_loss(logits: KerasTensor, targets: KerasTensor) -> KerasTensor:
    """Cross-entropy (batch,) with any shares (batch, classes); a row of zeros costs nothing."""
    return -ops.sum(targets * ops.log_softmax(logits), axis=1)
