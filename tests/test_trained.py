"""Files of trained networks: what can be read, and what is said of the rest."""

from pathlib import Path

import keras
import numpy as np
import pytest

from emotion import model, model_file, trained
from emotion.errors import EmotionError


def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "a.keras"
    network = model.build(2, width=4, size=24)
    network.save(path)
    model_file.attach(path, ("no", "yes"), {"temperature": 2.0})
    names, card, found = trained.load(path, "TEACHERS")
    assert (names, card) == (("no", "yes"), {"temperature": 2.0})
    images = np.random.default_rng(0).uniform(0, 255, (2, 24, 24, 1)).astype(np.float32)
    logits = [keras.ops.convert_to_numpy(one(images)) for one in (network, found)]
    assert logits[0] == pytest.approx(logits[1])


def test_unusable_files_are_refused_in_one_line(tmp_path):
    path = tmp_path / "a.keras"
    with pytest.raises(EmotionError, match=r"^SETTING=.* does not exist: train\.py writes one$"):
        trained.load(path, "SETTING")
    with pytest.raises(
        EmotionError, match=r"'a\.tflite' must end in \.keras: train\.py writes one$"
    ):
        trained.load(Path("a.tflite"), "SETTING")
    model.build(2, width=4, size=24).save(path)
    with pytest.raises(EmotionError, match=r"has no labels inside: needed is one of train\.py's"):
        trained.load(path, "SETTING")
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(EmotionError, match=r"a\.keras"):
        trained.load(path, "SETTING")
    path.write_bytes(b"")
    model_file.attach(path, ("no", "yes"), {})
    with pytest.raises(EmotionError, match=r"a\.keras' cannot be loaded"):
        trained.load(path, "SETTING")


def test_other_files_are_another_set(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode())
    a, b = tmp_path / "a", tmp_path / "b"
    assert trained.digest([]) == ""
    assert len({trained.digest(paths) for paths in ([a], [b], [a, b])}) == 3
