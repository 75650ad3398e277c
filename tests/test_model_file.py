"""Class order, and the card inside a model file."""

import subprocess
import zipfile

import pytest

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


def test_a_model_without_a_card_has_none(model):
    assert model_file.card(model) == ((), {})


def test_labels_and_card_come_back_and_the_model_is_untouched(model):
    before = model.read_bytes()
    model_file.attach(model, ("calm", "ärger"), {"input": [48, 48, 1]})
    assert model_file.card(model) == (("calm", "ärger"), {"input": [48, 48, 1]})
    assert model.read_bytes().startswith(before)


def test_attaching_again_replaces_the_card(model):
    model_file.attach(model, ("a", "b"), {"score": 1})
    once = model.stat().st_size
    model_file.attach(model, ("c", "d"), {"score": 2})
    assert model_file.card(model) == (("c", "d"), {"score": 2})
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
    assert model_file.card(path) == (("a", "b"), {"temperature": 2.0})
    with zipfile.ZipFile(path) as archive:
        assert archive.read("config.json") == b"{}"


def test_a_damaged_card_is_one_clear_line(model):
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr("labels.txt", "a\nb\n")
        archive.writestr("model.json", "{not json")
    with pytest.raises(EmotionError, match=r"the labels inside cannot be read .* export the model"):
        model_file.card(model)
