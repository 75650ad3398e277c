"""How far a probability can be taken at its word, and the temperature that makes it so."""

import numpy as np
from numpy.typing import NDArray

BINS = 15  # equal widths of confidence, as in Guo et al. 2017, arXiv:1706.04599


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities (N, classes) for logits (N, classes); a higher temperature evens them out."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def expected_error(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Expected calibration error, 0 to 1: how far confidence and accuracy lie apart.

    `probabilities` (N, classes), `labels` (N,). The mean over 15 equal bins of confidence, each
    weighted by the images in it (Guo et al. 2017).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.zeros(BINS)
    np.add.at(gaps, bins, confidence - right)
    return float(np.abs(gaps).sum() / len(labels))


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature, 0.25 to 4, that gives `labels` the least cross-entropy."""
    low, high = np.log(0.25), np.log(4.0)
    for _ in range(6):  # the cross-entropy has one valley: narrow a grid around its lowest point
        grid = np.linspace(low, high, 9)
        losses = [_cross_entropy(logits, labels, float(np.exp(point))) for point in grid]
        best = int(np.argmin(losses))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return float(np.exp((low + high) / 2))


def _cross_entropy(
    logits: NDArray[np.floating], labels: NDArray[np.integer], temperature: float
) -> float:
    chosen = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())
