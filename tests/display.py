"""A display that nobody sees (Xvfb), and what a person would do at it (xdotool)."""

import contextlib
import ctypes
import os
import select
import shutil
import subprocess
import time

import pytest

PROGRAMS = ("Xvfb", "xdotool")


@contextlib.contextmanager
def display():
    """Its name, like ":5"; skips where Xvfb or xdotool is not installed."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        pytest.skip(f"{' and '.join(absent)} not installed: apt install xvfb xdotool")
    receiver, sender = os.pipe()
    # Without -noreset the server starts afresh, refusing everybody, when its last client leaves.
    command = [
        "Xvfb",
        "-displayfd",
        str(sender),
        "-screen",
        "0",
        "1400x900x24",
        "-noreset",
        "-nolisten",
        "tcp",
    ]
    with subprocess.Popen(command, pass_fds=[sender], stderr=subprocess.DEVNULL) as server:
        os.close(sender)
        try:
            ready, _, _ = select.select([receiver], [], [], 20)
            assert ready, "Xvfb did not start"
            yield f":{os.read(receiver, 16).decode().strip()}"
        finally:
            server.terminate()
            os.close(receiver)


class Person:
    """Somebody at a display: waits for a window, presses keys, closes it."""

    def __init__(self, name, title):
        self.name, self.title = name, title

    def window(self, patience=30.0):
        """The number of the window with the title, as soon as it is there."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            found = self._xdotool("search", "--onlyvisible", "--name", f"^{self.title}$")
            if found:
                return int(found.split()[0])
            time.sleep(0.05)
        raise AssertionError(f"no window {self.title!r} in {patience:g} s")

    def press(self, key):
        number = str(self.window())
        self._xdotool("windowfocus", "--sync", number)
        time.sleep(0.1)  # the toolkit hears of its focus a moment after the server does
        self._xdotool("key", key)

    def size(self):
        """Width and height of the window."""
        lines = self._xdotool("getwindowgeometry", "--shell", str(self.window())).splitlines()
        values = dict(line.split("=") for line in lines)
        return int(values["WIDTH"]), int(values["HEIGHT"])

    def grown_to(self, size, seconds=20):
        """Whether the window has that size, or gets it: it opens smaller and grows."""
        deadline = time.monotonic() + seconds
        while self.size() != size and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.size() == size

    def close(self):
        """What a window manager sends when its cross is clicked."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        connection = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        x11.XInternAtom.restype = ctypes.c_ulong
        atoms = [
            x11.XInternAtom(connection, name, False)
            for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
        ]
        event = (ctypes.c_long * 24)()  # XClientMessageEvent: type, serial, send_event, display,
        event[0] = 33  # ClientMessage
        event[4] = self.window()  # window, message_type, format, data
        event[5], event[6], event[7] = atoms[0], 32, atoms[1]
        x11.XSendEvent(connection, ctypes.c_ulong(event[4]), False, ctypes.c_long(0), event)
        x11.XFlush(connection)
        x11.XCloseDisplay(connection)

    def _xdotool(self, *words):
        done = subprocess.run(
            ["xdotool", *words],
            env={**os.environ, "DISPLAY": self.name},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return done.stdout
