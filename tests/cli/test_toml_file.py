"""TOML files: what they hold, and why one cannot be read."""

import pytest

from emotion.cli import toml_file


def test_a_file_is_its_keys_and_values(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('# über\nepochs = 3\nteachers = ["a", "b"]\n', "utf-8")
    assert toml_file.read(path) == {"epochs": 3, "teachers": ["a", "b"]}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"epochs = \n", "is not TOML: Invalid value"),
        (b"epochs = 1\nepochs = 2\n", "is not TOML: Cannot overwrite a value"),
        (b"epochs = '\xff'\n", "cannot be read: it is not UTF-8 text"),
        (b"epochs = " + b"9" * 5000, "is not TOML that can be read"),
        (b"epochs = " + b"[" * 100_000, "is not TOML"),
    ],
    ids=["half a line", "twice", "not UTF-8", "endless number", "endless lists"],
)
def test_an_unusable_file_is_said_in_words(tmp_path, content, complaint):
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        toml_file.read(path)


def test_a_file_that_cannot_be_opened_is_said_with_the_reason(tmp_path):
    with pytest.raises(ValueError, match=r"^cannot be read: No such file or directory$"):
        toml_file.read(tmp_path / "none.toml")
