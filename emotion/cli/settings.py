"""Settings that come from environment variables: declared once, read once, described everywhere.

A script declares one frozen dataclass. Each field made by `setting` holds its type, default,
meaning and check; the variable is the field's name in capitals. `read`, `describe`, `markdown`
and `summary` all work from that declaration.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from emotion.errors import SettingsError

REQUIRED = MISSING
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

T = TypeVar("T")
Check = Callable[[Any], str | None]


def setting(
    default: Any, meaning: str, *, check: Check | None = None, aliases: tuple[str, ...] = ()
) -> Any:
    """One field of a settings dataclass.

    `default` may be REQUIRED. `check` gets the parsed value and answers what is wrong with it
    ("must be at least 1"), or None. `aliases` are further variable names that are accepted.
    """
    metadata = {"meaning": meaning, "check": check, "aliases": aliases}
    return field(default=default, metadata=metadata)


def read(declaration: type[T], environ: Mapping[str, str]) -> T:
    """The settings found in `environ`, blank values counting as unset.

    Raises SettingsError with every complaint at once, each naming its variable.
    """
    kinds = get_type_hints(declaration)
    values: dict[str, Any] = {}
    complaints: list[str] = []
    for item in fields(declaration):  # type: ignore[arg-type]
        name, text = _given(item, environ)
        if not text:
            if item.default is REQUIRED:
                complaints.append(f"{name} is not set: it takes {item.metadata['meaning']}")
            continue
        try:
            values[item.name] = _parse(text, kinds[item.name])
        except ValueError as error:
            complaints.append(f"{name}={text!r} {error}")
            continue
        check = item.metadata["check"]
        if check and (wrong := check(values[item.name])):
            complaints.append(f"{name}={text!r} {wrong}")
    if complaints:
        raise SettingsError(complaints)
    return declaration(**values)


def describe(declaration: type) -> str:
    """The settings as an aligned table for `--help`: variable, default, meaning."""
    rows = _rows(declaration)
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"  {name:<{wide[0]}}  {value:<{wide[1]}}  {why}" for name, value, why in rows)


def markdown(declaration: type) -> str:
    """The settings as the README's table."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, value, why in _rows(declaration):
        shown = value if value in ("required", "none") else f"`{value}`"
        lines.append(f"| `{name}` | {shown} | {why} |")
    return "\n".join(lines)


def summary(settings: Any) -> str:
    """Every value in force, a line each, with the defaults marked."""
    rows = []
    for item in fields(settings):
        value = getattr(settings, item.name)
        mark = "  (default)" if value == item.default else ""
        rows.append((item.name.upper(), f"{_shown(value)}{mark}"))
    wide = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{wide}}  {value}" for name, value in rows)


def at_least(low: float) -> Check:
    """A check that refuses anything below `low`."""
    return lambda value: None if value >= low else f"must be at least {low:g}"


def above(low: float) -> Check:
    """A check that refuses `low` and anything below it."""
    return lambda value: None if value > low else f"must be above {low:g}"


def between(low: float, high: float) -> Check:
    """A check that refuses anything outside low..high, both included."""
    return lambda value: None if low <= value <= high else f"must be from {low:g} to {high:g}"


def ending(*suffixes: str) -> Check:
    """A check that refuses a path with any other suffix (case does not matter)."""
    wanted = " or ".join(suffixes)
    return lambda path: None if str(path).lower().endswith(suffixes) else f"must end in {wanted}"


def _given(item: Field, environ: Mapping[str, str]) -> tuple[str, str]:
    """The variable's name as the user wrote it, and its text; "" when unset or blank."""
    names = (item.name.upper(), *item.metadata["aliases"])
    for name in names:
        if text := environ.get(name, "").strip():
            return name, text
    return names[0], ""


def _parse(text: str, kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):  # "X | None": a value was given, so X
        kind = next(part for part in get_args(kind) if part is not type(None))
    if kind is bool:
        return _yes_or_no(text)
    if kind is int:
        return _number(text, int, "a whole number")
    if kind is float:
        value = _number(text, float, "a number")
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError("is not a finite number")
        return value
    if kind is Path:
        return Path(text).expanduser()
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return tuple(_parse(part.strip(), inner) for part in text.split(",") if part.strip())
    return text


def _yes_or_no(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(f"is neither yes ({', '.join(_YES)}) nor no ({', '.join(_NO)})")


def _number(text: str, kind: Callable[[str], T], wanted: str) -> T:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"is not {wanted}") from None


def _rows(declaration: type) -> list[tuple[str, str, str]]:
    rows = []
    for item in fields(declaration):
        name = ", ".join((item.name.upper(), *item.metadata["aliases"]))
        value = "required" if item.default is REQUIRED else _shown(item.default)
        rows.append((name, value, item.metadata["meaning"]))
    return rows


def _shown(value: Any) -> str:
    if value is None or value == () or value == "":
        return "none"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(_shown(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
