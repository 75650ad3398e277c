"""FER-2013 as a CSV: rows of emotion, Usage and pixels -> labelled pictures."""

import csv
import io
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from emotion.data.archive import DAMAGE, Archive
from emotion.data.folders import split_of
from emotion.errors import EmotionError, UnreadableError
from emotion.model_file import FER2013

_WHOLE_NUMBER = re.compile(r"([+-]?\d+)(\.0*)?")


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
    csvs = [t for name in archive.files if (t := _recognised(archive, name))]
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


def class_names(labels: Iterable[str]) -> dict[str, str]:
    """Label in a CSV -> class name: FER-2013's emotion where all are its numbers, 0 to 6."""
    found = set(labels)
    numbers = {str(number): name for number, name in enumerate(FER2013)}
    return {label: numbers[label] if found <= set(numbers) else label for label in found}


def _recognised(archive: Archive, name: str) -> CsvFile | None:
    if PurePosixPath(name).suffix.lower() != ".csv":
        return None
    heads = [head.lower() for head in columns(archive, name)]
    if "emotion" not in heads or "pixels" not in heads:
        return None
    usage = heads.index("usage") if "usage" in heads else None
    return CsvFile(name, heads.index("emotion"), heads.index("pixels"), usage)


def _rows(csv_file: CsvFile, text: io.TextIOWrapper, before: str) -> Iterator[Row]:
    reader = csv.reader(text)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(f"{before}row {reader.line_num}", wrong=str(error))
            continue
        if reader.line_num == 1 or not any(cells):
            continue
        name = f"{before}row {reader.line_num}"
        yield _row(csv_file, name, [cell.strip() for cell in cells])


def _row(csv_file: CsvFile, name: str, cells: list[str]) -> Row:
    needed = max(csv_file.emotion, csv_file.pixels, csv_file.usage or 0) + 1
    if len(cells) < needed:
        return Row(name, wrong=f"{len(cells)} cells where {needed} are needed")
    label, usage = cells[csv_file.emotion], "" if csv_file.usage is None else cells[csv_file.usage]
    if not label:
        return Row(name, wrong="the emotion is blank")
    if number := _WHOLE_NUMBER.fullmatch(label):
        label = str(int(number[1]))  # "3.0", as pandas writes it, is 3
    split = csv_file.split if csv_file.usage is None else split_of(usage)
    if csv_file.usage is not None and not split:
        return Row(name, wrong=f"Usage '{usage}' is none of Training, PublicTest, PrivateTest")
    return Row(name, split, label, cells[csv_file.pixels])
