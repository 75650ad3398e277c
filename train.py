"""Trains a network on labelled faces, exports it to .tflite and says how good it is.

DATASET=fer2013 python train.py
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from emotion.cli import command, stopping
from emotion.cli import settings as config
from emotion.cli.progress import bar, redraw, say
from emotion.cli.settings import REQUIRED, Conflict, setting
from emotion.training.recipe import FEW_IMAGES, Recipe, for_few_images

if TYPE_CHECKING:
    from emotion.training.processes import Processes
    from emotion.training.schedule import Stop
    from emotion.training.start import Run

NOT_SEEN = "not seen"  # the part of the training images that FOLD leaves out, where it is scored


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

    def conflicts(self) -> Iterator[Conflict]:
        """What does not fit together, beside what the recipe says of itself."""
        if self.recipe.initial_weights_share and not self.initial_weights:
            yield (
                ("initial_weights",),
                "must be a file, of which INITIAL_WEIGHTS_SHARE keeps a part",
            )


def main(settings: Settings) -> int:
    """Train, or go on training, then export and report."""
    from emotion.training import processes, run_folder

    folder = settings.model_export_path
    with contextlib.ExitStack() as stack:
        together = stack.enter_context(processes.joined())
        if together.first:
            say(f"settings\n{config.summary(settings)}")
        opened = run_folder.opened(folder, resume=settings.resume)
        together.said_by_first(lambda: str(stack.enter_context(opened)))
        return run_in(folder, folder / run_folder.CHECKPOINT, settings, together)


def run_in(folder: Path, checkpoint: Path, settings: Settings, together: "Processes") -> int:
    """The run in its folder; answers with the exit code.

    Of several processes the first one alone talks, writes and exports.
    """
    began, recipe = time.monotonic(), settings.recipe
    tell: Callable[[str], object] = say if together.first else str
    from emotion.data import annotator_votes, dataset, folds
    from emotion.training import artefacts, back_end, log
    from emotion.training.checkpoint import remove
    from emotion.training.schedule import Reason

    data = dataset.load(
        settings.dataset,
        validation_split=settings.validation_split,
        seed=recipe.seed,
        classes=settings.classes,
        group=settings.group,
        progress=lambda done: (
            None if done % 100 or not together.first else redraw(f"{done:,} pictures read")
        ),
    )
    tell(dataset.preflight(data))
    if recipe.fold:
        learnt, left_out = folds.parted(data.splits["train"], recipe.fold, recipe.folds)
        data = replace(data, splits={**data.splits, "train": learnt, NOT_SEEN: left_out})
        part = f"part {recipe.fold} of {recipe.folds}"
        tell(f"{NOT_SEEN}, as {part}: {len(left_out.names):,} training images")
        if settings.initial_weights:
            tell(
                f"INITIAL_WEIGHTS may have seen them, and are not kept: the scores of `{NOT_SEEN}` "
                "beside those of `validation` show what is left of that"
            )
    settings = suited(settings, len(data.splits["train"].names), tell)
    recipe = settings.recipe
    tell(f"computing with {back_end.words()}")
    from emotion.training import devices, start

    computing, idle = devices.visible(together, recipe.batch_size)
    if idle:
        tell(idle)
    if computing.count > 1:
        of = f" of {together.count} processes" if together.count > 1 else ""
        tell(f"each of {computing.count} devices{of} computes its part of every batch")

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
        devices=computing,
    )
    if run.new_classes:
        new = ", ".join(run.new_classes)
        tell(f"new to INITIAL_WEIGHTS: {new}; the last layer was fitted to the training images")
    if run.train.folds is not None:
        tell("each training image asks a teacher that has not seen it")
    stop = train(run, folder, tell)
    together.leave()
    state, why = run.trainer.state, log.words(stop, learning_rate=recipe.learning_rate)
    if stop.reason is Reason.DIVERGED:
        tell(f"error: {why}")
        return 1
    if not together.first:
        return 130 if stop.reason is Reason.INTERRUPTED else 0
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


def suited(settings: Settings, images: int, tell: Callable[[str], object] = say) -> Settings:
    """The settings, with defaults that suit few training images where other weights begin."""
    if not settings.initial_weights or images > FEW_IMAGES:
        return settings
    recipe, changes = for_few_images(settings.recipe, settings.origins)
    if changes:
        tell(f"defaults for {images:,} training images and INITIAL_WEIGHTS: {changes}")
    return replace(settings, recipe=recipe)


def train(run: "Run", folder: Path, tell: Callable[[str], object]) -> "Stop":
    """Epoch after epoch, with a checkpoint and a line after each; answers with why it ended."""
    from emotion.training import log, run_folder

    recipe, state = run.trainer.recipe, run.trainer.state
    if run.damage:
        tell(run.damage)
    if state.epoch:
        tell(f"going on after epoch {state.epoch} of {recipe.epochs}")
    elif run.began_with:
        tell(f"before the first epoch: {log.scores_words(run.began_with)}")
    together = run.trainer.devices.processes
    if not together.first:
        return _fitted(run, lambda done, loss: None, lambda row: None)
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

    return _fitted(run, seen.batch, after_epoch)


def _fitted(
    run: "Run",
    after_batch: Callable[[int, float], None],
    after_epoch: Callable[[dict[str, float]], None],
) -> "Stop":
    """`trainer.fit`; several processes agree to stop when one of them is asked to."""
    from emotion.training import trainer

    together = run.trainer.devices.processes
    fit = partial(
        trainer.fit,
        run.trainer,
        run.train,
        run.validation,
        after_batch=after_batch,
        after_epoch=after_epoch,
    )
    if together.count == 1:
        return fit()
    with stopping.deferred() as noted:

        def asked() -> str:
            number = together.agreed(noted())
            return stopping.name_of(number) if number else ""

        return fit(asked_to_stop=asked)


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
