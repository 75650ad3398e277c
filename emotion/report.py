"""Scores an exported model on any labelled data, without training and without TensorFlow.

MODEL_PATH=export/emotion.tflite DATASET=fer2013 python -m emotion.report
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emotion import model_file
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import REQUIRED, setting
from emotion.errors import EmotionError
from emotion.model_file import Reading

if TYPE_CHECKING:
    from emotion.classifier import Classifier
    from emotion.data.annotator_votes import AnnotatorVotes
    from emotion.data.dataset import Dataset, Split


@dataclass(frozen=True)
class Settings:
    """What to score, and on what."""

    model_path: Path = setting(
        REQUIRED, "the `.tflite` model to score", check=config.file(".tflite")
    )
    dataset: Path = setting(REQUIRED, "the labelled images: any form that train.py takes")
    classes: tuple[str, ...] = setting(
        (), "names for classes that are numbers in the data, in the numbers' order"
    )
    annotator_votes: Path | None = setting(
        None,
        "`.csv` of what people answered about each image: also score each reading by that",
        check=config.file(".csv"),
        renamed_from=("VOTES",),
    )
    corrupted: bool = setting(
        False, "1: also score the images dimmed, blurred, noisy, tilted, badly cropped, small"
    )
    report: Path | None = setting(
        None, "also write the scores to this `.json` file", check=config.ending(".json")
    )
    reliability: Path | None = setting(
        None,
        "also draw how often it is so, against how sure the model is, into this `.png`",
        check=config.ending(".png"),
    )


def main(settings: Settings) -> int:
    """Score every split present, in every reading that can be, and print a table for each."""
    from emotion.data import annotator_votes, dataset
    from emotion.evaluation import plots, report

    labels, metadata = model_file.read(settings.model_path)
    first = model_file.readings(labels, metadata)[0].name if labels else None
    classifier = _classifier(settings, first)
    data = dataset.load(
        settings.dataset, size=classifier.size, classes=settings.classes, for_training=False
    )
    print(dataset.preflight(data), file=sys.stderr)
    numbers = class_numbers(data, classifier.labels)
    names = [name for split in data.splits.values() for name in split.names]
    asked = settings.annotator_votes
    votes = annotator_votes.read(asked, names) if asked else None
    found: dict[str, Any] = {}
    curves: dict[str, Any] = {}
    for part, split in data.splits.items():
        found[part] = _labels(settings, part, split, numbers[split.targets], classifier, curves)
        if votes and votes.knows(split.names):
            found[part]["people"] = {
                name: _people(settings, part, split, votes, name, curves)
                for name in classifier.readings
            }
    if settings.report:
        report.write_json(settings.report, {"model": str(settings.model_path), "scores": found})
        print(f"wrote {settings.report}", file=sys.stderr)
    if settings.reliability:
        held_out = {name: bins for name, bins in curves.items() if not name.startswith("train,")}
        plots.reliability(held_out or curves, settings.reliability)
        print(f"wrote {settings.reliability}", file=sys.stderr)
    return 0


def class_numbers(data: "Dataset", names: tuple[str, ...]) -> NDArray[np.int64]:
    """The model's class number for each class number of the data, by name or a usual other one.

    Raises EmotionError when the data has a class that the model does not know.
    """
    columns = Reading("", names).columns(data.labels)
    unknown = [label for label, column in zip(data.labels, columns, strict=True) if column < 0]
    if unknown:
        raise EmotionError(
            f"the data has the classes {', '.join(unknown)}, which the model does not know; it "
            f"knows {', '.join(names)}"
        )
    return np.array(columns, np.int64)


def _classifier(settings: Settings, reading: str | None) -> "Classifier":
    from emotion.classifier import Classifier

    return Classifier(settings.model_path, reading=reading, threads=os.cpu_count() or 1)


def _labels(
    settings: Settings,
    part: str,
    split: "Split",
    classes: NDArray[np.int64],
    classifier: "Classifier",
    curves: dict[str, Any],
) -> dict[str, Any]:
    """The scores of the labels' reading on one split, printed, too; `curves` gets a diagram."""
    from emotion.evaluation import calibration, metrics, report

    rows = classifier(split.images)
    scores = metrics.score(rows, classes, split.duplicate_of_train, classifier.labels)
    title = f"{part}, {classifier.reading.name}"
    print(f"\n{title}: {report.headline(scores)}\n{report.class_table(scores)}")
    curves[title] = calibration.reliability(rows.max(axis=1), rows.argmax(axis=1) == classes)
    if settings.corrupted and part != "train":
        scores["corrupted"] = metrics.corrupted(classifier, split.images, classes)
        print(f"\n{part}, corrupted\n{report.corrupted_table(scores)}")
    return scores


def _people(
    settings: Settings,
    part: str,
    split: "Split",
    votes: "AnnotatorVotes",
    name: str,
    curves: dict[str, Any],
) -> dict[str, Any]:
    """How well the reading `name` says what people answered on one split, printed, too.

    People's own reading also gets a diagram in `curves`, and its corrupted scores where asked.
    """
    from emotion.evaluation import calibration, metrics, report

    classifier = _classifier(settings, name)
    columns = classifier.columns
    given = votes.of(split.names, classifier.reading.answers)
    shares = classifier.shares(split.images)
    scores = metrics.score_people(shares, given, columns, classifier.labels)
    own = name == model_file.PEOPLE
    title = f"{part}, people" if own else f"{part}, {name} asked for people's answers"
    print(f"\n{title}: {report.people_headline(scores)}\n{report.people_table(scores)}")
    if own:
        curves[title] = calibration.reliability(*metrics.people_confidence(shares, given, columns))
    if own and settings.corrupted and part != "train":
        clear, right = metrics.majority(given[:, columns])
        scores["corrupted"] = metrics.corrupted(classifier, split.images[clear], right[clear])
        table = report.corrupted_table({**scores, "accuracy": scores["agreement"]})
        print(f"\n{title}, corrupted: agreement with the majority\n{table}")
    return scores


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
