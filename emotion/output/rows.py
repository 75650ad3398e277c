"""What was recognised as rows: JSON lines or CSV. The schema is in docs/recognition.md."""

import csv
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from emotion.errors import EmotionError
from emotion.sources.frame import Frame
from emotion.tracking.tracker import Face

VERSION = 1
"""Goes up when a field changes its name or meaning; added fields leave it."""

_COMMON = ("version", "source", "frame", "time", "wall_time", "reading")


class Rows:
    """A file of rows, or standard output where `where` is `-`.

    The suffix decides: `.csv` for a table with a header, anything else for JSON lines. Rows are
    flushed frame by frame, so that a killed run keeps what it had. `reading` is the question that
    the model was asked, such as "people".
    """

    def __init__(self, where: Path, labels: Sequence[str], *, reading: str = "") -> None:
        self._where, self._labels, self._reading = where, labels, reading
        self._file: TextIO | None = None

    def write(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Add a row for each face, or one without a face where there are none.

        Raises EmotionError when the file cannot be written, and BrokenPipeError when the reader of
        standard output has gone.
        """
        try:
            self._write(rows(frame, faces, self._labels, reading=self._reading))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise EmotionError(
                f"RESULTS='{self._where}' cannot be written: {error.strerror}"
            ) from error

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._file is not None and self._file is not sys.stdout:
            self._file.close()
        self._file = None

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, found: list[dict[str, Any]]) -> None:
        if self._file is None:
            self._file = self._opened()
        if self._where.suffix.lower() == ".csv":
            csv.writer(self._file, lineterminator="\n").writerows(
                cells(row, self._labels) for row in found
            )
        else:
            self._file.writelines(json.dumps(row) + "\n" for row in found)
        self._file.flush()

    def _opened(self) -> TextIO:
        if str(self._where) == "-":
            return sys.stdout
        file = self._where.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        if self._where.suffix.lower() == ".csv":
            csv.writer(file, lineterminator="\n").writerow(columns(self._labels))
        return file


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
    box = row["box"] or [None] * 4
    values = [(row[name] or {}).get(label) for name in ("probabilities", "raw") for label in labels]
    seen = None if row["seen"] is None else int(row["seen"])
    return [*fixed, *box, seen, row["emotion"], row["confidence"], *values]


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
