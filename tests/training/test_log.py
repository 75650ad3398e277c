"""What a run says while it trains."""

import csv

import pytest

from emotion.training import log
from emotion.training.log import TrainingLog
from emotion.training.schedule import Reason, Stop

ROW = {
    "epoch": 1,
    "loss": 1.5,
    "accuracy": 0.25,
    "val_loss": 1.25,
    "val_accuracy": 0.5,
    "learning_rate": 0.1,
    "seconds": 30.0,
}


def test_each_epoch_is_one_aligned_row(tmp_path):
    said = []
    talk = TrainingLog(tmp_path, epochs=11, steps=4, notify=said.append)
    talk.batch(1, 1.7)
    talk.epoch(ROW, best_epoch=1)
    talk.epoch({**ROW, "epoch": 2}, best_epoch=1)
    head, first, second = said
    assert first.split() == [
        "1", "1.5000", "25.00%", "1.2500", "50.00%*", "0.1000", "30.0", "5", "min"
    ]  # fmt: skip
    assert second.split()[:5] == ["2", "1.5000", "25.00%", "1.2500", "50.00%"]
    for name, value in (("loss", "1.5000"), ("accuracy", "25.00%"), ("seconds", "30.0")):
        assert first.index(value) + len(value) == head.index(name) + len(name)


def test_a_bar_is_redrawn_after_each_batch(tmp_path):
    drawn = []
    talk = TrainingLog(tmp_path, epochs=3, steps=4, notify=str, redraw=drawn.append)
    talk.batch(2, 1.75)
    assert drawn == ["epoch 1/3  2/4  loss 1.750"]


def test_the_time_left_is_that_of_the_median_epoch_of_the_last_five(tmp_path):
    said = []
    talk = TrainingLog(tmp_path, epochs=13, steps=4, notify=said.append)
    for number, seconds in enumerate([1000] * 5 + [10, 10, 10, 10, 90], start=1):
        talk.epoch({**ROW, "epoch": number, "seconds": seconds}, best_epoch=1)
    assert said[-1].endswith("  30 s")  # three epochs of 10 s


def test_agreement_with_people_is_told_and_kept(tmp_path):
    said = []
    talk = TrainingLog(tmp_path, epochs=3, steps=4, notify=said.append)
    talk.epoch({**ROW, "val_agreement": 0.875}, best_epoch=1)
    assert said[-1].endswith("people 87.50%")
    with (tmp_path / "history.csv").open() as file:
        assert next(csv.DictReader(file))["val_agreement"] == "0.875"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (Stop(Reason.ALL_EPOCHS, 12), "all 12 epochs done"),
        (Stop(Reason.PATIENCE, 2), "no better validation score for 2 epochs"),
        (Stop(Reason.INTERRUPTED, 2), "stopped by Ctrl-C"),
        (Stop(Reason.INTERRUPTED, 2, "SIGTERM"), "stopped by SIGTERM"),
        (Stop(Reason.DIVERGED, 1), "no number any more in epoch 2: give a lower LEARNING_RATE"),
    ],
)
def test_why_a_run_ended_is_said_in_words(stop, expected):
    assert expected in log.words(stop, learning_rate=0.1)


def test_a_lower_rate_is_named_for_a_run_that_diverged():
    diverged = Stop(Reason.DIVERGED, 0)
    assert "such as 0.01," in log.words(diverged, learning_rate=0.1)
    assert "such as 0.1," in log.words(diverged, learning_rate=1e30)


def test_history_grows_each_epoch_and_starts_from_what_was_done(tmp_path):
    talk = TrainingLog(tmp_path, epochs=3, steps=4, rows=[ROW], notify=str)
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
    TrainingLog(tmp_path, epochs=3, steps=4, notify=str).epoch(ROW, best_epoch=1)
    assert list((tmp_path / "logs").glob("events*"))


def test_what_a_run_began_with_is_said_in_words():
    scores = {"val_loss": 0.81234, "val_accuracy": 0.7168, "val_agreement": 0.8856}
    assert log.scores_words(scores) == "val loss 0.8123, val accuracy 71.68%, people 88.56%"
    assert "people" not in log.scores_words({"val_loss": 1.0, "val_accuracy": 0.5})
    assert log.best_words(7) == "the best epoch was 7"
    assert log.best_words(0) == "no epoch was better than what it began with, which is kept"
