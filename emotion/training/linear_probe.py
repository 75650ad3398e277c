"""A last layer for new answers, fitted to what a trained network sees, before all of it learns.

Fine-tuning from a last layer of chance bends the features to it first; one that fits them already
leaves them what they are (Kumar et al. 2022, arXiv:2202.10054).
"""

import numpy as np
from numpy.typing import NDArray

from emotion.probabilities import log_softmax

# Strength of the Gaussian prior on the weights of standardised features: 180 images or 28,709 of
# FER-2013 alike, less costs accuracy on few images, more on many.
PRIOR = 30.0


def fit(
    features: NDArray[np.floating], shares: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel (F, answers) and bias (answers,) of the softmax regression from features to shares.

    `features` (N, F), `shares` (N, answers) that sum to one; a row of zeros is left out. The same
    numbers give the same weights: nothing is drawn.
    """
    from scipy.optimize import minimize

    asked = shares.any(axis=1)
    wanted = np.asarray(shares[asked], np.float64)
    mean, spread = features[asked].mean(axis=0), features[asked].std(axis=0) + 1e-3
    standard = (np.asarray(features[asked], np.float64) - mean) / spread
    images, (inputs, answers) = len(wanted), (standard.shape[1], wanted.shape[1])

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        kernel, bias = np.split(flat.reshape(inputs + 1, answers), [inputs])
        logs = log_softmax(standard @ kernel + bias)
        value = PRIOR * np.square(kernel).sum() - (wanted * logs).sum()
        slope = np.exp(logs) - wanted
        gradient = [standard.T @ slope + 2 * PRIOR * kernel, slope.sum(axis=0, keepdims=True)]
        return value / images, np.concatenate(gradient).ravel() / images

    start = np.zeros((inputs + 1) * answers)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    kernel, bias = np.split(found.x.reshape(inputs + 1, answers), [inputs])
    kernel = kernel / spread[:, None]
    return kernel.astype(np.float32), (bias[0] - mean @ kernel).astype(np.float32)
