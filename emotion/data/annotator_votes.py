"""What people answered when shown the images: a second question to learn from each.

FER+ (Barsoum et al. 2016, arXiv:1608.01041) asked ten people about every image of FER-2013.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.errors import EmotionError
from emotion.model_file import Reading

_FILE = "filename"
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
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise EmotionError(
            f"ANNOTATOR_VOTES='{path}' cannot be read ({reason}): name a .csv file"
        ) from error
    header = [cell.strip() for cell in lines[0]] if lines else []
    if header[:1] == [_FILE]:
        first, keys = 1, [line[0] for line in lines[1:]]
    elif tuple(header[:2]) == _ROWS:
        first, keys = 2, [f"row {number}" for number in range(2, len(lines) + 1)]
    else:
        raise EmotionError(
            f"ANNOTATOR_VOTES='{path}' begins with {', '.join(header[:3]) or 'nothing'}: the first "
            f"line must be {_FILE} and then the answers, or that of FER+'s fer2013new.csv"
        )
    try:
        counts = np.array([line[first:] for line in lines[1:]], np.float32)
    except ValueError as error:
        raise EmotionError(
            f"ANNOTATOR_VOTES='{path}' must have a count for every answer in every line: {error}"
        ) from error
    if counts.ndim < 2 or counts.shape[1] != len(header) - first or counts.min(initial=0) < 0:
        raise EmotionError(
            f"ANNOTATOR_VOTES='{path}' must have a count, 0 or more, for each of its "
            f"{len(header) - first} answers in every line"
        )
    counts = np.concatenate([counts, np.zeros((1, counts.shape[1]), np.float32)])
    lines_of = {key: number for number, key in enumerate(keys)}
    votes = AnnotatorVotes(tuple(header[first:]), path, counts, lines_of)
    if not votes.knows(names):
        raise EmotionError(
            f"ANNOTATOR_VOTES='{path}' has a line for none of the images: it names "
            f"{keys[0] if keys else 'nothing'}, the data set {names[0]}"
        )
    return votes
