"""The epochs: batches in, a trained network out, and a file to go on from after every epoch."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import KerasTensor
from numpy.typing import NDArray

from emotion import model, trained
from emotion.augment import Augment
from emotion.errors import EmotionError
from emotion.layers import mirror
from emotion.training import distillation as teaching

if TYPE_CHECKING:
    from emotion.data.dataset import Split

PATIENCE = 5  # where none is asked for, and only once the rate is low
LOW_RATE = 0.1  # of the highest
GENTLE = 0.4  # of the augmentation, in the last epochs
AVERAGE_EVERY = 8  # steps between two additions to the averaged weights
EVALUATION_BATCH = 512

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Recipe:
    """How to train: what decides the result, and so what a resumed run must have in common."""

    epochs: int
    patience: int | None  # epochs without a better score before stopping; 0 trains to the end
    batch_size: int
    learning_rate: float
    weight_decay: float  # decoupled, so ten times the L2 factor at momentum 0.9
    label_smoothing: float
    average: float  # half-life of the averaged weights, in epochs; 0 keeps the last weights
    augment: float  # strength
    degrade: float  # share of images that are blurred, and share that get noise
    erase: float  # share of images that lose a rectangle
    mixup: float  # both parameters of the beta distribution that mixes two images; 0 for none
    small_first: float  # part of the epochs that see images at two thirds of the side
    gentle_last: float  # part of the epochs whose augmentation is weaker
    votes_weight: float  # of the votes' loss beside the labels'
    teachers_weight: float  # of the teachers' probabilities; the labels have the rest
    teachers_in_turn: bool  # one teacher for each image, and not the mean of all
    temperature: float  # that evens out the teachers' probabilities
    width: int
    symmetric: bool  # whether the network says the same of a mirror image by its build
    dropout: float
    mixed_precision: bool
    seed: int

    @property
    def dtype(self) -> str:
        """Keras' dtype policy for what is computed in training."""
        return "mixed_bfloat16" if self.mixed_precision else "float32"


@dataclass
class Progress:
    """Where a run stands after its last finished epoch."""

    epoch: int = 0  # finished ones
    best: float = -1.0  # validation accuracy
    best_epoch: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)
    interrupted: bool = False


class Run:
    """One network in training, with its averaged and its best weights.

    `size` is the side of the images, `steps` the batches in an epoch, `answers` how many answers
    people chose from where their votes are learnt beside the labels: so many more outputs the
    network has in training, and not in `result`. `teachers` are networks for the same images and
    classes, as `teachers.load` gives them.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        classes: int,
        size: int,
        steps: int,
        answers: int = 0,
        teachers: Sequence[keras.Model] = (),
    ) -> None:
        keras.utils.set_random_seed(recipe.seed)
        self.recipe, self.size, self.steps = recipe, size, steps
        self.classes, self.answers, self.teachers = classes, answers, teachers
        self.progress = Progress()
        self.gentle_from = recipe.epochs - round(recipe.epochs * recipe.gentle_last)
        build = partial(
            model.build,
            width=recipe.width,
            symmetric=recipe.symmetric,
            dropout=recipe.dropout,
        )
        self.network = build(
            classes + answers, size=None, half=recipe.symmetric, dtype=recipe.dtype, fast=True
        )
        self.shadow = build(classes, size=size)  # holds whichever weights are to be scored
        self.augment = Augment(
            size=size,
            strength=recipe.augment,
            degrade=recipe.degrade,
            erase=recipe.erase,
            seed=recipe.seed,
        )
        self.trainer = self._compiled(size)
        self.averaged = self._weights()
        self.best = self.averaged
        self.loss, self.accuracy = math.nan, math.nan  # of the epoch in progress, while training

    def begin_with(
        self, network: keras.Model, known: tuple[str, ...], names: tuple[str, ...]
    ) -> None:
        """Take the weights of `network`, which train.py saved and which knows the classes `known`.

        Of its last layer only those for the run's classes, `names`; what it does not know, and the
        outputs for votes, keep the weights that they have. Raises EmotionError for a network of
        another shape.
        """
        weights, mine = network.get_weights(), self.shadow.get_weights()
        shapes, wanted = ([weight.shape for weight in group[:-2]] for group in (weights, mine))
        symmetric = self.recipe.symmetric
        if shapes != wanted or (symmetric and not mirror.symmetric(weights)):
            width = shapes[0][-1]
            raise EmotionError(
                f"INITIAL_WEIGHTS is {width} channels wide, the network to train "
                f"{self.recipe.width}: give WIDTH={width}"
                if width != self.recipe.width
                else "INITIAL_WEIGHTS is another network than train.py makes with "
                f"SYMMETRIC={symmetric:d}: give SYMMETRIC={not symmetric:d}, or train it anew"
            )
        *given, given_kernel, given_bias = mirror.half(weights) if symmetric else weights
        *_, kernel, bias = self._weights()
        for index, name in enumerate(names):
            if name in known:
                kernel[:, index] = given_kernel[:, known.index(name)]
                bias[index] = given_bias[known.index(name)]
        self.network.set_weights([*given, kernel, bias])
        self.averaged = self._weights()
        self.best = self.averaged

    def train(self, images: Images, targets: NDArray[np.float32], epoch: int) -> Iterator[float]:
        """One epoch, a batch per step of the iterator, which yields the mean loss so far.

        `targets` (N, classes + answers): ones at the labels, then the share of votes for each
        answer; a row of zeros for an image without votes.
        Shuffling and augmentation depend on the seed and the epoch alone, so that a resumed run
        sees what the uninterrupted one would have seen.
        """
        self._prepare(epoch)
        rng = np.random.default_rng([self.recipe.seed, epoch])
        order = rng.permutation(len(images))
        seen = np.zeros(3)  # images, and the sums over them of the loss and of the right answers
        for step in range(self.steps):
            chosen = order[step * self.recipe.batch_size :][: self.recipe.batch_size]
            self.trainer.reset_metrics()
            batch = images[chosen][..., None], targets[chosen]
            if self.recipe.mixup and epoch < self.gentle_from:
                batch = mixed(*batch, self.recipe.mixup, rng)
            logs = self.trainer.train_on_batch(*batch, return_dict=True)
            seen += len(chosen) * np.array([1, float(logs["loss"]), float(logs["accuracy"])])
            self.loss, self.accuracy = seen[1:] / seen[0]
            if self.recipe.average and step % AVERAGE_EVERY == 0:
                self._add_to_average(epoch * self.steps + step)
            yield self.loss
        if not self.recipe.average:
            self.averaged = self._weights()

    def score(self, images: Images, labels: Labels) -> tuple[float, float]:
        """Cross-entropy and accuracy of the averaged weights at full image size."""
        self._show(self.averaged)
        logits = predict(self.shadow, images)
        logits = logits - logits.max(axis=1, keepdims=True)
        chosen = np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
        loss = np.log(np.exp(logits).sum(axis=1)) - chosen
        return float(loss.mean()), float((logits.argmax(axis=1) == labels).mean())

    def finish(self, row: dict[str, float]) -> None:
        """Enter a finished epoch: its row, and whether it is the best so far."""
        progress = self.progress
        progress.rows.append(row)
        progress.epoch += 1
        if row["val_accuracy"] > progress.best:
            progress.best, progress.best_epoch = row["val_accuracy"], progress.epoch
            self.best = self.averaged

    def finished(self) -> str:
        """Why no further epoch follows; "" while one does."""
        recipe, progress = self.recipe, self.progress
        if progress.epoch >= recipe.epochs:
            return f"all {recipe.epochs} epochs done"
        # A short patience must not end a run before the low rates, which bring most of the gain,
        # nor before the weaker augmentation.
        waited = max(self.low_from, self.gentle_from if recipe.gentle_last else 0)
        since = waited if recipe.patience is None else 0
        flat = progress.epoch - max(progress.best_epoch, since)
        patience = PATIENCE if recipe.patience is None else recipe.patience
        if patience and flat >= patience:
            return f"no better validation accuracy for {flat} epochs"
        return ""

    def result(self) -> keras.Model:
        """The network with the best weights, in float32, uncompiled, ready to be saved."""
        self._show(self.best)
        return self.shadow

    def save(self, path: Path, identity: dict[str, Any]) -> None:
        """Everything needed to go on, in one file that is either whole or absent."""
        about = {"identity": identity, "recipe": asdict(self.recipe), **asdict(self.progress)}
        arrays: dict[str, Any] = {
            f"{part}{index}": array
            for part, group in self._groups().items()
            for index, array in enumerate(group)
        }
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as file:
            np.savez(file, about=json.dumps(about), **arrays)
        temporary.replace(path)

    def resume(self, path: Path, identity: dict[str, Any]) -> None:
        """Go on from what `save` left.

        Raises EmotionError when that was another command: other settings or other data.
        """
        try:
            with np.load(path) as file:
                stored = {name: file[name] for name in file.files}
            about = json.loads(str(stored.pop("about")))
        except (OSError, ValueError, KeyError) as error:
            raise EmotionError(f"{path} cannot be read ({error}): RESUME=0 starts anew") from error
        differences = _differences(
            {**about.pop("identity"), **about.pop("recipe")}, {**identity, **asdict(self.recipe)}
        )
        if differences:
            raise EmotionError(
                f"{path.parent} holds an unfinished run with other settings ({differences}): give "
                "them again to go on, RESUME=0 to start anew, or another MODEL_EXPORT_PATH"
            )
        self._restore(stored)
        self.progress = Progress(**about)

    def _show(self, weights: list[NDArray[np.float32]]) -> None:
        """Put `weights` into the shadow, without the outputs that learn from votes."""
        *rest, kernel, bias = weights
        weights = [*rest, kernel[:, : self.classes], bias[: self.classes]]
        self.shadow.set_weights(mirror.whole(weights) if self.recipe.symmetric else weights)

    def _low_from(self, schedule: keras.optimizers.schedules.LearningRateSchedule) -> int:
        """How many epochs are done when the rate becomes low."""
        limit = LOW_RATE * self.recipe.learning_rate
        for epoch in range(self.recipe.epochs // 2, self.recipe.epochs):
            if float(keras.ops.convert_to_numpy(schedule(epoch * self.steps))) <= limit:
                return epoch
        return self.recipe.epochs

    def _compiled(self, size: int) -> keras.Model:
        inputs = keras.Input((size, size, 1), dtype="uint8")
        recipe = self.recipe
        images = self.augment(inputs)
        outputs = self.network(images)
        if self.teachers:
            lesson = teaching.Lesson(
                self.teachers,
                temperature=recipe.temperature,
                in_turn=recipe.teachers_in_turn,
                mirrored=bool(recipe.augment),  # which mirrors the images, too
            )
            outputs = keras.ops.concatenate([outputs, lesson(images)], axis=1)
        trainer = keras.Model(inputs, outputs)
        total = recipe.epochs * self.steps
        warm = min(max(self.steps, total // 20), total // 2)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warm else recipe.learning_rate,
            decay_steps=max(total - warm, 1),
            warmup_target=recipe.learning_rate if warm else None,
            warmup_steps=warm,
        )
        self.low_from = self._low_from(rate)
        optimiser = keras.optimizers.SGD(
            rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay, global_clipnorm=5.0
        )
        optimiser.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        # XLA measured half as fast with TensorFlow on a CPU; JAX is nothing without it.
        jit = keras.backend.backend() == "jax"
        accuracy = keras.metrics.MeanMetricWrapper(self._right, name="accuracy")
        trainer.compile(optimiser, self._loss, metrics=[accuracy], jit_compile=jit)
        optimiser.build(trainer.trainable_variables)
        return trainer

    def _loss(self, targets: KerasTensor, outputs: KerasTensor) -> KerasTensor:
        """The loss of each image (batch,): with its label, what teachers say of it, and its votes.

        `outputs` are the network's logits for the classes and for the votes' answers, then the
        teachers' probabilities for the classes.
        """
        recipe, ops, smooth = self.recipe, keras.ops, self.recipe.label_smoothing
        logits, voted, taught = ops.split(outputs, [self.classes, self.classes + self.answers], 1)
        labels, votes = targets[:, : self.classes], targets[:, self.classes :]
        labels = labels * (1 - smooth) + smooth / self.classes
        loss = -ops.sum(labels * ops.log_softmax(logits), axis=1)
        if self.teachers:
            softened = ops.log_softmax(logits / recipe.temperature)
            lesson = -ops.sum(taught * softened, axis=1) * recipe.temperature**2
            loss = (1 - recipe.teachers_weight) * loss + recipe.teachers_weight * lesson
        if self.answers:
            loss = loss - recipe.votes_weight * ops.sum(votes * ops.log_softmax(voted), axis=1)
        return loss

    def _right(self, targets: KerasTensor, outputs: KerasTensor) -> KerasTensor:
        labels, logits = targets[:, : self.classes], outputs[:, : self.classes]
        return keras.metrics.categorical_accuracy(labels, logits)

    def _prepare(self, epoch: int) -> None:
        recipe, augment = self.recipe, self.augment
        small = epoch < round(recipe.epochs * recipe.small_first)
        gentle = epoch >= self.gentle_from
        part = GENTLE if gentle else 1.0
        wanted = {
            "size": self.size * 2 // 3 if small else self.size,
            "strength": part * recipe.augment,
            "degrade": part * recipe.degrade,
            "erase": 0.0 if gentle else recipe.erase,
        }
        if any(getattr(augment, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(augment, name, value)
            self.trainer.make_train_function(force=True)
        if keras.backend.backend() == "torch":  # its dropout draws from the global generator
            seed = np.random.SeedSequence([recipe.seed, epoch]).generate_state(1)
            keras.utils.set_random_seed(int(seed[0]))
        for number, generator in enumerate(self._generators()):
            seed = np.random.SeedSequence([recipe.seed, epoch, number]).generate_state(2)
            generator.state.assign(seed.astype("uint32"))

    def _generators(self) -> list[keras.random.SeedGenerator]:
        found = [self.augment.seed_generator]
        return found + [layer.seed_generator for layer in self.network.layers if _draws(layer)]

    def _weights(self) -> list[NDArray[np.float32]]:
        """The network's weights now, in copies that may be changed."""
        return [np.array(weights, np.float32) for weights in self.network.get_weights()]

    def _add_to_average(self, step: int) -> None:
        keep = 0.5 ** (AVERAGE_EVERY / (self.recipe.average * self.steps))
        keep = min(keep, (1 + step) / (10 * AVERAGE_EVERY + step))  # forget the first steps fast
        self.averaged = [
            old + (1 - keep) * (new - old)
            for old, new in zip(self.averaged, self._weights(), strict=True)
        ]

    def _groups(self) -> dict[str, list[NDArray]]:
        optimiser = [keras.ops.convert_to_numpy(v) for v in self.trainer.optimizer.variables]
        return {
            "network": self._weights(),
            "averaged": self.averaged,
            "best": self.best,
            "optimiser": optimiser,
        }

    def _restore(self, stored: dict[str, NDArray]) -> None:
        groups = {
            part: [stored[f"{part}{index}"] for index in range(len(group))]
            for part, group in self._groups().items()
        }
        self.network.set_weights(groups["network"])
        self.averaged, self.best = groups["averaged"], groups["best"]
        for variable, value in zip(
            self.trainer.optimizer.variables, groups["optimiser"], strict=True
        ):
            variable.assign(value)


def mixed(
    images: Images, targets: NDArray[np.float32], mixup: float, rng: np.random.Generator
) -> tuple[Images, NDArray[np.float32]]:
    """Each image (N, size, size, 1) and its target with some part of another's in the batch.

    The parts are drawn from a beta distribution with both parameters `mixup`; the larger one stays
    the image's own. Zhang et al. 2018, arXiv:1710.09412.
    """
    own = rng.beta(mixup, mixup, len(images)).astype(np.float32)
    own = np.maximum(own, 1 - own)
    other = rng.permutation(len(images))
    across = own[:, None, None, None]
    pixels = np.rint(images * across + images[other] * (1 - across)).astype(np.uint8)
    across = own[:, None]
    return pixels, targets * across + targets[other] * (1 - across)


def predict(network: keras.Model, images: Images) -> NDArray[np.float32]:
    """Logits (N, classes) for `images` (N, size, size), in batches, without Keras' predict loop.

    Under TensorFlow that loop can idle for seconds at its end.
    """
    parts = [
        keras.ops.convert_to_numpy(
            network.predict_on_batch(images[start:][:EVALUATION_BATCH, ..., None])
        )
        for start in range(0, len(images), EVALUATION_BATCH)
    ]
    return np.concatenate(parts).astype(np.float32)


def fit(
    run: Run,
    train: tuple[Images, Labels],
    validation: tuple[Images, Labels],
    *,
    votes: NDArray[np.float32] | None = None,
    after_batch: Callable[[int, float], None],
    after_epoch: Callable[[dict[str, float]], None],
) -> str:
    """Train until the recipe ends it or Ctrl-C does, and answer which.

    `votes` (N, answers) go with the training images, as `votes.read` makes them.
    `after_batch` gets the step and the loss so far; `after_epoch` the epoch's row of numbers.
    After Ctrl-C the unfinished epoch is dropped; `run.result()` is the best finished one.
    """
    targets = np.eye(run.classes, dtype=np.float32)[train[1]]
    if votes is not None:
        targets = np.concatenate([targets, votes], axis=1)
    try:
        while not (why := run.finished()):
            began, epoch = time.perf_counter(), run.progress.epoch
            for step, loss in enumerate(run.train(train[0], targets, epoch)):
                after_batch(step + 1, loss)
            row = _row(run, epoch, validation, began)
            run.finish(row)
            after_epoch(row)
    except KeyboardInterrupt:
        run.progress.interrupted = True
        return "stopped by Ctrl-C"
    return why


def _row(run: Run, epoch: int, validation: tuple[Images, Labels], began: float) -> dict[str, float]:
    loss, accuracy = run.score(*validation)
    return {
        "epoch": epoch + 1,
        "loss": run.loss,
        "accuracy": run.accuracy,
        "val_loss": loss,
        "val_accuracy": accuracy,
        "learning_rate": float(keras.ops.convert_to_numpy(run.trainer.optimizer.learning_rate)),
        "seconds": time.perf_counter() - began,
    }


def identity(
    train: "Split",
    validation: "Split",
    votes: NDArray[np.float32] | None = None,
    teachers: Sequence[Path] = (),
    initial_weights: Sequence[Path] = (),
) -> dict[str, str]:
    """What tells one set of data from another: hashes over pixels, labels and votes, and files.

    `votes` as in `fit`; `teachers` and `initial_weights` are the files of trained networks.
    """
    digest = hashlib.sha256()
    for split in (train, validation):
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.targets).data)
    if votes is not None:
        digest.update(np.ascontiguousarray(votes).data)
    return {
        "dataset": digest.hexdigest()[:12],
        "teachers": trained.digest(teachers),
        "initial_weights": trained.digest(initial_weights),
    }


def steps_in(images: int, batch_size: int) -> int:
    """Batches in an epoch: the last one may be smaller."""
    return math.ceil(images / batch_size)


def _draws(layer: keras.layers.Layer) -> bool:
    return getattr(layer, "seed_generator", None) is not None


def _differences(old: dict[str, Any], new: dict[str, Any]) -> str:
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(f"{name.upper()} {old.get(name)}, now {new.get(name)}" for name in names)
