"""The epochs: batches in, a trained network out, and a state to go on from after every epoch."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from emotion import model
from emotion.augment import Augment
from emotion.errors import EmotionError
from emotion.evaluation import metrics
from emotion.layers import mirror
from emotion.probabilities import log_softmax
from emotion.training import checkpoint, schedule, step
from emotion.training.ema import WeightAverage
from emotion.training.recipe import Recipe
from emotion.training.schedule import Reason, Stop

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Weights = list[NDArray[np.float32]]


@dataclass(frozen=True)
class Examples:
    """Images (N, size, size), their class numbers (N,) and, where people were asked, votes.

    `votes` (N, answers) are shares that sum to one, or zeros for an image without votes.
    """

    images: Images
    labels: Labels
    votes: NDArray[np.float32] | None = None

    def targets(self, classes: int) -> NDArray[np.float32]:
        """(N, classes + answers): ones at the labels, then the votes."""
        labels = np.eye(classes, dtype=np.float32)[self.labels]
        return labels if self.votes is None else np.concatenate([labels, self.votes], axis=1)


@dataclass
class TrainerState:
    """Where a run stands after its last finished epoch; `best` is a validation score, 0 to 1."""

    epoch: int = 0  # finished ones
    best: float = -1.0
    best_epoch: int = 0  # the weights that the run began with, if they were trained before
    rows: list[dict[str, float]] = field(default_factory=list)


class Trainer:
    """One network in training, with its averaged and its best weights.

    `size` is the side of the images, `steps` the batches in an epoch. `columns` has, where people
    were asked, the column of their answer for each class, and `answers` is how many answers they
    chose from: so many more outputs the network has, which learn their votes beside the labels.
    `teachers` are networks for the same images and classes, as `distillation.load` gives them.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        classes: int,
        size: int,
        steps: int,
        answers: int = 0,
        columns: Sequence[int] = (),
        teachers: Sequence[keras.Model] = (),
    ) -> None:
        keras.utils.set_random_seed(recipe.seed)
        self.recipe, self.size, self.steps = recipe, size, steps
        self.classes, self.answers, self.columns = classes, answers, list(columns)
        self.state = TrainerState()
        build = partial(
            model.build,
            classes + answers,
            width=recipe.width,
            symmetric=recipe.symmetric,
            dropout=recipe.dropout,
        )
        self.network = build(size=None, reduced=recipe.symmetric, dtype=recipe.dtype, fast=True)
        self.ema_model = build(size=size)  # plain layers, for whichever weights are looked at
        self.augment = Augment(seed=recipe.seed, **asdict(schedule.augmentation(recipe, 0)))
        self.step_model = step.compiled(
            recipe, self.network, self.augment, teachers, classes=classes, size=size, steps=steps
        )
        self.average = WeightAverage(self.weights(), half_life=recipe.ema_half_life, steps=steps)
        self.best = self.average.value
        self.loss, self.accuracy = math.nan, math.nan  # of the epoch in progress

    def begin_with(self, weights: Weights) -> None:
        """Take `weights`, in the order and shapes of `weights()`, for the first ones."""
        self.network.set_weights(weights)
        self.average.value = self.best = self.weights()

    def features(self, images: Images) -> NDArray[np.float32]:
        """What the last layer is given for `images` (N, size, size): (N, features)."""
        whole = self._showing(self.weights())
        trunk = keras.Model(whole.inputs[0], whole.layers[-1].input)
        found = model.predict(trunk, images)
        return mirror.pooled(found) if self.recipe.symmetric else found

    def enter_start(self, validation: Examples) -> dict[str, float]:
        """Score the weights that the run begins with: they are the best until an epoch beats them.

        Answers with the scores of `score`.
        """
        scores = self.score(validation)
        self.state.best = _both_readings(scores)
        return scores

    def train(self, examples: Examples, epoch: int) -> Iterator[float]:
        """One epoch, a batch per step of the iterator, which yields the mean loss so far.

        Shuffling and augmentation depend on the seed and the epoch alone, so that a resumed run
        sees what the uninterrupted one would have seen.
        """
        self._prepare(epoch)
        targets, batch_size = examples.targets(self.classes), self.recipe.batch_size
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(targets))
        seen = np.zeros(3)  # images, and the sums over them of the loss and of the right answers
        for number in range(self.steps):
            chosen = order[number * batch_size :][:batch_size]
            self.step_model.reset_metrics()
            logs = self.step_model.train_on_batch(
                examples.images[chosen][..., None], targets[chosen], return_dict=True
            )
            seen += len(chosen) * np.array([1, float(logs["loss"]), float(logs["accuracy"])])
            self.loss, self.accuracy = seen[1:] / seen[0]
            if self.average.due(number):
                self.average.add(self.weights(), epoch * self.steps + number)
            yield self.loss
        self.average.end_epoch(self.weights())

    def score(self, examples: Examples) -> dict[str, float]:
        """How good the averaged weights are: val_loss, val_accuracy and, with votes, val_agreement.

        Loss and accuracy are those of the labels; agreement is that with people's majority, where
        at least half of them chose one of the classes.
        """
        logits = model.predict(self._showing(self.average.value), examples.images)
        classes, labels = logits[:, : self.classes], examples.labels
        right = np.take_along_axis(log_softmax(classes), labels[:, None], axis=1)
        found = {
            "val_loss": float(-right.mean()),
            "val_accuracy": float((classes.argmax(axis=1) == labels).mean()),
        }
        if examples.votes is not None:
            voted = logits[:, self.classes :][:, self.columns]
            clear, majority = metrics.majority(examples.votes[:, self.columns])
            agreed = (voted.argmax(axis=1) == majority)[clear]
            if len(agreed):
                found["val_agreement"] = float(agreed.mean())
        return found

    def finish(self, row: dict[str, float]) -> None:
        """Enter a finished epoch: its row, and whether it is the best so far."""
        state = self.state
        state.rows.append(row)
        state.epoch += 1
        score = _both_readings(row)
        if score > state.best:
            state.best, state.best_epoch, self.best = score, state.epoch, self.average.value

    def stop(self) -> Stop | None:
        """Why no further epoch follows, or None while one does."""
        at = {"epoch": self.state.epoch, "best_epoch": self.state.best_epoch}
        return schedule.stop(self.recipe, self.steps, **at)

    def result(self) -> keras.Model:
        """The network with the best weights, in float32, uncompiled, ready to be saved.

        Its outputs are logits for the classes and then for people's answers.
        """
        return self._showing(self.best)

    def save(self, path: Path, identity: dict[str, Any]) -> None:
        """Everything needed to go on, in one file that is either whole or absent."""
        about = {"identity": identity, "recipe": asdict(self.recipe), **asdict(self.state)}
        checkpoint.save(path, about, self._groups())

    def resume(self, path: Path, identity: dict[str, Any]) -> str:
        """Go on from what `save` left; the answer says what of it was damaged, "" for nothing.

        Raises EmotionError when that was another command: other settings or other data.
        """
        about, groups, damage = checkpoint.load(path, self._groups())
        before = {**about.pop("identity"), **about.pop("recipe")}
        differences = checkpoint.differences(before, {**identity, **asdict(self.recipe)})
        if differences:
            raise EmotionError(
                f"{path.parent} holds an unfinished run with other settings ({differences}): give "
                "them again to go on, RESUME=0 to start anew, or another MODEL_EXPORT_PATH"
            )
        self.network.set_weights(groups["network"])
        self.average.value, self.best = groups["average"], groups["best"]
        variables = self.step_model.optimizer.variables
        for variable, value in zip(variables, groups["optimiser"], strict=True):
            variable.assign(value)
        self.state = TrainerState(**about)
        return damage

    def weights(self) -> Weights:
        """The network's weights now, in copies that may be changed."""
        return [np.array(weights, np.float32) for weights in self.network.get_weights()]

    def _groups(self) -> checkpoint.Groups:
        optimiser = [ops.convert_to_numpy(v) for v in self.step_model.optimizer.variables]
        groups = {"network": self.weights(), "average": self.average.value, "best": self.best}
        return {**groups, "optimiser": optimiser}

    def _showing(self, weights: Weights) -> keras.Model:
        self.ema_model.set_weights(mirror.expanded(weights) if self.recipe.symmetric else weights)
        return self.ema_model

    def _prepare(self, epoch: int) -> None:
        """Set the augmentation and every source of chance as `epoch` wants them."""
        wanted = asdict(schedule.augmentation(self.recipe, epoch))
        if any(getattr(self.augment, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(self.augment, name, value)
            self.step_model.make_train_function(force=True)
        step.seed([self.augment, *self.network.layers], self.recipe.seed, epoch)


def fit(
    trainer: Trainer,
    train: Examples,
    validation: Examples,
    *,
    after_batch: Callable[[int, float], None],
    after_epoch: Callable[[dict[str, float]], None],
) -> Stop:
    """Train until the recipe, Ctrl-C or a loss that is no number ends it, and answer which.

    `after_batch` gets the step and the loss so far; `after_epoch` the epoch's row of numbers.
    The unfinished epoch is dropped; `trainer.result()` is the best finished one.
    """
    try:
        while not (stop := trainer.stop()):
            began, epoch = time.perf_counter(), trainer.state.epoch
            for done, loss in enumerate(trainer.train(train, epoch), start=1):
                if not math.isfinite(loss):
                    return Stop(Reason.DIVERGED, epoch)
                after_batch(done, loss)
            row = _row(trainer, epoch, validation, began)
            if not math.isfinite(row["val_loss"]):
                return Stop(Reason.DIVERGED, epoch)
            trainer.finish(row)
            after_epoch(row)
    except KeyboardInterrupt as signal:
        return Stop(Reason.INTERRUPTED, trainer.state.epoch, str(signal) or "Ctrl-C")
    return stop


def steps_in(images: int, batch_size: int) -> int:
    """Batches in an epoch: the last one may be smaller."""
    return math.ceil(images / batch_size)


def _both_readings(scores: dict[str, float]) -> float:
    """Where people were asked about validation images, both readings count alike."""
    return (scores["val_accuracy"] + scores.get("val_agreement", scores["val_accuracy"])) / 2


def _row(trainer: Trainer, epoch: int, validation: Examples, began: float) -> dict[str, float]:
    rate = ops.convert_to_numpy(trainer.step_model.optimizer.learning_rate)
    return {
        "epoch": epoch + 1,
        "loss": trainer.loss,
        "accuracy": trainer.accuracy,
        **trainer.score(validation),
        "learning_rate": float(rate),
        "seconds": time.perf_counter() - began,
    }
