"""One writer at a time."""

import os

import pytest

from emotion import lock
from emotion.errors import EmotionError


def test_a_held_lock_refuses_others_by_its_process_and_goes_afterwards(tmp_path):
    path = tmp_path / ".lock"
    with lock.held(path, "OUTPUT='a'"):
        assert path.read_text() == str(os.getpid())
        with pytest.raises(EmotionError, match=rf"^OUTPUT='a': another run .process {os.getpid()}"):
            lock.held(path, "OUTPUT='a'").__enter__()
        assert path.exists()  # who was refused removes nothing
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_a_dead_process_left_is_no_lock(tmp_path):
    (tmp_path / ".lock").write_text("4711")
    with lock.held(tmp_path / ".lock", ""):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())


def test_a_lock_that_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    path, real, calls = tmp_path / ".lock", lock._lock, []

    def slow(file):
        if not calls:
            path.unlink()  # its holder ends between our opening and our locking
        calls.append(file)
        real(file)

    monkeypatch.setattr(lock, "_lock", slow)
    with lock.held(path, ""):
        assert len(calls) == 2 and path.read_text() == str(os.getpid())


def test_without_locks_in_the_file_system_nothing_is_locked(tmp_path, monkeypatch):
    def unsupported(file):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock, "_lock", unsupported)
    with lock.held(tmp_path / ".lock", ""), lock.held(tmp_path / ".lock", ""):
        pass


def test_a_place_beside_which_nothing_can_be_written_is_named(tmp_path):
    where = tmp_path / "none" / "a.mp4"
    with pytest.raises(EmotionError, match=r"^OUTPUT='.*a\.mp4' cannot be written .no such file"):
        lock.of(where, "OUTPUT").__enter__()


def test_the_lock_beside_a_file_goes_and_the_file_stays(tmp_path):
    (tmp_path / "a.mp4").touch()
    with (
        lock.of(tmp_path / "a.mp4", "OUTPUT"),
        pytest.raises(EmotionError, match="another run"),
    ):
        lock.of(tmp_path / "a.mp4", "OUTPUT").__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
