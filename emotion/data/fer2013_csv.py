"""FER-2013 as a CSV: rows of emotion, Usage and pixels -> labelled pictures."""

import csv
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from emotion.data import class_names, csv_rows
from emotion.data.archive import DAMAGE, Archive
from emotion.data.parts import split_of
from emotion.errors import EmotionError, UnreadableError

_WHOLE_NUMBER = re.compile(r"([+-]?\d{1,9})(\.0*)?")
_NEEDED = ("emotion", "pixels")
_UNNAMED = 20  # files without a suffix that are looked into; pictures may have none, too


@dataclass(frozen=True)
class CsvFile:
    """A CSV in an archive that holds pictures, and which column holds what."""

    name: str
    emotion: int
    pixels: int
    usage: int | None

    @property
    def split(self) -> str:
        """The split that the file's own name stands for, as in train.csv; "" for none."""
        return split_of(PurePosixPath(self.name).stem)


@dataclass(frozen=True)
class Row:
    """One row: its split ("" for none) and label, its pixels still as text, or what is `wrong`."""

    name: str
    split: str = ""
    label: str = ""
    pixels: str = ""
    wrong: str = ""

    def image(self) -> NDArray[np.uint8]:
        """The picture, uint8 (side, side). Raises UnreadableError."""
        if self.wrong:
            raise UnreadableError(self.wrong)
        with warnings.catch_warnings():  # older NumPy only warns of text that is no number
            warnings.simplefilter("error", DeprecationWarning)
            try:  # six times faster than int() for each
                values = np.fromstring(self.pixels, np.int32, sep=" ")
            except (DeprecationWarning, ValueError):
                raise UnreadableError("the pixels are not all whole numbers") from None
        side = isqrt(values.size)
        if not side or side * side != values.size:
            raise UnreadableError(f"{values.size} pixels make no square; FER-2013 has 2304")
        if values.min() < 0 or values.max() > 255:
            raise UnreadableError(f"pixels from {values.min()} to {values.max()} are not in 0..255")
        return values.astype(np.uint8).reshape(side, side)


def find(archive: Archive) -> tuple[CsvFile, ...]:
    """The CSVs in `archive` that belong together; none is ().

    One with a Usage column holds the whole data set, so the first such stands alone. Without it,
    CSVs named after a split are taken together: train.csv and test.csv.
    """
    csvs = [t for name in _candidates(archive) if (t := _recognised(archive, name))]
    complete = [csv_file for csv_file in csvs if csv_file.usage is not None]
    return tuple(complete[:1] or [t for t in csvs if t.split] or csvs)


def columns(archive: Archive, name: str) -> list[str]:
    """The first row's cells without stray spaces; [] when the file is no text."""
    try:
        with archive.open(name) as stream:
            first = stream.readline(10_000)
        return [cell.strip() for cell in next(csv.reader([first.decode("utf-8-sig")]), [])]
    except (UnreadableError, UnicodeDecodeError, csv.Error, *DAMAGE):
        return []


def rows(archive: Archive, csvs: Sequence[CsvFile]) -> Iterator[Row]:
    """Every row of `csvs` in order.

    Rows are numbered as a spreadsheet shows them, the header being row 1. Raises EmotionError
    when a CSV inside a zip is damaged.
    """
    for csv_file in csvs:
        before = f"{csv_file.name} " if len(csvs) > 1 else ""
        try:
            with (
                archive.open(csv_file.name) as stream,
                io.TextIOWrapper(stream, "utf-8", "replace") as text,
            ):
                yield from _rows(csv_file, text, before)
        except (UnreadableError, *DAMAGE) as error:
            raise EmotionError(
                f"DATASET: '{csv_file.name}' cannot be read to its end ({error}): download it again"
            ) from error


def _candidates(archive: Archive) -> list[str]:
    """What may be a CSV: by its suffix, for want of one, or because it stands alone."""
    if len(archive.files) == 1:
        return list(archive.files)
    suffixes = [PurePosixPath(name).suffix.lower() for name in archive.files]
    known = {".csv", ""} if suffixes.count("") <= _UNNAMED else {".csv"}
    return [name for name, suffix in zip(archive.files, suffixes, strict=True) if suffix in known]


def _recognised(archive: Archive, name: str) -> CsvFile | None:
    heads = [head.lower() for head in columns(archive, name)]
    if any(head not in heads for head in _NEEDED):
        return None
    usage = heads.index("usage") if "usage" in heads else None
    return CsvFile(name, heads.index("emotion"), heads.index("pixels"), usage)


def _rows(csv_file: CsvFile, text: io.TextIOWrapper, before: str) -> Iterator[Row]:
    for row in csv_rows.read(text):
        name = f"{before}row {row.number}"
        if row.wrong:
            yield Row(name, wrong=row.wrong)
        elif row.number > 1 and any(row.cells):
            yield _row(csv_file, name, [cell.strip() for cell in row.cells])


def _row(csv_file: CsvFile, name: str, cells: list[str]) -> Row:
    needed = max(csv_file.emotion, csv_file.pixels, csv_file.usage or 0) + 1
    if len(cells) < needed:
        return Row(name, wrong=f"{len(cells)} cells where {needed} are needed")
    label, usage = cells[csv_file.emotion], "" if csv_file.usage is None else cells[csv_file.usage]
    try:
        label = class_names.usable(label)
    except ValueError as error:
        return Row(name, wrong=f"the emotion {error}")
    if number := _WHOLE_NUMBER.fullmatch(label):
        label = str(int(number[1]))  # "3.0", as pandas writes it, is 3
    split = csv_file.split if csv_file.usage is None else split_of(usage)
    if csv_file.usage is not None and not split:
        usage = class_names.shown(usage)
        return Row(name, wrong=f"Usage '{usage}' is none of Training, PublicTest, PrivateTest")
    return Row(name, split, label, cells[csv_file.pixels])
