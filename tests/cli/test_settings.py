"""Settings: how variables are read, refused and described."""

from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import ClassVar, get_args

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
        ("RATE", "inf", "RATE='inf' is not a finite number"),
        (
            "DATA",
            "~nosuchuser",
            "DATA='~nosuchuser' names the home folder of nobody here: ~ is your own",
        ),
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


def test_summary_shows_every_value_and_where_it_came_from():
    lines = config.summary(config.read(Settings, {"DATA": "x", "EPOCHS": "3"})).splitlines()
    assert "  EPOCHS    3  (environment)" in lines
    assert "  RATE      0.1  (default)" in lines
    assert "  TEACHERS  none  (default)" in lines


def test_tables_come_from_the_declaration():
    assert "| `PATIENCE, patience` | `0` | epochs to wait |" in config.markdown(Settings)
    assert "| `DATA` | required | where the images are |" in config.markdown(Settings)
    assert "  OPTIMISE            1         int8" in config.describe(Settings).splitlines()


@dataclass(frozen=True)
class Part:
    """What another module declares, and the script below has as its own."""

    width: int = setting(32, "channels", check=config.between(4, 512), renamed_from=("CHANNELS",))
    even: bool = setting(True, "1: an even width")
    seed: int = setting(0, "of chance")

    def conflicts(self):
        if self.even and self.width % 2:
            yield ("width", "even"), "must be even: give another, or EVEN=0"


@dataclass(frozen=True)
class Whole:
    most_people: ClassVar = ("data", "seed", "show")
    dropped: ClassVar = ("MIXUP",)

    data: Path = setting(REQUIRED, "where the images are", check=config.exists)
    show: bool = setting(True, "0: no window")
    file: Path | None = setting(None, "values for the rest", variable="RECIPE", supplies=True)
    teachers: tuple[Path, ...] = setting((), "networks")
    part: Part = config.part(Part)
    origins: dict[str, str] = config.origins()

    def conflicts(self):
        if self.teachers and not self.show:
            yield ("show", "teachers"), "cannot be, with TEACHERS"


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Writes a recipe into the current folder, which is one of its own."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        Path("a.toml").write_text(text, "utf-8")
        return {"DATA": ".", "RECIPE": "a.toml"}

    return write


def told(environ, declaration=Whole):
    """The complaints and the notes about `environ`."""
    notes = []
    try:
        config.read(declaration, environ, note=notes.append)
    except SettingsError as error:
        return error.complaints, notes
    return [], notes


def test_a_part_is_read_from_variables_of_its_own():
    found = config.read(Whole, {"DATA": ".", "WIDTH": "8"})
    assert found == Whole(Path(), part=Part(width=8))


def test_a_file_supplies_what_the_environment_leaves_out(recipe):
    environ = recipe('width = 8\nseed = 5\nteachers = ["a", "b"]\nshow = false\neven = true')
    found = config.read(Whole, {**environ, "SEED": "7", "SHOW": "1", "EVEN": " "})
    assert found.part == Part(width=8, seed=7, even=True)
    assert found.teachers == (Path("a"), Path("b"))
    assert found.show is True
    lines = config.summary(found).splitlines()
    assert lines == [
        "  DATA      .  (environment)",
        "  SEED      7  (environment)",
        "  SHOW      1  (environment)",
        "  RECIPE    a.toml  (environment)",
        "  TEACHERS  a,b  (a.toml)",
        "  WIDTH     8  (a.toml)",
        "  EVEN      1  (a.toml)",
    ]


def test_the_environment_wins_under_an_old_name_too(recipe):
    environ = recipe("width = 8")
    assert config.read(Whole, {**environ, "CHANNELS": "16"}).part.width == 16


def test_a_file_may_give_what_is_required(recipe):
    environ = recipe('data = "."')
    del environ["DATA"]
    assert config.read(Whole, environ).data == Path()


def test_a_blank_text_in_a_file_counts_as_unset(recipe):
    environ = recipe('data = ""')
    del environ["DATA"]
    assert told(environ)[0] == ["DATA is not set: it takes where the images are"]


def test_complaints_about_a_file_name_it_and_come_with_the_others(recipe):
    environ = recipe('width = 1.5\nseed = "one"\nteachers = "a,b"\nshow = 1\nevn = 1\nfive = 5')
    assert told({**environ, "DATA": "none"})[0] == [
        "a.toml: evn is not a setting",
        "a.toml: five is not a setting",
        "DATA='none' does not exist",
        "a.toml: seed='one' is not a whole number",
        "a.toml: show=1 is not true or false",
        "a.toml: teachers='a,b' is not a list",
        "a.toml: width=1.5 is not a whole number",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("widht = 3", "a.toml: widht is not a setting: did you mean width?"),
        ("WIDTH = 8", "a.toml: WIDTH is not a setting: did you mean width?"),
        ('recipe = "b.toml"', "a.toml: recipe is not a setting"),
        ("mixup = 0.2", "a.toml: mixup is not a setting"),
        ("width = 513", "a.toml: width=513 must be from 4 to 512"),
        ("width = 33", "a.toml: width=33 must be even: give another, or EVEN=0"),
        ("width = 8\nchannels = 8", "a.toml: channels is given a second time, as width"),
        ("[width]\nheight = 1", "a.toml: width={'height': 1} is not a whole number"),
    ],
)
def test_what_a_file_gives_in_vain_is_named(recipe, text, complaint):
    assert told(recipe(text))[0] == [complaint]


def test_a_file_that_cannot_be_read_is_one_complaint_among_others(recipe):
    environ = {**recipe("width ="), "WIDTH": "one"}
    first, second = told(environ)[0]
    assert first.startswith("a.toml is not TOML: Invalid value")
    assert second == "WIDTH='one' is not a whole number"


def test_what_does_not_fit_together_is_said_of_the_first():
    assert told({"DATA": ".", "WIDTH": "33"})[0] == [
        "WIDTH='33' must be even: give another, or EVEN=0"
    ]
    assert told({"DATA": ".", "SHOW": "0", "TEACHERS": "a", "WIDTH": "33"})[0] == [
        "WIDTH='33' must be even: give another, or EVEN=0",
        "SHOW='0' cannot be, with TEACHERS",
    ]
    assert told({"DATA": ".", "SHOW": "0", "WIDTH": "33", "EVEN": "0"})[0] == []


def test_what_does_not_fit_together_comes_with_what_is_wrong_by_itself():
    assert told({"WIDTH": "33", "SEED": "one"})[0] == [
        "DATA is not set: it takes where the images are",
        "SEED='one' is not a whole number",
        "WIDTH='33' must be even: give another, or EVEN=0",
    ]


def test_what_is_wrong_by_itself_is_not_compared_with_the_rest():
    (line,) = told({"DATA": ".", "WIDTH": "33", "EVEN": "maybe"})[0]
    assert line.startswith("EVEN='maybe' is neither yes")


def test_an_old_name_is_read_and_the_new_one_said_once(recipe):
    assert told({"DATA": ".", "CHANNELS": "8"}) == (
        [],
        ["CHANNELS is now WIDTH: the old name still works"],
    )
    assert told(recipe("channels = 8")) == (
        [],
        ["a.toml: channels is now width: the old name still works"],
    )


def test_a_new_name_counts_more_than_an_old_one():
    environ = {"DATA": ".", "CHANNELS": "8", "WIDTH": "16"}
    assert told(environ) == ([], ["CHANNELS is now WIDTH: that is set, too, and counts"])
    assert config.read(Whole, environ).part.width == 16


def test_a_complaint_names_the_name_that_was_given():
    assert told({"DATA": ".", "CHANNELS": "x"})[0] == ["CHANNELS='x' is not a whole number"]


def test_a_name_that_is_nearly_a_setting_is_said_and_stops_nothing():
    assert told({"DATA": ".", "WIDHT": "8", "HOME": "/", "TEACHERZ": "", "SEEDS": "1"}) == (
        [],
        ["WIDHT is not a setting: did you mean WIDTH?"],
    )


def test_a_setting_that_is_gone_is_said_to_do_nothing():
    assert told({"DATA": ".", "MIXUP": "1"}) == (
        [],
        ["MIXUP is a setting no more, and does nothing"],
    )


def test_tables_show_what_most_people_need_first():
    assert config.markdown(Whole, config.MOST_PEOPLE).splitlines()[2:] == [
        "| `DATA` | required | where the images are |",
        "| `SEED` | `0` | of chance |",
        "| `SHOW` | `1` | 0: no window |",
    ]
    assert config.markdown(Whole, config.REST).splitlines()[2:] == [
        "| `RECIPE` | none | values for the rest |",
        "| `TEACHERS` | none | networks |",
        "| `WIDTH` | `32` | channels |",
        "| `EVEN` | `1` | 1: an even width |",
    ]
    assert len(config.markdown(Whole).splitlines()) == 2 + 7


def test_help_groups_the_settings_and_shows_what_is_set(recipe):
    assert config.describe(Whole, {**recipe("width = 8\nseed = 1"), "SEED": "x"}).splitlines() == [
        "most people",
        "  DATA      required  where the images are",
        "  SEED      0         of chance",
        "  SHOW      1         0: no window",
        "",
        "the rest",
        "  RECIPE    none      values for the rest",
        "  TEACHERS  none      networks",
        "  WIDTH     32        channels",
        "  EVEN      1         1: an even width",
        "",
        "set now, all else being the default",
        "  DATA      .  (environment)",
        "  SEED      x  (environment)",
        "  RECIPE    a.toml  (environment)",
        "  WIDTH     8  (a.toml)",
    ]
    assert "set now" not in config.describe(Whole, {})


def test_json_holds_every_value_by_its_variable(recipe):
    found = config.read(Whole, recipe('teachers = ["a"]'))
    assert config.plain(found) == {
        "data": ".", "seed": 0, "show": True, "recipe": "a.toml", "teachers": ["a"], "width": 32,
        "even": True,
    }  # fmt: skip


def test_a_changed_copy_still_says_where_its_values_came_from():
    changed = replace(config.read(Whole, {"DATA": ".", "SHOW": "1"}), data=Path("hidden"))
    assert "  DATA      hidden  (environment)" in config.summary(changed)
    assert "  SHOW      1  (environment)" in config.summary(changed)


@pytest.mark.parametrize(
    ("script", "needs", "at_least"), [("recognition", "cv2", 12), ("train", "keras", 20)]
)
def test_whatever_a_script_cannot_use_is_said_at_once(tmp_path, script, needs, at_least):
    pytest.importorskip(needs)
    declared = import_module(script).Settings
    own = fields(declared)
    parts = [part for one in own if is_dataclass(one.type) for part in fields(one.type)]
    wrong = {
        one.name.upper(): "?"
        for one in (*own, *parts)
        if {bool, int, float} & {one.type, *get_args(one.type)}
    }
    assert len(wrong) >= at_least
    with pytest.raises(SettingsError) as caught:
        config.read(declared, {"DATASET": str(tmp_path), **wrong})
    assert sorted(line.split("=")[0] for line in caught.value.complaints) == sorted(wrong)
