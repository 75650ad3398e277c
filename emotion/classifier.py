"""A `.tflite` model and the probabilities it gives for face crops, by LiteRT."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from emotion import model_file
from emotion.errors import EmotionError
from emotion.model_file import Reading
from emotion.probabilities import softmax
from emotion.quiet import silence


class Classifier:
    """Face crops in, one row of probabilities for each out.

    Takes models that `train.py` wrote, and foreign ones with a square grey or colour input. A
    foreign model with seven outputs and no labels inside is read in FER-2013's order; its float
    input, if it has one, gets pixels in 0..1.

    A model may answer more than one question: `reading` names the one that is asked, by default
    "people" where the model has it, else its only one. `readings` are the names it knows.
    `labels_assumed` says whether the file has no labels inside and FER-2013's were taken.

    Raises EmotionError when the file is missing, is no model, is a model of another kind, or has
    no such reading.
    """

    def __init__(self, path: Path | str, *, reading: str | None = None, threads: int = 1) -> None:
        self.path = Path(path)
        self.labels, self.metadata = _metadata(self.path)
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
        self.labels_assumed = not self.labels
        self.labels = self.labels or self._assumed_labels()
        known = model_file.readings(self.labels, self.metadata)
        self.readings = tuple(one.name for one in known)
        self.reading = self._asked(known, reading)
        self.columns = self.reading.columns(self.labels)
        self._every = self.columns == list(range(len(self.reading.answers)))
        self._output = self._output_of(self.reading)
        if len(self.reading.answers) != self._outputs():
            raise EmotionError(
                f"{path} has {self._outputs()} outputs and {len(self.reading.answers)} labels "
                "inside: export it again"
            )

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities, float32 (F, classes), for `crops`, uint8 (F, size, size); F may be 0.

        In people's reading they are the shares among those who named one of `labels`; where nobody
        did, as of a blank wall, all are alike.
        """
        rows = self.shares(crops)
        if self._every:
            return rows
        rows = rows[:, self.columns]
        named = rows.sum(axis=1, keepdims=True)
        alike = np.float32(1 / len(self.columns))
        return np.where(named > 1e-6, rows / np.maximum(named, np.float32(1e-6)), alike)

    def shares(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities, float32 (F, answers), of every answer of the reading that is asked."""
        rows = np.empty((len(crops), len(self.reading.answers)), np.float32)
        for row, crop in zip(rows, crops, strict=True):
            self._interpreter.set_tensor(self._input["index"], self._prepared(crop))
            self._interpreter.invoke()
            row[:] = self._read()
        return _normalised(rows)

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
        low, high = self.metadata.get("pixels", (0, 1))
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

    def _outputs(self) -> int:
        return int(np.prod(self._output["shape"]))

    def _asked(self, known: Sequence[Reading], name: str | None) -> Reading:
        by_name = {one.name: one for one in known}
        if name is None:
            return by_name.get(model_file.PEOPLE, known[0])
        if name not in by_name:
            raise EmotionError(
                f"READING={name!r} is not in {self.path}: it answers {' and '.join(by_name)}"
            )
        return by_name[name]

    def _output_of(self, reading: Reading) -> dict:
        """The output that the file calls by the reading's name; its only one where there is one."""
        found = self._interpreter.get_output_details()
        if len(found) == 1:
            return found[0]
        (signature,) = self._interpreter.get_signature_list()
        outputs = self._interpreter.get_signature_runner(signature).get_output_details()
        if reading.name not in outputs:
            raise EmotionError(
                f"{self.path} has no output called {reading.name!r}: export it again"
            )
        return outputs[reading.name]

    def _assumed_labels(self) -> tuple[str, ...]:
        if self._outputs() != len(model_file.FER2013):
            raise EmotionError(
                f"{self.path} has {self._outputs()} outputs and no labels inside; only a model "
                "with seven can be read without labels, in FER-2013's order"
            )
        return model_file.FER2013


def _metadata(path: Path) -> tuple[tuple[str, ...], dict]:
    if path.suffix.lower() != ".tflite":
        raise EmotionError(f"MODEL_PATH='{path}' must end in .tflite: train.py writes one")
    if not path.is_file():
        raise EmotionError(f"MODEL_PATH='{path}' does not exist: train.py writes a model")
    return model_file.read(path)


def _normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows that sum to one; rows that are no probabilities at all are taken for logits."""
    if not len(rows):
        return rows
    sums = rows.sum(axis=1, keepdims=True)
    if rows.min() >= 0 and np.abs(sums - 1).max() < 0.1:  # 8-bit probabilities miss one by a little
        return rows / sums
    return softmax(rows).astype(np.float32)
