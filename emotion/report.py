"""Scores an exported model on any labelled data, without training and without TensorFlow.

MODEL_PATH=export/emotion.tflite DATASET=../shared/fer2013 python -m emotion.report
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import REQUIRED, setting
from emotion.errors import EmotionError

if TYPE_CHECKING:
    from emotion.data.dataset import Dataset, Split

Scores = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """What to score, and on what."""

    model_path: Path = setting(
        REQUIRED, "the `.tflite` model to score", check=config.ending(".tflite")
    )
    dataset: Path = setting(REQUIRED, "the labelled images: any form that train.py takes")
    corrupted: bool = setting(
        False, "1: also score the images dimmed, blurred, noisy, tilted, badly cropped, small"
    )
    report: Path | None = setting(
        None, "also write the scores to this `.json` file", check=config.ending(".json")
    )


def main(settings: Settings) -> int:
    """Score every split present and print a table for each."""
    from emotion.classifier import Recogniser
    from emotion.data import dataset

    recogniser = Recogniser(settings.model_path, threads=os.cpu_count() or 1)
    data = dataset.load(settings.dataset, size=recogniser.size, for_training=False)
    print(dataset.preflight(data), file=sys.stderr)
    numbers = class_numbers(data, recogniser.labels)
    found = {
        part: score(
            recogniser(split.images),
            numbers[split.targets],
            split.duplicate_of_train,
            recogniser.labels,
        )
        for part, split in data.splits.items()
    }
    for part, scores in found.items():
        print(f"\n{part}: {headline(scores)}\n{class_table(scores)}")
        if settings.corrupted and part != "train":
            split = data.splits[part]
            scores["corrupted"] = corrupted(recogniser, split.images, numbers[split.targets])
            print(f"\n{part}, corrupted\n{corrupted_table(scores)}")
    if settings.report:
        write_json(settings.report, {"model": str(settings.model_path), "scores": found})
        print(f"wrote {settings.report}", file=sys.stderr)
    return 0


def score(
    probabilities: NDArray[np.floating],
    classes: NDArray[np.integer],
    copied: NDArray[np.bool_],
    names: Sequence[str],
) -> Scores:
    """Every figure of one model on one split, as numbers that JSON can hold.

    `probabilities` (N, classes), `classes` (N,) the right class numbers, `copied` (N,) whether an
    image stands in the training part too. Accuracy is top-1; F1, precision and recall count a
    class without images or predictions as 0, and macro-F1 is the mean over classes with images.
    """
    from sklearn import metrics

    every = np.arange(len(names))
    chosen = probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(classes, chosen, labels=every)
    precision, recall, f1, images = metrics.precision_recall_fscore_support(
        classes, chosen, labels=every, zero_division=0
    )
    from emotion.evaluation.calibration import expected_error

    right = chosen == classes
    alone = right[~copied]
    return {
        "images": len(classes),
        "accuracy": float(right.mean()),
        "macro_f1": float(f1[images > 0].mean()),
        "expected_calibration_error": expected_error(probabilities, classes),
        "images_without_copies": len(alone),
        "accuracy_without_copies": float(alone.mean()) if len(alone) else None,
        "classes": {
            name: {
                "images": int(images[number]),
                "precision": float(precision[number]),
                "recall": float(recall[number]),
                "f1": float(f1[number]),
            }
            for number, name in enumerate(names)
        },
        "confusion": confusion.tolist(),
    }


def corrupted(
    recogniser: Callable[[NDArray[np.uint8]], NDArray[np.floating]],
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
) -> dict[str, float]:
    """Accuracy on `images` (N, size, size) under each kind of corruption, and their "mean"."""
    from emotion.evaluation import corruptions

    found = {}
    for name, variants in corruptions.KINDS.items():
        chosen = [recogniser(corruptions.apply(images, one)).argmax(axis=1) for one in variants]
        found[name] = float(np.mean([rows == classes for rows in chosen]))
    return {**found, "mean": float(np.mean(list(found.values())))}


def score_splits(
    probabilities: Mapping[str, NDArray[np.floating]],
    splits: "Mapping[str, Split]",
    names: Sequence[str],
) -> dict[str, Scores]:
    """`score` for each split, from one set of probabilities a split."""
    return {
        part: score(rows, splits[part].targets, splits[part].duplicate_of_train, names)
        for part, rows in probabilities.items()
    }


def class_numbers(data: "Dataset", names: Sequence[str]) -> NDArray[np.int64]:
    """The model's class number for each class number of the data.

    Raises EmotionError when the data has a class that the model does not know.
    """
    unknown = sorted(set(data.labels) - set(names))
    if unknown:
        raise EmotionError(
            f"the data has the classes {', '.join(unknown)}, which the model does not know; it "
            f"knows {', '.join(names)}"
        )
    return np.array([list(names).index(name) for name in data.labels], np.int64)


def headline(scores: Scores) -> str:
    """One split's figures in one line."""
    parts = [
        f"{scores['images']:,} images",
        f"accuracy {scores['accuracy']:.2%}",
        f"macro-F1 {scores['macro_f1']:.2%}",
        f"calibration error {scores['expected_calibration_error']:.3f}",
    ]
    if scores["accuracy_without_copies"] is not None:
        parts.append(f"without copies {scores['accuracy_without_copies']:.2%}")
    return ", ".join(parts)


def class_table(scores: Scores) -> str:
    """One split's figures for each class, aligned."""
    wide = max(5, *(len(name) for name in scores["classes"]))
    lines = [f"  {'class':<{wide}}  images  precision  recall     F1"]
    for name, row in scores["classes"].items():
        lines.append(
            f"  {name:<{wide}}  {row['images']:6}  {row['precision']:9.3f}  "
            f"{row['recall']:6.3f}  {row['f1']:5.3f}"
        )
    return "\n".join(lines)


def corrupted_table(scores: Scores) -> str:
    """Accuracy on clean and on corrupted images, and what each corruption costs, aligned."""
    clean, found = scores["accuracy"], scores["corrupted"]
    wide = max(len(name) for name in found)
    lines = [f"  {'corruption':<{wide}}  accuracy  points lost"]
    lines.append(f"  {'none':<{wide}}  {clean:8.2%}")
    for name, accuracy in found.items():
        lines.append(f"  {name:<{wide}}  {accuracy:8.2%}  {(clean - accuracy) * 100:11.1f}")
    return "\n".join(lines)


def model_table(models: Mapping[str, Mapping[str, Scores]]) -> str:
    """Several models on several splits, a row each: `models[model][split]`."""
    lines = ["  split       model     images  accuracy  macro-F1  no copies  calibration error"]
    for part in next(iter(models.values())):
        for model, found in models.items():
            scores = found[part]
            alone = scores["accuracy_without_copies"]
            lines.append(
                f"  {part:<10}  {model:<8} {scores['images']:7,}  {scores['accuracy']:8.2%}  "
                f"{scores['macro_f1']:8.2%}  {'' if alone is None else format(alone, '.2%'):>9}  "
                f"{scores['expected_calibration_error']:17.3f}"
            )
    return "\n".join(lines)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """`content` as a JSON file that is either whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
