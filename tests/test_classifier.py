"""Models of every kind that recognition takes, and those it refuses."""

from pathlib import Path

import keras
import numpy as np
import pytest

from emotion import export, model_file
from emotion.classifier import Classifier
from emotion.errors import EmotionError
from emotion.probabilities import softmax

PIXELS = {"pixels": [0, 255]}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 255, (12, 48, 48), np.uint8)


def network(classes=7, size=48, channels=1, scale=1 / 255):
    """Logits that differ from image to image, from a mean over each quarter of the image."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((size, size, channels))
    x = keras.layers.Rescaling(scale)(inputs)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(size // 4)(x))
    return keras.Model(inputs, keras.layers.Dense(classes)(x))


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def files(model, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    export.write(folder / "int8.tflite", model, model_file.FER2013, {}, images)
    export.write(folder / "float32.tflite", model, model_file.FER2013, PIXELS, None)
    foreign = network(scale=1.0)
    foreign.set_weights(model.get_weights())
    (folder / "foreign.tflite").write_bytes(export.convert(foreign, None))
    (folder / "colour.tflite").write_bytes(export.convert(network(channels=3, scale=1.0), None))
    (folder / "five.tflite").write_bytes(export.convert(network(classes=5), None))
    return folder


@pytest.fixture(scope="module")
def expected(model, images):
    return softmax(keras.ops.convert_to_numpy(model(images[..., None])))


def test_float_export_agrees_with_keras(files, images, expected):
    classifier = Classifier(files / "float32.tflite")
    assert classifier(images) == pytest.approx(expected, abs=1e-5)


def test_integer_export_agrees_within_its_steps(files, images, expected):
    classifier = Classifier(files / "int8.tflite")
    assert classifier(images) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("name", ["int8", "float32", "foreign", "colour"])
def test_rows_are_float32_and_sum_to_one(files, images, name):
    rows = Classifier(files / f"{name}.tflite")(images)
    assert rows.dtype == np.float32 and rows.shape == (12, 7)
    assert rows.sum(axis=1) == pytest.approx(np.ones(12), abs=1e-5)


def test_no_faces_give_no_rows(files):
    assert Classifier(files / "int8.tflite")(np.empty((0, 48, 48), np.uint8)).shape == (0, 7)


def test_a_foreign_model_gets_pixels_in_0_to_1_and_fer2013s_order(files, images, expected):
    classifier = Classifier(files / "foreign.tflite")
    assert classifier.labels == model_file.FER2013
    assert classifier(images) == pytest.approx(expected, abs=1e-5)


def test_the_crops_are_not_changed(files, images):
    before = images.copy()
    Classifier(files / "int8.tflite")(images)
    assert np.array_equal(images, before)


def refused(path, match):
    with pytest.raises(EmotionError, match=match):
        Classifier(path)


def test_what_is_no_tflite_file_is_refused_by_name(tmp_path):
    refused("emotion.keras", r"MODEL_PATH='emotion.keras' must end in .tflite: train.py writes")
    refused(tmp_path / "none.tflite", r"none.tflite' does not exist: train.py writes a model")
    (tmp_path / "text.tflite").write_text("not a model")
    refused(tmp_path / "text.tflite", r"text.tflite cannot be loaded as a .tflite model")
    (tmp_path / "empty.tflite").touch()
    refused(tmp_path / "empty.tflite", r"empty.tflite cannot be loaded as a .tflite model")


def test_five_outputs_without_labels_are_refused(files):
    refused(files / "five.tflite", r"has 5 outputs and no labels inside; only a model with seven")


def test_labels_that_do_not_fit_the_outputs_are_refused(files, tmp_path):
    path = tmp_path / "wrong.tflite"
    path.write_bytes((files / "five.tflite").read_bytes())
    model_file.attach(path, ("a", "b"), {})
    refused(path, r"has 5 outputs and 2 labels inside: export it again")


def test_an_input_that_is_no_crop_is_refused(tmp_path):
    inputs = keras.Input((48, 32, 1))
    outputs = keras.layers.Dense(7)(keras.layers.GlobalAveragePooling2D()(inputs))
    path = Path(tmp_path / "oblong.tflite")
    path.write_bytes(export.convert(keras.Model(inputs, outputs), None))
    refused(path, r"takes input of shape \[1, 48, 32, 1\]; needed is one square crop")


NAMES = ("no", "yes")
BOTH = (
    model_file.Reading("labels", NAMES, 2.0),
    model_file.Reading("people", ("yes", "unknown", "no"), 0.5),
)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A network of five outputs, for two questions, and its export."""
    path = tmp_path_factory.mktemp("two") / "two.tflite"
    built = network(classes=5)
    metadata = {**PIXELS, "readings": model_file.described(BOTH)}
    export.write(path, built, NAMES, metadata, None)
    return built, path


def test_a_model_of_two_readings_answers_the_one_that_is_asked(two, images):
    built, path = two
    logits = keras.ops.convert_to_numpy(built(images[..., None]))
    labels = Classifier(path, reading="labels")
    assert labels.readings == ("labels", "people")
    assert labels(images) == pytest.approx(softmax(logits[:, :2], 2.0), abs=1e-5)
    people = Classifier(path, reading="people")
    expected = softmax(logits[:, 2:], 0.5)
    assert people.shares(images) == pytest.approx(expected, abs=1e-5)
    named = expected[:, [2, 0]]  # no, yes; nobody's "unknown"
    assert people(images) == pytest.approx(named / named.sum(axis=1, keepdims=True), abs=1e-5)
    assert people.labels == NAMES


def test_where_nobody_names_an_emotion_all_are_alike(two, images, monkeypatch):
    """Of a blank wall everybody says that it is no face; the rows still sum to one."""
    people = Classifier(two[1], reading="people")
    monkeypatch.setattr(people, "_read", lambda: np.array([0, 1, 0], np.float32))
    assert people(images[:2]).tolist() == [[0.5, 0.5]] * 2
    assert people(images[:2]).dtype == np.float32


def test_people_are_asked_where_the_model_knows_their_answers(two, files):
    assert Classifier(two[1]).reading.name == "people"
    assert Classifier(files / "int8.tflite").reading.name == "fer2013"


def test_a_reading_that_the_model_does_not_have_is_refused(two, files):
    with pytest.raises(EmotionError, match=r"READING='mood' .* it answers labels and people"):
        Classifier(two[1], reading="mood")
    with pytest.raises(EmotionError, match=r"READING='people' .* it answers fer2013$"):
        Classifier(files / "int8.tflite", reading="people")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (np.uint8, [0, 127, 128, 255]),
        (np.int8, [-128, -1, 0, 127]),
        (np.float32, [0, 0.498, 0.502, 1]),
    ],
)
def test_pixels_fall_on_the_whole_range_of_the_input(files, kind, expected):
    classifier = Classifier(files / "foreign.tflite")
    classifier._input = {"dtype": kind, "shape": [1, 2, 2, 1]}
    found = classifier._prepared(np.array([[0, 127], [128, 255]], np.uint8))
    assert found.dtype == kind and found.shape == (1, 2, 2, 1)
    assert found.ravel().tolist() == pytest.approx(expected, abs=0.001)
