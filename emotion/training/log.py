"""What a run says while it trains: a bar, a row for each epoch, history.csv, TensorBoard."""

import csv
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from emotion.cli.progress import bar

COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
_HEAD = " epoch    loss  accuracy  val loss  val accuracy    rate  seconds  left"


class Journal:
    """Follows a run of `epochs` epochs with `steps` batches each; `rows` are those done before."""

    def __init__(
        self,
        folder: Path,
        *,
        epochs: int,
        steps: int,
        rows: Sequence[dict[str, float]] = (),
        stream: TextIO | None = None,
    ) -> None:
        self.rows = list(rows)
        self._history = folder / "history.csv"
        self._epochs, self._steps = epochs, steps
        self._stream = stream or sys.stderr
        self._board = _tensorboard(folder / "logs")
        self._epoch_began = time.monotonic()
        if self.rows:
            write_history(self._history, self.rows)
        print(_HEAD, file=self._stream, flush=True)

    def batch(self, step: int, loss: float) -> None:
        """Redraw the bar, on a terminal only."""
        if self._stream.isatty():
            how_far = bar(step, self._steps, time.monotonic() - self._epoch_began)
            line = f"epoch {len(self.rows) + 1}/{self._epochs}  {how_far}  loss {loss:.3f}"
            print(f"\r{line:<89}", end="\r", file=self._stream, flush=True)

    def epoch(self, row: dict[str, float], best_epoch: int) -> None:
        """Enter a finished epoch: on the stream, in history.csv, on TensorBoard."""
        self.rows.append(row)
        self._epoch_began = time.monotonic()
        star = "*" if row["epoch"] == best_epoch else " "
        left = duration(self._per_epoch() * (self._epochs - row["epoch"]))
        line = (
            f"{row['epoch']:6d}  {row['loss']:6.4f}    {row['accuracy']:6.2%}    "
            f"{row['val_loss']:6.4f}       {row['val_accuracy']:6.2%}{star}  "
            f"{row['learning_rate']:6.4f}  {row['seconds']:7.1f}  {left}"
        )
        # On a terminal the row has to cover the bar.
        print(f"{line:<89}" if self._stream.isatty() else line, file=self._stream, flush=True)
        write_history(self._history, self.rows)
        if self._board:
            for name in COLUMNS[1:]:
                self._board.add_scalar(name, row[name], row["epoch"])
            self._board.flush()

    def _per_epoch(self) -> float:
        """Seconds: the median of the last five, so that one slow epoch does not frighten."""
        recent = sorted(row["seconds"] for row in self.rows[-5:])
        return recent[len(recent) // 2]


def write_history(path: Path, rows: Sequence[dict[str, float]]) -> None:
    """All epochs as a CSV file that is whole at any moment."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)


def duration(seconds: float) -> str:
    """A length of time as people say it: 45 s, 12 min, 3 h 05 min."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def _tensorboard(folder: Path) -> Any | None:
    """TensorBoard's own writer if that package is installed, which needs no TensorFlow."""
    try:
        from tensorboard.summary import Writer
    except ImportError:
        return None
    return Writer(str(folder))
