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
    """The temperature, 0.25 to 4, that gives `labels` the least Brier score.

    The mean squared distance between the probabilities and the labels (Brier 1950). Cross-entropy
    would let a few mislabelled images, which a network is rightly sure about, decide.
    """
    low, high = np.log(0.25), np.log(4.0)
    for _ in range(6):  # narrow a grid around its lowest point
        grid = np.linspace(low, high, 9)
        scores = [_brier_score(logits, labels, float(np.exp(point))) for point in grid]
        best = int(np.argmin(scores))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return float(np.exp((low + high) / 2))


def _brier_score(
    logits: NDArray[np.floating], labels: NDArray[np.integer], temperature: float
) -> float:
    missed = softmax(logits, temperature)
    missed[np.arange(len(labels)), labels] -= 1
    return float(np.square(missed).sum(axis=1).mean())
