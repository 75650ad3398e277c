"""The window: it shows pictures and answers keys."""

import ctypes
import os
import platform
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.output.annotate import overlay
from emotion.output.keeper import Keeper

KEYS = (
    ("q, Esc", "quit"),
    ("space", "pause"),
    ("s", "save a snapshot"),
    ("r", "record, stop recording"),
    ("b", "bars"),
    ("m", "mirror"),
    ("h", "this help"),
)
_QUIT, _SPACE = (ord("q"), ord("Q"), 27), ord(" ")
_LARGEST = 1280, 800  # pixels; how large a window opens, whatever the frame's size


class Window:
    """A window on screen, open from its first picture until `closed`.

    `bars` and `mirror` are what the keys have set; whoever draws the next picture asks for them.
    `keeper` takes snapshots and begins and ends recordings; whoever shows pictures writes them.
    """

    def __init__(
        self,
        title: str,
        keeper: Keeper,
        *,
        mirror: bool = False,
    ) -> None:
        self.title, self._keeper = title, keeper
        self.bars, self.mirror, self.closed = True, mirror, False
        self._help, self._paused, self._shown = False, False, False
        self._speed = ""

    def show(
        self,
        picture: NDArray[np.uint8],
        redraw: Callable[[], NDArray[np.uint8]],
        *,
        due: float = 0.0,
        hold: bool = False,
        speed: str = "",
    ) -> None:
        """Show a picture, BGR uint8 (H, W, 3), and answer the keys.

        Returns when monotonic time `due` has come, or later while paused. `hold` waits for any key
        that does nothing else. `redraw` is called when a key changed what there is to see. `speed`
        is a line for the window alone, and not for what is saved or recorded from it.
        """
        self._speed = speed
        self._present(picture)
        waiting = True
        while waiting and not self.closed:
            left = due - monotonic()
            paused = hold or self._paused
            key = self._key(30 if paused else max(1, min(30, round(left * 1000))))
            if self._act(key, picture):
                picture = redraw()
                self._present(picture)
            elif hold and key != -1:
                self.closed = True
            waiting = hold or self._paused or due > monotonic()

    def close(self) -> None:
        """Close the window."""
        if self._shown:
            self._shown = False
            try:
                cv2.destroyWindow(self.title)
                cv2.waitKey(1)  # some back ends close it only here
            except cv2.error:  # the user was faster
                pass

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _present(self, picture: NDArray[np.uint8]) -> None:
        state = "REC" if self._keeper.is_recording else "paused" if self._paused else ""
        corner = " | ".join(filter(None, (self._speed, state)))
        lines = [f"{keys}\t{meaning}" for keys, meaning in KEYS] if self._help else []
        if corner or lines:
            picture = overlay(picture, lines, corner=corner)
        if not self._shown:
            self._open(picture)
        cv2.imshow(self.title, picture)

    def _open(self, picture: NDArray[np.uint8]) -> None:
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        cv2.namedWindow(self.title, flags)
        height, width = picture.shape[:2]
        scale = min(1.0, _LARGEST[0] / width, _LARGEST[1] / height)
        cv2.resizeWindow(self.title, max(1, round(width * scale)), max(1, round(height * scale)))
        self._shown = True

    def _key(self, milliseconds: int) -> int:
        """The key pressed within this time, or -1; sees when the window was closed."""
        key = cv2.waitKey(milliseconds)
        try:
            visible = cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # how some back ends answer for a window that is gone
            visible = False
        self.closed = self.closed or not visible
        return key if key == -1 else key & 0xFF

    def _act(self, key: int, picture: NDArray[np.uint8]) -> bool:
        """Do what a key asks for; whether it was one of ours."""
        if key in _QUIT:
            self.closed = True
        elif key == _SPACE:
            self._paused = not self._paused
        elif key == ord("s"):
            self._keeper.snapshot(picture)
        elif key == ord("r"):
            self._keeper.record()
        elif key == ord("b"):
            self.bars = not self.bars
        elif key == ord("m"):
            self.mirror = not self.mirror
        elif key == ord("h"):
            self._help = not self._help
        else:
            return False
        return not self.closed


def missing_display(environ: Mapping[str, str] = os.environ) -> str | None:
    """Why no window can be opened here, or None.

    OpenCV aborts the process when its first window finds no display, and nothing catches that: so
    it is found out before. A display that is named but cannot be reached counts as none.
    """
    framework = cv2.currentUIFramework()
    if not framework:
        return "this OpenCV is built without windows (opencv-python-headless)"
    if platform.system() in ("Windows", "Darwin"):
        return None
    if environ.get("QT_QPA_PLATFORM") == "offscreen":
        there = _has_plugin("offscreen")
        return None if there else "this OpenCV has no plugin for QT_QPA_PLATFORM=offscreen"
    if display := environ.get("DISPLAY"):
        return None if _reachable(display) else f"DISPLAY={display} cannot be reached"
    if environ.get("WAYLAND_DISPLAY"):
        if framework.startswith("GTK") or _has_plugin("wayland"):
            return None
        return "this OpenCV shows windows through X11 only: start XWayland"
    return "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set"


def _reachable(display: str) -> bool:
    try:
        x11: Any = ctypes.CDLL("libX11.so.6")
    except OSError:
        return _answers(display)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    connection = x11.XOpenDisplay(display.encode())
    if connection:
        x11.XCloseDisplay(ctypes.c_void_p(connection))
    return bool(connection)


def _answers(display: str) -> bool:
    """Whether something listens where the display should be."""
    host, _, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if not number.isdecimal():
        return False
    try:
        if host in ("", "unix"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as local:
                local.connect(f"/tmp/.X11-unix/X{number}")
        else:
            socket.create_connection((host, 6000 + int(number)), timeout=2).close()
    except OSError:
        return False
    return True


def _has_plugin(name: str) -> bool:
    """Whether OpenCV's Qt can draw on this platform; OpenCV sets the variable when it is loaded."""
    plugins = os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH", "")
    return any(Path(plugins).glob(f"platforms/libq{name}*"))
