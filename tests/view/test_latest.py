"""The newest of a run, for those who wait for it."""

import threading

import numpy as np

from emotion.view.latest import _KEPT, Latest, MadeOnce

PICTURE = np.zeros((4, 6, 3), np.uint8)


def leave(latest, number=0):
    latest.update(lambda: PICTURE, lambda: [{"frame": number}], labels=("sad", "happy"))


def test_before_the_first_frame_there_is_nothing():
    latest = Latest()
    made = MadeOnce(latest, lambda newest: b"x", rate=1000)
    assert latest.after(0, 0) is None and made.after(0, 0) is None


def test_whoever_comes_late_gets_the_newest_at_once():
    latest = Latest()
    for _ in range(3):
        leave(latest)
    assert latest.after(0, 0).number == 3
    assert latest.after(3, 0) is None


def test_the_end_counts_as_a_frame():
    latest = Latest()
    leave(latest)
    latest.end("all is done")
    newest = latest.after(1, 0)
    assert (newest.number, newest.ended) == (2, "all is done") and newest.draw() is PICTURE


def test_a_frame_with_a_message_leaves_the_rows_before():
    latest = Latest()
    leave(latest, 7)
    latest.update(lambda: PICTURE, None, labels=(), status_message="no picture")
    assert latest.newest.rows() == [{"frame": 7}]
    assert latest.newest.status_message == "no picture"


def test_what_many_ask_for_is_made_once():
    latest, calls = Latest(), []
    made = MadeOnce(latest, lambda newest: calls.append(newest.number) or b"x", rate=1000)
    got = []
    askers = [threading.Thread(target=lambda: got.append(made.after(0, 20))) for _ in range(8)]
    for asker in askers:
        asker.start()
    leave(latest)
    for asker in askers:
        asker.join()
    assert got == [(1, b"x")] * 8 and calls == [1]


def test_frames_in_between_are_left_out():
    latest, calls = Latest(), []
    made = MadeOnce(latest, lambda newest: calls.append(newest.number) or b"x", rate=1000)
    leave(latest)
    made.after(0, 0)
    for _ in range(9):
        leave(latest)
    assert made.after(1, 0) == (10, b"x") and calls == [1, 10]


def test_rows_are_made_only_for_those_who_listen():
    latest, calls = Latest(), []

    def rows():
        calls.append(1)
        return [{"frame": 0}]

    latest.update(lambda: PICTURE, rows, labels=())
    with latest.listening() as more:
        assert more(0) is None and calls == []  # from now on
        latest.update(lambda: PICTURE, rows, labels=())
        assert calls == [1] and more(0) == b'data: {"frame": 0}\n\n'
    latest.update(lambda: PICTURE, rows, labels=())
    assert calls == [1]


def test_a_listener_gets_every_row_in_order_until_the_end():
    latest = Latest()
    with latest.listening() as more:
        for number in range(3):
            leave(latest, number)
        assert more(0).decode() == "".join(f'data: {{"frame": {n}}}\n\n' for n in range(3))
        leave(latest, 3)
        latest.end("all is done")
        assert more(0) == b'data: {"frame": 3}\n\n'
        assert more(0) == b""


def test_a_listener_that_falls_far_behind_misses_the_oldest():
    latest = Latest()
    with latest.listening() as more:
        for number in range(2 * _KEPT):
            leave(latest, number)
        events = more(0).split(b"\n\n")[:-1]
    assert len(events) == _KEPT and events[-1] == b'data: {"frame": %d}' % (2 * _KEPT - 1)
