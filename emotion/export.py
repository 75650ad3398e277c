"""A trained network as one `.tflite` file, and how well the two agree.

MODEL_PATH=export/emotion.keras DATASET=../shared/fer2013 python -m emotion.export
"""

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emotion import model_file, report, trained
from emotion.classifier import Recogniser
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import REQUIRED, setting
from emotion.data import dataset
from emotion.errors import EmotionError
from emotion.evaluation.calibration import softmax
from emotion.quiet import silence

if TYPE_CHECKING:
    import keras

CALIBRATION_IMAGES = 500
ALLOWED_LOSS = 0.01  # of validation accuracy, from Keras to int8

Probabilities = dict[str, NDArray]  # rows for the images of each split


@dataclass(frozen=True)
class Settings:
    """What to export, and how."""

    model_path: Path = setting(
        REQUIRED, "the trained `.keras` model to export", check=config.ending(".keras")
    )
    dataset: Path | None = setting(
        None, "the images it was trained on, to calibrate int8 and to check the result"
    )
    model_export_path: Path | None = setting(
        None, "folder that receives `emotion.tflite`; by default the model's own"
    )
    optimise: bool = setting(True, "1: full-integer int8; 0: float32, which needs no DATASET")
    validation_split: float = setting(
        0.1, "as the model was trained with", check=config.between(0.01, 0.33)
    )
    seed: int = setting(0, "as the model was trained with", check=config.at_least(0))


def main(settings: Settings) -> int:
    """Export, run the result over the data if there is any, and say how the two compare."""
    if settings.optimise and not settings.dataset:
        raise EmotionError(
            "OPTIMISE=1 needs DATASET: 8-bit ranges are measured on training images; set DATASET, "
            "or OPTIMISE=0 for float32"
        )
    _tensorflow()
    names, card, network = trained.load(settings.model_path, "MODEL_PATH")
    data = None
    if settings.dataset:
        data = dataset.load(
            settings.dataset,
            size=network.input_shape[1],
            validation_split=settings.validation_split,
            seed=settings.seed,
        )
    if data and data.labels != names:
        raise EmotionError(
            f"DATASET='{settings.dataset}' has the classes {', '.join(data.labels)}; the model was "
            f"trained on {', '.join(names)}: give the data it was trained on"
        )
    folder = settings.model_export_path or settings.model_path.parent
    return _export(settings, network, names, card, data, folder / "emotion.tflite")


def _export(
    settings: Settings,
    network: "keras.Model",
    names: tuple[str, ...],
    card: dict[str, Any],
    data: "dataset.Dataset | None",
    path: Path,
) -> int:
    from emotion.training import trainer

    temperature = card.get("temperature", 1.0)
    calibration = calibrating(data) if data and settings.optimise else None
    write(path, convert(network, calibration, temperature=temperature), names, card)
    print(f"wrote {path}, {path.stat().st_size / 1e6:.2f} MB", file=sys.stderr)
    if not data:
        return 0
    checked = {part: split for part, split in data.splits.items() if part != "train"}
    logits = {part: trainer.predict(network, split.images) for part, split in checked.items()}
    expected = {part: softmax(rows, temperature) for part, rows in logits.items()}
    kind = "int8" if settings.optimise else "float32"
    found = run(path, checked)
    models = {
        "Keras": report.score_splits(expected, checked, names),
        kind: report.score_splits(found, checked, names),
    }
    model_file.attach(path, names, {**card, "quantised": settings.optimise, "scores": models[kind]})
    print(report.model_table(models))
    lost = shortfall(models["Keras"], models[kind])
    if lost > ALLOWED_LOSS:
        write(spare(path), convert(network, None, temperature=temperature), names, card)
        print(complaint(lost, kind, spare(path)), file=sys.stderr)
        return 1
    return 0


def calibrating(data: "dataset.Dataset") -> NDArray[np.uint8]:
    """The training images that an export is calibrated with."""
    train = data.splits["train"]
    return calibration_images(train.images, train.targets)


def run(path: Path, splits: "Mapping[str, dataset.Split]") -> Probabilities:
    """The probabilities that a `.tflite` gives for the images of every split."""
    recogniser = Recogniser(path, threads=os.cpu_count() or 1)
    return {part: recogniser(split.images) for part, split in splits.items()}


def shortfall(keras_scores: dict[str, Any], exported_scores: dict[str, Any]) -> float:
    """Validation accuracy lost by the export, 0 to 1; below 0 when it gained."""
    before, after = keras_scores["validation"], exported_scores["validation"]
    return before["accuracy"] - after["accuracy"]


def spare(path: Path) -> Path:
    """Where the float32 export is kept when the int8 one at `path` lost too much."""
    return path.with_name(f"{path.stem}_float32.tflite")


def complaint(lost: float, kind: str, instead: Path) -> str:
    """What a failed export gate says."""
    return (
        f"WARNING: the {kind} export loses {lost * 100:.1f} points of validation accuracy (at most "
        f"{ALLOWED_LOSS * 100:g} is allowed): use {instead}, the float32 export, instead"
    )


def convert(
    network: "keras.Model", calibration: NDArray[np.uint8] | None, *, temperature: float = 1.0
) -> bytes:
    """The network, logits turned to probabilities at `temperature`, as a `.tflite` flatbuffer.

    With `calibration`, training images (N, size, size), every tensor is an 8-bit or 32-bit
    integer and pixels go in as they are; without, weights and arithmetic stay float32.
    Raises EmotionError when something in the network did not become an integer.
    """
    tf = _tensorflow()
    converter = tf.lite.TFLiteConverter.from_keras_model(_with_softmax(network, temperature))
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _one_by_one(calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with silence(), contextlib.redirect_stdout(io.StringIO()):
        flatbuffer = converter.convert()
    if calibration is not None and (floating := float_tensors(flatbuffer)):
        raise EmotionError(
            f"the int8 export still computes in float ({', '.join(floating[:3])}): a layer in "
            "emotion/model.py has no integer kernel; OPTIMISE=0 exports float32"
        )
    return flatbuffer


def calibration_images(images: NDArray[np.uint8], classes: NDArray[np.integer]) -> NDArray:
    """Up to 500 of the training images, evenly from every class, always the same ones."""
    kinds = np.unique(classes)
    share = -(-CALIBRATION_IMAGES // len(kinds))
    chosen = [_spread(np.flatnonzero(classes == kind), share) for kind in kinds]
    calibration = images[np.sort(np.concatenate(chosen))].copy()
    # The input's range is what calibration saw: black and white must be in it, or pixels saturate.
    calibration[0, 0, 0], calibration[0, -1, -1] = 0, 255
    return calibration


def float_tensors(flatbuffer: bytes) -> list[str]:
    """Names of the tensors in a `.tflite` that hold floating-point numbers."""
    from ai_edge_litert.interpreter import Interpreter

    with silence():
        interpreter = Interpreter(model_content=flatbuffer)
        interpreter.allocate_tensors()
    return [t["name"] for t in interpreter.get_tensor_details() if t["dtype"] in _FLOATS]


def write(
    path: Path, flatbuffer: bytes, names: tuple[str, ...], card: dict[str, Any] | None = None
) -> None:
    """The flatbuffer with its labels and card, as a file that is either whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(flatbuffer)
    model_file.attach(temporary, names, card or {})
    temporary.replace(path)


def available() -> bool:
    """Whether TensorFlow is installed; it is not imported to find out."""
    from importlib.util import find_spec

    return find_spec("tensorflow") is not None


_FLOATS = (np.float16, np.float32, np.float64)


def _with_softmax(network: "keras.Model", temperature: float) -> "keras.Model":
    import keras

    last = network.layers[-1]
    if getattr(last, "activation", None) is not keras.activations.linear:
        raise EmotionError("the network must end in a dense layer of logits, as emotion.model does")
    copy = keras.models.clone_model(network)
    weights = network.get_weights()
    # The last two are the dense layer's: dividing them spares the file an operation.
    weights[-2:] = [part / temperature for part in weights[-2:]]
    copy.set_weights(weights)
    return keras.Model(copy.inputs, keras.layers.Softmax()(copy.outputs[0]))


def _one_by_one(images: NDArray[np.uint8]) -> Iterator[list[NDArray[np.float32]]]:
    for image in images:
        yield [image[None, :, :, None].astype(np.float32)]


def _spread(positions: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """`count` of the positions at equal distances, or all when there are no more."""
    steps = np.linspace(0, len(positions) - 1, min(count, len(positions)))
    return positions[steps.round().astype(int)]


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with silence():
            import tensorflow as tf
    except ImportError as error:
        raise EmotionError(
            "exporting to .tflite needs TensorFlow: pip install tensorflow, then "
            "MODEL_PATH=... DATASET=... python -m emotion.export"
        ) from error
    return tf


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
