"""Frames a second."""

import pytest

from emotion.sources.frame import FpsMeter


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
