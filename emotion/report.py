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

if TYPE_CHECKING:
    from emotion.classifier import Classifier
    from emotion.data.annotator_votes import AnnotatorVotes
    from emotion.data.dataset import Dataset, Split


@dataclass(frozen=True)
class Settings:
    """What to score, and on what."""

    model_path: Path = setting(
        REQUIRED, "the `.tflite` model to score", check=config.ending(".tflite")
    )
    dataset: Path = setting(REQUIRED, "the labelled images: any form that train.py takes")
    annotator_votes: Path | None = setting(
        None,
        "`.csv` of what people answered about each image: also score the people reading",
        check=config.file(".csv"),
        renamed_from=("VOTES",),
    )
    corrupted: bool = setting(
        False, "1: also score the images dimmed, blurred, noisy, tilted, badly cropped, small"
    )
    report: Path | None = setting(
        None, "also write the scores to this `.json` file", check=config.ending(".json")
    )


def main(settings: Settings) -> int:
    """Score every split present, in every reading that can be, and print a table for each."""
    from emotion.classifier import Classifier
    from emotion.data import dataset
    from emotion.evaluation import metrics, report

    threads = os.cpu_count() or 1
    labels, metadata = model_file.read(settings.model_path)
    first = model_file.readings(labels, metadata)[0].name if labels else None
    classifier = Classifier(settings.model_path, reading=first, threads=threads)
    data = dataset.load(settings.dataset, size=classifier.size, for_training=False)
    print(dataset.preflight(data), file=sys.stderr)
    numbers = class_numbers(data, classifier.labels)
    votes = _votes(settings, data, classifier)
    found: dict[str, Any] = {}
    for part, split in data.splits.items():
        classes = numbers[split.targets]
        scores = metrics.score(
            classifier(split.images), classes, split.duplicate_of_train, classifier.labels
        )
        print(f"\n{part}, {classifier.reading.name}: {report.headline(scores)}")
        print(report.class_table(scores))
        if settings.corrupted and part != "train":
            scores["corrupted"] = metrics.corrupted(classifier, split.images, classes)
            print(f"\n{part}, corrupted\n{report.corrupted_table(scores)}")
        if votes and votes.knows(split.names):
            scores["people"] = _people(settings, part, split, votes)
        found[part] = scores
    if settings.report:
        report.write_json(settings.report, {"model": str(settings.model_path), "scores": found})
        print(f"wrote {settings.report}", file=sys.stderr)
    return 0


def class_numbers(data: "Dataset", names: tuple[str, ...]) -> NDArray[np.int64]:
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


def _votes(
    settings: Settings, data: "Dataset", classifier: "Classifier"
) -> "AnnotatorVotes | None":
    from emotion.data import annotator_votes

    if settings.annotator_votes is None:
        return None
    if model_file.PEOPLE not in classifier.readings:
        raise EmotionError(
            f"ANNOTATOR_VOTES='{settings.annotator_votes}' is for models that say what people "
            f"would answer: {settings.model_path} was trained without"
        )
    names = [name for split in data.splits.values() for name in split.names]
    return annotator_votes.read(settings.annotator_votes, names)


def _people(
    settings: Settings, part: str, split: "Split", votes: "AnnotatorVotes"
) -> dict[str, Any]:
    """The scores of people's reading on one split, printed, too."""
    from emotion.classifier import Classifier
    from emotion.evaluation import metrics, report

    threads = os.cpu_count() or 1
    people = Classifier(settings.model_path, reading=model_file.PEOPLE, threads=threads)
    order = model_file.Reading("", votes.answers).columns(people.reading.answers)
    if -1 in order:
        raise EmotionError(
            f"ANNOTATOR_VOTES='{votes.path}' has the answers {', '.join(votes.answers)}; the "
            f"model was trained with {', '.join(people.reading.answers)}"
        )
    given = votes.of(split.names)[:, order]
    scores = metrics.score_people(people.shares(split.images), given, people.columns, people.labels)
    print(f"\n{part}, people: {report.people_headline(scores)}\n{report.people_table(scores)}")
    if settings.corrupted and part != "train":
        clear, right = metrics.majority(given[:, people.columns])
        images = split.images[clear]
        rows = metrics.corrupted(people, images, right[clear])
        scores["corrupted"] = rows
        table = report.corrupted_table({"accuracy": scores["agreement"], "corrupted": rows})
        print(f"\n{part}, people, corrupted: agreement with the majority\n{table}")
    return scores


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
