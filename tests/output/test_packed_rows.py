"""Rows that travel between processes are those that would have been written."""

import numpy as np
import pytest

from emotion.output import packed_rows
from emotion.output.packed_rows import PackedRows, unpacked
from emotion.output.rows import Rows
from emotion.sources.frame import Frame

LABELS = ("sad", "happy")
FRAMES = [Frame(np.zeros((2, 2, 3), np.uint8), n, "cafe\u0301.mp4", n / 10) for n in range(9)]


@pytest.mark.parametrize("block", [1, 1000, 1 << 20])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_what_is_unpacked_and_added_is_what_would_have_been_written(
    tmp_path, monkeypatch, name, block
):
    monkeypatch.setattr(packed_rows, "_BLOCK", block)
    packed = PackedRows(LABELS, reading="people", table=name == "a.csv")
    with Rows(tmp_path / name, LABELS, reading="people") as direct:
        for frame in FRAMES:
            direct.write(frame, [])
            packed.write(frame, [])
    with Rows(tmp_path / f"b{name}", LABELS, reading="people") as file:
        for text in unpacked(packed.blocks()):
            file.add(text)
    assert (tmp_path / f"b{name}").read_bytes() == (tmp_path / name).read_bytes()


def test_of_nothing_there_is_nothing():
    assert list(unpacked(PackedRows(LABELS, reading="", table=True).blocks())) == []
