"""What is done with every frame, with a stand-in for the recogniser and the sources."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from film import film

from emotion import session as module
from emotion.errors import EmotionError, UnreadableError
from emotion.output.recording import Recording
from emotion.output.rows import Rows
from emotion.session import Session
from emotion.sources.camera import Camera
from emotion.sources.clip import Clip
from emotion.sources.frame import FpsMeter, Frame
from emotion.sources.source import Source
from emotion.tracking.tracker import Face
from emotion.view.latest import Latest

LABELS = ("sad", "happy")
HALF = np.array([0.5, 0.5], np.float32)
IMAGE = np.full((48, 64, 3), 90, np.uint8)


class StandIn:
    """Finds one happy face in every frame and remembers what it was asked."""

    labels = LABELS
    reading = "people"

    def __init__(self):
        self.asked = []

    def reset(self):
        self.asked.append("reset")

    def __call__(self, frame, time=None, *, live=False):
        self.asked.append(time)
        return [Face(1, (10, 10, 20, 20), "happy", 0.5, HALF, HALF)]


class Live(list, Camera):
    """Frames in a list, in the form of a live source."""

    __iter__, __enter__, __exit__ = list.__iter__, Camera.__enter__, lambda *_: None

    rate, dropped = 10.0, 0
    meter = FpsMeter()


def session(sources, **options):
    """A session that opens `sources` in turn, with all it said."""
    heard, left = [], list(sources)

    def opened(_):
        source = left.pop(0)
        if isinstance(source, Exception):
            raise source
        return contextlib.nullcontext(source)

    return Session(StandIn(), opened, heard.append, **options), heard


def frames(*times, message=""):
    return [Frame(IMAGE, n, "0", time, None, message) for n, time in enumerate(times)]


FOLDER = Source("folder", "in", (Path("in/a.avi"), Path("in/b.avi"), Path("in/c.avi")))


def test_nobody_is_taken_from_one_source_into_the_next():
    run, _ = session([Live(frames(0.0)), Live(frames(5.0)), Live(frames(6.0))])
    assert run.run(FOLDER)
    assert run.recogniser.asked == ["reset", 0.0, "reset", 5.0, "reset", 6.0]


def test_a_frame_with_a_status_message_is_written_but_neither_recognised_nor_a_row(tmp_path):
    source = Live(frames(0.0) + frames(0.1, 0.2, message="no picture") + frames(0.3))
    rows = Rows(tmp_path / "rows.csv", LABELS)
    run, heard = session([source], rows=rows, output=tmp_path / "out.avi")
    with rows:
        run.run(Source("camera", "0"))
    assert run.recogniser.asked == ["reset", 0.0, 0.3]
    assert (tmp_path / "rows.csv").read_text().count("\n") == 3  # and the header
    with Clip(tmp_path / "out.avi") as written:
        assert len(list(written)) == 4
    assert heard[-1] == "0: person 1: 0.6 s in view, happy 100%"


def test_a_file_that_cannot_be_read_does_not_stop_the_others():
    run, heard = session([Live(frames(0.0)), UnreadableError("b is broken"), Live(frames(0.0))])
    assert run.run(FOLDER)
    assert heard[-2:] == ["error: b is broken", "2 of 3 files read"]


def test_a_result_that_cannot_be_written_stops_all():
    run, heard = session([EmotionError("the disk is full"), Live(frames(0.0))])
    with pytest.raises(EmotionError, match="the disk is full"):
        run.run(FOLDER)
    assert heard == []


def test_nothing_is_said_of_a_source_without_a_frame():
    run, heard = session([Live()])
    run.run(Source("camera", "0"))
    assert heard == []


def test_progress_follows_the_files():
    told = []
    run, _ = session(
        [Live(frames(0.0)) for _ in range(3)], progress=lambda *how_far: told.append(how_far[:2])
    )
    run.run(FOLDER)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_progress_follows_the_seconds_of_a_lone_clip(tmp_path):
    told = []
    with Recording(tmp_path / "a.avi", rate=5) as recording:
        for number in range(40):
            recording.write(IMAGE, number / 5)
    with Clip(tmp_path / "a.avi") as clip:
        run, _ = session([clip], progress=lambda *how_far: told.append(how_far[:2]))
        run.run(Source("clip", "a.avi"))
    assert told == [(0, 8), (3, 8), (6, 8)]


def test_progress_of_a_clip_without_a_length_is_what_was_read(tmp_path):
    told = []
    path = film(tmp_path / "a.mkv", [IMAGE] * 40, rate=5, container={"live": "1"})
    with Clip(path) as clip:
        run, _ = session([clip], progress=lambda *how_far: told.append(how_far[:2]))
        run.run(Source("clip", "a.mkv"))
    assert told == [(0, None), (3, None), (6, None)]


def test_every_frame_is_turned_as_asked(monkeypatch):
    seen = []
    run, _ = session([Live(frames(0.0))], rotate=90)
    monkeypatch.setattr(
        run.recogniser,
        "__class__",
        type(
            "Eye", (StandIn,), {"__call__": lambda self, frame, *_, **__: seen.append(frame) or []}
        ),
    )
    marked = IMAGE.copy()
    marked[0, 0] = 255
    run.opened = lambda _: contextlib.nullcontext(Live([Frame(marked, 0, "0", 0.0)]))
    run.run(Source("camera", "0"))
    assert seen[0].shape == (64, 48, 3) and (seen[0][0, 47] == 255).all()  # clockwise


def test_a_source_is_left_after_so_many_seconds():
    run, _ = session([Live(frames(0.0, 0.5, 1.0, 1.5))], duration=1.0)
    run.run(Source("camera", "0"))
    assert run.recogniser.asked == ["reset", 0.0, 0.5]


def test_what_a_folder_holds_besides_is_one_line():
    run, heard = session([Live(frames(0.0)) for _ in range(3)])
    run.run(replace(FOLDER, passed_over="2 .txt, 1 folder"))
    assert heard[0] == "in: neither picture nor clip, passed over: 2 .txt, 1 folder"


def test_a_folder_that_cannot_be_created_is_named(tmp_path):
    (tmp_path / "file").touch()
    run, _ = session([Live(frames(0.0))], output=tmp_path / "file" / "out")
    with pytest.raises(EmotionError, match=r"file/out cannot be created: Not a directory"):
        run.run(FOLDER)


def test_the_corner_says_which_question_was_asked(tmp_path, monkeypatch):
    corners = []

    def annotate(image, faces, labels, *, corner, **options):
        corners.append(corner)
        return image

    monkeypatch.setattr(module, "annotate", annotate)
    run, _ = session([Live(frames(0.0, 0.1))], output=tmp_path / "out.avi")
    run.run(Source("camera", "0"))
    assert corners == ["reading: people"] * 2  # and nothing about this machine's speed


def test_whoever_watches_a_folder_sees_file_after_file():
    seen, view = [], Latest()
    run, _ = session([Live(frames(0.0, 0.1)), Live(frames(0.0)), Live(frames(0.0))], view=view)
    update = view.update

    def noted(draw, rows, **options):
        update(draw, rows, **options)
        seen.append((view.newest.number, rows()[0]["emotion"], draw().shape))

    view.update = noted
    assert run.run(FOLDER)
    assert seen == [(number, "happy", IMAGE.shape) for number in (1, 2, 3, 4)]


def test_whoever_watches_is_shown_the_message_and_the_rows_before_it():
    view = Latest()
    run, _ = session([Live(frames(0.0) + frames(0.1, message="no picture"))], view=view)
    assert run.run(Source("camera", "0"))
    assert view.newest.status_message == "no picture" and len(view.newest.rows()) == 1


def test_for_whoever_watches_nothing_is_drawn_before_it_is_asked_for(monkeypatch):
    drawn, view = [], Latest()
    monkeypatch.setattr(module, "annotate", lambda *_, **__: drawn.append(1) or IMAGE)
    run, _ = session([Live(frames(0.0, 0.1, 0.2))], view=view)
    assert run.run(Source("camera", "0")) and drawn == []
    assert view.newest.draw() is IMAGE and drawn == [1]
