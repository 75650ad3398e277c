"""What people answered when shown the images: a second question to learn from each.

FER+ (Barsoum et al. 2016, arXiv:1608.01041) asked ten people about every image of FER-2013.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.data import class_names, csv_rows
from emotion.errors import EmotionError
from emotion.model_file import Reading

_FILE = "filename"
_MOST = 1e9  # votes for one answer
_ROWS = ("Usage", "Image name")  # how FER+ itself begins: a line for each row of fer2013.csv


@dataclass(frozen=True)
class AnnotatorVotes:
    """The answers that people chose from, and what a file says of each image."""

    answers: tuple[str, ...]
    path: Path
    _counts: NDArray[np.float32]  # (lines, answers), then one line of zeros
    _lines: dict[str, int]

    def of(self, names: Sequence[str], answers: Sequence[str] | None = None) -> NDArray[np.float32]:
        """The share of votes for each answer, (images, answers), in the order of `names`.

        `answers` are those that are wanted, by their names or usual other ones; None for all.
        Images without a vote get zeros. Raises EmotionError for an answer that people could not
        choose.
        """
        rows = self._counts[[self._lines.get(name, -1) for name in names]]
        shares = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1)
        if answers is None:
            return shares
        columns = Reading("", self.answers).columns(answers)
        missing = [answer for answer, at in zip(answers, columns, strict=True) if at < 0]
        if missing:
            raise EmotionError(
                f"ANNOTATOR_VOTES='{self.path}' has no column for {', '.join(missing)}: its "
                f"answers are {', '.join(self.answers)}; each class needs one"
            )
        return shares[:, columns]

    def knows(self, names: Sequence[str]) -> bool:
        """Whether the file has a line for any of the images `names`."""
        return any(name in self._lines for name in names)


def read(path: Path, names: Sequence[str]) -> AnnotatorVotes:
    """The votes in the CSV at `path`.

    It has a column `filename` and one column of counts for each answer, or is FER+'s own
    fer2013new.csv for data that comes from fer2013.csv. Raises EmotionError when the file cannot
    be used or knows none of the images `names`.
    """
    given = f"ANNOTATOR_VOTES='{path}'"
    try:
        with path.open(encoding="utf-8-sig") as file:
            rows = [row for row in csv_rows.read(file) if row.cells or row.wrong]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise EmotionError(f"{given} cannot be read ({reason}): name a .csv file") from error
    header = [cell.strip() for cell in rows[0].cells] if rows else []
    if header[:1] == [_FILE]:
        first, keys = 1, [row.cells[0] if row.cells else "" for row in rows[1:]]
    elif tuple(header[:2]) == _ROWS:
        first, keys = 2, [f"row {row.number}" for row in rows[1:]]
    else:
        begins = class_names.shown(", ".join(header[:3])) or "nothing"
        raise EmotionError(
            f"{given} begins with {begins}: the first line must be {_FILE} and then the answers, "
            "or that of FER+'s fer2013new.csv"
        )
    counts = _counts(given, rows[1:], len(header), first)
    counts = np.concatenate([counts, np.zeros((1, counts.shape[1]), np.float32)])
    lines_of = {key: number for number, key in enumerate(keys)}
    votes = AnnotatorVotes(tuple(header[first:]), path, counts, lines_of)
    if not votes.knows(names):
        raise EmotionError(
            f"{given} has a line for none of the images: it names "
            f"{class_names.shown(keys[0]) if keys else 'nothing'}, the data set {names[0]}"
        )
    return votes


def _counts(
    given: str, rows: Sequence[csv_rows.Row], width: int, first: int
) -> NDArray[np.float32]:
    """The counts of every row, (rows, answers). Raises EmotionError naming the first bad row."""
    if not rows or width <= first:
        raise EmotionError(f"{given} has no row of counts, one for each answer in its first line")
    try:  # all at once: FER+ has 35,887 rows
        counts = np.array([row.cells[first:] for row in rows], np.float64)
        if counts.shape[1] == width - first and ((counts >= 0) & (counts <= _MOST)).all():
            return counts.astype(np.float32)
    except (ValueError, IndexError):
        pass
    found = ((row.number, _wrong(row, width, first)) for row in rows)
    number, wrong = next((number, wrong) for number, wrong in found if wrong)
    raise EmotionError(
        f"{given}, row {number}: {wrong}; each row needs a count, 0 or more, for each of the "
        f"{width - first} answers"
    )


def _wrong(row: csv_rows.Row, width: int, first: int) -> str:
    """What is wrong with a row of votes; "" for nothing."""
    if row.wrong or len(row.cells) != width:
        return row.wrong or f"{len(row.cells)} cells where {width} are needed"
    for cell in row.cells[first:]:
        try:
            good = 0 <= float(cell) <= _MOST  # false for nan
        except ValueError:
            good = False
        if not good:
            return f"'{class_names.shown(cell)}' is no count"
    return ""
