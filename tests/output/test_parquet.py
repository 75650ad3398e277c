"""Rows as a Parquet file."""

import sys
from pathlib import Path

import numpy as np
import pytest

from emotion.errors import EmotionError
from emotion.output import paths
from emotion.output.rows import Rows, columns
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


def test_where_pyarrow_is_missing_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert paths.no_results(Path("rows.parquet")) == "needs pyarrow: pip install pyarrow"
    assert paths.no_results(Path("rows.csv")) is None


def test_the_columns_are_those_of_the_csv_with_types(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    with Rows(tmp_path / "a.parquet", LABELS, reading="people") as file:
        file.write(Frame(IMAGE, 12, "film.mp4", time=0.4), [FACE])
        file.write(Frame(IMAGE, 0, "a.png"), [])
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.column_names == columns(LABELS)
    first, second = table.to_pylist()
    assert first == {
        "version": 1,
        "source": "film.mp4",
        "frame": 12,
        "time": 0.4,
        "wall_time": None,
        "reading": "people",
        "identity": 3,
        "x": 1,
        "y": -2,
        "width": 30,
        "height": 30,
        "seen": True,
        "emotion": "happy",
        "confidence": 0.75,
        "probability_sad": 0.25,
        "probability_happy": 0.75,
        "raw_sad": 0.1,
        "raw_happy": 0.9,
    }
    assert [name for name, value in second.items() if value is not None] == [
        *("version", "source", "frame", "reading")
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_until_the_end_there_are_json_lines_beside_the_old_file(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    path.write_text("the old one")
    with Rows(path, LABELS) as file:
        file.write(Frame(IMAGE, 0, "a.png"), [FACE])
        assert path.read_text() == "the old one"
        assert (tmp_path / "a.part.jsonl").read_text().count("\n") == 1
    assert path.read_bytes()[:4] == b"PAR1"


def test_a_file_that_cannot_be_written_leaves_the_rows_to_go_on_with(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    with pytest.raises(EmotionError, match=r"a\.parquet cannot be written"):  # noqa: SIM117
        with Rows(path, LABELS) as file:
            file.write(Frame(IMAGE, 0, "a.png"), [FACE])
            path.mkdir()
    path.rmdir()
    assert [one.name for one in tmp_path.iterdir()] == ["a.part.jsonl"]
    with Rows(path, LABELS) as file:
        assert file.resume(["a.png", "b.png"]) == set()
        file.write(Frame(IMAGE, 0, "a.png"), [FACE])
    assert [one.name for one in tmp_path.iterdir()] == ["a.parquet"]
