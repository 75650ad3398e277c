"""Teachers: what they say, and which ones are refused."""

from pathlib import Path

import keras
import numpy as np
import pytest

from emotion import labels, model, teachers
from emotion.errors import EmotionError

NAMES = ("no", "yes")


def saved(path, *, names=NAMES, size=24, seed=0):
    keras.utils.set_random_seed(seed)
    network = model.build(len(names), width=4, size=size)
    network.save(path)
    labels.attach(path, names, {})
    return network


def softened(network, images, temperature):
    logits = keras.ops.convert_to_numpy(network(images)) / temperature
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def test_their_probabilities_are_averaged_at_the_temperature(tmp_path):
    paths = [tmp_path / "a.keras", tmp_path / "b.keras"]
    networks = [saved(path, seed=number) for number, path in enumerate(paths)]
    images = np.random.default_rng(0).uniform(0, 255, (5, 24, 24, 1)).astype(np.float32)
    loaded = teachers.load(paths, NAMES, 24)
    found = keras.ops.convert_to_numpy(teachers.probabilities(loaded, images, 3.0))
    one, other = (softened(network, images, 3.0) for network in networks)
    assert not np.allclose(one, other)
    assert found == pytest.approx((one + other) / 2, abs=1e-5)


def test_they_do_not_learn(tmp_path):
    saved(tmp_path / "a.keras")
    (teacher,) = teachers.load([tmp_path / "a.keras"], NAMES, 24)
    assert teacher.trainable_variables == []


def test_several_fit_into_one_graph_beside_the_student(tmp_path):
    student = saved(tmp_path / "a.keras")
    loaded = teachers.load([tmp_path / "a.keras"] * 2, NAMES, 24)
    inputs = keras.Input((24, 24, 1))
    taught = teachers.probabilities(loaded, inputs, 1.0)
    both = keras.Model(inputs, [student(inputs), taught])
    assert both.output_shape == [(None, 2), (None, 2)]


def test_other_files_are_another_set(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode())
    a, b = tmp_path / "a", tmp_path / "b"
    assert teachers.digest([]) == ""
    assert len({teachers.digest(paths) for paths in ([a], [b], [a, b])}) == 3


def test_unusable_ones_are_refused_in_one_line(tmp_path):
    path = tmp_path / "a.keras"
    with pytest.raises(EmotionError, match="does not exist"):
        teachers.load([path], NAMES, 24)
    with pytest.raises(
        EmotionError, match=r"'a\.tflite' must end in \.keras: train\.py writes one$"
    ):
        teachers.load([Path("a.tflite")], NAMES, 24)
    saved(path)
    with pytest.raises(EmotionError, match="knows no, yes, the data has maybe, no: a teacher must"):
        teachers.load([path], ("maybe", "no"), 24)
    with pytest.raises(EmotionError, match="takes images of 24 pixels, the data has 48"):
        teachers.load([path], NAMES, 48)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(EmotionError, match=r"a\.keras"):
        teachers.load([path], NAMES, 24)
