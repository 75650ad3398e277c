"""Files that are whole or absent."""

import errno
import os

import pytest

from emotion.errors import EmotionError
from emotion.files import part_of, publish, replacing


def test_what_was_written_takes_the_name(tmp_path):
    with replacing(tmp_path / "rows.csv") as part:
        assert part.suffix == ".csv"
        part.write_text("new")
        assert not (tmp_path / "rows.csv").exists()
    assert (tmp_path / "rows.csv").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize(
    ("failure", "raised", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left"),
            EmotionError,
            r"rows.csv .*no space left.: make",
        ),
        (
            OSError(errno.EROFS, "Read-only"),
            EmotionError,
            r"rows.csv cannot .*: see that it can",
        ),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
def test_what_stood_there_stays_when_writing_fails(tmp_path, failure, raised, said):
    (tmp_path / "rows.csv").write_text("old")
    with pytest.raises(raised, match=said), replacing(tmp_path / "rows.csv") as part:
        part.write_text("half")
        raise failure
    assert (tmp_path / "rows.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_a_failed_rename_leaves_no_part(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(EmotionError), replacing(tmp_path / "taken") as part:
        part.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_file_and_folder_are_synced_around_the_rename(tmp_path, monkeypatch):
    synced = []
    path, part = tmp_path / "a.npz", part_of(tmp_path / "a.npz")
    part.write_text("x")
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.exists()))
    publish(part, path)
    assert synced == [False, True]  # the file before it has its name, the folder after
