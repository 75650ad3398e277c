"""Snapshots and recordings on request, from any thread."""

import threading

import numpy as np
import pytest

from emotion import pictures
from emotion.errors import EmotionError
from emotion.output.keeper import Keeper
from emotion.sources.clip import Clip

PICTURE = np.full((48, 64, 3), 90, np.uint8)


def test_a_snapshot_is_the_picture_and_is_said(tmp_path):
    heard = []
    path = Keeper(tmp_path, notify=heard.append).snapshot(PICTURE)
    assert (pictures.read(path) == PICTURE).all() and heard == [f"wrote {path}"]


def test_many_at_once_have_names_of_their_own(tmp_path):
    keeper, paths = Keeper(tmp_path), []
    threads = [
        threading.Thread(target=lambda: paths.append(keeper.snapshot(PICTURE))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tmp_path.iterdir()) == sorted(paths) and len(set(paths)) == 8


def test_record_begins_and_ends_a_recording(tmp_path):
    keeper = Keeper(tmp_path)
    keeper.write(PICTURE, 0.0)  # none is asked for
    path = keeper.record()
    assert keeper.is_recording
    for number in range(5):
        keeper.write(PICTURE, number / 10)
    assert keeper.record() == path and not keeper.is_recording
    with Clip(path) as clip:
        assert len(list(clip)) == 5
    assert list(tmp_path.iterdir()) == [path]


def test_leaving_finishes_a_recording(tmp_path):
    with Keeper(tmp_path) as keeper:
        path = keeper.record()
        keeper.write(PICTURE, 0.0)
    assert list(tmp_path.iterdir()) == [path]


def test_a_recording_that_cannot_be_written_is_given_up_and_said(tmp_path):
    heard = []
    keeper = Keeper(tmp_path / "gone", notify=heard.append)
    keeper.record()
    keeper.write(PICTURE, 0.0)
    assert not keeper.is_recording and heard[-1].startswith("error: ")
    keeper.write(PICTURE, 0.1)


def test_a_snapshot_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(EmotionError, match="cannot be written"):
        Keeper(tmp_path / "gone").snapshot(PICTURE)
