"""Beginning with another network."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from small import small_recipe

from emotion import model, model_file
from emotion.errors import EmotionError
from emotion.layers import mirror
from emotion.model_file import Reading
from emotion.probabilities import softmax
from emotion.training import trainer, warm_start

LABELS = Reading("labels", ("maybe", "no"))
PEOPLE = Reading("people", ("yes", "no", "unknown"))


def start(readings=(LABELS,), **changes):
    classes, *others = (len(reading.answers) for reading in readings)
    return trainer.Trainer(
        small_recipe(**changes), classes=classes, size=24, steps=3, answers=sum(others)
    )


def saved(path, network, readings):
    metadata = {"readings": model_file.described(readings)}
    model_file.save_keras(network, path, readings[0].answers, metadata)
    return path


def shaken(network):
    """The network with other weights, its batch statistics included."""
    rng = np.random.default_rng(0)
    weights = [one + rng.uniform(0, 1, one.shape) for one in network.get_weights()]
    network.set_weights(weights)
    return network


def examples(votes=None):
    rng = np.random.default_rng(5)
    images = rng.integers(0, 255, (40, 24, 24), np.uint8)
    return trainer.Examples(images, rng.integers(0, 2, 40), votes)


def test_outputs_are_taken_by_name(tmp_path):
    known = (Reading("labels", ("no", "maybe")), Reading("people", ("unknown", "no", "yes")))
    first = shaken(model.build(5, width=4, size=24))
    path = saved(tmp_path / "a.keras", first, known)
    second = start((LABELS, PEOPLE), seed=4)
    warm_start.begin(second, path, (LABELS, PEOPLE), examples(np.zeros((40, 3), np.float32)))
    *trunk, kernel, bias = second.weights()
    *given, given_kernel, given_bias = first.get_weights()
    assert all((one == other).all() for one, other in zip(trunk, given, strict=True))
    taken = [1, 0, 4, 3, 2]
    assert (kernel == given_kernel[:, taken]).all() and (bias == given_bias[taken]).all()
    for ours in (second.average.value, second.best):
        assert all((one == two).all() for one, two in zip(ours, second.weights(), strict=True))


@pytest.mark.parametrize("symmetric", [False, True])
def test_answers_that_the_file_does_not_know_are_fitted_to_the_images(tmp_path, symmetric):
    first = start(symmetric=symmetric)
    first.begin_with([one + 0.1 for one in first.weights()])
    path = saved(tmp_path / "a.keras", first.result(), (LABELS,))
    second = start((LABELS, PEOPLE), seed=4, symmetric=symmetric)
    data = examples()
    bright = data.images.reshape(40, -1).mean(axis=1) > np.median(data.images.mean(axis=(1, 2)))
    votes = np.stack([bright, ~bright, np.zeros(40)], axis=1).astype(np.float32)
    votes[0] = 0  # nobody was asked about this one
    warm_start.begin(second, path, (LABELS, PEOPLE), replace(data, votes=votes))
    logits = model.predict(second.result(), data.images)
    assert logits[:, :2] == pytest.approx(model.predict(first.result(), data.images), abs=1e-4)
    people = softmax(logits[:, 2:])
    assert people[:, 0] @ bright > people[:, 0] @ ~bright  # the probabilities follow the votes
    assert people[1:, :2].mean(axis=0) == pytest.approx(votes[1:, :2].mean(axis=0), abs=0.01)


def test_a_symmetric_run_begins_with_symmetric_weights_only(tmp_path):
    first = start(symmetric=True)
    first.begin_with([one + 0.1 for one in first.weights()])
    result = first.result()
    assert mirror.symmetric(result.get_weights())
    images = np.random.default_rng(0).integers(0, 255, (4, 24, 24), np.uint8)
    logits = model.predict(result, images)
    mirrored = model.predict(result, images[:, :, ::-1])
    assert mirrored == pytest.approx(logits, rel=1e-4)
    second = start(symmetric=True, seed=4)
    warm_start.begin(second, saved(tmp_path / "a.keras", result, (LABELS,)), (LABELS,), examples())
    assert model.predict(second.result(), images) == pytest.approx(logits, rel=1e-4)
    changed = result.get_weights()
    changed[0][0, 0] += 0.1
    result.set_weights(changed)
    with pytest.raises(EmotionError, match=r"another .* SYMMETRIC=1: give SYMMETRIC=0"):
        bent = saved(tmp_path / "b.keras", result, (LABELS,))
        warm_start.begin(second, bent, (LABELS,), examples())


def test_another_network_is_refused(tmp_path):
    wide = saved(tmp_path / "a.keras", start(width=8).result(), (LABELS,))
    with pytest.raises(EmotionError, match=r"8 channels wide, .* 4: give WIDTH=8"):
        warm_start.begin(start(), wide, (LABELS,), examples())
    even = saved(tmp_path / "b.keras", start(symmetric=True).result(), (LABELS,))
    with pytest.raises(EmotionError, match=r"another .* SYMMETRIC=0: give SYMMETRIC=1"):
        warm_start.begin(start(), even, (LABELS,), examples())
    large = saved(tmp_path / "large.keras", start(full_size=True).result(), (LABELS,))
    with pytest.raises(EmotionError, match=r"another .* FULL_SIZE=0: give FULL_SIZE=1"):
        warm_start.begin(start(), large, (LABELS,), examples())
    inputs = keras.Input((24, 24, 1))
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(inputs)))
    other = saved(tmp_path / "c.keras", keras.Model(inputs, outputs), (LABELS,))
    with pytest.raises(EmotionError, match=r"another network than train\.py makes"):
        warm_start.begin(start(), other, (LABELS,), examples())


def test_usual_names_of_one_emotion_are_one_and_what_is_new_is_told(tmp_path):
    known = (Reading("fer2013", ("happy", "angry")), Reading("people", ("joy", "bored")))
    first = shaken(model.build(4, width=4, size=24))
    path = saved(tmp_path / "a.keras", first, known)
    wanted = (Reading("labels", ("Anger", "HAPPINESS")),)
    second = start(wanted, seed=4)
    assert warm_start.begin(second, path, wanted, examples()) == ()
    *_, kernel, _ = second.weights()
    *_, given, _ = first.get_weights()
    assert (kernel == given[:, [1, 0]]).all()
    strange = (Reading("labels", ("Anger", "bored")),)
    assert warm_start.begin(start(strange), path, strange, examples()) == ("bored",)
