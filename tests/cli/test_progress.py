"""The line that shows how far something is."""

import pytest

from emotion.cli.progress import bar


@pytest.mark.parametrize(
    ("done", "total", "seconds", "line"),
    [
        (0, 4, 0.0, "[........] 0/4  starting"),
        (1, 4, 30.0, "[##......] 1/4  1:30 left"),
        (4, 4, 30.0, "[########] 4/4  0:00 left"),
        (0, 0, 0.0, "[........] 0/0  starting"),
    ],
)
def test_a_bar_shows_what_is_done_and_the_time_left(done, total, seconds, line):
    assert bar(done, total, seconds, width=8) == line


def test_without_a_total_there_is_what_was_read_and_the_time():
    assert bar(75, None, 61.2) == "75 s read in 1:01; how long it is, it does not say"
