"""Where a run begins: with chance, with another network's weights, or where it was stopped."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion import model_file
from emotion.data import folds
from emotion.data.annotator_votes import AnnotatorVotes
from emotion.errors import EmotionError
from emotion.model_file import Reading
from emotion.training import checkpoint, distillation, trainer, warm_start
from emotion.training.devices import ONE, Devices
from emotion.training.recipe import Recipe
from emotion.training.trainer import Examples, Trainer

if TYPE_CHECKING:
    from emotion.data.dataset import Dataset


@dataclass(frozen=True)
class Run:
    """A trainer that is ready, its examples, and the file that it can go on from.

    `began_with` are the validation scores of the other network's weights that it begins with;
    `damage` says what of the checkpoint could not be used, "" for nothing; `new_classes` are those
    that the other network does not know.
    """

    trainer: Trainer
    train: Examples
    validation: Examples
    checkpoint: Path
    identity: dict[str, str]
    began_with: dict[str, float] | None = None
    damage: str = ""
    new_classes: tuple[str, ...] = ()

    def save(self) -> None:
        """Write the checkpoint."""
        self.trainer.save(self.checkpoint, self.identity)


def ready(
    recipe: Recipe,
    data: "Dataset",
    path: Path,
    *,
    votes: AnnotatorVotes | None = None,
    teachers: Sequence[Path] = (),
    initial_weights: Path | None = None,
    devices: Devices = ONE,
) -> Run:
    """A run on `data`, as far as the checkpoint at `path` is, where there is one.

    `teachers` and `initial_weights` are `.keras` files of train.py's. Of several processes the
    first one alone reads the checkpoint. Raises EmotionError when one of them does not fit, when
    the checkpoint is of another run, or when the processes were given different things.
    """
    splits = [data.splits["train"], data.splits["validation"]]
    shares = [] if votes is None else [votes.of(split.names) for split in splits]
    train, validation = (
        Examples(split.images, split.targets, shares[number] if shares else None)
        for number, split in enumerate(splits)
    )
    asked = readings(data.labels, votes)
    size = splits[0].images.shape[1]
    answers = asked[1].answers if votes else ()
    with devices.scope():
        teaching = distillation.load(
            teachers, data.labels, size, answers=answers, dtype=recipe.dtype
        )
    if teaching.folds:
        _check_batch(recipe, teaching.folds)
        train = replace(train, folds=folds.of(train.images, teaching.folds))
    run = Trainer(
        recipe,
        classes=len(data.labels),
        size=size,
        steps=trainer.steps_in(len(train.shuffled(0)), recipe.batch_size),
        answers=sum(len(reading.answers) for reading in asked[1:]),
        columns=asked[-1].columns(data.labels),
        teachers=teaching,
        devices=devices,
    )
    given = [initial_weights] if initial_weights else []
    identity = checkpoint.identity(splits, shares, teachers, given)
    began_with, damage = None, ""
    new: tuple[str, ...] = ()
    _check_alike(devices, {**identity, **asdict(recipe)})
    if devices.processes.said_by_first(lambda: "yes" if checkpoint.exists(path) else ""):
        damage = run.resume(path, identity)
    elif initial_weights:
        new = warm_start.begin(run, initial_weights, asked, train)
        # What may have seen the part that this run does not see is never its result.
        began_with = run.score(validation) if recipe.fold else run.enter_start(validation)
    return Run(run, train, validation, path, identity, began_with, damage, new)


def _check_batch(recipe: Recipe, parts: int) -> None:
    if recipe.batch_size % parts:
        near = max(recipe.batch_size // parts, 1) * parts
        raise EmotionError(
            f"BATCH_SIZE={recipe.batch_size} must be a multiple of {parts}, as TEACHERS have each "
            f"not seen one of {parts} parts: give {near} or {near + parts}"
        )


def _check_alike(devices: Devices, mine: dict[str, Any]) -> None:
    """Raise EmotionError where this process was given other data or settings than the first."""
    said = json.loads(devices.processes.said_by_first(lambda: json.dumps(mine)))
    if differences := checkpoint.differences(said, mine):
        raise EmotionError(
            f"process {devices.processes.number} was given something else than the first one "
            f"({differences}): give all of them the same settings and data"
        )


def readings(labels: tuple[str, ...], votes: AnnotatorVotes | None) -> tuple[Reading, ...]:
    """The questions that are learnt: the labels' and, with votes, what people would answer.

    Raises EmotionError when people could not choose one of the labels.
    """
    plain = Reading(model_file.labels_reading(labels), labels)
    if votes is None:
        return (plain,)
    votes.of((), labels)  # complains of a class without an answer
    return plain, Reading(model_file.PEOPLE, votes.answers)
