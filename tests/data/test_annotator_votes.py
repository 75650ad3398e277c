"""Votes: which lines belong to which images, and what a file must look like."""

import numpy as np
import pytest

from emotion.data import annotator_votes
from emotion.errors import EmotionError

NAMES = ("train/happy/1.jpg", "train/sad/2.jpg", "train/sad/3.jpg")


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "votes.csv"
        path.write_text(text, "utf-8")
        return path

    return write


def test_shares_come_in_the_order_of_the_images(written):
    path = written("filename,yes,no\ntrain/sad/2.jpg,1,3\nelse.jpg,9,9\ntrain/happy/1.jpg,2,0\n")
    assert annotator_votes.read(path, NAMES).of(NAMES).tolist() == [[1, 0], [0.25, 0.75], [0, 0]]


def test_an_image_nobody_voted_on_counts_as_none(written):
    path = written("filename,yes,no\ntrain/sad/2.jpg,0,0\ntrain/happy/1.jpg,2,0\n")
    assert annotator_votes.read(path, NAMES).of(NAMES)[1].tolist() == [0, 0]


def test_ferplus_as_published_goes_by_rows(written):
    path = written("Usage,Image name,neutral,NF\nTraining,fer0.png,4,6\nTraining,fer1.png,10,0\n")
    rows = ("row 3", "row 2")  # the first line of the data set is its header
    found = annotator_votes.read(path, rows).of(rows)
    assert found == pytest.approx(np.array([[1, 0], [0.4, 0.6]]))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "begins with nothing: the first line must be filename"),
        ("file,yes\na,1\n", "begins with file, yes: the first line must be filename"),
        ("filename,yes,no\na,1,2\ntrain/sad/2.jpg,1\n", "row 3: 2 cells where 3 are needed; each"),
        ("filename,yes,no\na,1,2\ntrain/sad/2.jpg,1,x\n", "row 3: 'x' is no count; each row needs"),
        ("filename,yes,no\na,1,2\n\nb,1,-1\n", "row 4: '-1' is no count"),
        ("filename,yes,no\na,1,2\nb,nan,1\n", "row 3: 'nan' is no count"),
        ("filename,yes,no\na,1,2\nb,inf,1\n", "row 3: 'inf' is no count"),
        ("filename,yes,no\na,1,1e39\n", "row 2: '1e39' is no count"),
        ('filename,yes,no\n"a,1,2\nb,1,2\n', "row 2: a quotation mark is not closed"),
        ("filename,yes,no\nother.jpg,1,2\n", "none of the images: it names other.jpg"),
        ("filename,yes,no\n", "has no row of counts"),
    ],
)
def test_an_unusable_file_is_one_clear_line(written, text, complaint):
    with pytest.raises(EmotionError, match=complaint):
        annotator_votes.read(written(text), NAMES)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        EmotionError, match=r"nowhere.csv' cannot be read \(No such file or directory\):"
    ):
        annotator_votes.read(tmp_path / "nowhere.csv", NAMES)


def test_other_images_can_be_asked_for(written):
    votes = annotator_votes.read(written("filename,yes,no\ntrain/sad/2.jpg,1,3\n"), NAMES)
    assert votes.answers == ("yes", "no")
    assert votes.knows(NAMES) and not votes.knows(["test/sad/9.jpg"])
    assert votes.of(["test/sad/9.jpg"]).tolist() == [[0, 0]]


def test_answers_can_be_asked_for_by_name_and_by_synonym(written):
    votes = annotator_votes.read(written("filename,anger,odd\ntrain/sad/2.jpg,1,3\n"), NAMES)
    assert votes.of(NAMES[1:2], ("odd", "angry")).tolist() == [[0.75, 0.25]]
    with pytest.raises(EmotionError, match=r"has no column for fear: its answers are anger, odd"):
        votes.of(NAMES, ("fear",))
