"""Text of a variable, or a value of a TOML file -> a value of the type that was declared."""

import math
import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Union, get_args, get_origin

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
# Python would take other scripts' digits, 1_000 and blanks, too.
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf(inity)?|nan)", re.I
)


def from_text(text: str, kind: Any) -> Any:
    """`text`, which is not blank, as `kind`: str, bool, int, float, Path, a tuple or X | None.

    Raises ValueError with what is wrong with it ("is not a whole number").
    """
    kind = _given(kind)
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return tuple(from_text(part.strip(), inner) for part in text.split(",") if part.strip())
    return _READERS[kind](text)


def from_toml(value: Any, kind: Any) -> Any:
    """`value` as tomllib reads it as `kind`: true, 3, 0.5, "text", ["a", "list"].

    Raises ValueError with what is wrong with it.
    """
    kind = _given(kind)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError("is not a list")
        return tuple(from_toml(part, get_args(kind)[0]) for part in value)
    accepted, wanted = _TOML[kind]
    if type(value) not in accepted:
        raise ValueError(f"is not {wanted}")
    if kind is float:
        return _finite(value)
    return _path(value) if kind is Path else value


def quoted(value: Any) -> str:
    """What was given, as a complaint shows it: on one line, and not longer than a line."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 200 else f"{text[:90]}...{text[-90:]}"


def shown(value: Any) -> str:
    """A value as tables show it, and as a variable would be given it."""
    if value is None or value == () or value == "":
        return "none"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(shown(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


def _given(kind: Any) -> Any:
    """X of `X | None`: a value was given."""
    if get_origin(kind) in (Union, types.UnionType):
        return next(part for part in get_args(kind) if part is not type(None))
    return kind


def _yes_or_no(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(f"is neither yes ({', '.join(_YES)}) nor no ({', '.join(_NO)})")


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError("is not a whole number")
    try:
        return int(text)
    except ValueError:  # thousands of digits
        raise ValueError("is too long a number") from None


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("is not a number")
    return _finite(text)


def _finite(value: Any) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return number


def _path(text: str) -> Path:
    """The path, which need not exist, but must be one that the system can be asked about."""
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ValueError("names the home folder of nobody here: ~ is your own") from None
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise ValueError(f"cannot be used: {error.strerror}") from None
    except ValueError:  # holds a zero byte
        raise ValueError("is no path") from None
    return path


_READERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    bool: _yes_or_no,
    int: _whole,
    float: _number,
    Path: _path,
}
_TOML: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text in quotes"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((float, int), "a number"),
    Path: ((str,), "a path in quotes"),
}
