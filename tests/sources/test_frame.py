"""Frames a second."""

import pytest

from emotion.sources.frame import Choice, FpsMeter


def test_a_meter_counts_events_a_second(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("emotion.sources.frame.monotonic", lambda: now[0])
    meter = FpsMeter()
    assert meter.rate == 0
    for _ in range(40):
        now[0] += 0.04
        meter.tick()
    assert meter.rate == pytest.approx(25)
    now[0] += 2.1
    assert meter.rate == 0


@pytest.mark.parametrize(
    ("clip", "wanted", "count"),
    [(30, 5, 50), (25, 10, 100), (29.97, 15, 150), (4, 5, 40), (30, 30, 300)],
)
def test_a_choice_keeps_to_its_rate_whatever_the_clips(clip, wanted, count):
    choice = Choice(wanted)
    taken = sum(choice.takes(round(number / clip, 3)) for number in range(round(10 * clip)))
    assert taken == pytest.approx(count, abs=1)


def test_a_choice_takes_all_before_its_end():
    choice = Choice(end=1.0)
    assert choice.takes(0.5) and not choice.over(0.999) and choice.over(1.0)
