"""Beginning with what another network has learnt."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emotion import model_file
from emotion.errors import EmotionError
from emotion.layers import mirror
from emotion.model_file import Reading
from emotion.training.trainer import Trainer


def begin(trainer: Trainer, path: Path, wanted: Sequence[Reading]) -> str:
    """Give `trainer` the weights of the `.keras` file at `path`, which train.py saved.

    `wanted` are the readings that are to be trained. Of the last layer only the outputs for their
    answers are taken, by name or a usual other one; what the file does not know keeps the weights
    that it has. Answers in words with which classes were known. Raises EmotionError for a network
    of another shape.
    """
    labels, metadata, network = model_file.load_keras(path, "INITIAL_WEIGHTS")
    weights = network.get_weights()
    _check(weights, trainer)
    recipe = trainer.recipe
    *trunk, kernel, bias = mirror.reduced(weights) if recipe.symmetric else weights
    *_, own_kernel, own_bias = trainer.weights()
    known = _outputs(model_file.readings(labels, metadata))
    sought = _outputs(wanted)
    for output, key in enumerate(sought):
        if key in known:
            own_kernel[:, output] = kernel[:, known.index(key)]
            own_bias[output] = bias[known.index(key)]
    trainer.begin_with([*trunk, own_kernel, own_bias])
    return _words(wanted[0].answers, [key in known for key in sought])


def _words(labels: Sequence[str], known: Sequence[bool]) -> str:
    """Which of `labels` begin with what the other network knows of them."""
    taken = [label for label, is_known in zip(labels, known, strict=False) if is_known]
    anew = [label for label in labels if label not in taken]
    parts = [f"{', '.join(taken)} known to INITIAL_WEIGHTS"] if taken else []
    return "; ".join([*parts, f"{', '.join(anew)} learnt anew"] if anew else parts)


def _outputs(readings: Sequence[Reading]) -> list[tuple[bool, str]]:
    """What each output is: whether people were asked, and the answer."""
    return [
        (one.name == model_file.PEOPLE, model_file.same_emotion(answer))
        for one in readings
        for answer in one.answers
    ]


def _check(weights: Sequence[np.ndarray], trainer: Trainer) -> None:
    recipe, mine = trainer.recipe, trainer.result().get_weights()
    shapes, wanted = ([weight.shape for weight in group[:-2]] for group in (weights, mine))
    if shapes == wanted and (not recipe.symmetric or mirror.symmetric(list(weights))):
        return
    width = shapes[0][-1]
    raise EmotionError(
        f"INITIAL_WEIGHTS is {width} channels wide, the network to train {recipe.width}: give "
        f"WIDTH={width}"
        if width != recipe.width
        else "INITIAL_WEIGHTS is another network than train.py makes with "
        f"SYMMETRIC={recipe.symmetric:d}: give SYMMETRIC={not recipe.symmetric:d}, or train it anew"
    )
