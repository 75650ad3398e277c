"""How every command of this project starts and ends: --help, settings, exit codes.

Exit codes: 0 done, 1 a failure that was foreseen, 2 unusable settings, 130 Ctrl-C or a signal to
end. Whoever reads
standard output and goes away, as `| head` does, has seen enough: that is 0 as well.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from emotion.cli import settings as config
from emotion.cli import stopping
from emotion.errors import EmotionError, SettingsError

T = TypeVar("T")


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
    arguments = sys.argv[1:] if arguments is None else arguments
    if any(word in ("-h", "--help") for word in arguments):
        table = config.describe(declaration, os.environ)
        print(f"{(about or '').strip()}\n\nEnvironment variables:\n{table}")
        return 0
    if arguments:
        asked = arguments[0]
        return _complain([f"unexpected argument {asked!r}: settings are variables, see --help"])
    try:
        settings = config.read(declaration, os.environ, note=_note)
    except SettingsError as error:
        return _complain(error.complaints)
    return _guarded(main, settings)


def _guarded(main: Callable[[Any], int | None], settings: Any) -> int:
    try:
        stopping.listen(running=True)
        code = main(settings) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python flushes once more on its way out: give it somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SettingsError as error:  # a complaint that only the data or the model could reveal
        return _complain(error.complaints)
    except EmotionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", __name__.partition(".")[0]):  # a fault here, not in the environment
            raise
        complaint = f"{package} is not installed: pip install -r requirements.txt"
        print(f"error: {complaint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(stopping.line(error), file=sys.stderr)
        return 130


def _note(line: str) -> None:
    print(line, file=sys.stderr)


def _complain(complaints: Sequence[str]) -> int:
    for line in complaints:
        print(line, file=sys.stderr)
    return 2
