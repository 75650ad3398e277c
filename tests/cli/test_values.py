"""Values: what text and TOML may say for each type, and what is refused."""

import datetime
from pathlib import Path

import pytest

from emotion.cli import values

TOO_LONG = "x" * 5000


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12", int, 12),
        ("+3", int, 3),
        ("-3", int | None, -3),
        ("0.5", float, 0.5),
        (".5", float, 0.5),
        ("5.", float, 5.0),
        ("3", float, 3.0),
        ("1e-3", float, 0.001),
        ("YES", bool, True),
        ("off", bool, False),
        ("word", str, "word"),
        ("a/b", Path, Path("a/b")),
        ("~/b", Path, Path.home() / "b"),
        ("a, b,", tuple[Path, ...], (Path("a"), Path("b"))),
    ],
    ids=str,
)
def test_text_becomes_a_value(text, kind, value):
    found = values.from_text(text, kind)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "kind", "wrong"),
    [
        ("ten", int, "is not a whole number"),
        ("2.5", int, "is not a whole number"),
        ("inf", int, "is not a whole number"),
        ("٣", int, "is not a whole number"),
        ("1_000", int, "is not a whole number"),
        ("1 000", int, "is not a whole number"),
        ("9" * 5000, int, "is too long a number"),
        ("fast", float, "is not a number"),
        ("٣", float, "is not a number"),
        ("1_0.5", float, "is not a number"),
        (".", float, "is not a number"),
        ("0x10", float, "is not a number"),
        ("nan", float, "is not a finite number"),
        ("inf", float, "is not a finite number"),
        ("-Infinity", float, "is not a finite number"),
        ("1e999", float, "is not a finite number"),
        ("2", bool, "is neither yes (1, true, yes, on) nor no (0, false, no, off)"),
        ("~nosuchuser/x", Path, "names the home folder of nobody here: ~ is your own"),
        (TOO_LONG, Path, "cannot be used: File name too long"),
        (f"a,{TOO_LONG}", tuple[Path, ...], "cannot be used: File name too long"),
        ("a\0b", Path, "is no path"),
    ],
    ids=lambda value: str(value)[:20].replace("\0", "0"),
)
def test_unusable_text_is_refused_in_words(text, kind, wrong):
    with pytest.raises(ValueError) as caught:
        values.from_text(text, kind)
    assert str(caught.value) == wrong


@pytest.mark.parametrize(
    ("given", "kind", "value"),
    [
        (12, int, 12),
        (12, int | None, 12),
        (0.5, float, 0.5),
        (3, float, 3.0),
        (True, bool, True),
        ("word", str, "word"),
        ("a/b", Path | None, Path("a/b")),
        (["a", "b"], tuple[Path, ...], (Path("a"), Path("b"))),
        ([], tuple[Path, ...], ()),
    ],
    ids=str,
)
def test_toml_becomes_a_value(given, kind, value):
    found = values.from_toml(given, kind)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("given", "kind", "wrong"),
    [
        ("12", int, "is not a whole number"),
        (12.0, int, "is not a whole number"),
        (True, int, "is not a whole number"),
        (True, float, "is not a number"),
        ("0.5", float, "is not a number"),
        (float("inf"), float, "is not a finite number"),
        (float("nan"), float, "is not a finite number"),
        (10**400, float, "is not a finite number"),
        (1, bool, "is not true or false"),
        ("yes", bool, "is not true or false"),
        (1, str, "is not a text in quotes"),
        (1, Path, "is not a path in quotes"),
        ("a\0b", Path, "is no path"),
        ("a,b", tuple[Path, ...], "is not a list"),
        (["a", 1], tuple[Path, ...], "is not a path in quotes"),
        ({"a": 1}, int, "is not a whole number"),
        (datetime.date(2020, 1, 1), str, "is not a text in quotes"),
    ],
    ids=lambda value: str(value)[:20].replace("\0", "0"),
)
def test_unusable_toml_is_refused_in_words(given, kind, wrong):
    with pytest.raises(ValueError) as caught:
        values.from_toml(given, kind)
    assert str(caught.value) == wrong


def test_what_is_quoted_stays_on_one_line_of_readable_length():
    assert values.quoted("ten\n") == r"'ten\n'"
    assert values.quoted(True) == "true"
    assert values.quoted("a" * 150 + "b" * 150) == f"'{'a' * 89}...{'b' * 89}'"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), ((), "none"), (True, "1"), (0.10, "0.1"), ((Path("a"), Path("b")), "a,b")],
    ids=str,
)
def test_a_value_is_shown_as_a_variable_would_be_given_it(value, text):
    assert values.shown(value) == text


def test_json_holds_paths_as_text():
    assert values.plain((Path("a"), None, 1)) == ["a", None, 1]
