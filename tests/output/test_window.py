"""The window on a display that nobody sees: opens, shows, answers keys, closes."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import pytest
from display import Person, display

from emotion import pictures
from emotion.output.keeper import Keeper
from emotion.output.window import Window, missing_display
from emotion.sources.clip import Clip

ROOT = Path(__file__).parents[2]

# Shows a grey that says in its upper left pixel what the keys have set, until the window closes.
SHOWING = """
import sys, time
from pathlib import Path
import numpy as np
from emotion.output.keeper import Keeper
from emotion.output.window import Window

def draw():
    picture = np.full((240, 320, 3), 100, np.uint8)
    picture[:40, :40] = (window.bars * 255, window.mirror * 255, 0)
    return picture

def notify(text):
    print(text, flush=True)

keeper = Keeper(Path(sys.argv[1]), notify=notify)
with keeper, Window("test window", keeper) as window:
    count = 0
    while not window.closed:
        keeper.write(draw(), time.monotonic())
        window.show(draw(), draw, hold=sys.argv[2] == "hold", due=time.monotonic() + 0.02)
        count += 1
        print("shown", count, flush=True)
print("closed", flush=True)
"""


@pytest.fixture(scope="module")
def screen():
    with display() as name:
        yield name


@pytest.fixture
def running(screen, tmp_path):
    """A program that shows pictures in a window until it is closed, and a person before it."""
    yield from _run(screen, tmp_path, "go on")


@pytest.fixture
def holding(screen, tmp_path):
    """The same with a picture that is held."""
    yield from _run(screen, tmp_path, "hold")


def _run(screen, tmp_path, how):
    environment = {**os.environ, "DISPLAY": screen, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SHOWING, str(tmp_path), how]
    program = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    end = threading.Timer(60, program.kill)  # so that no test waits for ever
    end.start()
    with program:
        if how == "go on":
            lines_until(program, "shown 3")  # a key that comes before the first look can be lost
        yield program, Person(screen, "test window")
        program.kill()
        end.cancel()


def lines_until(program, beginning):
    """The program's lines up to the first that begins like this."""
    lines = []
    for line in program.stdout:
        lines.append(line.rstrip())
        if line.startswith(beginning):
            return lines
    raise AssertionError(f"{beginning!r} was never said: {lines[-3:]}")


@pytest.mark.parametrize("key", ["q", "Escape", "Q"])
def test_q_and_escape_end_it(running, key):
    program, person = running
    person.press(key)
    assert lines_until(program, "closed")
    assert program.wait(20) == 0


def test_closing_the_window_ends_it(running):
    program, person = running
    person.close()
    assert lines_until(program, "closed")
    assert program.wait(20) == 0


def test_it_opens_at_the_size_of_the_picture(running):
    assert running[1].grown_to((320, 240))


def test_any_other_key_is_ignored(running):
    program, person = running
    person.press("x")
    assert lines_until(program, "shown 20")


def test_s_saves_what_is_shown(running, tmp_path):
    program, person = running
    person.press("s")
    path = Path(lines_until(program, "wrote ")[-1].removeprefix("wrote "))
    assert path.parent == tmp_path and path.suffix == ".png"
    assert tuple(pictures.read(path)[5, 5]) == (255, 0, 0)


def test_b_and_m_change_what_is_drawn(running):
    program, person = running
    for key in ("b", "m", "s"):
        person.press(key)
    path = lines_until(program, "wrote ")[-1].removeprefix("wrote ")
    assert tuple(pictures.read(Path(path))[5, 5]) == (0, 255, 0)


def test_r_records_until_r(running):
    program, person = running
    person.press("r")
    assert lines_until(program, "recording ")[-1].endswith(": r stops it")
    for _ in range(10):
        lines_until(program, "shown ")
    person.press("r")
    path = Path(lines_until(program, "wrote ")[-1].removeprefix("wrote ").split(":")[0])
    with Clip(path) as clip:
        assert len(list(clip)) >= 3


def test_a_recording_is_finished_when_the_window_closes(running, tmp_path):
    program, person = running
    person.press("r")
    lines_until(program, "recording ")
    person.press("q")
    lines_until(program, "wrote ")
    assert [path.suffix for path in tmp_path.iterdir()] == [".mp4"]


def test_space_pauses_and_goes_on(running):
    program, person = running
    person.press("space")
    person.press("s")  # keys are still answered
    lines_until(program, "wrote ")
    time.sleep(0.3)  # for 15 pictures
    person.press("s")
    assert len(lines_until(program, "wrote ")) == 1
    person.press("space")
    assert lines_until(program, "shown ")


def test_h_is_not_saved_with_the_picture(running):
    program, person = running
    person.press("h")
    person.press("s")
    path = lines_until(program, "wrote ")[-1].removeprefix("wrote ")
    assert (pictures.read(Path(path))[100:, 100:] == 100).all()


def test_a_held_picture_answers_keys_and_ends_with_any_other(holding):
    program, person = holding
    person.press("b")
    person.press("s")
    path = lines_until(program, "wrote ")[-1].removeprefix("wrote ")
    assert tuple(pictures.read(Path(path))[5, 5]) == (0, 0, 0)
    person.press("x")
    assert lines_until(program, "closed")[0] == "shown 1"


def test_a_display_that_answers_is_none_missing(screen):
    assert missing_display({"DISPLAY": screen}) is None


linux = pytest.mark.skipif(sys.platform != "linux", reason="displays are named on Linux")


@linux
@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set"),
        ({"DISPLAY": ":987"}, "DISPLAY=:987 cannot be reached"),
        ({"DISPLAY": "nonsense"}, "DISPLAY=nonsense cannot be reached"),
    ],
    ids=["none", "gone", "nonsense"],
)
@pytest.mark.parametrize("library", [True, False], ids=["with libX11", "without libX11"])
def test_a_missing_display_is_explained(monkeypatch, environ, reason, library):
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "QT")
    if not library:

        def absent(_):
            raise OSError

        monkeypatch.setattr("emotion.output.window.ctypes.CDLL", absent)
    assert missing_display(environ) == reason


@linux
@pytest.mark.parametrize("there", [True, False], ids=["with its plugin", "without"])
def test_a_display_in_memory_needs_the_plugin_for_it(monkeypatch, tmp_path, there):
    """OpenCV's wheels have none, and without one the first window would abort the process."""
    (tmp_path / "platforms").mkdir()
    if there:
        (tmp_path / "platforms" / "libqoffscreen.so").touch()
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "QT5")
    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", str(tmp_path))
    answer = missing_display({"QT_QPA_PLATFORM": "offscreen"})
    assert answer == (None if there else "this OpenCV has no plugin for QT_QPA_PLATFORM=offscreen")


@linux
def test_wayland_alone_needs_an_opencv_that_knows_it(monkeypatch):
    wayland = {"WAYLAND_DISPLAY": "wayland-0"}
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "GTK3")
    assert missing_display(wayland) is None
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "QT")
    assert missing_display(wayland).endswith("start XWayland")


def test_an_opencv_without_windows_is_explained(monkeypatch):
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    assert "opencv-python-headless" in missing_display({"DISPLAY": ":0"})


def test_a_window_that_never_showed_anything_closes_quietly():
    with Window("unused", Keeper()):
        pass
