"""Text from outside, made harmless."""

import pytest

from emotion.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("happy", "happy"),
        ("fröhlich 微笑 é", "fröhlich 微笑 é"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\r", "a\\nb\\r"),
        ("caf\udce9", "caf\\udce9"),
        ("a\u202eb", "a\\u202eb"),  # turns the direction of reading
        ("a\x9b31mb", "a\\x9b31mb"),
    ],
)
def test_what_steers_a_terminal_is_written_as_an_escape(text, shown):
    assert printable(text) == shown


def test_what_is_kept_stays():
    assert printable("a\n\x07", keep="\n") == "a\n\\x07"
