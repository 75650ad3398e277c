"""Checks: what each refuses, and in which words."""

from pathlib import Path

import pytest

from emotion import declare


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.csv").touch()
    Path("b.CSV").touch()
    Path("folder.csv").mkdir()


@pytest.mark.parametrize(
    ("check", "good", "bad", "wrong"),
    [
        (declare.at_least(1), 1, 0, "must be at least 1"),
        (declare.above(0), 0.01, 0, "must be above 0"),
        (declare.above(0, 10), 10, 10.5, "must be above 0 and at most 10"),
        (declare.above(0, 10), 0.01, 0, "must be above 0 and at most 10"),
        (declare.between(0.5, 100_000), 0.5, 0.4, "must be from 0.5 to 100000"),
        (declare.between(0.5, 100_000), 100_000, 100_001, "must be from 0.5 to 100000"),
        (declare.ending(".csv", ".zip"), Path("x.ZIP"), Path("csv"), "must end in .csv or .zip"),
        (declare.file(".csv"), Path("a.csv"), Path("a.txt"), "must end in .csv"),
        (declare.file(".csv"), Path("b.CSV"), Path("none.csv"), "does not exist"),
        (declare.file(".csv"), Path("a.csv"), Path("folder.csv"), "is a folder"),
        (declare.exists, Path("folder.csv"), Path("none.csv"), "does not exist"),
        (declare.folder, Path("none"), Path("a.csv"), "is a file: name a folder"),
        (declare.folder, Path("folder.csv"), Path("a.csv"), "is a file: name a folder"),
    ],
)
def test_a_check_lets_the_good_pass_and_says_what_is_wrong(place, check, good, bad, wrong):
    assert check(good) is None
    assert check(bad) == wrong


def test_every_part_of_a_list_is_checked(place):
    check = declare.each(declare.file(".csv"))
    assert check(()) is None
    assert check((Path("a.csv"), Path("b.CSV"))) is None
    assert check((Path("a.csv"), Path("x.csv"), Path("a.txt"))) == (
        "names x.csv, which does not exist; names a.txt, which must end in .csv"
    )


def test_a_pattern_is_a_regular_expression():
    assert declare.pattern(r"S\d+_(\d+)") is None
    assert declare.pattern("S(").startswith("is no regular expression (missing )")
