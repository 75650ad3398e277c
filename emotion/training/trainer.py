"""The epochs: batches in, a trained network out, and a state to go on from after every epoch."""

import json
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
from emotion.training.devices import ONE, Devices
from emotion.training.distillation import Teachers
from emotion.training.ema import WeightAverage
from emotion.training.jax_step import JaxStep
from emotion.training.recipe import Recipe
from emotion.training.schedule import Reason, Stop

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Weights = list[NDArray[np.float32]]

NO_TEACHERS = Teachers()
AHEAD = 8  # steps that JAX may be given before the loss of the first one is asked for


@dataclass(frozen=True)
class Examples:
    """Images (N, size, size), their class numbers (N,) and, where people were asked, votes.

    `votes` (N, answers) are shares that sum to one, or zeros for an image without votes. `folds`
    (N,) has the part of each image, where each part has a teacher that has not seen it.
    """

    images: Images
    labels: Labels
    votes: NDArray[np.float32] | None = None
    folds: Labels | None = None

    def targets(self, classes: int) -> NDArray[np.float32]:
        """(N, classes + answers): ones at the labels, then the votes."""
        labels = np.eye(classes, dtype=np.float32)[self.labels]
        return labels if self.votes is None else np.concatenate([labels, self.votes], axis=1)

    def shuffled(self, *seed: int) -> Labels:
        """The images' numbers in an order that `seed` decides.

        Where there are parts, they take turns: image i is one of part i % parts, as is each i-th of
        a batch. What a part has more than the smallest is then left out, another time others.
        """
        order = np.random.default_rng(seed).permutation(len(self.labels))
        if self.folds is None:
            return order
        of = self.folds[order]
        parts = [order[of == fold] for fold in range(self.folds.max() + 1)]
        return np.stack([part[: min(map(len, parts))] for part in parts], axis=1).ravel()


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
    `teachers` are networks for the same images, classes and answers. Where there are several
    `devices`, all were built within their scope.
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
        teachers: Teachers = NO_TEACHERS,
        devices: Devices = ONE,
    ) -> None:
        keras.utils.set_random_seed(recipe.seed)
        self.recipe, self.size, self.steps, self.devices = recipe, size, steps, devices
        self.classes, self.answers, self.columns = classes, answers, list(columns)
        self.state = TrainerState()
        self._build = partial(
            model.build,
            classes + answers,
            width=recipe.width,
            symmetric=recipe.symmetric,
            full_size=recipe.full_size,
            dropout=recipe.dropout,
        )
        with devices.scope():
            self._build_all(teachers)
        self.average = WeightAverage(self.weights(), half_life=recipe.ema_half_life, steps=steps)
        self.initial = self.best = self.average.value
        self.loss, self.accuracy = math.nan, math.nan  # of the epoch in progress

    def _build_all(self, teachers: Teachers) -> None:
        recipe, classes = self.recipe, self.classes
        self.network = self._build(
            size=None, reduced=recipe.symmetric, dtype=recipe.dtype, fast=True
        )
        self.ema_model = self._build(size=self.size)  # plain layers, for whichever weights
        self.augment = Augment(seed=recipe.seed, **asdict(schedule.augmentation(recipe, 0)))
        self.step_model = step.compiled(
            recipe,
            self.network,
            self.augment,
            teachers,
            classes=classes,
            size=self.size,
            steps=self.steps,
        )
        right = partial(step.right, classes=classes)
        self.jax_step = (
            JaxStep(self.step_model, self.step_model.loss, right, self.devices)
            if keras.backend.backend() == "jax"
            else None
        )

    def begin_with(self, weights: Weights) -> None:
        """Take `weights`, in the order and shapes of `weights()`, for the first ones."""
        self.network.set_weights(self.devices.processes.shared(weights))
        self.average.value = self.best = self.initial = self.weights()

    def features(self, images: Images) -> NDArray[np.float32]:
        """What the last layer is given for `images` (N, size, size): (N, features)."""
        whole = self._alone(self.weights())
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
        order = examples.shuffled(self.recipe.seed, epoch)
        seen = np.zeros(3)  # images, and the sums over them of the loss and of the right answers
        ahead: list[tuple[int, Any, Any]] = []  # batches whose results may not be there yet
        for number in range(self.steps):
            chosen = order[number * batch_size :][:batch_size]
            found = self._learn(examples.images[chosen][..., None], targets[chosen])
            ahead.append((len(chosen), *found))
            last = number + 1 == self.steps
            if not self.jax_step or number % AHEAD == 0 or last:
                for images, loss, accuracy in ahead:
                    seen += images * np.array([1, float(loss), float(accuracy)])
                self.loss, self.accuracy = seen[1:] / seen[0]
                ahead.clear()
            due = self.average.due(number)
            if self.jax_step and (due or last):
                self.jax_step.settle()
            if due:
                self.average.add(self.weights(), epoch * self.steps + number)
            yield self.loss
        self.average.end_epoch(self.weights())

    def score(self, examples: Examples) -> dict[str, float]:
        """How good the kept weights are: val_loss, val_accuracy and, with votes, val_agreement.

        Loss and accuracy are those of the labels; agreement is that with people's majority, where
        at least half of them chose one of the classes.
        """
        network = self._showing(self._kept())
        logits = self.devices.predict(network, examples.images)
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
            state.best, state.best_epoch, self.best = score, state.epoch, self._kept()

    def stop(self) -> Stop | None:
        """Why no further epoch follows, or None while one does."""
        at = {"epoch": self.state.epoch, "best_epoch": self.state.best_epoch}
        return schedule.stop(self.recipe, self.steps, **at)

    def result(self) -> keras.Model:
        """The network with the best weights, in float32, uncompiled, ready to be saved.

        Its outputs are logits for the classes and then for people's answers.
        """
        return self._alone(self.best)

    def save(self, path: Path, identity: dict[str, Any]) -> None:
        """Everything needed to go on, in one file that is either whole or absent."""
        about = {"identity": identity, "recipe": asdict(self.recipe), **asdict(self.state)}
        checkpoint.save(path, about, self._groups())

    def resume(self, path: Path, identity: dict[str, Any]) -> str:
        """Go on from what `save` left; the answer says what of it was damaged, "" for nothing.

        Raises EmotionError when that was another command: other settings or other data.
        """
        groups = self._groups()

        def read() -> str:
            nonlocal groups
            about, groups, damage = checkpoint.load(path, groups)
            before = {**about.pop("identity"), **about.pop("recipe")}
            differences = checkpoint.differences(before, {**identity, **asdict(self.recipe)})
            if differences:
                raise EmotionError(
                    f"{path.parent} holds an unfinished run with other settings ({differences}): "
                    "give them again to go on, RESUME=0 to start anew, or another MODEL_EXPORT_PATH"
                )
            return json.dumps([about, damage])

        processes = self.devices.processes
        about, damage = json.loads(processes.said_by_first(read))
        groups = {name: processes.shared(arrays) for name, arrays in groups.items()}
        self.network.set_weights(groups["network"])
        self.average.value, self.best = groups["average"], groups["best"]
        self.initial = groups.get("initial", self.initial)
        variables = self.step_model.optimizer.variables
        for variable, value in zip(variables, groups["optimiser"], strict=True):
            variable.assign(value)
        self.state = TrainerState(**about)
        return damage

    def weights(self) -> Weights:
        """The network's weights now, in copies that may be changed."""
        return [np.array(weights, np.float32) for weights in self.network.get_weights()]

    def _learn(self, images: Images, targets: NDArray[np.float32]) -> tuple[Any, Any]:
        """A training step; answers with the batch's mean loss and its share of right answers."""
        if self.jax_step:
            return self.jax_step(images, targets)
        self.step_model.reset_metrics()
        logs = self.step_model.train_on_batch(images, targets, return_dict=True)
        return logs["loss"], logs["accuracy"]

    def _groups(self) -> checkpoint.Groups:
        optimiser = [ops.convert_to_numpy(v) for v in self.step_model.optimizer.variables]
        groups = {"network": self.weights(), "average": self.average.value, "best": self.best}
        if self.recipe.initial_weights_share:
            groups["initial"] = self.initial
        return {**groups, "optimiser": optimiser}

    def _kept(self) -> Weights:
        """The averaged weights, on the way back to the first ones as far as the recipe says.

        Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv:2109.01903.
        """
        share = self.recipe.initial_weights_share
        if not share:
            return self.average.value
        pairs = zip(self.initial, self.average.value, strict=True)
        return [share * first + (1 - share) * now for first, now in pairs]

    def _showing(self, weights: Weights) -> keras.Model:
        return self._given(self.ema_model, weights)

    def _alone(self, weights: Weights) -> keras.Model:
        """The same as a network of this process and one device."""
        one = self.devices.count == 1
        return self._given(self.ema_model if one else self._build(size=self.size), weights)

    def _given(self, network: keras.Model, weights: Weights) -> keras.Model:
        network.set_weights(mirror.expanded(weights) if self.recipe.symmetric else weights)
        return network

    def _prepare(self, epoch: int) -> None:
        """Set the augmentation and every source of chance as `epoch` wants them."""
        wanted = asdict(schedule.augmentation(self.recipe, epoch))
        if self.augment.change(**wanted):
            self.step_model.make_train_function(force=True)
            if self.jax_step:
                self.jax_step.trace()
        step.seed([self.augment, *self.network.layers], self.recipe.seed, epoch)


def fit(
    trainer: Trainer,
    train: Examples,
    validation: Examples,
    *,
    after_batch: Callable[[int, float], None],
    after_epoch: Callable[[dict[str, float]], None],
    asked_to_stop: Callable[[], str] = str,
) -> Stop:
    """Train until the recipe, Ctrl-C or a loss that is no number ends it, and answer which.

    `after_batch` gets the step and the loss so far; `after_epoch` the epoch's row of numbers.
    `asked_to_stop` is asked now and then and answers with a signal's name, where none is raised.
    The unfinished epoch is dropped; `trainer.result()` is the best finished one.
    """
    try:
        while not (stop := trainer.stop()):
            began, epoch = time.perf_counter(), trainer.state.epoch
            for done, loss in enumerate(trainer.train(train, epoch), start=1):
                if not math.isfinite(loss):
                    return Stop(Reason.DIVERGED, epoch)
                after_batch(done, loss)
                if done % AHEAD == 0 and (by := asked_to_stop()):
                    return Stop(Reason.INTERRUPTED, epoch, by)
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
