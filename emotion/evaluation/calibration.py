"""How far a probability can be taken at its word, and the temperature that makes it so."""

import numpy as np
from numpy.typing import NDArray

from emotion.probabilities import softmax

BINS = 15  # equal widths of confidence, as in Guo et al. 2017, arXiv:1706.04599


def expected_error(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Expected calibration error, 0 to 1: how far confidence and accuracy lie apart.

    `probabilities` (N, classes), `labels` (N,). The mean over 15 equal bins of confidence, each
    weighted by the images in it (Guo et al. 2017).
    """
    right = probabilities.argmax(axis=1) == labels
    return calibration_error(probabilities.max(axis=1), right)


def calibration_error(confidence: NDArray[np.floating], share: NDArray) -> float:
    """The same for any confidence (N,) and what it should be on average, `share` (N,), 0 to 1."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.zeros(BINS)
    np.add.at(gaps, bins, confidence - share)
    return float(np.abs(gaps).sum() / max(len(confidence), 1))


def reliability(confidence: NDArray[np.floating], share: NDArray) -> list[tuple[float, float, int]]:
    """Mean confidence, mean share and count of each bin that is not empty, for a diagram."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    chosen = [bins == number for number in range(BINS)]
    return [
        (float(confidence[one].mean()), float(share[one].mean()), int(one.sum()))
        for one in chosen
        if one.any()
    ]


def fit_temperature(logits: NDArray[np.floating], shares: NDArray[np.floating]) -> float:
    """The temperature, 0.25 to 4, that gives `shares` (N, classes) the least Brier score.

    The mean squared distance between the probabilities and the labels, one-hot, or people's votes
    (Brier 1950). Cross-entropy would let a few mislabelled images, which a network is rightly sure
    about, decide.
    """
    low, high = np.log(0.25), np.log(4.0)
    for _ in range(6):  # narrow a grid around its lowest point
        grid = np.linspace(low, high, 9)
        scores = [_brier_score(logits, shares, float(np.exp(point))) for point in grid]
        best = int(np.argmin(scores))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return float(np.exp((low + high) / 2))


def _brier_score(
    logits: NDArray[np.floating], shares: NDArray[np.floating], temperature: float
) -> float:
    missed = softmax(logits, temperature) - shares
    return float(np.square(missed).sum(axis=1).mean())
