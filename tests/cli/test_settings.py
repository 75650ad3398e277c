"""Settings: how variables are read, refused and described."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from emotion.cli import settings as config
from emotion.cli.settings import REQUIRED, setting
from emotion.errors import SettingsError


@dataclass(frozen=True)
class Settings:
    data: Path = setting(REQUIRED, "where the images are")
    epochs: int = setting(200, "passes", check=config.at_least(1))
    patience: int = setting(0, "epochs to wait", aliases=("patience",))
    rate: float = setting(0.1, "step size", check=config.above(0))
    share: float = setting(0.5, "a part", check=config.between(0, 1))
    optimise: bool = setting(True, "int8")
    report: Path | None = setting(None, "a file", check=config.ending(".json"))
    teachers: tuple[Path, ...] = setting((), "networks to learn from")


def complaints(**environ):
    with pytest.raises(SettingsError) as caught:
        config.read(Settings, {"DATA": "x", **environ})
    return caught.value.complaints


def test_unset_variables_give_the_defaults():
    found = config.read(Settings, {"DATA": "faces"})
    assert found == Settings(Path("faces"))


def test_blank_value_counts_as_unset():
    assert config.read(Settings, {"DATA": "faces", "EPOCHS": "  "}).epochs == 200


def test_required_variable_is_asked_for_by_name():
    with pytest.raises(SettingsError) as caught:
        config.read(Settings, {})
    assert caught.value.complaints == ["DATA is not set: it takes where the images are"]


@pytest.mark.parametrize("text", ["1", "true", "YES", "on"])
def test_words_for_yes(text):
    assert config.read(Settings, {"DATA": "x", "OPTIMISE": text}).optimise is True


@pytest.mark.parametrize("text", ["0", "false", "No", "OFF"])
def test_words_for_no(text):
    assert config.read(Settings, {"DATA": "x", "OPTIMISE": text}).optimise is False


def test_lower_case_alias_is_read_and_capitals_win():
    assert config.read(Settings, {"DATA": "x", "patience": "7"}).patience == 7
    assert config.read(Settings, {"DATA": "x", "patience": "7", "PATIENCE": "3"}).patience == 3


def test_lists_are_separated_by_commas():
    found = config.read(Settings, {"DATA": "x", "TEACHERS": "a.keras, b.keras"})
    assert found.teachers == (Path("a.keras"), Path("b.keras"))


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("EPOCHS", "ten", "EPOCHS='ten' is not a whole number"),
        ("EPOCHS", "2.5", "EPOCHS='2.5' is not a whole number"),
        ("EPOCHS", "0", "EPOCHS='0' must be at least 1"),
        ("RATE", "fast", "RATE='fast' is not a number"),
        ("RATE", "nan", "RATE='nan' is not a finite number"),
        ("RATE", "0", "RATE='0' must be above 0"),
        ("SHARE", "1.5", "SHARE='1.5' must be from 0 to 1"),
        ("REPORT", "out.txt", "REPORT='out.txt' must end in .json"),
        (
            "OPTIMISE",
            "maybe",
            "OPTIMISE='maybe' is neither yes (1, true, yes, on) nor no (0, false, no, off)",
        ),
    ],
)
def test_unusable_value_is_named_with_what_is_needed(name, text, complaint):
    assert complaints(**{name: text}) == [complaint]


def test_the_alias_that_was_given_is_the_one_named():
    assert complaints(patience="soon") == ["patience='soon' is not a whole number"]


def test_all_complaints_come_together():
    assert len(complaints(EPOCHS="ten", RATE="fast", OPTIMISE="maybe")) == 3


def test_summary_shows_every_value_and_marks_defaults():
    lines = config.summary(config.read(Settings, {"DATA": "x", "EPOCHS": "3"})).splitlines()
    assert "  EPOCHS    3" in lines
    assert "  RATE      0.1  (default)" in lines
    assert "  TEACHERS  none  (default)" in lines


def test_tables_come_from_the_declaration():
    assert "| `PATIENCE, patience` | `0` | epochs to wait |" in config.markdown(Settings)
    assert "| `DATA` | required | where the images are |" in config.markdown(Settings)
    assert "  OPTIMISE            1         int8" in config.describe(Settings).splitlines()
