"""The rows that a run before this one left: which of its sources are whole in them."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.errors import EmotionError


@dataclass(frozen=True)
class Earlier:
    """What a file of rows holds: the sources that are whole, and the bytes that are to stay."""

    whole: frozenset[str]
    size: int


@dataclass(frozen=True)
class Kind:
    """What the rows should be: their `version`, `labels` and `reading`.

    Of a CSV, `header` has the columns; of JSON lines it is None. `shown` is how a source's name
    stands in a row.
    """

    version: int
    labels: Sequence[str]
    reading: str
    header: list[str] | None
    shown: Callable[[str], str]


def read(path: Path, names: Iterable[str], kind: Kind) -> Earlier:
    """What the file of rows at `path` holds of the sources `names`.

    Sources follow each other, so that all but the last are whole. The last one may be half: where
    it is among `names`, it is not whole and its rows are not to stay. Neither is half a line at the
    end, of a machine that lost its power.

    Raises EmotionError when these are no rows, or rows of other labels or another reading; OSError
    when the file cannot be read.
    """
    by_shown = {kind.shown(name): name for name in names}
    whole: set[str] = set()
    last: str | None = None
    begin = end = 0
    for shown, length in _sources(path, kind):
        if shown != last:
            whole.update([last] if last is not None else [])
            last, begin = shown, end
        end += length
    if last in by_shown:
        end = begin
    elif last is not None:
        whole.add(last)
    return Earlier(frozenset(by_shown[one] for one in whole if one in by_shown), end)


def _sources(path: Path, kind: Kind) -> Iterator[tuple[str | None, int]]:
    """The source of every row, None for a header, and the row's length in bytes."""
    torn = False
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if torn:
                raise EmotionError(f"RESULTS: line {number - 1} of {path} is no row{_HELP}")
            if kind.header and number == 1:
                source, torn = None, not line.endswith(b"\n")
                if not torn and _cells(line) != kind.header:
                    raise EmotionError(f"RESULTS: {path} has rows of another model{_HELP}")
            else:
                source = _source(line, kind, path)
                torn = source is None
            if not torn:
                yield source, len(line)


def _source(line: bytes, kind: Kind, path: Path) -> str | None:
    """The source of a row, or None of what is not a whole row. Raises EmotionError."""
    if not line.endswith(b"\n"):
        return None
    try:
        if kind.header:
            version, source, *_, reading = _cells(line)[:6]
            fits = True
        else:
            row = json.loads(line)
            version, source, reading = row["version"], kind.shown(row["source"]), row["reading"]
            fits = row["raw"] is None or list(row["raw"]) == list(kind.labels)
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
        return None
    if not fits or (str(version), reading or "") != (str(kind.version), kind.reading):
        raise EmotionError(f"RESULTS: {path} has rows of another model or reading{_HELP}")
    return source


_HELP = ": give RESULTS another name, or RESUME=0 to replace it"


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode("utf-8", "replace")], strict=True), [])
