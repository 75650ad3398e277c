"""Rows of results as JSON lines and CSV."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emotion.errors import EmotionError
from emotion.output.rows import VERSION, Rows, columns, rows
from emotion.sources.frame import Frame
from emotion.tracking.tracker import Face

LABELS = ("sad", "happy")
IMAGE = np.zeros((2, 2, 3), np.uint8)
FACE = Face(
    identity=3,
    box=(1, -2, 30, 30),
    emotion="happy",
    confidence=0.75,
    probabilities=np.array([0.25, 0.75], np.float32),
    raw=np.array([0.1, 0.9], np.float32),
)
CLIP = Frame(IMAGE, 12, "film.mp4", time=0.4000004)
PICTURE = Frame(IMAGE, 0, "a.png")
LIVE = Frame(IMAGE, 5, "0", time=2.5, wall=1_700_000_000.25)


def written(path, *frames):
    with Rows(path, LABELS) as file:
        for frame, faces in frames:
            file.write(frame, faces)
    return path.read_text()


def test_a_face_is_a_row():
    assert rows(CLIP, [FACE], LABELS, reading="people") == [
        {
            "version": VERSION,
            "source": "film.mp4",
            "frame": 12,
            "time": 0.4,
            "wall_time": None,
            "reading": "people",
            "identity": 3,
            "box": [1, -2, 30, 30],
            "seen": True,
            "emotion": "happy",
            "confidence": 0.75,
            "probabilities": {"sad": 0.25, "happy": 0.75},
            "raw": {"sad": 0.1, "happy": 0.9},
        }
    ]


def test_times_are_kept_to_a_microsecond(tmp_path):
    """At 30 frames a second two neighbours are 0.03 s apart, at 240 not even 0.01."""
    times = [n / 240 for n in range(1, 6)]
    text = written(tmp_path / "a.jsonl", *((Frame(IMAGE, 1, "a", time=time), []) for time in times))
    told = [json.loads(line)["time"] for line in text.splitlines()]
    assert told == pytest.approx(times, abs=5e-7)
    written(tmp_path / "a.csv", (Frame(IMAGE, 1, "a", time=1 / 3), []))
    with (tmp_path / "a.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["time"] == "0.333333"


def test_a_frame_without_faces_is_a_row_with_none():
    (row,) = rows(PICTURE, [], LABELS)
    assert (row["source"], row["frame"], row["time"]) == ("a.png", 0, None)
    assert {row[name] for name in ("identity", "emotion", "confidence", "seen")} == {None}
    assert row["box"] is row["probabilities"] is row["raw"] is None


def test_rows_with_and_without_a_face_have_the_same_fields():
    assert list(rows(CLIP, [FACE], LABELS)[0]) == list(rows(CLIP, [], LABELS)[0])


def test_a_live_row_says_when_by_the_clock():
    assert rows(LIVE, [], LABELS)[0]["wall_time"] == "2023-11-14T22:13:20.250Z"


def test_json_lines_are_one_object_each(tmp_path):
    text = written(tmp_path / "a.jsonl", (CLIP, [FACE, FACE]), (PICTURE, []))
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines == rows(CLIP, [FACE, FACE], LABELS) + rows(PICTURE, [], LABELS)


def test_csv_has_a_header_and_a_cell_for_every_probability(tmp_path):
    written(tmp_path / "a.csv", (CLIP, [FACE]), (LIVE, []))
    with (tmp_path / "a.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert list(first) == columns(LABELS)
    assert first["x"] == "1" and first["y"] == "-2" and first["width"] == "30"
    assert first["seen"] == "1" and first["wall_time"] == ""
    assert [float(first[name]) for name in columns(LABELS)[-4:]] == [0.25, 0.75, 0.1, 0.9]
    empty = [name for name, cell in second.items() if cell == ""]
    assert empty == columns(LABELS)[5:]  # from the identity on


def test_columns_cannot_clash_with_a_class_of_the_same_name():
    names = columns(("time", "x"))
    assert len(set(names)) == len(names)


def test_rows_are_in_the_file_before_it_is_closed(tmp_path):
    file = Rows(tmp_path / "a.jsonl", LABELS)
    file.write(CLIP, [FACE])
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 1
    file.close()


def test_an_earlier_file_stays_until_there_is_a_row(tmp_path):
    (tmp_path / "a.csv").write_text("earlier")
    with Rows(tmp_path / "a.csv", LABELS) as file:
        assert (tmp_path / "a.csv").read_text() == "earlier"
        file.write(CLIP, [])
    assert (tmp_path / "a.csv").read_text().startswith("version,source,")


def test_a_dash_is_standard_output_which_stays_open(capsys):
    with Rows(Path("-"), LABELS) as file:
        file.write(PICTURE, [])
    print("more")
    out = capsys.readouterr().out.splitlines()
    assert json.loads(out[0])["source"] == "a.png" and out[1] == "more"


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(EmotionError, match=r"^RESULTS='.*none/a\.csv' cannot be written .no such"):
        Rows(tmp_path / "none" / "a.csv", LABELS).write(CLIP, [])


FULL = """
import resource, sys, signal
from pathlib import Path
from tests_rows import CLIP, FACE, LABELS, Rows
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
rows = Rows(Path(sys.argv[1]), LABELS)
while True:
    rows.write(CLIP, [FACE])
"""


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_full_disk_leaves_whole_rows_and_one_line(tmp_path, name):
    pytest.importorskip("resource")
    code = FULL.replace("tests_rows", "tests.output.test_rows")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / name)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[-1] == (
        f"emotion.errors.EmotionError: RESULTS: {tmp_path / name} cannot be written (file too "
        "large): make room, then give the same command again"
    )
    text = (tmp_path / name).read_text()
    assert 1500 < len(text) <= 2000 and text.endswith("\n")
    with (tmp_path / name).open(newline="") as file:
        whole = list(csv.DictReader(file)) if name == "a.csv" else list(map(json.loads, file))
    assert all(row["emotion"] == "happy" for row in whole)


def test_two_runs_cannot_write_one_file(tmp_path):
    with Rows(tmp_path / "a.csv", LABELS) as first, Rows(tmp_path / "a.csv", LABELS) as second:
        first.write(CLIP, [FACE])
        with pytest.raises(EmotionError, match=r"RESULTS='.*a\.csv': another run .process \d+."):
            second.write(CLIP, [])
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_closed_standard_output_is_told(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(EmotionError, match=r"RESULTS='-': standard output is closed; name a file"):
        Rows(Path("-"), LABELS).write(CLIP, [])


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("-1+2.mp4", "'-1+2.mp4"),
        ("@SUM(A1).mp4", "'@SUM(A1).mp4"),
        ("a\x1b[31m\n.png", "a\\x1b[31m\\n.png"),
        ("café 1.png", "café 1.png"),
    ],
)
def test_a_name_is_a_cell_that_does_nothing(tmp_path, name, cell):
    written(tmp_path / "a.csv", (Frame(IMAGE, 0, name), []))
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["source"] == cell


def test_a_reader_that_has_gone_is_told_apart(monkeypatch):
    receiver, sender = os.pipe()
    os.close(receiver)
    with os.fdopen(sender, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(BrokenPipeError):
            Rows(Path("-"), LABELS).write(CLIP, [])
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), sender)


def test_a_source_with_a_broken_name_is_written_all_the_same(tmp_path):
    frame = Frame(IMAGE, 0, "caf\udce9.png")
    assert "caf\\udce9.png" in written(tmp_path / "a.csv", (frame, []))
    assert json.loads(written(tmp_path / "a.jsonl", (frame, [])))["source"] == "caf\udce9.png"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_row_says_which_question_was_asked(tmp_path, name):
    with Rows(tmp_path / name, LABELS, reading="fer2013") as file:
        file.write(CLIP, [FACE])
    text = (tmp_path / name).read_text()
    if name.endswith(".csv"):
        assert next(csv.DictReader(text.splitlines()))["reading"] == "fer2013"
    else:
        assert json.loads(text)["reading"] == "fer2013"
