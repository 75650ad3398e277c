"""A trained network as one `.tflite` file, and how well the two agree.

MODEL_PATH=export/emotion.keras DATASET=fer2013 python -m emotion.export
"""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emotion import model_file
from emotion.classifier import Classifier
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import REQUIRED, setting
from emotion.data import annotator_votes, dataset
from emotion.data.annotator_votes import AnnotatorVotes
from emotion.errors import EmotionError
from emotion.evaluation import metrics, report
from emotion.files import replacing
from emotion.model_file import Reading
from emotion.probabilities import softmax
from emotion.quiet import silence, silent_keras

if TYPE_CHECKING:
    import keras

REPRESENTATIVE_IMAGES = 500
ALLOWED_DROP = 0.01  # of validation accuracy, from Keras to int8
FLOATS = (np.float16, np.float32, np.float64)

Probabilities = dict[str, NDArray]  # rows for the images of each split
Shares = dict[Reading, Probabilities]
Representative = NDArray[np.uint8] | None


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
    annotator_votes: Path | None = setting(
        None,
        "`.csv` of what people answered about each image, to check the people reading, too",
        check=config.file(".csv"),
        renamed_from=("VOTES",),
    )
    optimise: bool = setting(True, "1: full-integer int8; 0: float32, which needs no DATASET")
    validation_split: float = setting(
        0.1, "as the model was trained with", check=config.between(0.01, 0.33)
    )
    seed: int = setting(0, "as the model was trained with", check=config.at_least(0))
    classes: tuple[str, ...] = setting((), "as the model was trained with")
    group: str | None = setting(None, "as the model was trained with", check=config.pattern)


@dataclass(frozen=True)
class Judged:
    """What a model answers on each split, and what that is worth.

    `shares[reading][split]` are its probabilities, `scores[split]` those of the labels' reading,
    `people[split]` those of people's; the last is empty without votes.
    """

    shares: Shares
    scores: dict[str, metrics.Scores]
    people: dict[str, metrics.Scores]


@dataclass(frozen=True)
class Delivery:
    """An exported model and what it was found to be worth.

    `models` has the Keras network and the export, int8 or float32. `agreement[reading][split]` is
    the share of images on which the two choose the same. `complaint` says what is wrong, "" when
    nothing is; then a float32 export lies beside it.
    """

    models: dict[str, Judged]
    agreement: dict[str, dict[str, float]]
    complaint: str = ""


def main(settings: Settings) -> int:
    """Export, run the result over the data if there is any, and say how the two compare."""
    if settings.optimise and not settings.dataset:
        raise EmotionError(
            "OPTIMISE=1 needs DATASET: 8-bit ranges are measured on training images; set DATASET, "
            "or OPTIMISE=0 for float32"
        )
    labels, metadata, network = model_file.load_keras(settings.model_path, "MODEL_PATH")
    folder = settings.model_export_path or settings.model_path.parent
    path = folder / "emotion.tflite"
    if not settings.dataset:
        write(path, network, labels, metadata, None)
        print(f"wrote {path}, {path.stat().st_size / 1e6:.2f} MB", file=sys.stderr)
        return 0
    data = dataset.load(
        settings.dataset,
        size=network.input_shape[1],
        validation_split=settings.validation_split,
        seed=settings.seed,
        classes=settings.classes,
        group=settings.group,
    )
    if data.labels != labels:
        raise EmotionError(
            f"DATASET='{settings.dataset}' has the classes {', '.join(data.labels)}; the model was "
            f"trained on {', '.join(labels)}: give the data it was trained on"
        )
    from emotion import model

    names = [name for split in data.splits.values() for name in split.names]
    asked = settings.annotator_votes
    votes = annotator_votes.read(asked, names) if asked else None
    checked = {part: split for part, split in data.splits.items() if part != "train"}
    logits = {part: model.predict(network, split.images) for part, split in checked.items()}
    keras_model = judged(softened(logits, model_file.readings(labels, metadata)), data, votes)
    done = deliver(
        network, data, path, metadata, keras_model, votes=votes, optimise=settings.optimise
    )
    print(f"wrote {path}, {path.stat().st_size / 1e6:.2f} MB", file=sys.stderr)
    print(table(done))
    if done.complaint:
        print(done.complaint, file=sys.stderr)
    return 1 if done.complaint else 0


def deliver(
    network: "keras.Model",
    data: "dataset.Dataset",
    path: Path,
    metadata: Mapping[str, Any],
    keras_model: Judged,
    *,
    optimise: bool,
    votes: AnnotatorVotes | None = None,
) -> Delivery:
    """Convert, write, score, compare and, where int8 lost too much, fall back to float32.

    `metadata` goes into the file, with its scores. `keras_model` is what `network` itself was found
    to be worth; the export is judged on the same splits.
    """
    labels, kind = data.labels, "int8" if optimise else "float32"
    write(path, network, labels, metadata, representative_images(data) if optimise else None)
    splits = {part: data.splits[part] for part in keras_model.scores}
    exported = judged(run(path, splits), data, votes)
    held_out = {part: rows for part, rows in exported.scores.items() if part != "train"}
    model_file.attach(path, labels, {**metadata, "quantised": optimise, "scores": held_out})
    lost = [
        gate(before, after, kind, what)
        for what, before, after in _right_answers(keras_model, exported, data, votes)
    ]
    complaint = f"WARNING: {'; '.join(filter(None, lost))}" if any(lost) else ""
    spare = path.with_name(f"{path.stem}_float32.tflite")
    spare.unlink(missing_ok=True)  # of a run that is replaced
    if complaint and optimise:
        write(spare, network, labels, metadata, None)
        complaint += f": use {spare}, the float32 export, instead"
    return Delivery(
        models={"Keras": keras_model, kind: exported},
        agreement={
            reading.name: {
                part: float((rows.argmax(1) == exported.shares[reading][part].argmax(1)).mean())
                for part, rows in shares.items()
            }
            for reading, shares in keras_model.shares.items()
        },
        complaint=complaint,
    )


def softened(logits: Probabilities, readings: Sequence[Reading]) -> Shares:
    """Logits (N, outputs) of each split as probabilities of each reading, at its temperature."""
    found, start = {}, 0
    for reading in readings:
        own = slice(start, start := start + len(reading.answers))
        found[reading] = {
            part: softmax(rows[:, own], reading.temperature) for part, rows in logits.items()
        }
    return found


def judged(shares: Shares, data: "dataset.Dataset", votes: AnnotatorVotes | None) -> Judged:
    """What a model's probabilities on `data` are worth; see `Judged`."""
    labels, (first, *others) = data.labels, shares
    people = {
        part: metrics.score_people(
            rows,
            votes.of(data.splits[part].names, reading.answers),
            reading.columns(labels),
            labels,
        )
        for reading in others
        for part, rows in shares[reading].items()
        if votes and votes.knows(data.splits[part].names)
    }
    return Judged(shares, metrics.score_splits(shares[first], data.splits, labels), people)


def gate(before: NDArray[np.bool_], after: NDArray[np.bool_], kind: str, what: str) -> str:
    """What to say of an export that loses too many of the right answers; "" when it does not.

    Too many is more than a point, and more than chance explains on so many images.
    """
    drop, (low, high) = metrics.accuracy_drop(before, after)
    if drop <= ALLOWED_DROP or low <= 0:
        return ""
    return (
        f"the {kind} export loses {drop * 100:.1f} points of {what} "
        f"(95 % interval {low * 100:.1f} to {high * 100:.1f} on {len(before):,} images; at most "
        f"{ALLOWED_DROP * 100:g} is allowed)"
    )


def table(done: Delivery) -> str:
    """How the network and its export compare, in lines."""
    lines = [report.model_table({name: model.scores for name, model in done.models.items()})]
    lines += [
        f"  the two agree on {parts['validation']:.2%} of the validation images, {reading}"
        for reading, parts in done.agreement.items()
    ]
    lines += [
        f"  {part}, people, {name}: {report.people_headline(scores)}"
        for name, model in done.models.items()
        for part, scores in model.people.items()
        if part != "train"
    ]
    return "\n".join(lines)


def run(path: Path, splits: "Mapping[str, dataset.Split]") -> Shares:
    """The probabilities that a `.tflite` gives for the images of every split, by reading."""
    labels, metadata = model_file.read(path)
    threads, found = os.cpu_count() or 1, {}
    for reading in model_file.readings(labels, metadata):
        classifier = Classifier(path, reading=reading.name, threads=threads)
        found[reading] = {part: classifier.shares(split.images) for part, split in splits.items()}
    return found


def _right_answers(
    keras_model: Judged,
    exported: Judged,
    data: "dataset.Dataset",
    votes: AnnotatorVotes | None,
) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
    """For each reading, what its right answers are called, and which both models give.

    On the validation images; for people's reading on those on which people agree.
    """
    split = data.splits["validation"]
    for number, (reading, shares) in enumerate(keras_model.shares.items()):
        both = [shares["validation"], exported.shares[reading]["validation"]]
        if not number:
            yield "validation accuracy", *(rows.argmax(1) == split.targets for rows in both)
        elif votes and votes.knows(split.names):
            clear, right = metrics.majority(votes.of(split.names, data.labels))
            own = reading.columns(data.labels)
            yield (
                "agreement with people",
                *((rows[:, own].argmax(1) == right)[clear] for rows in both),
            )


def write(
    path: Path,
    network: "keras.Model",
    labels: Sequence[str],
    metadata: Mapping[str, Any],
    representative: Representative,
) -> None:
    """The network as a `.tflite` with its labels and metadata, whole or absent; see `convert`."""
    found = model_file.readings(labels, metadata)
    flatbuffer = convert(network, representative, readings=found)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_bytes(flatbuffer)
        model_file.attach(part, labels, metadata)


def convert(
    network: "keras.Model", representative: Representative, *, readings: Sequence[Reading] = ()
) -> bytes:
    """The network, logits turned to probabilities, as a `.tflite` flatbuffer for one crop.

    It has an output (1, answers) for each of `readings`, by its name, at its temperature; without
    any, one output for all. With `representative`, training images (N, size, size), every tensor
    is an 8-bit or 32-bit integer and pixels go in as they are; without, weights and arithmetic
    stay float32. Where Keras computes with another back end than TensorFlow, a process of its own
    does it. Raises EmotionError when something in the network did not become an integer.
    """
    import keras

    _check_end(network)
    if keras.backend.backend() != "tensorflow":
        return _convert_elsewhere(network, representative, readings)
    tf = _tensorflow()
    converter = tf.lite.TFLiteConverter.from_keras_model(_with_softmax(network, readings))
    if representative is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _one_by_one(representative)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with silence(), contextlib.redirect_stdout(io.StringIO()):
        flatbuffer = converter.convert()
    if representative is not None and (floating := float_tensors(flatbuffer)):
        raise EmotionError(
            f"the int8 export still computes in float ({', '.join(floating[:3])}): a layer in "
            "emotion/model.py has no integer kernel; OPTIMISE=0 exports float32"
        )
    return flatbuffer


def representative_images(data: "dataset.Dataset") -> NDArray[np.uint8]:
    """Up to 500 training images, evenly from every class, always the same ones."""
    train = data.splits["train"]
    return spread_images(train.images, train.targets)


def spread_images(images: NDArray[np.uint8], classes: NDArray[np.integer]) -> NDArray:
    """Up to 500 of `images` (N, size, size), evenly from every one of their `classes` (N,)."""
    present = np.unique(classes)
    share = -(-REPRESENTATIVE_IMAGES // len(present))
    chosen = [_spread(np.flatnonzero(classes == one), share) for one in present]
    found = images[np.sort(np.concatenate(chosen))].copy()
    # The input's range is what calibration saw: black and white must be in it, or pixels saturate.
    found[0, 0, 0], found[0, -1, -1] = 0, 255
    return found


def float_tensors(flatbuffer: bytes) -> list[str]:
    """Names of the tensors in a `.tflite` that hold floating-point numbers."""
    from ai_edge_litert.interpreter import Interpreter

    with silence():
        interpreter = Interpreter(model_content=flatbuffer)
        interpreter.allocate_tensors()
    return [t["name"] for t in interpreter.get_tensor_details() if t["dtype"] in FLOATS]


def available() -> bool:
    """Whether TensorFlow is installed; it is not imported to find out."""
    from importlib.util import find_spec

    return find_spec("tensorflow") is not None


def _check_end(network: "keras.Model") -> None:
    import keras

    if getattr(network.layers[-1], "activation", None) is not keras.activations.linear:
        raise EmotionError("the network must end in a dense layer of logits, as emotion.model does")


def _with_softmax(network: "keras.Model", readings: Sequence[Reading]) -> "keras.Model":
    """The network for a batch of one, its last layer divided among the readings."""
    import keras

    *trunk_weights, kernel, bias = network.get_weights()
    trunk = keras.models.clone_model(keras.Model(network.inputs, network.layers[-1].input))
    trunk.set_weights(trunk_weights)
    inputs = keras.Input(network.input_shape[1:], batch_size=1, name="pixels")
    features = trunk(inputs)
    outputs, start = {}, 0
    for reading in readings or (Reading("labels", ("",) * len(bias)),):
        stop = start + len(reading.answers)
        head = keras.layers.Dense(stop - start)
        logits = head(features)
        # Dividing the weights by the temperature spares the file an operation.
        part = kernel[:, start:stop], bias[start:stop]
        head.set_weights([values / reading.temperature for values in part])
        outputs[reading.name] = keras.layers.Softmax(name=reading.name)(logits)
        start = stop
    return keras.Model(inputs, outputs)


def _convert_elsewhere(
    network: "keras.Model", representative: Representative, readings: Sequence[Reading]
) -> bytes:
    """`convert` in a process whose Keras computes with TensorFlow."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network.save(folder / "network.keras")
        (folder / "readings.json").write_text(json.dumps(model_file.described(readings)))
        if representative is not None:
            np.save(folder / "images.npy", representative)
        root = str(Path(__file__).parents[1])
        path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
        environ = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": path}
        code = "import sys; from emotion import export; export.convert_folder(sys.argv[1])"
        done = subprocess.run(
            [sys.executable, "-c", code, name], env=environ, capture_output=True, text=True
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise EmotionError(f"the export with TensorFlow failed: {reason}")
        return (folder / "network.tflite").read_bytes()


def convert_folder(folder: str) -> None:
    """The other process's part: network.keras, readings.json, images.npy -> network.tflite."""
    _tensorflow()
    import keras

    network = keras.models.load_model(Path(folder, "network.keras"), compile=False)
    given = json.loads(Path(folder, "readings.json").read_text())
    images = Path(folder, "images.npy")
    flatbuffer = convert(
        network,
        np.load(images) if images.exists() else None,
        readings=model_file.readings((), {"readings": given}) if given else (),
    )
    Path(folder, "network.tflite").write_bytes(flatbuffer)


def _one_by_one(images: NDArray[np.uint8]) -> Iterator[list[NDArray[np.float32]]]:
    for image in images:
        yield [image[None, :, :, None].astype(np.float32)]


def _spread(positions: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """`count` of the positions at equal distances, or all when there are no more."""
    steps = np.linspace(0, len(positions) - 1, min(count, len(positions)))
    return positions[steps.round().astype(int)]


def _tensorflow() -> Any:
    try:
        with silent_keras():
            import tensorflow as tf
    except ImportError as error:
        raise EmotionError(
            "exporting to .tflite needs TensorFlow: pip install tensorflow, then "
            "MODEL_PATH=... DATASET=... python -m emotion.export"
        ) from error
    return tf


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
