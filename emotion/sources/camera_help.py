"""What to try next when a camera or stream does not come, on this machine."""

import os
import platform
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from emotion.sources.camera import open_device
from emotion.sources.source import Source, public


def advice(
    source: Source,
    *,
    system: str | None = None,
    root: Path = Path("/"),
    works: Callable[[int], bool] | None = None,
) -> str:
    """The next step for a live source that does not come, on this system.

    `system` is platform.system()'s name. `root` is where /dev is looked for, and `works` tries a
    camera number; both are there for the tests.
    """
    if source.kind == "stream":
        return (
            "check the address, user and password, and that the sender is on; "
            f"'ffplay {public(source.name)}' shows whether anything arrives"
        )
    if source.kind == "picamera":
        return "check its ribbon cable, and what 'rpicam-hello --list-cameras' lists"
    system = system or platform.system()
    steps = _linux(source.name, root) if system == "Linux" else [_PRIVACY.get(system, _OTHERWISE)]
    others = _others(source.name, system, root, works or _works)
    if others:
        steps.insert(0, f"DEVICE_ID={' or '.join(map(str, others))} works here")
    return "; ".join(steps)


_PRIVACY = {
    "Darwin": "allow the camera for this terminal in System Settings > Privacy & Security > "
    "Camera, then start the terminal again",
    "Windows": "let desktop apps use the camera in Settings > Privacy & security > Camera, and "
    "close other programs that use it",
}
_OTHERWISE = "close other programs that use the camera, or try another number"


def _linux(name: str, root: Path) -> list[str]:
    node = f"/dev/video{name.removeprefix('/dev/video')}"
    there = root / node.lstrip("/")
    if there.exists():
        if os.access(there, os.R_OK | os.W_OK):
            return [f"another program may be using it ('fuser -v {node}' names it): close that one"]
        return [f"this user may not read {node}: 'sudo usermod -aG video $USER', then log in again"]
    if (root / ".dockerenv").exists() or (root / "run/.containerenv").exists():
        return [f"there is no {node} in this container: start it with --device {node}"]
    model = root / "proc/device-tree/model"
    if model.exists() and model.read_bytes().startswith(b"Raspberry Pi"):
        return ["a Raspberry Pi's ribbon-cable camera is DEVICE_ID=picamera, through picamera2"]
    return [f"there is no {node}: plug a camera in, or give DEVICE_ID a clip, picture or stream"]


def _others(name: str, system: str, root: Path, works: Callable[[int], bool]) -> list[int]:
    """Numbers of other cameras that deliver a picture.

    A few are tried, all at once for two seconds, because a driver takes as long as it likes.
    """
    tried = int(name.removeprefix("/dev/video"))
    if system == "Linux":
        nodes = (path.name.removeprefix("video") for path in (root / "dev").glob("video*"))
        numbers = sorted(int(node) for node in nodes if node.isdecimal())
    else:
        numbers = list(range(3))
    working: list[int] = []

    def attempt(number: int) -> None:
        if works(number):
            working.append(number)

    attempts = [
        threading.Thread(target=attempt, args=(number,), daemon=True)
        for number in numbers[:6]
        if number != tried
    ]
    for thread in attempts:
        thread.start()
    deadline = monotonic() + 2
    for thread in attempts:
        thread.join(max(0.0, deadline - monotonic()))
    return sorted(working)


def _works(number: int) -> bool:
    capture = open_device(str(number))
    try:
        return capture.isOpened() and capture.read()[0]
    finally:
        capture.release()
