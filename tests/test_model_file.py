"""Class order, and the labels and metadata inside a model file."""

import subprocess
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from emotion import model as networks
from emotion import model_file
from emotion.errors import EmotionError


def test_fer2013s_own_seven_keep_its_numbers():
    assert model_file.ordered(["happy", *reversed(model_file.FER2013)]) == model_file.FER2013


def test_other_names_are_alphabetical():
    assert model_file.ordered(["happy", "angry", "bored"]) == ("angry", "bored", "happy")


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"flatbuffer" * 50)
    return path


def test_a_model_without_metadata_has_none(model):
    assert model_file.read(model) == ((), {})


def test_labels_and_metadata_come_back_and_the_model_is_untouched(model):
    before = model.read_bytes()
    model_file.attach(model, ("calm", "ärger"), {"input": [48, 48, 1]})
    assert model_file.read(model) == (("calm", "ärger"), {"input": [48, 48, 1]})
    assert model.read_bytes().startswith(before)


def test_attaching_again_replaces_the_metadata(model):
    model_file.attach(model, ("a", "b"), {"score": 1})
    once = model.stat().st_size
    model_file.attach(model, ("c", "d"), {"score": 2})
    assert model_file.read(model) == (("c", "d"), {"score": 2})
    assert model.stat().st_size == once


def test_other_tools_read_the_labels(model):
    model_file.attach(model, ("a", "b"), {})
    shown = subprocess.run(
        ["python3", "-m", "zipfile", "-l", model], capture_output=True, text=True, check=True
    )
    assert "labels.txt" in shown.stdout


def test_a_keras_file_keeps_what_it_holds(tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    model_file.attach(path, ("a", "b"), {"temperature": 2.0})
    assert model_file.read(path) == (("a", "b"), {"temperature": 2.0})
    with zipfile.ZipFile(path) as archive:
        assert archive.read("config.json") == b"{}"


def test_damaged_metadata_is_one_clear_line(model):
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr("labels.txt", "a\nb\n")
        archive.writestr("model.json", "{not json")
    with pytest.raises(EmotionError, match=r"the labels inside cannot be read .* export the model"):
        model_file.read(model)


def test_old_files_have_one_reading_with_the_files_temperature():
    (one,) = model_file.readings(model_file.FER2013, {"temperature": 2.0})
    assert one == model_file.Reading("fer2013", model_file.FER2013, 2.0)
    (one,) = model_file.readings(("a", "b"), {})
    assert (one.name, one.answers, one.temperature) == ("labels", ("a", "b"), 1.0)


def test_readings_come_back_as_they_were_described():
    both = (
        model_file.Reading("labels", ("no", "yes"), 1.5),
        model_file.Reading("people", ("yes", "no", "unknown"), 0.9),
    )
    assert model_file.readings(("no", "yes"), {"readings": model_file.described(both)}) == both


def test_answers_are_found_by_name_and_by_synonym():
    asked = model_file.Reading("people", ("neutral", "Happiness", "anger", "unknown"))
    assert asked.columns(("angry", "happy", "neutral", "fear")) == [2, 1, 0, -1]


def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "a.keras"
    network = networks.build(2, width=4, size=24)
    network.save(path)
    model_file.attach(path, ("no", "yes"), {"temperature": 2.0})
    names, metadata, found = model_file.load_keras(path, "TEACHERS")
    assert (names, metadata) == (("no", "yes"), {"temperature": 2.0})
    images = np.random.default_rng(0).uniform(0, 255, (2, 24, 24, 1)).astype(np.float32)
    logits = [keras.ops.convert_to_numpy(one(images)) for one in (network, found)]
    assert logits[0] == pytest.approx(logits[1])


def test_unusable_files_are_refused_in_one_line(tmp_path):
    path = tmp_path / "a.keras"
    with pytest.raises(EmotionError, match=r"^SETTING=.* does not exist: train\.py writes one$"):
        model_file.load_keras(path, "SETTING")
    with pytest.raises(
        EmotionError, match=r"'a\.tflite' must end in \.keras: train\.py writes one$"
    ):
        model_file.load_keras(Path("a.tflite"), "SETTING")
    networks.build(2, width=4, size=24).save(path)
    with pytest.raises(EmotionError, match=r"has no labels inside: needed is one of train\.py's"):
        model_file.load_keras(path, "SETTING")
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(EmotionError, match=r"a\.keras"):
        model_file.load_keras(path, "SETTING")
    path.write_bytes(b"")
    model_file.attach(path, ("no", "yes"), {})
    with pytest.raises(EmotionError, match=r"a\.keras' cannot be loaded"):
        model_file.load_keras(path, "SETTING")


def test_other_files_are_another_set(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode())
    a, b = tmp_path / "a", tmp_path / "b"
    assert model_file.digest([]) == ""
    assert len({model_file.digest(paths) for paths in ([a], [b], [a, b])}) == 3
