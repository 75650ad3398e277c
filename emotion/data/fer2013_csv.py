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

from emotion.data.archive import DAMAGE, Archive, Unreadable
from emotion.data.folders import part_of
from emotion.errors import EmotionError
from emotion.model_file import FER2013

_WHOLE_NUMBER = re.compile(r"([+-]?\d+)(\.0*)?")


@dataclass(frozen=True)
class Table:
    """A CSV in an archive that holds pictures, and which column holds what."""

    name: str
    emotion: int
    pixels: int
    usage: int | None

    @property
    def part(self) -> str:
        """The part that the file's own name stands for, as in train.csv; "" for none."""
        return part_of(PurePosixPath(self.name).stem)


@dataclass(frozen=True)
class Row:
    """One row: its part ("" for none) and label, its pixels still as text, or what is `wrong`."""

    name: str
    part: str = ""
    label: str = ""
    pixels: str = ""
    wrong: str = ""

    def image(self) -> NDArray[np.uint8]:
        """The picture, uint8 (side, side). Raises Unreadable."""
        if self.wrong:
            raise Unreadable(self.wrong)
        with warnings.catch_warnings():  # older NumPy only warns of text that is no number
            warnings.simplefilter("error", DeprecationWarning)
            try:  # six times faster than int() for each
                values = np.fromstring(self.pixels, np.int32, sep=" ")
            except (DeprecationWarning, ValueError):
                raise Unreadable("the pixels are not all whole numbers") from None
        side = isqrt(values.size)
        if not side or side * side != values.size:
            raise Unreadable(f"{values.size} pixels make no square; FER-2013 has 2304")
        if values.min() < 0 or values.max() > 255:
            raise Unreadable(f"pixels from {values.min()} to {values.max()} are not in 0..255")
        return values.astype(np.uint8).reshape(side, side)


def find(archive: Archive) -> tuple[Table, ...]:
    """The tables in `archive` that belong together; none is ().

    One with a Usage column holds the whole data set, so the first such stands alone. Without it,
    tables named after a part are taken together: train.csv and test.csv.
    """
    tables = [t for name in archive.files if (t := _recognised(archive, name))]
    whole = [table for table in tables if table.usage is not None]
    return tuple(whole[:1] or [t for t in tables if t.part] or tables)


def columns(archive: Archive, name: str) -> list[str]:
    """The first row's cells without stray spaces; [] when the file is no text."""
    try:
        with archive.open(name) as stream:
            first = stream.readline(10_000)
        return [cell.strip() for cell in next(csv.reader([first.decode("utf-8-sig")]), [])]
    except (Unreadable, UnicodeDecodeError, csv.Error, *DAMAGE):
        return []


def rows(archive: Archive, tables: Sequence[Table]) -> Iterator[Row]:
    """Every row of `tables` in order.

    Rows are numbered as a spreadsheet shows them, the header being row 1. Raises EmotionError
    when a table inside a zip is damaged.
    """
    for table in tables:
        before = f"{table.name} " if len(tables) > 1 else ""
        try:
            with (
                archive.open(table.name) as stream,
                io.TextIOWrapper(stream, "utf-8", "replace") as text,
            ):
                yield from _rows(table, text, before)
        except (Unreadable, *DAMAGE) as error:
            raise EmotionError(
                f"DATASET: '{table.name}' cannot be read to its end ({error}): download it again"
            ) from error


def class_names(labels: Iterable[str]) -> dict[str, str]:
    """Label in a table -> class name: FER-2013's emotion where all are its numbers, 0 to 6."""
    found = set(labels)
    numbers = {str(number): name for number, name in enumerate(FER2013)}
    return {label: numbers[label] if found <= set(numbers) else label for label in found}


def _recognised(archive: Archive, name: str) -> Table | None:
    if PurePosixPath(name).suffix.lower() != ".csv":
        return None
    heads = [head.lower() for head in columns(archive, name)]
    if "emotion" not in heads or "pixels" not in heads:
        return None
    usage = heads.index("usage") if "usage" in heads else None
    return Table(name, heads.index("emotion"), heads.index("pixels"), usage)


def _rows(table: Table, text: io.TextIOWrapper, before: str) -> Iterator[Row]:
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
        yield _row(table, name, [cell.strip() for cell in cells])


def _row(table: Table, name: str, cells: list[str]) -> Row:
    needed = max(table.emotion, table.pixels, table.usage or 0) + 1
    if len(cells) < needed:
        return Row(name, wrong=f"{len(cells)} cells where {needed} are needed")
    label, usage = cells[table.emotion], "" if table.usage is None else cells[table.usage]
    if not label:
        return Row(name, wrong="the emotion is blank")
    if number := _WHOLE_NUMBER.fullmatch(label):
        label = str(int(number[1]))  # "3.0", as pandas writes it, is 3
    part = table.part if table.usage is None else part_of(usage)
    if table.usage is not None and not part:
        return Row(name, wrong=f"Usage '{usage}' is none of Training, PublicTest, PrivateTest")
    return Row(name, part, label, cells[table.pixels])
