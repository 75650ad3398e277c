"""Trained networks that a new one learns from: their averaged probabilities, beside the labels.

Hinton et al. 2015, arXiv:1503.02531.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from keras import KerasTensor, ops

from emotion import model_file
from emotion.errors import EmotionError
from emotion.layers.torch_fast import fastest
from emotion.model_file import Reading


@dataclass(frozen=True)
class Teachers:
    """Networks for the same images: logits for the classes, and for people's answers if `votes`.

    Where each has not seen one of `folds` parts of the training images, they lie in the parts'
    order: that of the first part first, and after the last part the next one of the first. Else
    `folds` is 0.
    """

    networks: tuple[keras.Model, ...] = ()
    votes: bool = False
    folds: int = 0


def load(
    paths: Sequence[Path],
    names: tuple[str, ...],
    size: int,
    *,
    answers: Sequence[str] = (),
    dtype: str = "float32",
) -> Teachers:
    """The `.keras` files of train.py at `paths`, in inference, computing in `dtype`.

    They teach `answers`, those of people, where each of them knows them all. Raises EmotionError
    when one cannot be read, knows other classes than `names`, or takes images of another side than
    `size`, and when some have not seen a part of the training images, but not one for each part.
    """
    found = [_read(path, names, size, answers) for path in paths]
    votes = bool(answers and found) and all(min(one.votes) >= 0 for one in found)
    folds = _folds(paths, [one.fold for one in found])
    if folds:
        of = [[one for one in found if one.fold[1] == fold] for fold in range(1, folds + 1)]
        found = [one for first_or_next in zip(*of, strict=True) for one in first_or_next]
    networks = [
        _prepared(one, len(names), dtype, f"teacher{number}", votes=votes)
        for number, one in enumerate(found)
    ]
    return Teachers(tuple(networks), votes, folds)


class SoftTargets(keras.layers.Layer):
    """What teachers say of images (batch, size, size, 1): probabilities (batch, outputs).

    `readings` are the outputs of each question, whose probabilities sum to one; by default there is
    one question. The mean of all teachers, evened out at `temperature`; or, with `one_per_image`,
    for every image the answer of one alone, the next image asking the next: several then cost
    little more than one, and over shuffled epochs an image meets them all. `mirrored`: every other
    question is about the mirror image instead, so that what is learnt is the same for both.
    """

    def __init__(
        self,
        teachers: Sequence[keras.Model],
        *,
        temperature: float,
        readings: Sequence[int] = (),
        one_per_image: bool = False,
        mirrored: bool = False,
    ) -> None:
        super().__init__(trainable=False, dtype="float32", autocast=False)
        self.teachers = list(teachers)
        self.ends = [sum(readings[: at + 1]) for at in range(len(readings) - 1)]
        self.temperature, self.one_per_image, self.mirrored = temperature, one_per_image, mirrored

    def call(self, images: KerasTensor) -> KerasTensor:
        if self.one_per_image:
            return ops.stop_gradient(self._one_each(images))
        answers = [self._answer(teacher, images) for teacher in self.teachers]
        return ops.stop_gradient(sum(answers[1:], answers[0]) / len(answers))

    def _answer(self, teacher: keras.Model, images: KerasTensor) -> KerasTensor:
        if self.mirrored:
            every_other = ops.reshape(ops.arange(ops.shape(images)[0]) % 2 == 1, (-1, 1, 1, 1))
            images = ops.where(every_other, ops.flip(images, axis=2), images)
        logits = ops.cast(teacher(images, training=False), "float32")
        logits = logits / self.temperature
        asked = ops.split(logits, self.ends, axis=1) if self.ends else [logits]
        return ops.concatenate([ops.softmax(one) for one in asked], axis=1)

    def _one_each(self, images: KerasTensor) -> KerasTensor:
        count, size = len(self.teachers), ops.shape(images)[0]
        # So many more that none is left without an image: TensorFlow stumbles over empty batches.
        images = ops.concatenate([images, ops.repeat(images[:1], count - 1, axis=0)])
        answers = [self._answer(one, images[at::count]) for at, one in enumerate(self.teachers)]
        # Back into the images' order: those of the first teacher lie before those of the second.
        image, whole = ops.arange(size), size + count - 1
        teacher = image % count
        before = teacher * (whole // count) + ops.minimum(teacher, whole % count)
        return ops.take(ops.concatenate(answers), before + image // count, axis=0)


@dataclass(frozen=True)
class _Teacher:
    """A file's network, its outputs for the answers that are wanted, and (folds, fold) of its own.

    An output is -1 for an answer that the file does not know; a fold is 0 where it saw all images.
    """

    network: keras.Model
    votes: list[int]
    fold: tuple[int, int]


def _read(path: Path, names: tuple[str, ...], size: int, answers: Sequence[str]) -> _Teacher:
    known, metadata, network = model_file.load_keras(path, "TEACHERS")
    if known != names:
        raise EmotionError(
            f"TEACHERS='{path}' knows {', '.join(known)}, the data has {', '.join(names)}: a "
            "teacher must have been trained on the same classes"
        )
    if network.input_shape[1] != size:
        raise EmotionError(
            f"TEACHERS='{path}' takes images of {network.input_shape[1]} pixels, the data has "
            f"{size}: a teacher must take the same size"
        )
    people = Reading(model_file.PEOPLE, tuple(answers))
    votes = model_file.outputs(model_file.readings(known, metadata), people)
    return _Teacher(network, votes, _fold(metadata))


def _fold(metadata: dict[str, Any]) -> tuple[int, int]:
    """Of how many parts of the training images a network has not seen which: (folds, fold)."""
    settings = metadata.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    found = settings.get("folds", 0), settings.get("fold", 0)
    folds, fold = (at if isinstance(at, int) else 0 for at in found)
    return (folds, fold) if 1 <= fold <= folds else (0, 0)


def _folds(paths: Sequence[Path], found: Sequence[tuple[int, int]]) -> int:
    """How many parts the teachers divide the images into; 0 where each has seen them all."""
    if not any(folds for folds, _ in found):
        return 0
    folds = max(folds for folds, _ in found)
    counts = [found.count((folds, fold)) for fold in range(1, folds + 1)]
    if min(counts) == max(counts) and sum(counts) == len(found):
        return folds
    has = "; ".join(
        f"{path}: " + (f"FOLD={fold} of {parts}" if parts else "all images")
        for path, (parts, fold) in zip(paths, found, strict=True)
    )
    raise EmotionError(
        f"TEACHERS must have as many of one part of the training images as of another ({has}): "
        f"give one of each FOLD, 1 to {folds}, or none"
    )


def _prepared(one: _Teacher, classes: int, dtype: str, called: str, *, votes: bool) -> keras.Model:
    """The network in inference, with the outputs that are wanted of it alone."""
    wanted = [*range(classes), *(one.votes if votes else [])]

    def quick(layer: keras.layers.Layer) -> keras.layers.Layer:
        # Keras keeps PyTorch's gradients by name: one of the student's would never be cleared.
        options: dict[str, Any] = {"dtype": dtype, "name": f"{called}_{layer.name}"}
        if isinstance(layer, keras.layers.Dense):
            options["units"] = len(wanted)
        return fastest(type(layer)).from_config({**layer.get_config(), **options})

    teacher = keras.models.clone_model(one.network, clone_function=quick)
    *trunk, kernel, bias = one.network.get_weights()
    teacher.set_weights([*trunk, kernel[:, wanted], bias[wanted]])
    teacher.trainable = False
    return teacher
