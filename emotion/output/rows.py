"""What was recognised as rows: JSON lines or CSV. The schema is in docs/recognition.md."""

import contextlib
import csv
import io
import json
import sys
from collections.abc import Sequence, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from emotion import files, lock
from emotion.errors import EmotionError
from emotion.printable import printable
from emotion.sources.frame import Frame
from emotion.tracking.tracker import Face

VERSION = 1
"""Goes up when a field changes its name or meaning; added fields leave it."""

_COMMON = ("version", "source", "frame", "time", "wall_time", "reading")


class Rows:
    """A file of rows, or standard output where `where` is `-`.

    The suffix decides: `.csv` for a table with a header, `.parquet` for one that is made of JSON
    lines beside it in the end, anything else for JSON lines. A frame's rows are written at once,
    so that a killed run keeps what it had and a full disk leaves whole rows. `reading` is the
    question that the model was asked, such as "people". `table` says whether rows are lines of a
    CSV.
    """

    def __init__(self, where: Path, labels: Sequence[str], *, reading: str = "") -> None:
        self._where, self._labels, self._reading = where, labels, reading
        self.table = where.suffix.lower() == ".csv"
        self._parquet = where.suffix.lower() == ".parquet"
        self._path = where.with_suffix(".part.jsonl") if self._parquet else where
        self._file: io.FileIO | None = None
        self._size = 0
        self._locked = False
        self._stack = contextlib.ExitStack()

    def write(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Add a row for each face, or one without a face where there are none.

        Raises EmotionError when the file cannot be written or another run writes to it, and
        BrokenPipeError when the reader of standard output has gone.
        """
        self.add(lines(frame, faces, self._labels, reading=self._reading, table=self.table))

    def add(self, text: str) -> None:
        """Add whole rows, as `lines` makes them; raises what `write` raises."""
        if self.table and not self._size:
            text = _table([columns(self._labels)]) + text
        try:
            self._put(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise EmotionError(f"RESULTS: {files.unwritten(self._where, error)}") from error

    def resume(self, names: Sequence[str]) -> Set[str]:
        """Go on with the rows in the file; the sources among `names` that are whole in it.

        Those of the last source, which may be half, are taken out with the first new row.
        Raises EmotionError when the file holds anything else, or another run writes to it.
        """
        from emotion.output import earlier_rows

        kind = earlier_rows.Kind(
            VERSION,
            self._labels,
            self._reading,
            header=columns(self._labels) if self.table else None,
            shown=text_cell if self.table else utf8,
        )
        self._lock()
        try:
            self._unfold()
            if not self._path.exists():
                return frozenset()
            earlier = earlier_rows.read(self._path, names, kind)
        except OSError as error:
            raise EmotionError(f"RESULTS: {self._path} cannot be read: {error.strerror}") from error
        self._size = earlier.size
        return earlier.whole

    def close(self) -> None:
        """Close the file; standard output stays open. Raises EmotionError when that fails."""
        with self._stack:
            if self._parquet and self._size:
                from emotion.output import parquet

                file = self._file or self._opened()
                parquet.write(self._path, self._where, self._labels)
                file.close()  # Windows removes no open file
                self._path.unlink()
        self._file, self._locked = None, False

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, text: str) -> None:
        if str(self._where) == "-":
            if sys.stdout is None:
                raise EmotionError("RESULTS='-': standard output is closed; name a file")
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        file = self._file or self._opened()
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        try:
            done = 0
            while done < len(data):
                done += file.write(data[done:]) or 0
        except OSError:
            file.truncate(self._size)
            raise
        self._size += len(data)

    def _opened(self) -> io.FileIO:
        """The file, locked before anything in it is replaced, with what is to stay of it."""
        self._lock()
        mode: Literal["r+b", "wb"] = "r+b" if self._size else "wb"
        self._file = self._stack.enter_context(self._path.open(mode, buffering=0))
        self._file.truncate(self._size)
        self._file.seek(self._size)
        return self._file

    def _lock(self) -> None:
        if not self._locked:
            self._stack.enter_context(lock.of(self._where, "RESULTS"))
            self._locked = True

    def _unfold(self) -> None:
        """Make JSON lines of a Parquet file, unless a run that was killed left some."""
        if self._parquet and self._where.exists() and not self._path.exists():
            from emotion.output import parquet

            with files.replacing(self._path) as part, part.open("w", encoding="utf-8") as text:
                text.writelines(parquet.read(self._where, self._labels))


def lines(
    frame: Frame, faces: Sequence[Face], labels: Sequence[str], *, reading: str, table: bool
) -> str:
    """A frame's rows as text: lines of a CSV without its header for a `table`, else of JSON."""
    found = rows(frame, faces, labels, reading=reading)
    if table:
        return _table([cells(row, labels) for row in found])
    return "".join(json.dumps(row) + "\n" for row in found)


def rows(
    frame: Frame, faces: Sequence[Face], labels: Sequence[str], *, reading: str = ""
) -> list[dict[str, Any]]:
    """One dictionary for each face; one with None for all that belongs to a face if there is none.

    Times are in seconds, rounded to microseconds; `wall_time` is UTC in ISO 8601, and None unless
    the source is live. `probabilities` (smoothed) and `raw` map each label to its probability.
    """
    common = {
        "version": VERSION,
        "source": frame.source,
        "frame": frame.index,
        "time": None if frame.time is None else round(frame.time, 6),
        "wall_time": None if frame.wall is None else _iso(frame.wall),
        "reading": reading or None,
    }
    nobody = dict.fromkeys(
        ("identity", "box", "seen", "emotion", "confidence", "probabilities", "raw"), None
    )
    if not faces:
        return [common | nobody]
    return [common | _face(face, labels) for face in faces]


def columns(labels: Sequence[str]) -> list[str]:
    """The CSV's header."""
    fixed = [*_COMMON, "identity"]
    box = ["x", "y", "width", "height"]
    labels = [printable(label) for label in labels]
    smoothed = [f"probability_{label}" for label in labels]
    return [
        *fixed,
        *box,
        "seen",
        "emotion",
        "confidence",
        *smoothed,
        *(f"raw_{label}" for label in labels),
    ]


def cells(row: dict[str, Any], labels: Sequence[str]) -> list[Any]:
    """One of `rows` as CSV cells in the order of `columns`; None becomes an empty cell."""
    fixed = [row[name] for name in (*_COMMON, "identity")]
    fixed = [text_cell(value) if isinstance(value, str) else value for value in fixed]
    box = row["box"] or [None] * 4
    values = [(row[name] or {}).get(label) for name in ("probabilities", "raw") for label in labels]
    seen = None if row["seen"] is None else int(row["seen"])
    emotion = None if row["emotion"] is None else text_cell(row["emotion"])
    return [*fixed, *box, seen, emotion, row["confidence"], *values]


def utf8(name: str) -> str:
    """A name as UTF-8 can hold it."""
    return name.encode("utf-8", "backslashreplace").decode()


def text_cell(text: str) -> str:
    """Text as a cell: in one line, and nothing that a spreadsheet would take for a formula.

    One that begins like a formula gets an apostrophe before it (OWASP, CSV injection).
    """
    shown = printable(text)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown


def _table(found: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(found)
    return text.getvalue()


def _face(face: Face, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "identity": face.identity,
        "box": [int(number) for number in face.box],
        "seen": face.seen,
        "emotion": face.emotion,
        "confidence": round(float(face.confidence), 4),
        "probabilities": _named(face.probabilities, labels),
        "raw": _named(face.raw, labels),
    }


def _named(values: Any, labels: Sequence[str]) -> dict[str, float]:
    return {label: round(float(value), 4) for label, value in zip(labels, values, strict=True)}


def _iso(wall: float) -> str:
    moment = datetime.fromtimestamp(wall, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
