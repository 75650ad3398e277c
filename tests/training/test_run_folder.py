"""The folder of a run."""

import subprocess
import sys

import pytest

from emotion.errors import EmotionError
from emotion.training import run_folder

OLD = {
    "report.json": "old report",
    "emotion.keras": "old network",
    "history.csv": "old rows",
    "checkpoint.npz": "old state",
    "checkpoint.previous.npz": "older state",
}


def fill(folder, **files):
    for name, text in files.items():
        (folder / name).write_text(text)


def content(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_a_folder_is_made_and_one_without_a_run_goes_again(tmp_path):
    with run_folder.opened(tmp_path / "a" / "b", resume=True) as checkpoint:
        assert checkpoint == tmp_path / "a" / "b" / "checkpoint.npz"
        assert run_folder.files(checkpoint.parent) == ()
    assert not (tmp_path / "a" / "b").exists()
    with run_folder.opened(tmp_path / "c", resume=True) as checkpoint:
        (tmp_path / "c" / "report.json").touch()
        assert run_folder.files(checkpoint.parent) == (tmp_path / "c" / "report.json",)
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["report.json"]


@pytest.mark.parametrize("name", ["checkpoint.npz", "checkpoint.previous.npz"])
def test_an_unfinished_run_is_gone_on_with(tmp_path, name):
    fill(tmp_path, **{name: "state", "emotion.keras": "network"})
    with run_folder.opened(tmp_path, resume=True):
        assert content(tmp_path).keys() >= {name, "emotion.keras"}


def test_a_finished_run_is_kept_unless_given_up(tmp_path):
    fill(tmp_path, **{"emotion.keras": "network"})
    asked = run_folder.opened(tmp_path, resume=True)
    with pytest.raises(EmotionError, match=r"holds a finished run .emotion.keras.: name another"):
        asked.__enter__()
    assert content(tmp_path) == {"emotion.keras": "network"}


def test_a_run_that_is_given_up_comes_back_until_the_new_one_can_go_on(tmp_path):
    fill(tmp_path, **OLD, **{"notes.txt": "mine"})
    with run_folder.opened(tmp_path, resume=False) as checkpoint:
        assert content(tmp_path).keys() == {"notes.txt", ".lock"} and not checkpoint.exists()
        fill(tmp_path, **{"history.csv": "new rows"})
    assert content(tmp_path) == {**OLD, "notes.txt": "mine"}
    with run_folder.opened(tmp_path, resume=False) as checkpoint:
        fill(tmp_path, **{"checkpoint.npz": "new state", "history.csv": "new rows"})
        run_folder.discard_replaced(tmp_path)
    new = {"checkpoint.npz": "new state", "history.csv": "new rows", "notes.txt": "mine"}
    assert content(tmp_path) == new and not (tmp_path / "replaced").exists()


@pytest.mark.parametrize("resume", [True, False])
def test_after_a_kill_before_the_first_checkpoint_the_old_run_is_there(tmp_path, resume):
    (tmp_path / "replaced").mkdir()  # as a killed run leaves it
    fill(tmp_path / "replaced", **OLD)
    fill(tmp_path, **{"report.json": "half"})
    with run_folder.opened(tmp_path, resume=resume) as checkpoint:
        assert checkpoint.exists() is resume
        assert (content(tmp_path).get("report.json") == "old report") is resume
    assert content(tmp_path) == OLD


def test_after_a_kill_behind_the_first_checkpoint_the_new_run_goes_on(tmp_path):
    (tmp_path / "replaced").mkdir()
    fill(tmp_path / "replaced", **OLD)
    fill(tmp_path, **{"checkpoint.npz": "new state"})
    with run_folder.opened(tmp_path, resume=True) as checkpoint:
        assert checkpoint.read_text() == "new state"
    assert content(tmp_path) == {"checkpoint.npz": "new state"}


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    asked = run_folder.opened(tmp_path / "file" / "inside", resume=True)
    with pytest.raises(EmotionError, match=r"cannot be written .* name a folder that can"):
        asked.__enter__()


def test_two_runs_cannot_share_a_folder(tmp_path):
    code = (
        "import sys, pathlib; from emotion.training import run_folder\n"
        "with run_folder.opened(pathlib.Path(sys.argv[1]), resume=True):\n"
        "    print('in', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "in\n"
    with pytest.raises(EmotionError, match=rf"another run .process {other.pid}. is writing here"):
        run_folder.opened(tmp_path, resume=True).__enter__()
    other.kill()  # the lock dies with it
    other.communicate()
    with run_folder.opened(tmp_path, resume=True):
        pass
    assert list(tmp_path.iterdir()) == []
