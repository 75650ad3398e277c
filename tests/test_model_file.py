"""Class order, and the labels and metadata inside a model file."""

import subprocess
import tracemalloc
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from emotion import model as networks
from emotion import model_file
from emotion.classifier import Classifier
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


@pytest.mark.parametrize(
    ("metadata", "wrong"),
    [
        ("[1]", "model.json is no object"),
        ("{" * 100_000, ""),
        ("[" * 100_000 + "]" * 100_000, ""),
        ('{"temperature": NaN}', "a temperature is no number above 0"),
        ('{"temperature": 1e999}', "a temperature is no number above 0"),
        ('{"temperature": 1' + "0" * 400 + "}", "a temperature is no number above 0"),
        ('{"temperature": 1' + "0" * 5000 + "}", ""),
        ('{"temperature": "2"}', "a temperature is no number above 0"),
        ('{"pixels": [0, NaN]}', "pixels are no two numbers"),
        ('{"pixels": 255}', "pixels are no two numbers"),
        ('{"pixels": [0, 1, 2]}', "pixels are no two numbers"),
        ('{"readings": {"a": 1}}', "readings are no list"),
        ('{"readings": ["people"]}', "a reading has no name"),
        ('{"readings": [{"name": 4, "answers": ["a"]}]}', "a reading has no name"),
        ('{"readings": [{"name": "people"}]}', "reading 'people' has no answers"),
        ('{"readings": [{"name": "people", "answers": [4]}]}', "reading 'people' has no answers"),
        (
            '{"readings": [{"name": "people", "answers": ["a"], "temperature": 0}]}',
            "a temperature is no number above 0",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_metadata_from_anybody_is_checked(model, metadata, wrong):
    with zipfile.ZipFile(model, "a") as archive:
        archive.writestr("labels.txt", "a\nb\n")
        archive.writestr("model.json", metadata)
    with pytest.raises(EmotionError, match=r"the labels inside cannot be read") as raised:
        model_file.read(model)
    assert wrong in str(raised.value) and "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("name", ["labels.txt", "model.json"])
def test_what_unpacks_to_gigabytes_is_refused_before_it_does(model, name):
    with zipfile.ZipFile(model, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b" " * 30_000_000)
    tracemalloc.start()
    with pytest.raises(EmotionError, match=rf"{name} has more than .,000,000 bytes"):
        model_file.read(model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25_000_000


def test_labels_cannot_steer_a_terminal(model):
    model_file.attach(model, ("calm", "\x1b[31mred"), {})
    assert model_file.read(model)[0] == ("calm", "\\x1b[31mred")


@pytest.fixture
def shipped(tmp_path):
    path = tmp_path / "shipped.tflite"
    whole = (Path(model_file.__file__).parent / "models" / "fer2013.tflite").read_bytes()
    path.write_bytes(whole)
    model_file.attach(path, *model_file.read(path))
    return path


@pytest.mark.parametrize("missing", [1, 100, 3000])
def test_a_tflite_that_was_cut_is_refused(shipped, missing):
    whole = shipped.read_bytes()
    shipped.write_bytes(whole[:-missing])
    had, should = f"{len(whole) - missing:,}", f"{len(whole):,}"
    with pytest.raises(EmotionError, match=rf"is cut off: it has {had} of {should} bytes; copy it"):
        model_file.read(shipped)


def test_the_stated_length_follows_the_labels(shipped):
    before = Classifier(shipped)(np.full((1, 48, 48), 99, np.uint8))
    labels, metadata = model_file.read(shipped)
    model_file.attach(shipped, labels, {**metadata, "note": "x" * 5000})
    assert model_file.read(shipped)[1]["note"] == "x" * 5000
    assert np.array_equal(before, Classifier(shipped)(np.full((1, 48, 48), 99, np.uint8)))
    shipped.write_bytes(shipped.read_bytes()[:-1])
    with pytest.raises(EmotionError, match="is cut off"):
        model_file.read(shipped)
    shipped.write_bytes(shipped.read_bytes() + b"zz")  # longer than it says is another matter
    model_file._check_length(shipped)


@pytest.mark.parametrize(
    ("network", "wrong"),
    [
        (lambda: small(keras.layers.Dense(2, activation="softmax")), "ends in softmax"),
        (lambda: small(keras.layers.Dense(3)), r"to \(None, 3\): needed is .* to 2,"),
        (lambda: small(keras.layers.Reshape((2, -1))), r"needed is \[size, size, 1\] to 2"),
        (lambda: small(keras.layers.Dense(2), (24, 20, 1)), r"goes from \(None, 24, 20, 1\)"),
        (lambda: small(keras.layers.Dense(2), (24, 24, 3)), r"goes from \(None, 24, 24, 3\)"),
    ],
)
def test_a_network_of_another_kind_is_refused(tmp_path, network, wrong):
    path = tmp_path / "a.keras"
    model_file.save_keras(network(), path, ("no", "yes"), {})
    with pytest.raises(EmotionError, match=rf"^TEACHERS='.*a\.keras' .*{wrong}"):
        model_file.load_keras(path, "TEACHERS")


def small(last, shape=(24, 24, 1)):
    inputs = keras.Input(shape)
    return keras.Model(inputs, last(keras.layers.Flatten()(inputs)))


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.9])
def test_a_damaged_keras_file_is_one_line(tmp_path, place):
    path = tmp_path / "a.keras"
    model_file.save_keras(networks.build(2, width=4, size=24), path, ("no", "yes"), {})
    whole = bytearray(path.read_bytes())
    at = int(place * len(whole))
    for damaged in (whole[:at], whole[:at] + bytes(200) + whole[at + 200 :]):
        path.write_bytes(damaged)
        with pytest.raises(EmotionError) as raised:
            model_file.load_keras(path, "TEACHERS")
        assert "\n" not in str(raised.value)


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


def test_the_same_labels_and_metadata_give_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    found = []
    for seconds in (1_600_000_000, 1_700_000_000):
        monkeypatch.setattr("time.time", lambda seconds=seconds: seconds)
        path = tmp_path / f"{seconds}.tflite"
        path.write_bytes(b"")
        model_file.attach(path, ("no", "yes"), {"temperature": 2.0})
        found.append(path.read_bytes())
    assert found[0] == found[1]


def test_an_answers_own_name_counts_before_a_synonym():
    asked = model_file.Reading("labels", ("happy", "joy", "sad"))
    assert asked.columns(("joy", "happy", "happiness", "sad")) == [1, 0, 0, 2]


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
