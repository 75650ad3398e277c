import io

import pytest

from emotion.data import csv_rows


def test_rows_are_numbered_as_a_spreadsheet_shows_them():
    rows = list(csv_rows.read(io.StringIO('a,b\n\n"c,d",e\n')))
    assert [(row.number, row.cells) for row in rows] == [
        (1, ["a", "b"]),
        (2, []),
        (3, ["c,d", "e"]),
    ]


def test_a_quotation_mark_left_open_spoils_one_row():
    bad, good = csv_rows.read(io.StringIO('"a,b\nc,d\n'))
    assert (bad.number, bad.cells, bad.wrong) == (1, [], "a quotation mark is not closed")
    assert (good.number, good.cells, good.wrong) == (2, ["c", "d"], "")


def test_a_line_without_end_is_not_held_in_memory(monkeypatch):
    monkeypatch.setattr(csv_rows, "_LONGEST", 10)
    rows = list(csv_rows.read(io.StringIO("x" * 35 + "\na,b\n" + "y" * 9 + "\n")))
    assert [(row.number, row.cells) for row in rows] == [(1, []), (2, ["a", "b"]), (3, ["y" * 9])]
    assert rows[0].wrong == "a line of more than 10 characters"


@pytest.mark.parametrize(
    ("line", "delimiter", "cells"),
    [
        ("a;b\n", ";", ["a", "b"]),
        ("train_1.jpg  5\n", "", ["train_1.jpg", "5"]),
        ('1, "x, y"\r\n', ",", ["1", "x, y"]),
        ("  \n", ",", []),
    ],
    ids=["semicolons", "blanks", "quoted", "nothing"],
)
def test_a_line_is_split_at_its_delimiter(line, delimiter, cells):
    assert csv_rows.split(line, delimiter) == cells
