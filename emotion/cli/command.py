"""How every command of this project starts and ends: --help, settings, exit codes.

Exit codes: 0 done, 1 a failure that was foreseen, 2 unusable settings, 130 Ctrl-C or a signal to
end, 141 when whoever read standard output went away, as `| head` does, before all was done.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

from emotion import files
from emotion.cli import settings as config
from emotion.cli import stopping
from emotion.cli.progress import say
from emotion.errors import EmotionError, SettingsError

T = TypeVar("T")

_UNWRITABLE = (*files.FULL, "EROFS", "EIO")


def run(
    main: Callable[[T], int | None],
    declaration: type[T],
    about: str | None,
    *,
    arguments: Sequence[str] | None = None,
) -> int:
    """Read the settings, call `main` with them, and answer with the exit code.

    `about` is the script's docstring, shown by --help above the tables of its variables. What is
    wrong with the settings is said on standard error, all of it at once; so is a name that is
    nearly a setting, which stops nothing.
    """
    _hold_standard_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    if any(word in ("-h", "--help") for word in arguments):
        table = config.describe(declaration, os.environ)
        with contextlib.suppress(BrokenPipeError):  # | head has seen enough
            print(f"{(about or '').strip()}\n\nEnvironment variables:\n{table}", flush=True)
        _settle(sys.stdout)
        return 0
    if arguments:
        asked = arguments[0]
        return _complain([f"unexpected argument {asked!r}: settings are variables, see --help"])
    try:
        settings = config.read(declaration, os.environ, note=say)
    except SettingsError as error:
        return _complain(error.complaints)
    try:
        return _guarded(main, settings)
    finally:
        _settle(sys.stdout)


def _guarded(main: Callable[[Any], int | None], settings: Any) -> int:
    try:
        stopping.listen(running=True)
        code = main(settings) or 0
        if sys.stdout is not None:  # it is closed
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        return 141
    except SettingsError as error:  # a complaint that only the data or the model could reveal
        return _complain(error.complaints)
    except EmotionError as error:
        say(f"error: {error}")
        return 1
    except OSError as error:
        if errno.errorcode.get(error.errno or 0) not in _UNWRITABLE:
            raise
        where = error.filename or "standard output"
        say(f"error: {files.unwritten(where, error)}")
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", __name__.partition(".")[0]):  # a fault here, not in the environment
            raise
        complaint = f"{package} is not installed: pip install -r requirements.txt"
        say(f"error: {complaint}")
        return 1
    except KeyboardInterrupt as error:
        say(stopping.line(error))
        return 130


def _hold_standard_streams() -> None:
    """Keep the numbers of closed standard streams from the files that will be opened.

    What a library writes to number 2, thinking of standard error, would land in one of them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    if sys.stderr is None:  # print would take standard output in its place
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def _settle(stream: TextIO | None) -> None:
    """Python flushes once more on its way out: give it somewhere to write if that must fail."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):  # a test's stream has no number
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _complain(complaints: Sequence[str]) -> int:
    for line in complaints:
        say(line)
    return 2
