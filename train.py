"""Trains a network on labelled faces, exports it to .tflite and says how good it is.

DATASET=fer2013 python train.py
"""

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.progress import bar, redraw, say
from emotion.cli.settings import REQUIRED, setting
from emotion.training.recipe import FEW_IMAGES, Recipe, for_few_images

if TYPE_CHECKING:
    from emotion.training.schedule import Stop
    from emotion.training.start import Run


@dataclass(frozen=True)
class Settings:
    """What to train on, how, and where the result goes."""

    most_people: ClassVar = (
        "dataset", "model_export_path", "optimise", "epochs", "patience", "batch_size",
        "learning_rate", "augment", "initial_weights", "validation_split", "seed", "resume",
    )  # fmt: skip
    dropped: ClassVar = ("MIXUP", "SMALL_FIRST")

    dataset: Path = setting(
        REQUIRED,
        "what to train on: a folder, `.zip` or `.csv`, in any form that docs/training.md lists",
        check=config.exists,
    )
    model_export_path: Path = setting(
        Path("export"), "folder that receives the run", check=config.folder
    )
    optimise: bool = setting(True, "1: full-integer int8 `.tflite`; 0: float32 `.tflite`")
    initial_weights: Path | None = setting(
        None, "`.keras` file whose weights to begin with", check=config.file(".keras")
    )
    validation_split: float = setting(
        0.1, "part split off where the data has no split", check=config.between(0.01, 0.33)
    )
    resume: bool = setting(
        True, "1: go on with an unfinished run; 0: replace what the folder holds"
    )
    classes: tuple[str, ...] = setting(
        (), "names for classes that are numbers in the data, as `surprise,fear`, in their order"
    )
    group: str | None = setting(
        None,
        "regular expression on file names for who or which sequence is seen, as `S[0-9]+`: a drawn "
        "split never parts a group",
        check=config.pattern,
    )
    recipe_file: Path | None = setting(
        None,
        "`.toml` file with any of these, names in lower case; the environment wins over it",
        check=config.file(".toml"),
        variable="RECIPE",
        supplies=True,
    )
    annotator_votes: Path | None = setting(
        None,
        "`.csv` of what people answered about each training image, to learn beside the labels",
        check=config.file(".csv"),
        renamed_from=("VOTES",),
    )
    teachers: tuple[Path, ...] = setting(
        (),
        "`.keras` files whose averaged probabilities to learn beside the labels",
        check=config.each(config.file(".keras")),
    )
    recipe: Recipe = config.part(Recipe)
    origins: dict[str, str] = config.origins()


def main(settings: Settings) -> int:
    """Train, or go on training, then export and report."""
    say(f"settings\n{config.summary(settings)}")
    from emotion.training import run_folder

    with run_folder.opened(settings.model_export_path, resume=settings.resume) as checkpoint:
        return run_in(settings.model_export_path, checkpoint, settings)


def run_in(folder: Path, checkpoint: Path, settings: Settings) -> int:
    """The run in its folder; answers with the exit code."""
    began, recipe = time.monotonic(), settings.recipe
    from emotion.data import annotator_votes, dataset
    from emotion.training import artefacts, log
    from emotion.training.checkpoint import remove
    from emotion.training.schedule import Reason

    data = dataset.load(
        settings.dataset,
        validation_split=settings.validation_split,
        seed=recipe.seed,
        classes=settings.classes,
        group=settings.group,
        progress=lambda done: None if done % 100 else redraw(f"{done:,} pictures read"),
    )
    say(dataset.preflight(data))
    settings = suited(settings, len(data.splits["train"].names))
    recipe = settings.recipe
    say(f"computing with {artefacts.back_end()}")
    from emotion.training import start

    names = data.splits["train"].names
    asked = settings.annotator_votes
    votes = annotator_votes.read(asked, names) if asked else None
    run = start.ready(
        recipe,
        data,
        checkpoint,
        votes=votes,
        teachers=settings.teachers,
        initial_weights=settings.initial_weights,
    )
    if run.new_classes:
        new = ", ".join(run.new_classes)
        say(f"new to INITIAL_WEIGHTS: {new}; the last layer was fitted to the training images")
    stop = train(run, folder)
    state, why = run.trainer.state, log.words(stop, learning_rate=recipe.learning_rate)
    if stop.reason is Reason.DIVERGED:
        say(f"error: {why}")
        return 1
    if not state.epoch:
        say(f"{why} before the first epoch was done: nothing to export")
        return 130
    say(f"{why}; {log.best_words(state.best_epoch)}")
    figures = artefacts.training_figures(state, stop)
    about = {"settings": config.plain(settings), "training": figures}
    left = artefacts.save(
        run.trainer, data, folder, optimise=settings.optimise, about=about, began=began, votes=votes
    )
    if finished := stop.reason is not Reason.INTERRUPTED:
        remove(checkpoint)
    print(left.table)
    for line in left.talk:
        say(line)
    print(left.next_command)
    if not finished:
        say(f"the same command{'' if settings.resume else ' with RESUME=1'} goes on with this run")
    return 1 if left.complaint else 0 if finished else 130


def suited(settings: Settings, images: int) -> Settings:
    """The settings, with defaults that suit few training images where other weights begin."""
    if not settings.initial_weights or images > FEW_IMAGES:
        return settings
    recipe, changes = for_few_images(settings.recipe, settings.origins)
    if changes:
        say(f"defaults for {images:,} training images and INITIAL_WEIGHTS: {changes}")
    return replace(settings, recipe=recipe)


def train(run: "Run", folder: Path) -> "Stop":
    """Epoch after epoch, with a checkpoint and a line after each; answers with why it ended."""
    from emotion.training import log, run_folder, trainer

    recipe, state = run.trainer.recipe, run.trainer.state
    if run.damage:
        say(run.damage)
    if state.epoch:
        say(f"going on after epoch {state.epoch} of {recipe.epochs}")
    elif run.began_with:
        say(f"before the first epoch: {log.scores_words(run.began_with)}")
    seen = log.TrainingLog(
        folder,
        epochs=recipe.epochs,
        steps=run.trainer.steps,
        rows=state.rows,
        notify=say,
        redraw=redraw,
        bar=bar,
    )

    def after_epoch(row: dict[str, float]) -> None:
        run.save()
        run_folder.discard_replaced(folder)
        seen.epoch(row, state.best_epoch)

    return trainer.fit(
        run.trainer, run.train, run.validation, after_batch=seen.batch, after_epoch=after_epoch
    )


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
