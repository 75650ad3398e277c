"""What a run starts from and what it leaves behind: models, scores, pictures, one report."""

import os
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion import export, model_file, report
from emotion.errors import EmotionError
from emotion.evaluation.calibration import fit_temperature, softmax
from emotion.quiet import silence

if TYPE_CHECKING:
    import keras

    from emotion.data.dataset import Dataset
    from emotion.training.trainer import Run

CHECKPOINT = "checkpoint.npz"
PRODUCTS = ("report.json", "emotion.keras", "emotion.tflite")
_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python", "ai-edge-litert")


def prepare(folder: Path, *, resume: bool) -> Path:
    """The folder, made ready for a run; answers with its checkpoint, which may exist.

    Raises EmotionError when the folder holds a finished run and `resume` does not give it up, or
    when it cannot be written.
    """
    checkpoint = folder / CHECKPOINT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise EmotionError(
            f"MODEL_EXPORT_PATH='{folder}' cannot be written ({error.strerror}): name a folder "
            "that can"
        ) from error
    if not resume:
        checkpoint.unlink(missing_ok=True)
    elif not checkpoint.exists() and (held := [n for n in PRODUCTS if (folder / n).exists()]):
        raise EmotionError(
            f"MODEL_EXPORT_PATH='{folder}' holds a finished run ({', '.join(held)}): name another "
            "folder, or set RESUME=0 to replace it"
        )
    return checkpoint


def back_end() -> str:
    """Keras' back end and its devices, in words.

    Raises EmotionError when that back end is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with silence():
            import keras

            keras.ops.ones(1)  # the first use of a device is what talks
    except ImportError as error:
        raise EmotionError(
            f"Keras cannot start ({error}): pip install -r requirements.txt, or set KERAS_BACKEND "
            "to one that is installed (tensorflow, jax, torch)"
        ) from error
    name = keras.backend.backend()
    try:
        devices = ", ".join(keras.distribution.list_devices()) or "cpu"
    except AttributeError:  # the torch back end has no such list
        devices = str(keras.ops.ones(1).device)
    version = metadata.version(name)
    return f"Keras {keras.__version__} on {name} {version}, {devices}, {os.cpu_count()} cores"


def training_figures(run: "Run", why: str) -> dict[str, Any]:
    """How the training went, for the report."""
    progress = run.progress
    return {
        "ended": why,
        "finished": not progress.interrupted,
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "best_validation_accuracy": progress.best,
        "seconds": sum(row["seconds"] for row in progress.rows),
        "back_end": back_end(),
    }


def deliver(
    run: "Run",
    data: "Dataset",
    folder: Path,
    *,
    optimise: bool,
    about: dict[str, Any],
    began: float,
) -> int:
    """Save, export, score and picture the best network; answers with the exit code.

    1 when the export lost more accuracy than allowed; everything is written nevertheless.
    `about` goes into the report and the models' cards; `began` is a time.monotonic().
    """
    from emotion.evaluation import plots
    from emotion.training import trainer

    network, names = run.result(), data.labels
    logits = {part: trainer.predict(network, split.images) for part, split in data.splits.items()}
    temperature = fit_temperature(logits["validation"], data.splits["validation"].targets)
    models = {
        "Keras": report.score_splits(
            {part: softmax(rows, temperature) for part, rows in logits.items()}, data.splits, names
        )
    }
    card = _card(network, temperature, data, about, models["Keras"])
    save_keras(network, folder / "emotion.keras", names, card)
    whole: dict[str, Any] = {**about, **card, "data": data_figures(data)}
    lost = 0.0
    if export.available():
        kind, found = _export(network, data, folder, card, optimise=optimise)
        models[kind] = report.score_splits(found, data.splits, names)
        model_file.attach(
            folder / "emotion.tflite", names, {**card, "scores": _checked(models[kind])}
        )
        whole["agreement"] = {
            part: float((rows.argmax(1) == logits[part].argmax(1)).mean())
            for part, rows in found.items()
        }
        lost = export.shortfall(models["Keras"], models[kind])
    complaints = []
    export.spare(folder / "emotion.tflite").unlink(missing_ok=True)  # of a run that is replaced
    if lost > export.ALLOWED_LOSS:
        spare = export.spare(folder / "emotion.tflite")
        export.write(spare, export.convert(network, None, temperature=temperature), names, card)
        complaints.append(export.complaint(lost, kind, spare))
    plots.training(run.progress.rows, run.progress.best_epoch, folder / "training.png")
    best = list(models)[-1]
    scores = models[best]["validation"]
    title = f"{best}, validation: {scores['accuracy']:.1%} of {scores['images']:,} images"
    plots.confusion(scores, title, folder / "confusion.png")
    whole |= {
        "scores": models,
        "files": {p.name: p.stat().st_size for p in sorted(folder.glob("emotion*.*"))},
        "seconds": time.monotonic() - began,
        "peak_memory_mb": peak_memory(),
        "complaints": complaints,
    }
    report.write_json(folder / "report.json", whole)
    _tell(folder, models, whole)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def save_keras(
    network: "keras.Model", path: Path, names: tuple[str, ...], card: dict[str, Any]
) -> None:
    """The network with its labels and card as a `.keras` file that is either whole or absent."""
    temporary = path.with_name(f"{path.stem}.part{path.suffix}")
    network.save(temporary)
    model_file.attach(temporary, names, card)
    temporary.replace(path)


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
        "photographs_cropped": data.cropped,
        "photographs_whole": list(data.no_face_found),
    }


def versions() -> dict[str, str]:
    """Python and the packages that a result depends on, as far as installed."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
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


def _card(
    network: "keras.Model",
    temperature: float,
    data: "Dataset",
    about: dict[str, Any],
    scores: dict[str, Any],
) -> dict[str, Any]:
    from emotion import model

    return {
        "format": 1,
        "input": list(network.input_shape[1:]),
        "pixels": [0, 255],
        "temperature": temperature,
        "parameters": network.count_params(),
        "multiply_adds": model.multiply_adds(network),
        "settings": about["settings"],
        "versions": versions(),
        "trained_on": data.source,
        "scores": _checked(scores),
    }


def _checked(scores: dict[str, Any]) -> dict[str, Any]:
    """The scores that mean something: those on images the network was not trained on."""
    return {part: found for part, found in scores.items() if part != "train"}


def _export(
    network: "keras.Model",
    data: "Dataset",
    folder: Path,
    card: dict[str, Any],
    *,
    optimise: bool,
) -> tuple[str, export.Probabilities]:
    path = folder / "emotion.tflite"
    calibration = export.calibrating(data) if optimise else None
    flatbuffer = export.convert(network, calibration, temperature=card["temperature"])
    export.write(path, flatbuffer, data.labels, card)
    return ("int8" if optimise else "float32"), export.run(path, data.splits)


def _tell(folder: Path, models: dict[str, Any], whole: dict[str, Any]) -> None:
    """The result in short, with the next command to type."""
    print(report.model_table(models))
    if "agreement" in whole:
        print(f"  the two agree on {whole['agreement']['validation']:.2%} of the validation images")
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != CHECKPOINT:
            print(f"wrote {path}", file=sys.stderr)
    if (folder / "emotion.tflite").exists() and len(models) > 1:
        print(f"next: DEVICE_ID=0 MODEL_PATH={folder / 'emotion.tflite'} python recognition.py")
    else:
        print(
            f"next, where TensorFlow is installed: MODEL_PATH={folder / 'emotion.keras'} "
            "DATASET=... python -m emotion.export"
        )
