"""Trains a network on labelled faces, exports it to .tflite and says how good it is.

DATASET=../shared/fer2013 python train.py
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import REQUIRED, setting
from emotion.training.recipe import Recipe

if TYPE_CHECKING:
    from emotion.data.dataset import Dataset
    from emotion.training import trainer


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
        "what to train on: a folder, `.zip` or `.csv`, in any form the README lists",
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
    began = time.monotonic()
    print(f"settings\n{config.summary(settings)}", file=sys.stderr)
    from emotion.data import dataset
    from emotion.training import artefacts

    checkpoint = artefacts.prepare(settings.model_export_path, resume=settings.resume)
    data = dataset.load(
        settings.dataset,
        validation_split=settings.validation_split,
        seed=settings.recipe.seed,
        progress=_count,
    )
    print(dataset.preflight(data), file=sys.stderr, flush=True)
    print(f"computing with {artefacts.back_end()}", file=sys.stderr, flush=True)
    run, why = train(settings, data, checkpoint)
    if not run.progress.epoch:
        print(f"{why} before the first epoch was done: nothing to export", file=sys.stderr)
        return 130
    print(f"{why}; the best epoch was {run.progress.best_epoch}", file=sys.stderr, flush=True)
    about = {
        "settings": config.plain(settings),
        "training": artefacts.training_figures(run, why),
    }
    code = artefacts.deliver(
        run, data, settings.model_export_path, optimise=settings.optimise, about=about, began=began
    )
    if run.progress.interrupted:
        print("the same command goes on with this run", file=sys.stderr)
        return code or 130
    checkpoint.unlink()
    return code


def train(settings: Settings, data: "Dataset", checkpoint: Path) -> "tuple[trainer.Run, str]":
    """Epoch after epoch, with a checkpoint after each; answers with the run and why it ended."""
    from emotion import trained
    from emotion.training import annotator_votes as people
    from emotion.training import distillation, trainer
    from emotion.training.log import Journal

    train, validation = data.splits["train"], data.splits["validation"]
    recipe = settings.recipe
    steps = trainer.steps_in(len(train.images), recipe.batch_size)
    size = train.images.shape[1]
    votes = people.read(settings.annotator_votes, train.names) if settings.annotator_votes else None
    run = trainer.Run(
        recipe,
        classes=len(data.labels),
        size=size,
        steps=steps,
        answers=0 if votes is None else votes.shape[1],
        teachers=distillation.load(settings.teachers, data.labels, size, dtype=recipe.dtype),
    )
    given = [settings.initial_weights] if settings.initial_weights else []
    initial = [trained.load(path, "INITIAL_WEIGHTS") for path in given]
    identity = trainer.identity(train, validation, votes, settings.teachers, given)
    if checkpoint.exists():
        run.resume(checkpoint, identity)
        print(f"going on after epoch {run.progress.epoch} of {recipe.epochs}", file=sys.stderr)
    elif initial:
        known, _, network = initial[0]
        run.begin_with(network, known, data.labels)
    journal = Journal(
        settings.model_export_path, epochs=recipe.epochs, steps=steps, rows=run.progress.rows
    )

    def after_epoch(row: dict[str, float]) -> None:
        run.save(checkpoint, identity)
        journal.epoch(row, run.progress.best_epoch)

    why = trainer.fit(
        run,
        (train.images, train.labels),
        (validation.images, validation.labels),
        votes=votes,
        after_batch=journal.batch,
        after_epoch=after_epoch,
    )
    return run, why


def _count(done: int) -> None:
    """On a terminal, how many pictures are read: a folder of photographs takes minutes."""
    if done % 100 == 0 and sys.stderr.isatty():
        print(f"\r{done:,} pictures read", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
