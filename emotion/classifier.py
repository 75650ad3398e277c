"""A `.tflite` model and the probabilities it gives for face crops, by LiteRT."""

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from emotion import model_file as label_cards
from emotion.errors import EmotionError
from emotion.quiet import silence


class Classifier:
    """Face crops in, one row of probabilities for each out.

    Takes models that `train.py` wrote, and foreign ones with a square grey or colour input. A
    foreign model with seven outputs and no labels inside is read in FER-2013's order; its float
    input, if it has one, gets pixels in 0..1.

    Raises EmotionError when the file is missing, is no model, or is a model of another kind.
    """

    def __init__(self, path: Path | str, *, threads: int = 1) -> None:
        self.path = Path(path)
        self.labels, self.card = _card(self.path)
        try:
            with silence():  # it announces its delegate on standard error
                self._interpreter = Interpreter(model_path=str(self.path), num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise EmotionError(f"{path} cannot be loaded as a .tflite model: {reason}") from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self.size = self._side()
        self.labels = self.labels or self._assumed_labels()
        if len(self.labels) != self._classes():
            raise EmotionError(
                f"{path} has {self._classes()} outputs and {len(self.labels)} labels inside: "
                "export it again"
            )

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities, float32 (F, classes), for `crops`, uint8 (F, size, size); F may be 0."""
        rows = np.empty((len(crops), len(self.labels)), np.float32)
        for row, crop in zip(rows, crops, strict=True):
            self._interpreter.set_tensor(self._input["index"], self._prepared(crop))
            self._interpreter.invoke()
            row[:] = self._read()
        return _normalised(rows)

    @property
    def quantised(self) -> bool:
        """Whether pixels go in and probabilities come out as 8-bit integers."""
        return self._input["dtype"] != np.float32

    def _prepared(self, crop: NDArray[np.uint8]) -> NDArray:
        """One crop as the input tensor (1, size, size, channels).

        An integer input was calibrated on pixels, so 0..255 falls on its whole range whatever
        its scale and zero point are.
        """
        batch = np.repeat(crop[None, :, :, None], self._input["shape"][3], axis=3)
        kind = self._input["dtype"]
        if kind == np.uint8:
            return batch
        if kind == np.int8:
            return (batch.astype(np.int16) - 128).astype(np.int8)
        low, high = self.card.get("pixels", (0, 1))
        return (low + batch * ((high - low) / 255)).astype(np.float32)

    def _read(self) -> NDArray[np.float32]:
        values = self._interpreter.get_tensor(self._output["index"]).reshape(-1)
        scale, zero = self._output["quantization"]
        values = values.astype(np.float32)
        return (values - zero) * scale if scale else values

    def _side(self) -> int:
        shape = [int(n) for n in self._input["shape"]]
        if len(shape) != 4 or shape[1] != shape[2] or shape[3] not in (1, 3) or shape[0] != 1:
            raise EmotionError(
                f"{self.path} takes input of shape {shape}; needed is one square crop, "
                "[1, size, size, 1] or [1, size, size, 3]"
            )
        return shape[1]

    def _classes(self) -> int:
        return int(np.prod(self._output["shape"]))

    def _assumed_labels(self) -> tuple[str, ...]:
        if self._classes() != len(label_cards.FER2013):
            raise EmotionError(
                f"{self.path} has {self._classes()} outputs and no labels inside; only a model "
                "with seven can be read without labels, in FER-2013's order"
            )
        return label_cards.FER2013


def _card(path: Path) -> tuple[tuple[str, ...], dict]:
    if path.suffix.lower() != ".tflite":
        raise EmotionError(f"MODEL_PATH='{path}' must end in .tflite: train.py writes one")
    if not path.is_file():
        raise EmotionError(f"MODEL_PATH='{path}' does not exist: train.py writes a model")
    return label_cards.card(path)


def _normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows that sum to one; rows that are no probabilities at all are taken for logits."""
    if not len(rows):
        return rows
    sums = rows.sum(axis=1, keepdims=True)
    if rows.min() >= 0 and np.abs(sums - 1).max() < 0.1:  # 8-bit probabilities miss one by a little
        return rows / sums
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
