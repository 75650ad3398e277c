"""Trained networks that a new one learns from: their averaged probabilities, beside the labels.

Hinton et al. 2015, arXiv:1503.02531.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import keras
from keras import KerasTensor, ops

from emotion import labels
from emotion.errors import EmotionError
from emotion.fast import fastest


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


def digest(paths: Sequence[Path]) -> str:
    """What tells one set of teachers from another: a hash over their files; "" for none."""
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()[:12] if paths else ""


def probabilities(
    teachers: Sequence[keras.Model], images: KerasTensor, temperature: float
) -> KerasTensor:
    """The mean of what `teachers` say of `images` (batch, size, size, 1): (batch, classes)."""
    answers = [teacher(images, training=False) for teacher in teachers]
    answers = [ops.softmax(ops.cast(logits, "float32") / temperature) for logits in answers]
    return ops.stop_gradient(sum(answers[1:], answers[0]) / len(answers))


def _load(path: Path, names: tuple[str, ...], size: int, dtype: str, called: str) -> keras.Model:
    if path.suffix.lower() != ".keras" or not path.is_file():
        why = "does not exist" if path.suffix.lower() == ".keras" else "must end in .keras"
        raise EmotionError(f"TEACHERS: '{path}' {why}: train.py writes one")
    known = labels.card(path)[0]
    if known != names:
        raise EmotionError(
            f"TEACHERS: '{path}' knows {', '.join(known) or 'no classes'}, the data has "
            f"{', '.join(names)}: a teacher must have been trained on the same classes"
        )
    try:
        network = keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError) as error:
        raise EmotionError(f"TEACHERS: '{path}' cannot be loaded: {error}") from error
    if network.input_shape[1] != size:
        raise EmotionError(
            f"TEACHERS: '{path}' takes images of {network.input_shape[1]} pixels, the data has "
            f"{size}: a teacher must take the same size"
        )

    def quick(layer: keras.layers.Layer) -> keras.layers.Layer:
        return fastest(type(layer)).from_config({**layer.get_config(), "dtype": dtype})

    copy = keras.models.clone_model(network, clone_function=quick)
    copy.set_weights(network.get_weights())
    teacher = keras.Model(copy.input, copy.output, name=called)  # no two in one graph alike
    teacher.trainable = False
    return teacher
