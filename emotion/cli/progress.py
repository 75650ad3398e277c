"""How far something is and how long it will still take, as a line of text."""

import os
import sys

from emotion.printable import printable


def bar(done: int, total: int | None, seconds: float, *, width: int = 24) -> str:
    """A bar with counts and the time left, judged by `seconds` spent on what is done.

    Where nobody knows the `total`, what is done and the time that it took.
    """
    if total is None:
        minutes, rest = divmod(round(seconds), 60)
        return f"{done} s read in {minutes}:{rest:02}; how long it is, it does not say"
    filled = width * done // max(1, total)
    left = seconds / done * (total - done) if done else 0.0
    minutes, rest = divmod(round(left), 60)
    time = f"{minutes}:{rest:02} left" if done else "starting"
    return f"[{'#' * filled}{'.' * (width - filled)}] {done}/{total}  {time}"


def say(text: str) -> None:
    """Talk on standard error; on a terminal it takes the place of what `redraw` left."""
    text = printable(text, keep="\n\t")
    _talk(f"\r{'':89}\r{text}\n" if sys.stderr.isatty() else f"{text}\n")


def redraw(text: str) -> None:
    """A line that the next one replaces, on a terminal only."""
    if sys.stderr.isatty():
        _talk(f"\r{printable(text):<89}\r")


def _talk(text: str) -> None:
    """Write to standard error; when nobody listens any more, the work goes on."""
    try:
        sys.stderr.write(text)  # its own encoding's gaps are written as escapes
        sys.stderr.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)
