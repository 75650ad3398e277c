"""What a run says while it trains."""

import csv
import io

import pytest

from emotion.training import log
from emotion.training.log import Journal

ROW = {
    "epoch": 1,
    "loss": 1.5,
    "accuracy": 0.25,
    "val_loss": 1.25,
    "val_accuracy": 0.5,
    "learning_rate": 0.1,
    "seconds": 30.0,
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_one_aligned_row_an_epoch_and_no_bar(tmp_path):
    log = io.StringIO()
    talk = Journal(tmp_path, epochs=11, steps=4, stream=log)
    talk.batch(1, 1.7)
    talk.epoch(ROW, best_epoch=1)
    talk.epoch({**ROW, "epoch": 2}, best_epoch=1)
    head, first, second = log.getvalue().splitlines()
    assert first.split() == [
        "1",
        "1.5000",
        "25.00%",
        "1.2500",
        "50.00%*",
        "0.1000",
        "30.0",
        "5",
        "min",
    ]
    assert second.split()[:5] == ["2", "1.5000", "25.00%", "1.2500", "50.00%"]
    for name, value in (("loss", "1.5000"), ("accuracy", "25.00%"), ("seconds", "30.0")):
        assert first.index(value) + len(value) == head.index(name) + len(name)


def test_a_terminal_gets_a_bar_with_the_time_left(tmp_path):
    terminal = Terminal()
    talk = Journal(tmp_path, epochs=3, steps=4, stream=terminal)
    talk.batch(2, 1.75)
    shown = terminal.getvalue().splitlines()[-1]
    assert "epoch 1/3  [############............] 2/4  0:00 left  loss 1.750" in shown


def test_history_grows_each_epoch_and_starts_from_what_was_done(tmp_path):
    talk = Journal(tmp_path, epochs=3, steps=4, rows=[ROW], stream=io.StringIO())
    talk.epoch({**ROW, "epoch": 2}, best_epoch=1)
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert tuple(rows[0]) == log.COLUMNS


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (99, "99 s"),
        (100, "2 min"),
        (3600, "60 min"),
        (11100, "3 h 05 min"),
        (float("nan"), "?"),
    ],
)
def test_durations_as_people_say_them(seconds, words):
    assert log.duration(seconds) == words


def test_tensorboard_logs_appear_when_it_is_installed(tmp_path):
    pytest.importorskip("tensorboard.summary")
    Journal(tmp_path, epochs=3, steps=4, stream=io.StringIO()).epoch(ROW, best_epoch=1)
    assert list((tmp_path / "logs").glob("events*"))
