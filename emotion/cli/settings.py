"""Settings that come from variables and a file: declared once, read once, described everywhere.

A script declares one frozen dataclass. Each field made by `setting` holds its type, default,
meaning and check; the variable is the field's name in capitals. `part` makes a field out of a whole
dataclass of settings, whose variables are the script's as well. `read`, `describe`, `markdown` and
`summary` all work from that declaration. Optional class variables of it:

`most_people`: the names that most people need, in the order in which they are shown first.
`dropped`: variables that once were settings and are no more.

A method `conflicts` of it, or of a part, yields what does not fit together, a
`emotion.declare.Conflict` each.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from emotion.cli import names, toml_file, values
from emotion.declare import (
    REQUIRED,
    Check,
    Conflict,
    above,
    at_least,
    between,
    each,
    ending,
    exists,
    file,
    folder,
    pattern,
    setting,
)
from emotion.errors import SettingsError

__all__ = [
    "REQUIRED",
    "Check",
    "Conflict",
    "above",
    "at_least",
    "between",
    "each",
    "ending",
    "exists",
    "file",
    "folder",
    "pattern",
    "setting",
]

MOST_PEOPLE, REST = "most people", "the rest"
ENVIRONMENT = "environment"

T = TypeVar("T")
Note = Callable[[str], None]


@dataclass(frozen=True)
class _Variable:
    """One setting of a declaration: its variable, where it belongs, and what was declared."""

    name: str  # EPOCHS
    field: str  # epochs
    part: str  # the field that holds its dataclass; "" for one of the declaration's own
    kind: Any
    default: Any
    meaning: str
    check: Check | None
    aliases: tuple[str, ...]
    renamed_from: tuple[str, ...]
    supplies: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it goes by, the best first."""
        return (self.name, *self.aliases, *self.renamed_from)


@dataclass(frozen=True)
class _Given:
    """What was given for one setting: by which name, in which file if any, and the value."""

    name: str
    value: Any
    source: str = ENVIRONMENT

    def complaint(self, wrong: str) -> str:
        where = "" if self.source == ENVIRONMENT else f"{self.source}: "
        return f"{where}{self.name}={values.quoted(self.value)} {wrong}"


def part(declaration: type) -> Any:
    """A field that holds a dataclass of settings."""
    return field(default_factory=declaration)


def origins() -> Any:
    """A field that `read` fills with where each value came from, for `summary`."""
    return field(default_factory=dict, repr=False, compare=False)


def read(declaration: type[T], environ: Mapping[str, str], *, note: Note = lambda line: None) -> T:
    """The settings found in `environ` and in the file it may name, blank values being unset.

    What is in `environ` wins over the file. `note` gets a line for each name there that has
    another name now, or that is nearly one of a setting.
    Raises SettingsError with every complaint at once, each naming its variable.
    """
    reading = _Reading(declaration, environ)
    for line in reading.notes():
        note(line)
    settings = reading.settings()
    if reading.complaints:
        raise SettingsError(reading.complaints)
    return settings


class _Reading:
    """One reading of a declaration's variables, in which complaints gather."""

    def __init__(self, declaration: type, environ: Mapping[str, str]) -> None:
        self.declaration = declaration
        self.variables = _variables(declaration)
        self.environ = {name: text.strip() for name, text in environ.items() if text.strip()}
        self.complaints: list[str] = []
        self.values: dict[str, Any] = {}  # the good ones, by field
        self.given: dict[str, _Given] = {}  # all of them
        self._wrong: set[str] = set()
        # The file first: it says what the others are.
        for variable in sorted(self.variables, key=lambda one: not one.supplies):
            self._read(variable)

    def settings(self) -> Any:
        """The declaration's instance, after its conflicts have been looked for."""
        groups: dict[str, dict[str, Any]] = {"": {}}
        for one in self.variables:
            missing = None if one.default is REQUIRED else one.default
            groups.setdefault(one.part, {})[one.field] = self.values.get(one.field, missing)
        own = groups.pop("")
        kinds = get_type_hints(self.declaration)
        parts = {name: kinds[name](**group) for name, group in groups.items()}
        known = {item.name for item in fields(self.declaration)}
        extra = {"origins": self.sources()} if "origins" in known else {}
        whole = self.declaration(**own, **parts, **extra)
        for one in (*parts.values(), whole):
            self._look_for_conflicts(one)
        return whole

    def sources(self) -> dict[str, str]:
        """By field, where each value that is not the default came from."""
        return {name: given.source for name, given in self.given.items()}

    def notes(self) -> Iterator[str]:
        """A line for every name in the environment or the file that is not the one to use."""
        old = {name: one for one in self.variables for name in one.renamed_from}
        known = {name for one in self.variables for name in one.names}
        gone = getattr(self.declaration, "dropped", ())
        current = [one.name for one in self.variables]
        for name in self.environ:
            if name in old:
                used = self.given[old[name].field].name == name
                how = "the old name still works" if used else "that is set, too, and counts"
                yield f"{name} is now {old[name].name}: {how}"
            elif name in gone:
                yield f"{name} is a setting no more, and does nothing"
            elif name not in known and (meant := names.nearest(name, current)):
                yield f"{name} is not a setting: did you mean {meant}?"
        for given in self.given.values():
            if given.source != ENVIRONMENT and (one := old.get(given.name.upper())):
                now = one.name.lower()
                yield f"{given.source}: {given.name} is now {now}: the old name still works"

    def _read(self, one: _Variable) -> None:
        given = self._in_environment(one) or self.given.get(one.field)
        if given is None:
            if one.default is REQUIRED:
                self._complain(one, f"{one.name} is not set: it takes {one.meaning}")
            return
        self.given[one.field] = given
        convert = values.from_text if given.source == ENVIRONMENT else values.from_toml
        try:
            value = convert(given.value, one.kind)
        except ValueError as error:
            self._complain(one, given.complaint(str(error)))
            return
        if one.check and (wrong := one.check(value)):
            self._complain(one, given.complaint(wrong))
            return
        self.values[one.field] = value
        if one.supplies:
            self._read_file(value)

    def _in_environment(self, one: _Variable) -> _Given | None:
        return next((_Given(n, self.environ[n]) for n in one.names if n in self.environ), None)

    def _read_file(self, path: Path) -> None:
        """Enter what the file gives, and complain of what it gives in vain."""
        try:
            table = toml_file.read(path)
        except ValueError as error:
            self.complaints.append(f"{path} {error}")
            return
        allowed = [one for one in self.variables if not one.supplies]
        fields_of = {name.lower(): one.field for one in allowed for name in reversed(one.names)}
        for key, value in table.items():
            if key not in fields_of:
                meant = names.nearest(key, [one.field for one in allowed])
                hint = f": did you mean {meant}?" if meant else ""
                self.complaints.append(f"{path}: {key} is not a setting{hint}")
            elif (twice := self.given.get(fields_of[key])) and twice.source == str(path):
                self.complaints.append(f"{path}: {key} is given a second time, as {twice.name}")
            elif value != "":
                self.given[fields_of[key]] = _Given(key, value, str(path))

    def _look_for_conflicts(self, settings: Any) -> None:
        if not hasattr(settings, "conflicts"):
            return
        for concerned, wrong in settings.conflicts():
            if not self._wrong & set(concerned):  # those have been complained of
                first = concerned[0]
                default = _Given(first.upper(), values.shown(getattr(settings, first)))
                self.complaints.append(self.given.get(first, default).complaint(wrong))

    def _complain(self, one: _Variable, line: str) -> None:
        self._wrong.add(one.field)
        self.complaints.append(line)


def describe(declaration: type, environ: Mapping[str, str] | None = None) -> str:
    """The settings as aligned tables for `--help`: variable, default, meaning.

    Where the declaration says what most people need, that comes first, and last what `environ` and
    the file it may name have set.
    """
    wide = [max(len(row[column]) for row in _rows(declaration)) for column in (0, 1)]

    def table(group: str | None) -> str:
        rows = _rows(declaration, group)
        return "\n".join(f"  {a:<{wide[0]}}  {b:<{wide[1]}}  {why}" for a, b, why in rows)

    if not hasattr(declaration, "most_people"):
        return table(None)
    text = "\n\n".join(f"{group}\n{table(group)}" for group in (MOST_PEOPLE, REST))
    given = _Reading(declaration, environ or {}).given
    lines = [
        f"  {one.name:<{wide[0]}}  {values.shown(_listed(found.value))}  ({found.source})"
        for one in _variables(declaration)
        if (found := given.get(one.field))
    ]
    return "\n".join([text, "", "set now, all else being the default", *lines]) if lines else text


def markdown(declaration: type, group: str | None = None) -> str:
    """The settings as a table for the documents: all, or those of MOST_PEOPLE or the REST."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, value, why in _rows(declaration, group):
        shown = value if value in ("required", "none") else f"`{value}`"
        lines.append(f"| `{name}` | {shown} | {why} |")
    return "\n".join(lines)


def summary(settings: Any) -> str:
    """Every value in force, a line each, with where it came from."""
    found = getattr(settings, "origins", {})
    rows = []
    for one in _variables(type(settings)):
        value = _value(settings, one)
        same = one.field not in found and value == one.default
        source = "default" if same else found.get(one.field, ENVIRONMENT)
        rows.append((one.name, values.shown(value), source))
    wide = max(len(name) for name, *_ in rows)
    return "\n".join(f"  {name:<{wide}}  {value}  ({source})" for name, value, source in rows)


def plain(settings: Any) -> dict[str, Any]:
    """Every value in force as JSON can hold it, by the variable's name in lower case."""
    return {
        one.name.lower(): values.plain(_value(settings, one)) for one in _variables(type(settings))
    }


def _value(settings: Any, one: _Variable) -> Any:
    return getattr(getattr(settings, one.part) if one.part else settings, one.field)


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _variables(declaration: Any, inside: str = "") -> list[_Variable]:
    """What most people need first, in that order; then the rest as it is declared."""
    kinds = get_type_hints(declaration)
    found: list[_Variable] = []
    for item in fields(declaration):
        declared = item.metadata
        if is_dataclass(kinds[item.name]) and item.default_factory is not MISSING:
            found += _variables(kinds[item.name], item.name)
        elif declared:
            found.append(
                _Variable(
                    name=declared["variable"] or item.name.upper(),
                    field=item.name,
                    part=inside,
                    kind=kinds[item.name],
                    default=item.default,
                    **{name: value for name, value in declared.items() if name != "variable"},
                )
            )
    first = list(getattr(declaration, "most_people", ()))
    place = {name: number for number, name in enumerate(first)}
    return sorted(found, key=lambda one: place.get(one.field, len(first)))


def _rows(declaration: type, group: str | None = None) -> list[tuple[str, str, str]]:
    first = getattr(declaration, "most_people", ())
    rows = []
    for one in _variables(declaration):
        if group is None or (one.field in first) == (group == MOST_PEOPLE):
            value = "required" if one.default is REQUIRED else values.shown(one.default)
            rows.append((", ".join((one.name, *one.aliases)), value, one.meaning))
    return rows
