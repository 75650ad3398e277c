"""Beginning with what another network has learnt."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emotion import model, model_file
from emotion.errors import EmotionError
from emotion.layers import mirror
from emotion.model_file import Reading
from emotion.training import linear_probe
from emotion.training.trainer import Examples, Trainer


def begin(
    trainer: Trainer, path: Path, wanted: Sequence[Reading], examples: Examples
) -> tuple[str, ...]:
    """Give `trainer` the weights of the `.keras` file at `path`, which train.py saved.

    `wanted` are the readings that are to be trained. The last layer's outputs for their answers
    are taken by name or a usual other one; a reading of which the file does not know every answer
    gets outputs that are fitted to `examples`, the training images. Answers with the classes that
    the file does not know. Raises EmotionError for a network of another shape.
    """
    labels, metadata, network = model_file.load_keras(path, "INITIAL_WEIGHTS")
    weights = network.get_weights()
    _check(weights, trainer)
    recipe = trainer.recipe
    *trunk, kernel, bias = mirror.reduced(weights) if recipe.symmetric else weights
    *_, own_kernel, own_bias = trainer.weights()
    trainer.begin_with([*trunk, own_kernel, own_bias])
    known = model_file.readings(labels, metadata)
    new: tuple[str, ...] = ()
    targets, features, stop = examples.targets(trainer.classes), None, 0
    for reading in wanted:
        start, stop = stop, stop + len(reading.answers)
        own, taken = slice(start, stop), model_file.outputs(known, reading)
        if reading is wanted[0]:
            pairs = zip(reading.answers, taken, strict=True)
            new = tuple(answer for answer, output in pairs if output < 0)
        if min(taken) >= 0:
            own_kernel[:, own], own_bias[own] = kernel[:, taken], bias[taken]
        else:
            features = trainer.features(examples.images) if features is None else features
            own_kernel[:, own], own_bias[own] = linear_probe.fit(features, targets[:, own])
    trainer.begin_with([*trunk, own_kernel, own_bias])
    return new


def _check(weights: Sequence[np.ndarray], trainer: Trainer) -> None:
    recipe, mine = trainer.recipe, trainer.result().get_weights()
    shapes, wanted = ([weight.shape for weight in group[:-2]] for group in (weights, mine))
    if shapes == wanted and (not recipe.symmetric or mirror.symmetric(list(weights))):
        return
    width, others = shapes[0][-1], "INITIAL_WEIGHTS is another network than train.py makes with "
    if width != recipe.width:
        why = (
            f"INITIAL_WEIGHTS is {width} channels wide, the network to train {recipe.width}: give "
        )
        why += f"WIDTH={width}"
    elif len(weights) == len(model.build(1, full_size=not recipe.full_size).weights):
        why = f"{others}FULL_SIZE={recipe.full_size:d}: give FULL_SIZE={not recipe.full_size:d}"
    else:
        why = f"{others}SYMMETRIC={recipe.symmetric:d}: give SYMMETRIC={not recipe.symmetric:d}"
        why += ", or train it anew"
    raise EmotionError(why)
