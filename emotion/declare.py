"""One field of a dataclass that people may set: its default, its meaning and its check.

What is declared here is read, refused and described by `emotion.cli.settings`. A library that
takes such a dataclass as a plain value, as training takes its recipe, needs no command for it.
"""

import math
import re
from collections.abc import Callable
from dataclasses import MISSING, field
from pathlib import Path
from typing import Any

REQUIRED = MISSING

Check = Callable[[Any], str | None]
Conflict = tuple[tuple[str, ...], str]  # names of fields that do not fit together, and what to do


def setting(
    default: Any,
    meaning: str,
    *,
    check: Check | None = None,
    aliases: tuple[str, ...] = (),
    renamed_from: tuple[str, ...] = (),
    variable: str = "",
    supplies: bool = False,
) -> Any:
    """One field that a variable sets: the field's name in capitals, or `variable`.

    `default` may be REQUIRED. `check` gets the value and answers what is wrong with it ("must be at
    least 1"), or None. `aliases` are further names that are accepted, `renamed_from` earlier ones,
    which are accepted with a word about the new name. A field that `supplies` is the path of a
    TOML file with values for the others.
    """
    metadata = {
        "meaning": meaning,
        "check": check,
        "aliases": aliases,
        "renamed_from": renamed_from,
        "variable": variable,
        "supplies": supplies,
    }
    return field(default=default, metadata=metadata)


def at_least(low: float) -> Check:
    """A check that refuses anything below `low`."""
    return lambda value: None if value >= low else f"must be at least {_plain(low)}"


def above(low: float, most: float = math.inf) -> Check:
    """A check that refuses `low`, anything below it, and anything beyond `most`."""
    limit = f" and at most {_plain(most)}" if most < math.inf else ""
    return lambda value: None if low < value <= most else f"must be above {_plain(low)}{limit}"


def between(low: float, high: float) -> Check:
    """A check that refuses anything outside low..high, both included."""
    wrong = f"must be from {_plain(low)} to {_plain(high)}"
    return lambda value: None if low <= value <= high else wrong


def ending(*suffixes: str) -> Check:
    """A check that refuses a path with any other suffix (case does not matter)."""
    wanted = " or ".join(suffixes)
    return lambda path: None if str(path).lower().endswith(suffixes) else f"must end in {wanted}"


def file(*suffixes: str) -> Check:
    """A check that refuses what is no file, or has another suffix."""
    right = ending(*suffixes)
    return lambda path: right(path) or exists(path) or ("is a folder" if path.is_dir() else None)


def exists(path: Path) -> str | None:
    """A check that refuses a path where nothing is."""
    return None if path.exists() else "does not exist"


def folder(path: Path) -> str | None:
    """A check that refuses a path that cannot become a folder, because a file has its name."""
    return None if path.is_dir() or not path.exists() else "is a file: name a folder"


def pattern(text: str) -> str | None:
    """A check that refuses what is no regular expression."""
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression ({error})"
    return None


def each(check: Check) -> Check:
    """A check of every part of a list."""

    def wrong(parts: tuple) -> str | None:
        found = [f"names {part}, which {why}" for part in parts if (why := check(part))]
        return "; ".join(found) or None

    return wrong


def _plain(number: float) -> str:
    """A limit as people write it: 100000, not 1e+05."""
    return str(int(number)) if number == int(number) else f"{number:g}"
