"""Where one shot of a film ends and the next begins."""

import cv2
import numpy as np

from emotion.faces import Image
from emotion.tracking.parameters import PARAMETERS, Parameters


class Shots:
    """Watches the frames of a film for cuts."""

    def __init__(self, *, parameters: Parameters = PARAMETERS) -> None:
        self._parameters = parameters
        self._last: Image | None = None

    def cut(self, grey: Image) -> bool:
        """Whether a grey frame starts a new shot, as the first one does; to be asked for each."""
        rows, columns = grey.shape
        small = grey[:: max(1, rows // 24), :: max(1, columns // 32)].copy()
        last, self._last = self._last, small
        if last is None or last.shape != small.shape:
            return True
        change = float(np.mean(cv2.absdiff(last, small))) / 255
        return change > self._parameters.shot_change
