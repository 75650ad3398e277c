"""Frame in, faces out; a stand-in for the network looks at how bright a crop is."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import emotion
from emotion import faces
from emotion import recogniser as module
from emotion.errors import EmotionError
from emotion.recogniser import EmotionRecogniser

ROOT = Path(__file__).parents[1]


class Brightness:
    """Says "bright" of a crop as surely as it is bright."""

    labels, size, calls = ("dark", "bright"), 48, 0

    reading = SimpleNamespace(name="people")

    def __init__(self, path, *, reading=None, threads=1):
        self.path, self.threads = Path(path), threads

    def __call__(self, crops):
        assert crops.shape[1:] == (48, 48)
        self.calls += len(crops)
        self.seen = crops
        bright = crops.mean(axis=(1, 2)) / 255
        return np.stack([1 - bright, bright], axis=1).astype(np.float32)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setattr(module, "Classifier", Brightness)


@pytest.fixture(scope="module")
def astronaut():
    return cv2.imread(str(ROOT / "samples" / "astronaut.png"))


@pytest.fixture
def recogniser():
    return EmotionRecogniser("any.tflite")


def two(astronaut):
    """A large face on the left and a smaller one on the right."""
    scene = np.full((300, 500, 3), 120, np.uint8)
    head = astronaut[20:260, 120:360]
    scene[30:270, 10:250] = head
    scene[60:200, 320:460] = cv2.resize(head, (140, 140), interpolation=cv2.INTER_AREA)
    return scene


# Pictures


def test_a_picture_gives_one_face_with_all_that_is_known_of_it(recogniser, astronaut):
    (face,) = recogniser(astronaut)
    assert face.identity == 1
    assert all(isinstance(value, int) for value in face.box)
    assert face.emotion in recogniser.labels
    assert face.confidence == pytest.approx(face.probabilities.max())
    assert face.probabilities.dtype == np.float32
    assert face.probabilities.sum() == pytest.approx(1)
    assert face.raw == pytest.approx(face.probabilities)
    assert face.seen


@pytest.mark.parametrize("time", [None, 0.0], ids=["picture", "video"])
def test_people_are_numbered_from_the_largest_face(recogniser, astronaut, time):
    found = recogniser(two(astronaut), time)
    assert [face.identity for face in found] == [1, 2]
    assert found[0].box[2] > 1.5 * found[1].box[2]


def test_pictures_know_nothing_of_each_other(recogniser, astronaut):
    first = recogniser(astronaut)[0]
    recogniser(255 - astronaut)
    again = recogniser(astronaut)[0]
    assert (again.identity, again.box) == (first.identity, first.box)
    assert again.probabilities == pytest.approx(first.probabilities)


def test_a_picture_between_two_frames_of_a_video_disturbs_nothing(recogniser, astronaut):
    recogniser(astronaut, 0.0)
    recogniser(two(astronaut))
    (face,) = recogniser(astronaut, 0.04)
    assert face.identity == 1


def test_no_face_is_an_empty_list_and_the_network_is_not_asked(recogniser):
    empty = np.full((240, 320, 3), 90, np.uint8)
    assert recogniser(empty) == []
    assert recogniser(empty, 0.0) == []
    assert recogniser._classifier.calls == 0


def test_the_network_sees_the_face_and_not_the_frame(recogniser, astronaut):
    (face,) = recogniser(astronaut)
    x, y, width, height = face.box
    grey = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)[y : y + height, x : x + width]
    assert face.probabilities[1] == pytest.approx(grey.mean() / 255, abs=0.02)


# Video


def test_frames_of_a_video_keep_identities_and_average(recogniser, astronaut):
    darker = (astronaut * 0.8).astype(np.uint8)
    first = recogniser(astronaut, 0.0)[0]
    second = recogniser(darker, 0.04)[0]
    assert second.identity == first.identity == 1
    assert second.raw[1] < second.probabilities[1] < first.probabilities[1]


def test_the_network_sees_a_rolled_head_upright(recogniser, astronaut):
    turn = cv2.getRotationMatrix2D((224, 114), 30, 1.0)
    rolled = cv2.warpAffine(astronaut, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    (face,) = recogniser(rolled, 0.0)
    seen = recogniser._classifier.seen[0].astype(float)
    assert face.angle == pytest.approx(-30, abs=5)
    upright, as_it_is = (
        faces.crop(image, [face.box])[0].astype(float) for image in (astronaut, rolled)
    )
    assert np.abs(seen - upright).mean() < 0.6 * np.abs(seen - as_it_is).mean()


def test_reset_forgets_everybody(recogniser, astronaut):
    recogniser(two(astronaut), 0.0)
    recogniser.reset()
    (face,) = recogniser(astronaut, 0.0)
    assert face.identity == 1
    assert face.probabilities == pytest.approx(face.raw)


def test_time_that_starts_again_is_another_clip(recogniser, astronaut):
    recogniser(two(astronaut), 100.0)
    (face,) = recogniser(astronaut, 0.0)
    assert face.identity == 1
    (face,) = recogniser((astronaut * 0.8).astype(np.uint8), 0.04)
    assert face.probabilities != pytest.approx(face.raw)  # averaged again


def test_frames_slightly_out_of_order_belong_to_one_clip(recogniser, astronaut):
    frame = two(astronaut)
    recogniser(frame, 1.0)
    frame[:, :250] = 120  # the first one leaves
    seen = [face.identity for face in recogniser(frame, 0.96) if face.seen]
    assert seen == [2]


def test_smoothing_and_confidence_are_passed_on(astronaut):
    recogniser = EmotionRecogniser("any.tflite", smoothing=0, confidence=1)
    recogniser(astronaut, 0.0)
    (face,) = recogniser((astronaut * 0.8).astype(np.uint8), 0.04)
    assert face.probabilities == pytest.approx(face.raw)
    assert face.emotion == "uncertain"


@pytest.mark.parametrize("time", [None, 0.0], ids=["picture", "video"])
def test_a_frame_is_never_changed(recogniser, astronaut, time):
    frame = astronaut.copy()
    frame.flags.writeable = False
    recogniser(frame, time)
    assert (frame == astronaut).all()


@pytest.mark.parametrize("time", [None, 0.0], ids=["picture", "video"])
@pytest.mark.parametrize("way", [cv2.COLOR_BGR2GRAY, cv2.COLOR_BGR2BGRA], ids=["grey", "alpha"])
def test_grey_and_transparent_frames_give_the_same_face(recogniser, astronaut, way, time):
    (face,) = recogniser(cv2.cvtColor(astronaut, way), time)
    recogniser.reset()
    assert face.box == recogniser(astronaut, time)[0].box


@pytest.mark.parametrize("time", [None, 0.0], ids=["picture", "video"])
def test_what_is_no_frame_is_refused_in_one_line(recogniser, time):
    with pytest.raises(EmotionError, match=r"^an image of shape \(9, 9, 3\), float64: needed is"):
        recogniser(np.zeros((9, 9, 3)), time)
    with pytest.raises(EmotionError, match=r"^a NoneType is no image: needed is 8-bit grey or BGR"):
        recogniser(None, time)


# Settings


def test_without_a_model_the_one_that_ships_is_used():
    assert EmotionRecogniser()._classifier.path == module.DEFAULT_MODEL
    assert module.DEFAULT_MODEL == ROOT / "emotion" / "models" / "fer2013.tflite"


def test_threads_are_the_networks_and_opencvs():
    before = cv2.getNumThreads()
    try:
        assert EmotionRecogniser("any.tflite", threads=3)._classifier.threads == 3
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_min_face_reaches_the_search_in_pictures_and_video(astronaut):
    recogniser = EmotionRecogniser("any.tflite", min_face=0.35)  # hers is a fifth of the picture
    assert recogniser(astronaut) == recogniser(astronaut, 0.0) == []


@pytest.mark.parametrize("value", [0, -0.1, 1.5])
def test_a_min_face_that_is_no_part_of_the_frame_is_refused(value):
    with pytest.raises(EmotionError, match=r"min_face=.* must be above 0 and at most 1"):
        EmotionRecogniser("any.tflite", min_face=value)


def test_a_missing_face_model_is_refused_before_any_frame(tmp_path):
    with pytest.raises(EmotionError, match=r"^FACE_MODEL='.*none\.onnx' does not exist"):
        EmotionRecogniser("any.tflite", face_model=tmp_path / "none.onnx")


def test_a_face_model_takes_the_cascades_place(monkeypatch, astronaut):
    class Detector:
        def __init__(self, path, *, min_face):
            self.path = path

        def find(self, image):
            return [faces.Found((170.0, 60.0, 109.0, 109.0))]

        def detect_next(self, frame, grey, tracks, time, *, cut):
            return [module.Detection((170.0, 60.0, 109.0, 109.0))]

    monkeypatch.setattr(module, "YuNet", Detector)
    recogniser = EmotionRecogniser("any.tflite", face_model="yunet.onnx")
    assert [face.box for face in recogniser(astronaut)] == [(170, 60, 109, 109)]
    assert [face.box for face in recogniser(astronaut, 0.0)] == [(170, 60, 109, 109)]


# What is loaded

FRESH = """
import sys
{work}
heavy = ["tensorflow", "keras", "matplotlib", "sklearn", "numpy", "cv2", "ai_edge_litert"]
print(" ".join(name for name in heavy if name in sys.modules))
"""
USE = """
from emotion import EmotionRecogniser, recogniser as module
class StandIn:
    labels, size = ("dark", "bright"), 48
    def __init__(self, path, *, reading, threads):
        pass
    def __call__(self, crops):
        import numpy
        return numpy.full((len(crops), 2), 0.5, numpy.float32)
module.Classifier = StandIn
import cv2
recogniser = EmotionRecogniser("any.tflite")
frame = cv2.imread("samples/astronaut.png")
assert len(recogniser(frame)) == len(recogniser(frame, 0.0)) == 1
"""


def loaded(work):
    """Which of the heavy packages a fresh interpreter holds after `work`."""
    command = [sys.executable, "-c", FRESH.format(work=work)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    assert loaded("import emotion; emotion.__version__") == set()


def test_recognition_loads_no_training_package():
    assert loaded(USE) == {"numpy", "cv2", "ai_edge_litert"}


def test_the_package_offers_its_names_and_no_others():
    assert emotion.EmotionRecogniser is EmotionRecogniser
    assert emotion.Face is module.Face
    assert emotion.__version__ == "1.0.0"
    assert {"EmotionRecogniser", "Face", "__version__"} <= set(dir(emotion))
    with pytest.raises(AttributeError, match="module 'emotion' has no attribute 'Nobody'"):
        _ = emotion.Nobody
