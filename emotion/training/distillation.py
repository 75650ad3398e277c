"""Trained networks that a new one learns from: their averaged probabilities, beside the labels.

Hinton et al. 2015, arXiv:1503.02531.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
from keras import KerasTensor, ops

from emotion import model_file
from emotion.errors import EmotionError
from emotion.layers.torch_fast import fastest


def load(
    paths: Sequence[Path], names: tuple[str, ...], size: int, *, dtype: str = "float32"
) -> tuple[keras.Model, ...]:
    """The `.keras` files of train.py at `paths`, in inference, computing in `dtype`.

    Raises EmotionError when one cannot be read, knows other classes than `names`, or takes images
    of another side than `size`.
    """
    return tuple(
        _load(path, names, size, dtype, f"teacher{number}") for number, path in enumerate(paths)
    )


class SoftTargets(keras.layers.Layer):
    """What teachers say of images (batch, size, size, 1): probabilities (batch, classes).

    The mean of all of them, evened out at `temperature`; or, with `one_per_image`, for every image
    the answer of one alone, the next image asking the next: several then cost little more than
    one, and over shuffled epochs an image meets them all. `mirrored`: every other question is
    about the mirror image instead, so that what is learnt is the same for both.
    """

    def __init__(
        self,
        teachers: Sequence[keras.Model],
        *,
        temperature: float,
        one_per_image: bool = False,
        mirrored: bool = False,
    ) -> None:
        super().__init__(trainable=False, dtype="float32", autocast=False)
        self.teachers = list(teachers)
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
        return ops.softmax(logits / self.temperature)

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


def _load(path: Path, names: tuple[str, ...], size: int, dtype: str, called: str) -> keras.Model:
    known, _, network = model_file.load_keras(path, "TEACHERS")
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

    def quick(layer: keras.layers.Layer) -> keras.layers.Layer:
        # Keras keeps PyTorch's gradients by name: one of the student's would never be cleared.
        options: dict[str, Any] = {"dtype": dtype, "name": f"{called}_{layer.name}"}
        if isinstance(layer, keras.layers.Dense):
            options["units"] = len(names)  # without people's answers, which come after
        return fastest(type(layer)).from_config({**layer.get_config(), **options})

    teacher = keras.models.clone_model(network, clone_function=quick)
    *trunk, kernel, bias = network.get_weights()
    teacher.set_weights([*trunk, kernel[:, : len(names)], bias[: len(names)]])
    teacher.trainable = False
    return teacher
