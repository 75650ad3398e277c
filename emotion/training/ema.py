"""The weights' running average, which is what is scored and kept."""

import numpy as np
from numpy.typing import NDArray

Weights = list[NDArray[np.float32]]

EVERY = 8  # steps between two additions: each costs a copy of all weights


class WeightAverage:
    """An exponential moving average of all weights, batch statistics included.

    Polyak and Juditsky 1992; `half_life` in epochs of `steps` batches; with 0 `value` is the last
    weights that were added. The first steps are forgotten fast.
    """

    def __init__(self, weights: Weights, *, half_life: float, steps: int) -> None:
        self.value = weights
        self._keep = 0.5 ** (EVERY / (half_life * steps)) if half_life else 0.0

    def due(self, step: int) -> bool:
        """Whether weights are to be added after `step` steps of an epoch."""
        return bool(self._keep) and step % EVERY == 0

    def add(self, weights: Weights, step: int) -> None:
        """Take in the weights after `step` steps since the beginning of the run."""
        keep = min(self._keep, (1 + step) / (10 * EVERY + step))
        self.value = [
            old + (1 - keep) * (new - old) for old, new in zip(self.value, weights, strict=True)
        ]

    def end_epoch(self, weights: Weights) -> None:
        """Where nothing is averaged, the epoch's last weights are the value."""
        if not self._keep:
            self.value = weights
