"""Rows as a Parquet file, a table for pandas, Spark or DuckDB, made once all are there.

A Parquet file can be read only when it is complete, so a run writes JSON lines beside it first.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as arrow
from pyarrow import parquet

from emotion import files
from emotion.errors import EmotionError
from emotion.printable import printable

_BATCH = 10_000  # rows in memory at once

_FIELDS = [
    ("version", arrow.int32()),
    ("source", arrow.string()),
    ("frame", arrow.int64()),
    ("time", arrow.float64()),
    ("wall_time", arrow.string()),
    ("reading", arrow.string()),
    ("identity", arrow.int64()),
    ("x", arrow.int32()),
    ("y", arrow.int32()),
    ("width", arrow.int32()),
    ("height", arrow.int32()),
    ("seen", arrow.bool_()),
    ("emotion", arrow.string()),
    ("confidence", arrow.float64()),
]
_BOX = ("x", "y", "width", "height")
_KINDS = {"probabilities": "probability", "raw": "raw"}


def write(lines: Path, path: Path, labels: Sequence[str]) -> None:
    """Make `path` of the JSON lines in the file `lines`; the columns are those of the CSV.

    Raises EmotionError when it cannot be written; then nothing is left of it.
    """
    schema = _schema(labels)
    with (
        lines.open("rb") as rows,
        files.replacing(path) as part,
        parquet.ParquetWriter(part, schema) as table,
    ):
        while batch := [_flat(json.loads(line), labels) for line in islice(rows, _BATCH)]:
            table.write_table(arrow.Table.from_pylist(batch, schema))


def read(path: Path, labels: Sequence[str]) -> Iterator[str]:
    """The rows of `path` as lines of JSON, as they were. Raises EmotionError when they are none."""
    try:
        with parquet.ParquetFile(path) as table:
            if not table.schema_arrow.equals(_schema(labels)):
                raise EmotionError(
                    f"RESULTS: {path} has rows of another model: give RESULTS another name, or "
                    "RESUME=0 to replace it"
                )
            for batch in table.iter_batches(_BATCH):
                yield from (json.dumps(_nested(row, labels)) + "\n" for row in batch.to_pylist())
    except arrow.ArrowException as error:
        raise EmotionError(
            f"RESULTS: {path} cannot be read as Parquet ({str(error).splitlines()[0]}): give "
            "RESULTS another name, or RESUME=0 to replace it"
        ) from error


def _schema(labels: Sequence[str]) -> arrow.Schema:
    columns = [name for kind in _KINDS for name in _columns(kind, labels)]
    return arrow.schema([*_FIELDS, *((name, arrow.float64()) for name in columns)])


def _columns(kind: str, labels: Sequence[str]) -> list[str]:
    return [f"{_KINDS[kind]}_{printable(label)}" for label in labels]


def _flat(row: dict[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    flat = {name: row[name] for name, _ in _FIELDS if name not in _BOX}
    flat["source"] = row["source"].encode("utf-8", "backslashreplace").decode()
    flat |= zip(_BOX, row["box"] or [None] * 4, strict=True)
    for kind in _KINDS:
        values = (row[kind] or {}).get
        flat |= zip(_columns(kind, labels), map(values, labels), strict=True)
    return flat


def _nested(flat: dict[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    row = {name: flat[name] for name, _ in _FIELDS[:7]}
    found = flat["identity"] is not None
    row["box"] = [flat[name] for name in _BOX] if found else None
    row |= {name: flat[name] for name in ("seen", "emotion", "confidence")}
    for kind in _KINDS:
        values = [flat[name] for name in _columns(kind, labels)]
        row[kind] = dict(zip(labels, values, strict=True)) if found else None
    return row
