"""What a run before this one left in RESULTS, whole sources told from half ones."""

import numpy as np
import pytest

from emotion.errors import EmotionError
from emotion.output.rows import Rows
from emotion.sources.frame import Frame

LABELS = ("sad", "happy")
IMAGE = np.zeros((2, 2, 3), np.uint8)
KINDS = pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])


def frames(source, *numbers):
    return [Frame(IMAGE, number, source, time=number / 10) for number in numbers]


def written(path, *many, labels=LABELS):
    with Rows(path, labels, reading="people") as file:
        for frame in many:
            file.write(frame, [])
    return path


def resumed(path, names, *more, labels=LABELS, reading="people"):
    """The sources that count as whole, once the rows of `more` have been added."""
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow")
    with Rows(path, labels, reading=reading) as file:
        whole = file.resume(names)
        for frame in more:
            file.write(frame, [])
    return set(whole)


@KINDS
def test_all_but_the_last_source_are_whole_and_its_rows_are_replaced(tmp_path, name):
    pytest.importorskip("pyarrow")
    half = written(tmp_path / name, *frames("a", 0, 1), *frames("b", 0))
    assert resumed(half, ["a", "b", "c"], *frames("b", 0, 1), *frames("c", 0)) == {"a"}
    every = [*frames("a", 0, 1), *frames("b", 0, 1), *frames("c", 0)]
    assert half.read_bytes() == written(tmp_path / f"whole {name}", *every).read_bytes()


@KINDS
def test_rows_of_other_sources_stay(tmp_path, name):
    """A second folder may be added to the first one's rows."""
    pytest.importorskip("pyarrow")
    path = written(tmp_path / name, *frames("a", 0), *frames("b", 0))
    assert resumed(path, ["c"], *frames("c", 0)) == set()
    every = [*frames("a", 0), *frames("b", 0), *frames("c", 0)]
    assert path.read_bytes() == written(tmp_path / f"whole {name}", *every).read_bytes()


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_nothing_is_taken_out_before_there_is_something_new(tmp_path, name):
    path = written(tmp_path / name, *frames("a", 0), *frames("b", 0))
    before = path.read_bytes()
    assert resumed(path, ["a", "b"]) == {"a"}
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize("tail", [b'{"version": 1, "sou', b"1,b,0", b"\0\0\0\n"])
def test_half_a_line_at_the_end_is_taken_out(tmp_path, name, tail):
    path = written(tmp_path / name, *frames("a", 0), *frames("b", 0))
    path.write_bytes(path.read_bytes() + tail)
    assert resumed(path, ["a", "b"], *frames("b", 0)) == {"a"}
    every = [*frames("a", 0), *frames("b", 0)]
    assert path.read_bytes() == written(tmp_path / f"whole {name}", *every).read_bytes()


@pytest.mark.parametrize("left", ["", "version,sour"])
def test_of_half_a_header_all_is_done(tmp_path, left):
    path = tmp_path / "a.csv"
    path.write_text(left)
    assert resumed(path, ["a"], *frames("a", 0)) == set()
    assert path.read_bytes() == written(tmp_path / "b.csv", *frames("a", 0)).read_bytes()


def test_where_there_is_no_file_all_is_done(tmp_path):
    assert resumed(tmp_path / "a.csv", ["a"], *frames("a", 0)) == set()
    assert (tmp_path / "a.csv").read_text().count("\n") == 2


@pytest.mark.parametrize("source", ["=a.png", "caf\udce9.png", 'a "b", c.png', "a\nb.png"])
@KINDS
def test_a_name_of_any_kind_is_known_again(tmp_path, name, source):
    pytest.importorskip("pyarrow")
    path = written(tmp_path / name, *frames(source, 0), *frames("b", 0))
    assert resumed(path, [source, "b"], *frames("b", 0)) == {source}


@KINDS
def test_rows_of_another_model_are_refused_and_stay(tmp_path, name):
    pytest.importorskip("pyarrow")
    path = tmp_path / name
    face_labels = ("bored", "awake")
    with Rows(path, face_labels, reading="people") as file:
        file.write(*_with_a_face("a"))
    before = path.read_bytes()
    with pytest.raises(EmotionError, match=r"RESULTS: .* has rows of another model.*RESUME=0 to"):
        resumed(path, ["a"])
    assert path.read_bytes() == before


def _with_a_face(source):
    from emotion.tracking.tracker import Face

    half = np.array([0.5, 0.5], np.float32)
    return Frame(IMAGE, 0, source), [Face(1, (0, 0, 2, 2), "bored", 0.5, half, half)]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_rows_of_another_reading_are_refused(tmp_path, name):
    path = written(tmp_path / name, *frames("a", 0))
    with pytest.raises(EmotionError, match="another model or reading"):
        resumed(path, ["a"], reading="fer2013")


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.jsonl", "some\nnotes\n"), ("a.csv", "x,y\n1,2\n"), ("a.parquet", "no parquet")],
)
def test_what_holds_no_rows_is_named_and_stays(tmp_path, name, text):
    pytest.importorskip("pyarrow")
    (tmp_path / name).write_text(text)
    with pytest.raises(EmotionError, match=r"^RESULTS: .*RESUME=0 to replace it$"):
        resumed(tmp_path / name, ["a"])
    assert (tmp_path / name).read_text() == text
