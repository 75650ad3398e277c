"""The next step for a camera or stream that does not come; no camera is needed."""

import pytest

from emotion.sources import camera_help
from emotion.sources.camera_help import advice
from emotion.sources.source import find


@pytest.fixture
def machine(tmp_path):
    """A root folder with /dev in it."""
    (tmp_path / "dev").mkdir()
    return tmp_path


def linux(machine, name="0", works=lambda _: False):
    return advice(find(name), system="Linux", root=machine, works=works)


def test_advice_on_linux_without_a_camera(machine):
    assert linux(machine) == (
        "there is no /dev/video0: plug a camera in, or give DEVICE_ID a clip, picture or stream"
    )


def test_advice_on_linux_names_the_numbers_that_work(machine):
    for number in (1, 2, 10):
        (machine / f"dev/video{number}").touch()
    answer = linux(machine, works=lambda number: number != 1)
    assert answer.startswith("DEVICE_ID=2 or 10 works here; there is no /dev/video0")


def test_advice_on_linux_for_a_camera_that_is_busy(machine):
    (machine / "dev/video0").touch()
    answer = linux(machine, "/dev/video0", works=lambda number: number != 0)
    assert answer.startswith("another program may be using it ('fuser -v /dev/video0' names it)")


def test_advice_on_linux_without_the_right_to_read(machine, monkeypatch):
    (machine / "dev/video0").touch()
    monkeypatch.setattr(camera_help.os, "access", lambda *_: False)
    assert linux(machine) == (
        "this user may not read /dev/video0: 'sudo usermod -aG video $USER', then log in again"
    )


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv"])
def test_advice_in_a_container(machine, mark):
    (machine / "run").mkdir()
    (machine / mark).touch()
    assert "start it with --device /dev/video3" in linux(machine, "3")


def test_advice_on_a_raspberry_pi(machine):
    (machine / "proc/device-tree").mkdir(parents=True)
    (machine / "proc/device-tree/model").write_bytes(b"Raspberry Pi 5 Model B\0")
    assert "DEVICE_ID=picamera" in linux(machine)


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("Darwin", "System Settings > Privacy & Security > Camera"),
        ("Windows", "Settings > Privacy & security > Camera"),
        ("FreeBSD", "close other programs that use the camera"),
    ],
)
def test_advice_on_other_systems(machine, system, words):
    found = find("0")
    answer = advice(found, system=system, root=machine, works=lambda number: number == 1)
    assert answer.startswith("DEVICE_ID=1 works here; ") and words in answer


def test_advice_for_streams_and_ribbon_cameras():
    assert "'ffplay rtsp://host/live' shows" in advice(find("rtsp://me:key@host/live"))
    assert "rpicam-hello" in advice(find("picamera"))
