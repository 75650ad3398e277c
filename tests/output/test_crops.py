"""Crops of the faces that were seen, and that training takes them as they are."""

import re

import cv2
import numpy as np
import pytest

from emotion import pictures
from emotion.errors import EmotionError
from emotion.output.crops import Crops
from emotion.sources.frame import Frame
from emotion.tracking.tracker import Face

IMAGE = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def face(identity=1, box=(40, 20, 80, 80), *, seen=True, angle=0.0):
    row = np.ones(1, np.float32)
    return Face(identity, box, "happy", 1.0, row, row, angle, seen)


def frame(time=None, *, source="film.mp4", wall=None):
    return Frame(IMAGE, 0, source, time, wall)


def names(folder):
    """What the crops are called, each without the mark of its source."""
    return sorted(re.sub("-[0-9a-f]{6}-person", "-person", path.name) for path in folder.iterdir())


def test_a_crop_is_48_px_grey_and_what_the_network_sees(tmp_path):
    Crops(tmp_path / "mine" / "bored").write(frame(), [face()])
    (path,) = (tmp_path / "mine" / "bored").iterdir()
    crop = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    grey = cv2.cvtColor(IMAGE, cv2.COLOR_BGR2GRAY)[22:98, 42:118]  # a fortieth tighter
    assert (crop == cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)).all()


def test_what_is_cropped_already_stays_whole(tmp_path):
    Crops(tmp_path, cropped=True).write(frame(), [face(box=(20, 0, 120, 120))])
    crop = cv2.imread(str(next(tmp_path.iterdir())), cv2.IMREAD_UNCHANGED)
    grey = cv2.cvtColor(IMAGE, cv2.COLOR_BGR2GRAY)[:, 20:140]
    assert (crop == cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)).all()


def test_a_rolled_head_is_set_upright(tmp_path):
    Crops(tmp_path).write(frame(), [face(1), face(2, angle=40.0)])
    upright, turned = (cv2.imread(str(path), 0) for path in tmp_path.iterdir())
    assert not np.array_equal(upright, turned)


def test_each_person_has_one_crop_a_second_named_by_source_time_and_identity(tmp_path):
    crops = Crops(tmp_path)
    for number in range(50):  # two seconds at 25 a second; the second person comes late
        there = [face(1), face(2)] if number >= 20 else [face(1)]
        crops.write(frame(number / 25), there)
    assert names(tmp_path) == [
        "film.mp4-person1-00000.00s.png",
        "film.mp4-person1-00001.00s.png",
        "film.mp4-person2-00000.80s.png",
        "film.mp4-person2-00001.80s.png",
    ]
    assert crops.summary() == f"wrote 4 face crops to {tmp_path}"


def test_a_face_that_was_not_found_in_this_frame_gives_no_crop(tmp_path):
    Crops(tmp_path).write(frame(0.0), [face(seen=False)])
    assert names(tmp_path) == []


def test_a_picture_gives_a_crop_of_everybody(tmp_path):
    crops = Crops(tmp_path)
    crops.write(frame(source="photos/a.jpg"), [face(1), face(2)])
    crops.write(frame(source="photos/b.jpg"), [face(1)])
    assert names(tmp_path) == ["a.jpg-person1.png", "a.jpg-person2.png", "b.jpg-person1.png"]


def test_sources_of_one_name_do_not_overwrite_each_other_in_one_run_or_in_two(tmp_path):
    crops = Crops(tmp_path)
    for folder in ("one", "two"):
        crops.write(frame(source=f"{folder}/a.jpg"), [face()])
    Crops(tmp_path).write(frame(source="three/a.jpg"), [face()])
    assert len(list(tmp_path.iterdir())) == 3 and set(names(tmp_path)) == {"a.jpg-person1.png"}


def test_the_same_source_has_the_same_name_from_wherever_it_is_given(tmp_path, monkeypatch):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").touch()
    monkeypatch.chdir(tmp_path)
    for source in ("clips/a.mp4", str(tmp_path / "clips" / "a.mp4")):
        Crops(tmp_path / "crops").write(frame(0.0, source=source), [face()])
    assert len(list((tmp_path / "crops").iterdir())) == 1


def test_a_camera_of_another_day_does_not_overwrite_either(tmp_path):
    for wall in (1_700_000_000.25, 1_700_090_000.0):
        Crops(tmp_path).write(frame(0.0, source="0", wall=wall), [face()])
    assert names(tmp_path) == [
        "0-person1-20231114T221320.250000.png",
        "0-person1-20231115T231320.000000.png",
    ]


def test_a_source_of_any_name_gives_a_name_that_every_system_takes(tmp_path):
    crops = Crops(tmp_path)
    for source in ("rtsp://me:secret@host:554/live?a=1&b=2", "a\nb\x1b[31m.mp4", "..", "x" * 300):
        crops.write(frame(0.0, source=source), [face()])
    found = [path.name for path in tmp_path.iterdir()]
    assert len(found) == 4
    for name in found:
        assert "secret" not in name
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-")
        assert len(name) < 120


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        EmotionError, match=r"^CROPS='.*file.*' cannot be written .*, then give the same"
    ):
        Crops(tmp_path / "file" / "deeper").write(frame(), [face()])


def test_training_takes_the_crops_as_they_are(tmp_path):
    from emotion.data.face_crops import Preparer

    Crops(tmp_path).write(frame(), [face()])
    path = next(tmp_path.iterdir())
    prepared = Preparer(48)(pictures.decode(path.read_bytes()))
    assert prepared.how == "as it is"
    assert (prepared.image == cv2.imread(str(path), 0)).all()
