"""What a run says while it trains: a bar, a row for each epoch, history.csv, TensorBoard."""

import csv
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emotion.files import replacing
from emotion.training.schedule import Reason, Stop

COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
AGREEMENT = "val_agreement"  # with people's majority, a further column where they were asked
_HEAD = " epoch    loss  accuracy  val loss  val accuracy    rate  seconds  left"

Bar = Callable[[int, int, float], str]
"""Steps done, steps in all, seconds so far -> a bar in words."""


class TrainingLog:
    """Follows a run of `epochs` epochs with `steps` batches each; `rows` are those done before.

    Lines go to `notify`, and on a terminal `bar` draws how far the epoch is; None draws nothing.
    """

    def __init__(
        self,
        folder: Path,
        *,
        epochs: int,
        steps: int,
        rows: Sequence[dict[str, float]] = (),
        notify: Callable[[str], object],
        redraw: Callable[[str], object] | None = None,
        bar: Bar = lambda done, steps, seconds: f"{done}/{steps}",
    ) -> None:
        self.rows = list(rows)
        self._history = folder / "history.csv"
        self._epochs, self._steps = epochs, steps
        self._notify, self._redraw, self._bar = notify, redraw, bar
        self._board = _tensorboard(folder / "logs")
        self._epoch_began = time.monotonic()
        if self.rows:
            write_history(self._history, self.rows)
        notify(_HEAD)

    def batch(self, step: int, loss: float) -> None:
        """Redraw the bar."""
        if self._redraw:
            how_far = self._bar(step, self._steps, time.monotonic() - self._epoch_began)
            self._redraw(f"epoch {len(self.rows) + 1}/{self._epochs}  {how_far}  loss {loss:.3f}")

    def epoch(self, row: dict[str, float], best_epoch: int) -> None:
        """Enter a finished epoch: as a line, in history.csv, on TensorBoard."""
        self.rows.append(row)
        self._epoch_began = time.monotonic()
        star = "*" if row["epoch"] == best_epoch else " "
        left = duration(self._per_epoch() * (self._epochs - row["epoch"]))
        line = (
            f"{row['epoch']:6d}  {row['loss']:6.4f}    {row['accuracy']:6.2%}    "
            f"{row['val_loss']:6.4f}       {row['val_accuracy']:6.2%}{star}  "
            f"{row['learning_rate']:6.4f}  {row['seconds']:7.1f}  {left}"
        )
        if AGREEMENT in row:
            line += f"  people {row[AGREEMENT]:.2%}"
        self._notify(line)
        write_history(self._history, self.rows)
        if self._board:
            for name, value in row.items():
                if name != "epoch":
                    self._board.add_scalar(name, value, row["epoch"])
            self._board.flush()

    def _per_epoch(self) -> float:
        """Seconds: the median of the last five, so that one slow epoch does not frighten."""
        recent = sorted(row["seconds"] for row in self.rows[-5:])
        return recent[len(recent) // 2]


def write_history(path: Path, rows: Sequence[dict[str, float]]) -> None:
    """All epochs as a CSV file that is whole at any moment."""
    columns = (*COLUMNS, AGREEMENT) if rows and AGREEMENT in rows[0] else COLUMNS
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def scores_words(scores: dict[str, float]) -> str:
    """Validation scores in words, as `Trainer.score` gives them."""
    people = f", people {scores[AGREEMENT]:.2%}" if AGREEMENT in scores else ""
    return f"val loss {scores['val_loss']:.4f}, val accuracy {scores['val_accuracy']:.2%}{people}"


def best_words(best_epoch: int) -> str:
    """Which weights are the best, in words."""
    if best_epoch:
        return f"the best epoch was {best_epoch}"
    return "no epoch was better than what it began with, which is kept"


def words(stop: Stop, *, learning_rate: float) -> str:
    """Why a run ended, as people say it; of a diverged one with a `learning_rate` to try."""
    if stop.reason is Reason.ALL_EPOCHS:
        return f"all {stop.epochs} epochs done"
    if stop.reason is Reason.PATIENCE:
        return f"no better validation score for {stop.epochs} epochs"
    if stop.reason is Reason.INTERRUPTED:
        return f"stopped by {stop.by}"
    lower = min(learning_rate, 1.0) / 10
    return (
        f"the loss is no number any more in epoch {stop.epochs + 1}: give a lower LEARNING_RATE, "
        f"such as {lower:g}, with RESUME=0"
    )


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
