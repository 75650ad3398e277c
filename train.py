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
from emotion.cli.progress import bar
from emotion.cli.settings import REQUIRED, above, at_least, between, setting

if TYPE_CHECKING:
    from emotion.training.artefacts import Artefacts
    from emotion.training.schedule import Stop
    from emotion.training.start import Run


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
    blur_noise: float = setting(
        0.25, "share of images that are blurred, and share that get noise", check=between(0, 1)
    )
    random_erasing: float = setting(
        0.5, "share of images that lose a rectangle", check=between(0, 1)
    )
    low_augmentation_last: float = setting(
        0.0,
        "part of the epochs, at the end, with 0.4 times `AUGMENT` and `BLUR_NOISE`, without "
        "`RANDOM_ERASING`",
        check=between(0, 1),
    )
    ema_half_life: float = setting(
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
    annotator_votes_weight: float = setting(1.0, "of the votes' loss", check=at_least(0))
    teachers: tuple[Path, ...] = setting(
        (), "`.keras` files whose averaged probabilities to learn beside the labels"
    )
    teachers_weight: float = setting(
        0.7, "of the teachers' loss; the labels' has the rest", check=between(0, 1)
    )
    one_teacher_per_image: bool = setting(
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
    say(f"settings\n{config.summary(settings)}")
    from emotion.data import dataset
    from emotion.training import annotator_votes, artefacts, log, start
    from emotion.training.recipe import Recipe
    from emotion.training.schedule import Reason

    folder, names = settings.model_export_path, [field.name for field in fields(Recipe)]
    recipe = Recipe(**{name: getattr(settings, name) for name in names})
    checkpoint = artefacts.prepare(folder, resume=settings.resume)
    data = dataset.load(
        settings.dataset,
        validation_split=settings.validation_split,
        seed=settings.seed,
        progress=count,
    )
    say(dataset.preflight(data))
    say(f"computing with {artefacts.back_end()}")
    train_names = data.splits["train"].names
    votes = annotator_votes.read(settings.votes, train_names) if settings.votes else None
    run = start.ready(
        recipe,
        data,
        checkpoint,
        votes=votes,
        teachers=settings.teachers,
        initial_weights=settings.initial_weights,
    )
    stop = train(run, folder)
    state, why = run.trainer.state, log.words(stop, learning_rate=recipe.learning_rate)
    if stop.reason is Reason.DIVERGED:
        say(f"error: {why}")
        return 1
    if not state.epoch:
        say(f"{why} before the first epoch was done: nothing to export")
        return 130
    say(f"{why}; the best epoch was {state.best_epoch}")
    values = {name: plain(value) for name, value in asdict(settings).items()}
    about = {"settings": values, "training": artefacts.training_figures(state, stop)}
    left = artefacts.save(
        run.trainer,
        data,
        folder,
        optimise=settings.optimise,
        about=about,
        began=began,
        votes=votes,
    )
    code = tell(left, folder)
    if stop.reason is Reason.INTERRUPTED:
        say("the same command goes on with this run")
        return code or 130
    checkpoint.unlink()
    return code


def train(run: "Run", folder: Path) -> "Stop":
    """Epoch after epoch, with a checkpoint and a line after each; answers with why it ended."""
    from emotion.training import log, trainer

    state = run.trainer.state
    if state.epoch:
        say(f"going on after epoch {state.epoch} of {run.trainer.recipe.epochs}")
    seen = log.TrainingLog(
        folder,
        epochs=run.trainer.recipe.epochs,
        steps=run.trainer.steps,
        rows=state.rows,
        notify=say,
        redraw=redraw if sys.stderr.isatty() else None,
        bar=bar,
    )

    def after_epoch(row: dict[str, float]) -> None:
        run.save()
        seen.epoch(row, state.best_epoch)

    return trainer.fit(
        run.trainer, run.train, run.validation, after_batch=seen.batch, after_epoch=after_epoch
    )


def tell(left: "Artefacts", folder: Path) -> int:
    """The result in short, with the next command to type; answers with the exit code."""
    print(left.table)
    for path in left.files:
        say(f"wrote {path}")
    if left.exported:
        print(f"next: DEVICE_ID=0 MODEL_PATH={folder / 'emotion.tflite'} python recognition.py")
    else:
        print(
            f"next, where TensorFlow is installed: MODEL_PATH={folder / 'emotion.keras'} "
            "DATASET=... python -m emotion.export"
        )
    if left.complaint:
        say(left.complaint)
    return 1 if left.complaint else 0


def say(text: str) -> None:
    """A line of talk; on a terminal it covers the bar."""
    print(f"{text:<89}" if sys.stderr.isatty() else text, file=sys.stderr, flush=True)


def redraw(text: str) -> None:
    """A line that the next one replaces."""
    print(f"\r{text:<89}", end="\r", file=sys.stderr, flush=True)


def count(done: int) -> None:
    """On a terminal, how many pictures are read: a folder of photographs takes minutes."""
    if done % 100 == 0 and sys.stderr.isatty():
        redraw(f"{done:,} pictures read")


def plain(value: Any) -> Any:
    """A setting's value as JSON can hold it."""
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
