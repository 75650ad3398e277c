"""What a face shows when it is watched for a while: steady probabilities, a label that holds."""

import copy
import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from emotion.tracking.parameters import PARAMETERS, Parameters

UNCERTAIN = "uncertain"
"""The emotion shown while the leading one is below the asked confidence."""

SMOOTHING = 0.5
"""Seconds over which probabilities are averaged, unless the user asks for others."""

CONFIDENCE = 0.4
"""Probability below which an emotion is uncertain, unless the user asks for another."""

Probabilities: TypeAlias = NDArray[np.float32]  # (classes,), sum to one


class ExponentialMovingAverage:
    """A running average in which what came in `span` seconds ago counts 1/e of what comes in now.

    It holds at any frame rate, and from the first frame on.
    """

    def __init__(self, span: float) -> None:
        self.span = span
        self._total: NDArray[np.floating] | float = 0.0
        self._weight = 0.0

    def add(self, row: Probabilities, gap: float) -> None:
        """Take in a row that comes `gap` seconds after the last one."""
        keep = math.exp(-gap / self.span) if self.span > 0 else 0.0
        self._total = keep * self._total + (1 - keep) * row
        self._weight = keep * self._weight + (1 - keep)

    @property
    def mean(self) -> Probabilities:
        """The average, float32 (classes,)."""
        return np.asarray(self._total / self._weight, np.float32)


class LabelSmoother:
    """What one face shows: averaged probabilities, and the label over the face.

    Two averages are kept, a slow one that is shown and a fast one that watches for a change. A
    new label that the fast one has asked for long enough is shown, and the slow one goes on from
    there: else a very sure old expression would hide a less sure new one for seconds.

    `smoothing` is the slow one's span in seconds; below `confidence` the label is "uncertain".
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        smoothing: float,
        confidence: float,
        parameters: Parameters = PARAMETERS,
    ) -> None:
        self.emotion = ""
        self._labels, self._smoothing, self._confidence = labels, smoothing, confidence
        self._parameters = parameters
        self._slow = ExponentialMovingAverage(smoothing)
        self._fast = ExponentialMovingAverage(parameters.fast_span * smoothing)
        self._rivalled = 0.0  # seconds for which the fast average has spoken for another label
        self._time: float | None = None

    @property
    def probabilities(self) -> Probabilities:
        """Averaged, float32 (classes,)."""
        return self._slow.mean

    def add(self, row: Probabilities, time: float) -> None:
        """Take in one frame's probabilities; `time` in seconds."""
        first = self._parameters.first_gap
        gap = first if self._time is None else max(0.0, time - self._time)
        self._time = time
        self._slow.add(row, gap)
        self._fast.add(row, gap)
        self.emotion = self._label(self._slow.mean, self._parameters.min_lead)
        self._watch_for_change(gap)

    def _watch_for_change(self, gap: float) -> None:
        rival = self._label(self._fast.mean, self._parameters.min_lead / 2)
        self._rivalled = self._rivalled + gap if rival != self.emotion else 0.0
        if self._rivalled > self._parameters.persistence * self._smoothing:
            self._slow = copy.copy(self._fast)
            self._slow.span = self._smoothing
            self.emotion, self._rivalled = rival, 0.0

    def _label(self, probabilities: Probabilities, min_lead: float) -> str:
        """The label to show after the one shown; another one must lead it by `min_lead`."""
        hysteresis = self._parameters.hysteresis
        leading = int(probabilities.argmax())
        best = float(probabilities[leading])
        if self.emotion in self._labels:
            lead = best - float(probabilities[self._labels.index(self.emotion)])
            if lead <= min_lead and best >= self._confidence - hysteresis:
                return self.emotion
        slack = hysteresis if self.emotion == UNCERTAIN else -hysteresis if self.emotion else 0.0
        return self._labels[leading] if best >= self._confidence + slack else UNCERTAIN
