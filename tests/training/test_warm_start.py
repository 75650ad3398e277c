"""Beginning with another network."""

import keras
import numpy as np
import pytest
from small import small_recipe

from emotion import model, model_file
from emotion.errors import EmotionError
from emotion.layers import mirror
from emotion.model_file import Reading
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


def test_outputs_are_taken_by_name_and_the_rest_as_it_is(tmp_path):
    known = (Reading("labels", ("no", "yes")), Reading("people", ("unknown", "no")))
    first = shaken(model.build(4, width=4, size=24))
    path = saved(tmp_path / "a.keras", first, known)
    second = start((LABELS, PEOPLE), seed=4)
    *_, fresh, _ = second.weights()
    warm_start.begin(second, path, (LABELS, PEOPLE))
    *trunk, kernel, bias = second.weights()
    *given, given_kernel, given_bias = first.get_weights()
    assert all((one == other).all() for one, other in zip(trunk, given, strict=True))
    for output, source in {1: 0, 3: 3, 4: 2}.items():  # no; people's no and unknown
        assert (kernel[:, output] == given_kernel[:, source]).all()
        assert bias[output] == given_bias[source]
    for output in (0, 2):  # maybe; people's yes
        assert (kernel[:, output] == fresh[:, output]).all()
    for ours in (second.average.value, second.best):
        assert all((one == two).all() for one, two in zip(ours[:-2], trunk, strict=True))


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
    warm_start.begin(second, saved(tmp_path / "a.keras", result, (LABELS,)), (LABELS,))
    assert model.predict(second.result(), images) == pytest.approx(logits, rel=1e-4)
    changed = result.get_weights()
    changed[0][0, 0] += 0.1
    result.set_weights(changed)
    with pytest.raises(EmotionError, match=r"another .* SYMMETRIC=1: give SYMMETRIC=0"):
        warm_start.begin(second, saved(tmp_path / "b.keras", result, (LABELS,)), (LABELS,))


def test_another_network_is_refused(tmp_path):
    wide = saved(tmp_path / "a.keras", start(width=8).result(), (LABELS,))
    with pytest.raises(EmotionError, match=r"8 channels wide, .* 4: give WIDTH=8"):
        warm_start.begin(start(), wide, (LABELS,))
    even = saved(tmp_path / "b.keras", start(symmetric=True).result(), (LABELS,))
    with pytest.raises(EmotionError, match=r"another .* SYMMETRIC=0: give SYMMETRIC=1"):
        warm_start.begin(start(), even, (LABELS,))
    inputs = keras.Input((24, 24, 1))
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(inputs)))
    other = saved(tmp_path / "c.keras", keras.Model(inputs, outputs), (LABELS,))
    with pytest.raises(EmotionError, match=r"another network than train\.py makes"):
        warm_start.begin(start(), other, (LABELS,))


def test_usual_names_of_one_emotion_are_one_and_what_is_known_is_said(tmp_path):
    known = (Reading("fer2013", ("happy", "angry")), Reading("people", ("joy", "bored")))
    first = shaken(model.build(4, width=4, size=24))
    path = saved(tmp_path / "a.keras", first, known)
    wanted = (Reading("labels", ("Anger", "bored", "HAPPINESS")),)
    second = start(wanted, seed=4)
    *_, fresh, _ = second.weights()
    assert warm_start.begin(second, path, wanted) == (
        "Anger, HAPPINESS known to INITIAL_WEIGHTS; bored learnt anew"
    )
    *_, kernel, _ = second.weights()
    *_, given, _ = first.get_weights()
    assert (kernel[:, [0, 2]] == given[:, [1, 0]]).all()
    assert (kernel[:, 1] == fresh[:, 1]).all()
    strange = (Reading("labels", ("bored", "yawning", "puzzled")),)
    assert warm_start.begin(start(strange), path, strange) == "bored, yawning, puzzled learnt anew"
