"""The export: what is inside the file, what it is calibrated on, when it is refused."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from emotion import export, model
from emotion.errors import EmotionError
from emotion.model_file import Reading
from emotion.probabilities import softmax
from emotion.recogniser import DEFAULT_MODEL


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return model.build(3, width=4)


@pytest.fixture(scope="module")
def images():
    grey = np.random.default_rng(0).integers(50, 200, (8, 48, 48), np.uint8)
    return export.spread_images(grey, np.zeros(8, int))


@pytest.fixture(scope="module")
def integer(network, images):
    return export.convert(network, images)


@pytest.fixture(scope="module")
def floating(network):
    return export.convert(network, None)


def details(flatbuffer):
    interpreter = Interpreter(model_content=flatbuffer)
    return interpreter.get_input_details()[0], interpreter.get_output_details()[0]


def answer(flatbuffer, image):
    interpreter = Interpreter(model_content=flatbuffer)
    interpreter.allocate_tensors()
    pixels = image[None, ..., None].astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def answer_int8(flatbuffer, image):
    interpreter = Interpreter(model_content=flatbuffer)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None, ..., None])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


@pytest.mark.parametrize("kind", ["integer", "floating"])
def test_the_file_is_for_one_crop_and_every_shape_is_fixed(kind, request):
    # Browsers' runtimes take no other: LiteRT.js refuses an input of [-1, 48, 48, 1].
    check_fixed(Interpreter(model_content=request.getfixturevalue(kind)))


def test_so_is_the_model_that_ships():
    check_fixed(Interpreter(model_path=str(DEFAULT_MODEL)))


def check_fixed(interpreter):
    assert interpreter.get_input_details()[0]["shape_signature"].tolist() == [1, 48, 48, 1]
    shapes = [one["shape_signature"] for one in interpreter.get_tensor_details()]
    assert min(min(shape, default=1) for shape in shapes) > 0


def test_the_integer_export_holds_no_float_tensor(integer):
    assert export.float_tensors(integer) == []


def test_pixels_go_in_unchanged_and_8_bit_probabilities_come_out(integer):
    into, out = details(integer)
    assert into["dtype"] == np.uint8 and into["quantization"] == (1.0, 0)
    assert out["dtype"] == np.uint8 and out["quantization"] == (1 / 256, 0)


def test_the_float_export_is_float_throughout(floating):
    into, out = details(floating)
    assert into["dtype"] == out["dtype"] == np.float32
    assert export.float_tensors(floating)


def test_the_temperature_is_folded_in(images):
    keras.utils.set_random_seed(0)
    network = model.build(3, width=4)
    *trunk, kernel, bias = network.get_weights()
    network.set_weights([*trunk, kernel, bias + np.array([0.5, -1.0, 0.25])])
    logits = keras.ops.convert_to_numpy(network(images[:1, ..., None]))
    for temperature in (1.0, 2.0):
        reading = Reading("labels", ("a", "b", "c"), temperature)
        found = answer(export.convert(network, None, readings=[reading]), images[0])
        assert found == pytest.approx(softmax(logits, temperature)[0], abs=1e-5)


def test_converting_leaves_the_network_alone(network, images):
    before = [weights.copy() for weights in network.get_weights()]
    export.convert(network, None, readings=[Reading("labels", ("a", "b", "c"), 3.0)])
    for one, other in zip(before, network.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_calibration_takes_evenly_from_every_class():
    classes = np.array([0] * 1000 + [1] * 900 + [2] * 10)
    images = np.arange(1910, dtype=np.uint16)
    images = np.broadcast_to(images[:, None, None], (1910, 3, 3))
    middles = export.spread_images(images, classes)[:, 1, 1]
    assert np.bincount(classes[middles]).tolist() == [167, 167, 10]


def test_calibration_sees_black_and_white_and_leaves_the_images_alone():
    images = np.full((4, 48, 48), 100, np.uint8)
    calibration = export.spread_images(images, np.arange(4))
    assert (calibration.min(), calibration.max()) == (0, 255)
    assert (images == 100).all()


def test_a_network_that_ends_in_probabilities_is_refused():
    inputs = keras.Input((48, 48, 1))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    finished = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    with pytest.raises(EmotionError, match="must end in a dense layer of logits"):
        export.convert(finished, None)


def test_the_gate_lets_a_loss_pass_that_chance_explains():
    before, after = np.ones(280, bool), np.ones(280, bool)
    after[:4] = False  # 1.4 points
    assert export.gate(before, after, "int8", "validation accuracy") == ""


def test_the_gate_stops_a_loss_of_more_than_a_point_beyond_chance():
    before, after = np.ones(3588, bool), np.ones(3588, bool)
    after[:30] = False
    assert export.gate(before, after, "int8", "validation accuracy") == ""  # 0.8 points
    after[:60] = False
    said = export.gate(before, after, "int8", "validation accuracy")
    assert said.startswith("the int8 export loses 1.7 points of validation accuracy")
    assert "95 % interval 1.2 to 2.1 on 3,588 images; at most 1 is allowed" in said


def test_each_reading_gets_an_output_of_its_name(images):
    both = [Reading("labels", ("a", "b")), Reading("people", ("b", "a", "c"), 2.0)]
    flatbuffer = export.convert(model.build(5, width=4), images, readings=both)
    interpreter = Interpreter(model_content=flatbuffer)
    runner = interpreter.get_signature_runner("serving_default")
    found = {name: out["shape"].tolist() for name, out in runner.get_output_details().items()}
    assert found == {"labels": [1, 2], "people": [1, 3]}
    assert export.float_tensors(flatbuffer) == []


def test_another_back_end_leaves_the_export_to_a_process_of_its_own(
    network, images, monkeypatch, integer
):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    found, expected = (
        answer_int8(one, images[0]) for one in (export.convert(network, images), integer)
    )
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("environ", "code", "complaint"),
    [
        ({}, 2, "MODEL_PATH is not set: it takes the trained `.keras` model to export"),
        ({"MODEL_PATH": "emotion.tflite"}, 2, "MODEL_PATH='emotion.tflite' must end in .keras"),
        ({"MODEL_PATH": "none.keras", "OPTIMISE": "0"}, 1, "error: MODEL_PATH='none.keras' does"),
        ({"MODEL_PATH": "none.keras"}, 1, "error: OPTIMISE=1 needs DATASET"),
    ],
)
def test_the_command_refuses_in_one_line(monkeypatch, capsys, environ, code, complaint):
    from emotion.cli import command

    for name in ("MODEL_PATH", "DATASET", "OPTIMISE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert command.run(export.main, export.Settings, export.__doc__, arguments=[]) == code
    said = capsys.readouterr().err
    assert said.startswith(complaint) and said.count("\n") == 1


class Votes:
    """People who say "b" of every second image."""

    answers = ("a", "b", "unsure")

    def __init__(self, count):
        self.shares = np.tile([[0.9, 0.1, 0], [0, 0.8, 0.2]], (count // 2, 1))

    def knows(self, names):
        return True

    def of(self, names, answers):
        return self.shares[:, [self.answers.index(answer) for answer in answers]]


def test_a_loss_in_peoples_reading_alone_is_told(tmp_path, monkeypatch):
    count = 400
    split = SimpleNamespace(
        images=np.zeros((count, 48, 48), np.uint8),
        targets=np.zeros(count, int),
        names=("x",) * count,
        duplicate_of_train=np.zeros(count, bool),
    )
    data = SimpleNamespace(labels=("a", "b"), splits={"train": split, "validation": split})
    labels = Reading("labels", ("a", "b"))
    people = Reading("people", Votes.answers)
    right = Votes(count).shares
    shares = {
        labels: {"validation": np.tile([1.0, 0.0], (count, 1))},
        people: {"validation": right},
    }
    before = export.judged(shares, data, Votes(count))
    assert before.people["validation"]["agreement"] == 1.0
    worse = right.copy()
    worse[:40] = worse[:40, ::-1]
    written = []
    monkeypatch.setattr(export, "write", lambda path, *rest: written.append(path.name))
    monkeypatch.setattr(export.model_file, "attach", lambda *given: None)
    monkeypatch.setattr(
        export, "run", lambda path, splits: {**shares, people: {"validation": worse}}
    )
    path = tmp_path / "emotion.tflite"
    done = export.deliver(None, data, path, {}, before, optimise=True, votes=Votes(count))
    assert "WARNING: the int8 export loses 5.0 points of agreement with people" in done.complaint
    assert "validation accuracy" not in done.complaint
    assert written == ["emotion.tflite", "emotion_float32.tflite"]
    assert done.agreement["people"]["validation"] == pytest.approx(0.95)
    assert "validation, people, int8: 400 images, agreement 95.00%" in export.table(done)


def test_each_readings_own_outputs_are_softened_at_its_temperature():
    logits = np.array([[1.0, 3.0, 0.0, 2.0, 4.0]])
    labels, people = Reading("labels", ("a", "b")), Reading("people", ("b", "a", "c"), 2.0)
    found = export.softened({"validation": logits}, [labels, people])
    assert found[labels]["validation"] == pytest.approx(softmax(logits[:, :2]))
    assert found[people]["validation"] == pytest.approx(softmax(logits[:, 2:], 2.0))
