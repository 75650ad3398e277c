"""Ctrl-C, and the signals that ask a program to end: all are one way out, with files finished."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

_NAMES = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "SIGHUP": "SIGHUP"}  # Windows lacks SIGHUP
_running = False


def listen(*, running: bool) -> None:
    """From now on, let each of them raise KeyboardInterrupt with its name.

    Before the program is `running` there is nothing to finish and nobody who catches that: then
    each ends it at once, in one line. What was set to be ignored, as nohup does, stays ignored.
    """
    global _running
    _running = running
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


@contextlib.contextmanager
def deferred() -> Iterator[Callable[[], int]]:
    """Meanwhile the first of them is only noted: the value answers with its number, 0 for none.

    A second one raises as ever.
    """
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if noted:
            _stop(number, frame)
        noted.append(number)

    heard = [at for name in _NAMES if (at := getattr(signal, name, None))]
    ours = [number for number in heard if signal.getsignal(number) is _stop]
    for number in ours:
        signal.signal(number, note)
    try:
        yield lambda: noted[0] if noted else 0
    finally:
        for number in ours:
            if signal.getsignal(number) is note:
                signal.signal(number, _stop)


def name_of(number: int) -> str:
    """What people call a signal that is listened to."""
    return _NAMES[signal.Signals(number).name]


def line(error: KeyboardInterrupt) -> str:
    """What to say in the end."""
    return f"stopped by {error.args[0] if error.args else 'Ctrl-C'}"


def _stop(number: int, _: FrameType | None) -> None:
    for name in ("SIGTERM", "SIGHUP"):  # whoever asks twice gets whole files all the same
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    stopped = KeyboardInterrupt(name_of(number))
    if _running:
        raise stopped
    print(line(stopped), file=sys.stderr)
    raise SystemExit(130)
