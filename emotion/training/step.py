"""The training step: pixels in, logits and soft targets out, with the loss that is minimised."""

from collections.abc import Iterable
from functools import partial

import keras
import numpy as np
from keras import KerasTensor, ops

from emotion.augment import Augment
from emotion.training import schedule
from emotion.training.distillation import SoftTargets, Teachers
from emotion.training.losses import distillation_loss, label_loss, soft_target_loss
from emotion.training.recipe import Recipe


def compiled(
    recipe: Recipe,
    network: keras.Model,
    augment: Augment,
    teachers: Teachers,
    *,
    classes: int,
    size: int,
    steps: int,
) -> keras.Model:
    """uint8 images (batch, size, size, 1) -> logits and teachers' probabilities, ready to train.

    `network` has `classes` outputs, then those for people's answers; `steps` are the batches in an
    epoch. Targets are those of `trainer.Examples`.
    """
    inputs = keras.Input((size, size, 1), dtype="uint8")
    images = augment(inputs)
    outputs = network(images)
    every = outputs.shape[1]
    if teachers.networks:
        soft_targets = SoftTargets(
            teachers.networks,
            temperature=recipe.temperature,
            readings=(classes, every - classes) if teachers.votes else (),
            # Those that have not seen an image: `trainer.shuffled` has the images in their order.
            one_per_image=recipe.one_teacher_per_image or bool(teachers.folds),
            mirrored=bool(recipe.augment),  # which mirrors the images, too
        )
        outputs = ops.concatenate([outputs, soft_targets(images)], axis=1)
    model = keras.Model(inputs, outputs)
    optimiser = keras.optimizers.SGD(
        schedule.learning_rate(recipe, steps),
        momentum=0.9,
        nesterov=True,
        weight_decay=recipe.weight_decay,
        global_clipnorm=5.0,
    )
    optimiser.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])

    def loss(targets: KerasTensor, outputs: KerasTensor) -> KerasTensor:
        return combined_loss(recipe, targets, outputs, classes=classes, every=every)

    # XLA measured half as fast with TensorFlow on a CPU; JAX is nothing without it.
    jit = keras.backend.backend() == "jax"
    accuracy = keras.metrics.MeanMetricWrapper(partial(right, classes=classes), name="accuracy")
    model.compile(optimiser, loss, metrics=[accuracy], jit_compile=jit)
    optimiser.build(model.trainable_variables)
    return model


def combined_loss(
    recipe: Recipe, targets: KerasTensor, outputs: KerasTensor, *, classes: int, every: int
) -> KerasTensor:
    """The loss of each image (batch,): with its label, with its teachers, with people's votes.

    `outputs` are logits for `classes` classes, for answers up to `every`, then, where there are
    teachers, their probabilities for the classes and, where they know them, for the answers;
    `targets` are labels, then votes.
    """
    logits, voted, taught = ops.split(outputs, [classes, every], 1)
    weight, temperature = recipe.teachers_weight, recipe.temperature
    loss = label_loss(logits, targets[:, :classes], smoothing=recipe.label_smoothing)
    if taught.shape[1]:
        distilled = distillation_loss(logits, taught[:, :classes], temperature=temperature)
        loss = (1 - weight) * loss + weight * distilled
    if voted.shape[1]:
        votes = soft_target_loss(voted, targets[:, classes:])
        if taught.shape[1] > classes:
            distilled = distillation_loss(voted, taught[:, classes:], temperature=temperature)
            votes = (1 - weight) * votes + weight * distilled
        loss = loss + recipe.annotator_votes_weight * votes
    return loss


def right(targets: KerasTensor, outputs: KerasTensor, *, classes: int) -> KerasTensor:
    """Whether the class of each image (batch,) is the one answered, 1 or 0."""
    return keras.metrics.categorical_accuracy(targets[:, :classes], outputs[:, :classes])


def seed(layers: Iterable[keras.layers.Layer], number: int, epoch: int) -> None:
    """Set every source of chance in `layers` by the run's seed and the epoch alone."""
    if keras.backend.backend() == "torch":  # its dropout draws from the global generator
        state = np.random.SeedSequence([number, epoch]).generate_state(1)
        keras.utils.set_random_seed(int(state[0]))
    generators = [getattr(layer, "seed_generator", None) for layer in layers]
    for place, generator in enumerate(found for found in generators if found is not None):
        state = np.random.SeedSequence([number, epoch, place]).generate_state(2)
        generator.state.assign(state.astype("uint32"))
