"""Frame in, faces out; a stand-in for the network looks at how bright a crop is."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
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


# Frames far apart


@pytest.mark.parametrize("seconds", [1, 4.5, 86400])
def test_in_a_still_scene_everybody_keeps_the_number_however_far_apart_frames_are(
    recogniser, astronaut, seconds
):
    frame = two(astronaut)
    where = [{one.identity: one.box for one in recogniser(frame, n * seconds)} for n in range(4)]
    assert all(sorted(people) == [1, 2] for people in where)
    for people in where[1:]:
        for identity, box in people.items():
            assert box == pytest.approx(where[0][identity], abs=8)


def test_somebody_who_moved_in_the_meantime_is_found_as_the_same_person(recogniser, astronaut):
    frame = two(astronaut)
    recogniser(frame, 0.0)
    moved = np.full_like(frame, 120)
    moved[:, 40:] = frame[:, :-40]
    assert sorted(face.identity for face in recogniser(moved, 10.0)) == [1, 2]


def test_frames_far_apart_of_another_scene_show_new_people(recogniser, astronaut):
    recogniser(two(astronaut), 0.0)
    other = cv2.flip(255 - (two(astronaut) // 3), 1)
    other[20:180, 200:360] = cv2.resize(astronaut[20:260, 120:360], (160, 160))
    (face,) = recogniser(other, 5.0)
    assert face.identity == 3


def test_somebody_else_in_the_same_place_after_a_long_gap_is_new(recogniser, astronaut):
    """The scene stays, and the other one wears black."""
    frame = np.full((300, 500, 3), 120, np.uint8)
    frame[30:130, 10:110] = cv2.resize(astronaut[20:260, 120:360], (100, 100))
    other = frame.copy()
    other[30:130, 10:110] = cv2.cvtColor(
        cv2.cvtColor(frame[30:130, 10:110] // 3, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR
    )
    assert [face.identity for face in recogniser(frame, 0.0)] == [1]
    assert [face.identity for face in recogniser(other, 6.0)] == [2]


def test_frames_half_a_second_apart_are_still_a_video(recogniser, astronaut, monkeypatch):
    recogniser(astronaut, 0.0)
    monkeypatch.setattr(recogniser._detector, "find", lambda _: pytest.fail("searched as picture"))
    for number in range(1, 5):
        recogniser(astronaut, number / 2)


# Threads


def test_one_recogniser_may_be_called_from_several_threads(astronaut):
    """Raw errors of OpenCV and LiteRT, and wrong answers, came of this."""
    recogniser = EmotionRecogniser("any.tflite")
    busy = threading.Lock()
    classify = recogniser._classifier.__call__

    class Watched:
        labels, size, reading = Brightness.labels, 48, Brightness.reading

        def __call__(self, crops):
            assert busy.acquire(blocking=False), "two at once"
            time.sleep(0.01)
            busy.release()
            return classify(crops)

    recogniser._classifier = Watched()
    head = astronaut[20:260, 120:360]
    pictures = [two(astronaut), head] * 4
    with ThreadPoolExecutor(4) as pool:
        counts = [len(found) for found in pool.map(recogniser, pictures)]
    assert counts == [2, 1] * 4


# Faces and parts of one's own


def test_crops_are_read_in_their_order_without_a_search(recogniser):
    crops = [np.full((60, 60), 200, np.uint8), np.full((48, 48, 3), 50, np.uint8)]
    faces_read = recogniser.read(crops)
    assert [one.identity for one in faces_read] == [1, 2]
    assert [one.box for one in faces_read] == [(0, 0, 60, 60), (0, 0, 48, 48)]
    assert [one.emotion for one in faces_read] == ["bright", "dark"]
    assert recogniser.read([]) == []


def test_a_crop_of_48_px_reaches_the_network_as_it_is(recogniser):
    crop = np.random.default_rng(0).integers(0, 255, (48, 48), np.uint8)
    recogniser.read(crop)
    assert (recogniser._classifier.seen[0] == crop).all()
    for given, number in ((np.stack([crop, crop]), 2), (crop[:, :, None], 1)):
        assert len(recogniser.read(given)) == number
        assert (recogniser._classifier.seen[0] == crop).all()


def test_of_an_oblong_crop_the_square_in_its_middle_counts(recogniser):
    crop = np.full((40, 100), 255, np.uint8)
    crop[:, 30:70] = 0
    (face,) = recogniser.read([crop])
    assert (face.box, face.raw[1]) == ((30, 0, 40, 40), 0)


@pytest.mark.parametrize("crops", [None, 3, [None], ["a.png"], [np.zeros((4, 4))]])
def test_what_are_no_crops_is_refused_in_one_line(recogniser, crops):
    with pytest.raises(EmotionError, match=r"^an? "):
        recogniser.read(crops)


def test_a_recogniser_of_cropped_faces_searches_for_none(astronaut):
    recogniser = EmotionRecogniser("any.tflite", cropped=True)
    crop = astronaut[66:162, 177:273]
    assert [face.box for face in recogniser(crop)] == [(0, 0, 96, 96)]
    for number in range(3):
        (face,) = recogniser(crop, number / 25)
        assert (face.identity, face.box) == (1, (0, 0, 96, 96))


def test_boxes_that_were_found_by_other_means_are_read_in_their_order(recogniser):
    frame = np.full((100, 200), 30, np.uint8)
    frame[:, 100:] = 220
    found = recogniser(frame, boxes=[(110, 20, 40, 40), (10, 20, 60, 60)])
    assert [one.box for one in found] == [(110, 20, 40, 40), (10, 20, 60, 60)]
    assert [one.emotion for one in found] == ["bright", "dark"]
    assert recogniser(frame, boxes=[]) == recogniser(frame, boxes=np.zeros((0, 4))) == []


def test_boxes_in_a_video_keep_their_numbers(recogniser):
    frame = np.full((100, 200), 30, np.uint8)
    for number in range(5):
        boxes = [(10 + number, 20, 40, 40), (120 - number, 20, 40, 40)]
        found = recogniser(frame, number / 25, boxes=boxes if number % 2 else boxes[::-1])
    assert {one.identity: one.box[0] < 100 for one in found} == {2: True, 1: False}


def test_an_oblong_box_becomes_the_square_around_its_middle(recogniser):
    (face,) = recogniser(np.full((100, 200), 30, np.uint8), boxes=[(20, 20, 30, 50)])
    assert face.box == (10, 20, 50, 50)


@pytest.mark.parametrize(
    "boxes",
    [
        [(1, 2, 3)],
        [(0, 0, 0, 10)],
        [(0, 0, float("nan"), 10)],
        [(float("inf"), 0, 10, 10)],
        [(0, 0, 1e9, 10)],
        [(500, 0, 10, 10)],
        [(-20, 0, 10, 10)],
        [(10**400, 0, 1, 1)],
        "abcd",
        [None],
        5,
        object(),
    ],
    ids=lambda _: "",
)
def test_what_are_no_boxes_of_the_frame_is_refused_in_one_line(recogniser, boxes):
    for time_ in (None, 0.0):
        with pytest.raises(EmotionError, match=r"^boxes") as caught:
            recogniser(np.full((100, 200), 30, np.uint8), time_, boxes=boxes)
        assert "\n" not in str(caught.value)


def test_a_list_of_pictures_gives_a_list_of_faces_for_each(recogniser, astronaut):
    answers = recogniser([two(astronaut), np.full((240, 320), 90, np.uint8), astronaut])
    assert [len(found) for found in answers] == [2, 0, 1]
    assert recogniser([]) == []
    with pytest.raises(EmotionError, match="a list of frames has no time"):
        recogniser([astronaut], 0.0)


@pytest.mark.parametrize("time", [None, 0.0], ids=["picture", "video"])
def test_in_a_region_faces_are_found_with_the_whole_frames_boxes(astronaut, time):
    whole = EmotionRecogniser("any.tflite")(two(astronaut))
    recogniser = EmotionRecogniser("any.tflite", region=(260, 0, 1000, 300))
    (face,) = recogniser(two(astronaut), time)
    assert face.box == pytest.approx(whole[1].box, abs=6)
    assert face.raw == pytest.approx(whole[1].raw, abs=0.03)


def test_boxes_of_ones_own_belong_to_the_whole_frame_in_a_region_too():
    recogniser = EmotionRecogniser("any.tflite", region=(50, 10, 100, 80))
    frame = np.full((100, 200), 30, np.uint8)
    frame[20:60, 60:100] = 250
    (face,) = recogniser(frame, boxes=[(60, 20, 40, 40)])
    assert (face.box, face.emotion) == ((60, 20, 40, 40), "bright")


def test_a_region_outside_a_frame_is_said(astronaut):
    recogniser = EmotionRecogniser("any.tflite", region=(600, 0, 10, 10))
    with pytest.raises(EmotionError, match=r"^REGION=600,0,10,10 lies outside a frame of 512x512$"):
        recogniser(astronaut)


@pytest.mark.parametrize("time", [None, 0.0], ids=["picture", "video"])
def test_of_more_faces_than_asked_for_the_largest_are_shown(astronaut, time):
    recogniser = EmotionRecogniser("any.tflite", max_faces=1)
    (face,) = recogniser(two(astronaut), time)
    assert (face.identity, face.box[0] < 250) == (1, True)
    assert recogniser._classifier.calls == 1


# Odd arguments


@pytest.mark.parametrize(
    "arguments",
    [
        {"smoothing": -1},
        {"smoothing": float("nan")},
        {"smoothing": "0.5"},
        {"confidence": 2},
        {"confidence": None},
        {"model": 5},
        {"model": b"any.tflite"},
        {"face_model": 5},
        {"min_face": "small"},
        {"min_face": None},
        {"min_face": float("nan")},
        {"threads": 0},
        {"threads": 1.5},
        {"threads": 10**30},
        {"max_faces": 0},
        {"region": (1, 2, 3)},
        {"region": 5},
        {"region": (0, 0, 0, 10)},
        {"reading": ["people"]},
    ],
    ids=lambda arguments: "{}={!r}".format(*next(iter(arguments.items()))),
)
def test_arguments_that_cannot_be_are_refused_in_one_line(arguments):
    (name,) = arguments
    with pytest.raises(EmotionError, match=f"^{name}=") as caught:
        EmotionRecogniser(**{"model": "any.tflite", **arguments})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "time", ["1", float("nan"), float("inf"), -float("inf"), True, [1.0], 10**400, 1j], ids=repr
)
def test_a_time_that_is_no_number_is_refused_and_nobody_is_forgotten(recogniser, astronaut, time):
    recogniser(astronaut, 1.0)
    with pytest.raises(EmotionError, match=r"^time=.* must be a number of seconds$"):
        recogniser(astronaut, time)
    assert [face.identity for face in recogniser(astronaut, 1.04)] == [1]


@pytest.mark.parametrize("time", [-1e300, -3, 0, 1e300, np.float32(2), Fraction(1, 3)], ids=repr)
def test_any_finite_time_is_a_time(recogniser, astronaut, time):
    (face,) = recogniser(astronaut, time)
    assert [one.identity for one in recogniser(astronaut, time)] == [face.identity] == [1]


def test_a_video_may_begin_before_zero(recogniser, astronaut):
    darker = (astronaut * 0.8).astype(np.uint8)
    first = recogniser(astronaut, -2.0)[0]
    second = recogniser(darker, -1.96)[0]
    assert second.raw[1] < second.probabilities[1] < first.probabilities[1]


@pytest.mark.parametrize("side", [1, 7, 8, 20])
def test_frames_smaller_than_any_face_hold_nobody(recogniser, side):
    for shape in ((side, side), (side, 200, 3), (200, side, 3), (side, side, 4)):
        frame = np.full(shape, 90, np.uint8)
        assert recogniser(frame) == recogniser(frame, 0.0) == recogniser(frame, 7.0) == []
        recogniser.reset()


def test_frames_may_turn_from_colour_to_grey_and_change_their_size(recogniser, astronaut):
    frames = [
        astronaut,
        cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY),
        cv2.cvtColor(astronaut, cv2.COLOR_BGR2BGRA),
        np.full((8, 8), 90, np.uint8),
        cv2.resize(astronaut, (256, 256)),
        cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)[:, :, None],
        astronaut[::-1, ::-1],
        np.full((1, 1, 3), 90, np.uint8),
    ]
    for number, frame in enumerate(frames * 2):
        recogniser(frame, number / 10)
    assert recogniser(astronaut, 9.0)[0].box == pytest.approx((171, 61, 108, 108), abs=9)


def test_a_grey_frame_among_coloured_ones_changes_nobodys_number(recogniser, astronaut):
    grey = cv2.cvtColor(two(astronaut), cv2.COLOR_BGR2GRAY)
    for number in range(12):
        found = recogniser(grey if number % 3 == 1 else two(astronaut), number / 3)
    assert sorted(face.identity for face in found) == [1, 2]


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

        def detect_next(self, frame, grey, tracks, time, *, cut, live):
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
