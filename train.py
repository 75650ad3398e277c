"""Trains a network on labelled faces, exports it to .tflite and says how good it is.

DATASET=../shared/fer2013 python train.py
"""

import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import REQUIRED, above, at_least, between, setting
from emotion.errors import EmotionError

if TYPE_CHECKING:
    from emotion.data.dataset import Dataset
    from emotion.training import trainer


@dataclass(frozen=True)
class Settings:
    """What to train on, how, and where the result goes."""

    dataset: Path = setting(
        REQUIRED, "what to train on: a folder, `.zip` or `.csv`, in any form the README lists"
    )
    model_export_path: Path = setting(Path("export"), "folder that receives the run")
    optimise: bool = setting(True, "1: full-integer int8 `.tflite`; 0: float32 `.tflite`")
    epochs: int = setting(
        200, "most passes over the training images; also the schedule's length", check=at_least(1)
    )
    patience: int | None = setting(
        None,
        "epochs without a better validation score before stopping, 0 for never; none: 5, counted "
        "once the rate is below a tenth of its highest",
        check=at_least(0),
        aliases=("patience",),
    )
    batch_size: int = setting(128, "images in a batch", check=at_least(2))
    learning_rate: float = setting(0.1, "highest rate, after the warm-up", check=above(0))
    weight_decay: float = setting(0.005, "decoupled, on kernels only", check=at_least(0))
    label_smoothing: float = setting(0.1, "share spread over all classes", check=between(0, 0.9))
    augment: float = setting(1.0, "strength of the augmentation, 0 for none", check=between(0, 2))
    degrade: float = setting(
        0.25, "share of images that are blurred, and share that get noise", check=between(0, 1)
    )
    erase: float = setting(0.5, "share of images that lose a rectangle", check=between(0, 1))
    mixup: float = setting(
        0.0, "mixes each image with another, 0.2 a little, 1 much, 0 not at all", check=at_least(0)
    )
    small_first: float = setting(
        0.0, "part of the epochs that see images at two thirds of the side", check=between(0, 1)
    )
    gentle_last: float = setting(
        0.0,
        "part of the epochs, at the end, with 0.4 times `AUGMENT` and `DEGRADE`, without `ERASE` "
        "and `MIXUP`",
        check=between(0, 1),
    )
    average: float = setting(
        1.0, "half-life of the averaged weights in epochs, 0 for none", check=at_least(0)
    )
    initial_weights: Path | None = setting(
        None, "`.keras` file whose weights to begin with", check=config.ending(".keras")
    )
    votes: Path | None = setting(
        None,
        "`.csv` of what people answered about each training image, to learn beside the labels",
        check=config.ending(".csv"),
    )
    votes_weight: float = setting(1.0, "of the votes' loss", check=at_least(0))
    teachers: tuple[Path, ...] = setting(
        (), "`.keras` files whose averaged probabilities to learn beside the labels"
    )
    teachers_weight: float = setting(
        0.7, "of the teachers' loss; the labels' has the rest", check=between(0, 1)
    )
    teachers_in_turn: bool = setting(
        False, "1: each image asks one of the teachers, so that several cost little more than one"
    )
    temperature: float = setting(2.0, "evens out the teachers' probabilities", check=above(0))
    width: int = setting(32, "channels of the first stage", check=at_least(4))
    symmetric: bool = setting(
        True, "1: a network that says the same of a face and of its mirror image"
    )
    dropout: float = setting(0.3, "before the last layer", check=between(0, 0.9))
    mixed_precision: bool = setting(False, "1: bfloat16 arithmetic, for back ends that gain by it")
    validation_split: float = setting(
        0.1, "part split off where the data has no split", check=between(0.01, 0.33)
    )
    seed: int = setting(0, "of the split, the weights and the augmentation", check=at_least(0))
    resume: bool = setting(
        True, "1: go on with an unfinished run; 0: replace what the folder holds"
    )


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
        seed=settings.seed,
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
        "settings": {name: _plain(value) for name, value in asdict(settings).items()},
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
    names = [field.name for field in fields(trainer.Recipe)]
    recipe = trainer.Recipe(**{name: getattr(settings, name) for name in names})
    steps = trainer.steps_in(len(train.images), recipe.batch_size)
    size = train.images.shape[1]
    if settings.teachers and settings.small_first:
        raise EmotionError(
            "TEACHERS take images of one size only: give SMALL_FIRST=0 with them, not "
            f"{settings.small_first:g}"
        )
    if settings.symmetric and settings.width % 2:
        raise EmotionError(
            f"SYMMETRIC=1 needs an even WIDTH, not {settings.width}: give another, or SYMMETRIC=0"
        )
    votes = people.read(settings.votes, train.names) if settings.votes else None
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
        (train.images, train.targets),
        (validation.images, validation.targets),
        votes=votes,
        after_batch=journal.batch,
        after_epoch=after_epoch,
    )
    return run, why


def _count(done: int) -> None:
    """On a terminal, how many pictures are read: a folder of photographs takes minutes."""
    if done % 100 == 0 and sys.stderr.isatty():
        print(f"\r{done:,} pictures read", end="\r", file=sys.stderr, flush=True)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
