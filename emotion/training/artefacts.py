"""What a run leaves behind: models, scores, pictures, one report."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata as packages
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emotion import export, model_file
from emotion.data.annotator_votes import AnnotatorVotes
from emotion.evaluation import report
from emotion.evaluation.calibration import fit_temperature
from emotion.model_file import Reading
from emotion.training import back_end, run_folder
from emotion.training.schedule import Reason, Stop

if TYPE_CHECKING:
    import keras

    from emotion.data.dataset import Dataset
    from emotion.training.trainer import Trainer, TrainerState

_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python", "ai-edge-litert")


@dataclass(frozen=True)
class Artefacts:
    """What a run left in its folder.

    `table` is the models' scores in words, `files` what was written, `complaint` what is wrong
    with the export, "" when nothing is. `exported` says whether there is a `.tflite`.
    """

    folder: Path
    table: str
    files: tuple[Path, ...]
    complaint: str
    exported: bool

    @property
    def talk(self) -> list[str]:
        """What was written and what is wrong, in lines."""
        return [f"wrote {path}" for path in self.files] + [self.complaint] * bool(self.complaint)

    @property
    def next_command(self) -> str:
        """What to type next."""
        if self.exported:
            model = self.folder / "emotion.tflite"
            return f"next: DEVICE_ID=0 MODEL_PATH={model} python recognition.py"
        model = self.folder / "emotion.keras"
        command = f"MODEL_PATH={model} DATASET=... python -m emotion.export"
        return f"next, where TensorFlow is installed: {command}"


def training_figures(state: "TrainerState", stop: Stop) -> dict[str, Any]:
    """How the training went, for the report."""
    return {
        "ended": stop.reason.value,
        "finished": stop.reason is not Reason.INTERRUPTED,
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "best_validation_score": state.best,
        "seconds": sum(row["seconds"] for row in state.rows),
        "back_end": back_end.words(),
    }


def save(
    trainer: "Trainer",
    data: "Dataset",
    folder: Path,
    *,
    optimise: bool,
    about: dict[str, Any],
    began: float,
    votes: AnnotatorVotes | None = None,
) -> Artefacts:
    """Save, export, score and picture the best network.

    `about` goes into the report and the models' metadata; `began` is a time.monotonic(). Everything
    is written even when the export lost more accuracy than allowed.
    """
    from emotion import model

    network, labels = trainer.result(), data.labels
    logits = {part: model.predict(network, split.images) for part, split in data.splits.items()}
    found = fitted(logits["validation"], data, votes)
    models = {"Keras": export.judged(export.softened(logits, found), data, votes)}
    metadata = _metadata(network, found, data, about, _held_out(models["Keras"].scores))
    model_file.save_keras(network, folder / "emotion.keras", labels, metadata)
    done, exported = export.Delivery(models, {}), export.available()
    if exported:
        path = folder / "emotion.tflite"
        done = export.deliver(
            network, data, path, metadata, models["Keras"], votes=votes, optimise=optimise
        )
    _pictures(trainer.state, done.models, folder)
    whole: dict[str, Any] = {
        **about,
        **metadata,
        "data": data_figures(data),
        "scores": {name: one.scores for name, one in done.models.items()},
        "people": {name: one.people for name, one in done.models.items() if one.people},
        "agreement": done.agreement,
        "files": {p.name: p.stat().st_size for p in sorted(folder.glob("emotion*.*"))},
        "seconds": time.monotonic() - began,
        "peak_memory_mb": peak_memory(),
        "complaints": [done.complaint] if done.complaint else [],
    }
    report.write_json(folder / "report.json", whole)
    return Artefacts(folder, export.table(done), run_folder.files(folder), done.complaint, exported)


def fitted(
    logits: NDArray[np.float32], data: "Dataset", votes: AnnotatorVotes | None
) -> tuple[Reading, ...]:
    """The readings of a network, each with the temperature that suits validation best.

    `logits` (N, outputs) are those of the validation images.
    """
    classes, split = len(data.labels), data.splits["validation"]
    one_hot = np.eye(classes)[split.targets]
    name = model_file.labels_reading(data.labels)
    found = (Reading(name, data.labels, fit_temperature(logits[:, :classes], one_hot)),)
    if votes is None:
        return found
    shares = votes.of(split.names)
    asked = shares.sum(axis=1) > 0
    people = Reading(model_file.PEOPLE, votes.answers)
    if asked.any():
        temperature = fit_temperature(logits[asked][:, classes:], shares[asked])
        people = replace(people, temperature=temperature)
    return (*found, people)


def data_figures(data: "Dataset") -> dict[str, Any]:
    """What the data held, for the report."""
    counts = {
        part: {name: int((split.targets == n).sum()) for n, name in enumerate(data.labels)}
        for part, split in data.splits.items()
    }
    return {
        "source": data.source,
        "images": counts,
        "copies_of_training_images": {
            p: int(s.duplicate_of_train.sum()) for p, s in data.splits.items()
        },
        "unreadable": list(data.unreadable),
        "blank": list(data.blank),
        "outside": list(data.outside),
        "unlisted": list(data.unlisted),
        "remarks": list(data.remarks),
        "photographs_cropped": data.cropped,
        "photographs_whole": list(data.no_face_found),
    }


def versions() -> dict[str, str]:
    """Python and the packages that a result depends on, as far as installed."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in _PACKAGES:
        try:
            found[name] = packages.version(name)
        except packages.PackageNotFoundError:
            continue
    return found


def peak_memory() -> float | None:
    """The most memory this process has held, in MB; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def _metadata(
    network: "keras.Model",
    found: Sequence[Reading],
    data: "Dataset",
    about: dict[str, Any],
    scores: dict[str, Any],
) -> dict[str, Any]:
    from emotion import model

    return {
        "format": 2,
        "input": list(network.input_shape[1:]),
        "pixels": [0, 255],
        "readings": model_file.described(found),
        "parameters": network.count_params(),
        "multiply_adds": model.multiply_adds(network),
        "settings": about["settings"],
        "versions": versions(),
        "trained_on": data.source,
        "scores": scores,
    }


def _held_out(scores: dict[str, Any]) -> dict[str, Any]:
    """The scores that mean something: those on images the network was not trained on."""
    return {part: found for part, found in scores.items() if part != "train"}


def _pictures(state: "TrainerState", models: dict[str, export.Judged], folder: Path) -> None:
    from emotion.evaluation import plots

    plots.training(state.rows, state.best_epoch, folder / "training.png")
    name = list(models)[-1]
    scores = models[name].scores["validation"]
    title = f"{name}, validation: {scores['accuracy']:.1%} of {scores['images']:,} images"
    plots.confusion(scores, title, folder / "confusion.png")
