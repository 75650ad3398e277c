"""How commands start and end."""

import importlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from emotion.cli import command
from emotion.cli import settings as config
from emotion.errors import EmotionError, SettingsError

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Settings:
    epochs: int = config.setting(5, "passes over the data")


def run(main, arguments=()):
    return command.run(main, Settings, "Does a thing.\n\nEPOCHS=1 thing", arguments=arguments)


def test_a_main_that_returns_nothing_is_done(monkeypatch):
    monkeypatch.setenv("EPOCHS", "7")
    seen = []
    assert run(seen.append) == 0
    assert seen == [Settings(7)]


def test_the_answer_of_main_is_the_exit_code():
    assert run(lambda settings: 1) == 1


def test_help_shows_the_docstring_and_the_table_and_runs_nothing(capsys):
    assert run(lambda settings: 1 / 0, ["--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Does a thing.\n\nEPOCHS=1 thing\n\nEnvironment variables:\n")
    assert "EPOCHS  5  passes over the data" in out


def test_help_shows_what_is_set_where_the_settings_come_in_groups(monkeypatch, capsys):
    @dataclass(frozen=True)
    class Grouped(Settings):
        most_people: ClassVar = ("epochs",)

    monkeypatch.setenv("EPOCHS", "ten")
    assert command.run(lambda settings: 1 / 0, Grouped, None, arguments=["-h"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  EPOCHS  ten  (environment)"


def test_arguments_are_refused_with_a_hint(capsys):
    assert run(lambda settings: 0, ["--epochs=3"]) == 2
    assert capsys.readouterr().err == (
        "unexpected argument '--epochs=3': settings are variables, see --help\n"
    )


def test_unusable_settings_exit_2_before_anything_runs(monkeypatch, capsys):
    monkeypatch.setenv("EPOCHS", "ten")
    assert run(lambda settings: 1 / 0) == 2
    assert capsys.readouterr().err == "EPOCHS='ten' is not a whole number\n"


def test_a_name_that_is_nearly_a_setting_is_said_and_the_run_goes_on(monkeypatch, capsys):
    monkeypatch.setenv("EPOCH", "3")
    seen = []
    assert run(seen.append) == 0
    assert seen == [Settings(5)]
    assert capsys.readouterr().err == "EPOCH is not a setting: did you mean EPOCHS?\n"


def test_it_is_said_before_what_is_wrong(monkeypatch, capsys):
    monkeypatch.setenv("EPOCH", "3")
    monkeypatch.setenv("EPOCHS", "inf")
    assert run(lambda settings: 1 / 0) == 2
    assert capsys.readouterr().err == (
        "EPOCH is not a setting: did you mean EPOCHS?\nEPOCHS='inf' is not a whole number\n"
    )


def raising(error):
    def main(settings):
        raise error

    return main


def test_a_foreseen_failure_is_one_line_and_exit_1(capsys):
    assert run(raising(EmotionError("no camera"))) == 1
    assert capsys.readouterr().err == "error: no camera\n"


def test_a_package_that_is_missing_is_named_in_one_line(capsys):
    def main(settings):
        importlib.import_module("no_such_package.part")

    assert run(main) == 1
    assert capsys.readouterr().err == (
        "error: no_such_package is not installed: pip install -r requirements.txt\n"
    )


def test_a_module_of_our_own_that_is_missing_keeps_its_traceback():
    def main(settings):
        importlib.import_module("emotion.no_such_module")

    with pytest.raises(ModuleNotFoundError):
        run(main)


def test_settings_that_only_the_work_could_refuse_exit_2(capsys):
    assert run(raising(SettingsError(["A='1' is wrong", "B='2' too"]))) == 2
    assert capsys.readouterr().err == "A='1' is wrong\nB='2' too\n"


def test_ctrl_c_exits_130():
    assert run(raising(KeyboardInterrupt())) == 130


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run(lambda settings: 1 / 0)


SCRIPT = """
import sys
from dataclasses import dataclass
from emotion.cli import command, settings
from emotion.cli.progress import say

@dataclass(frozen=True)
class Settings:
    epochs: int = settings.setting(5, "passes over the data")

def main(settings):
    for number in range({lines}):
        say(f"talk {{number}}")
        print(f"row {{number}}", flush=True)
    open({path!r}, "w").write("done")

sys.exit(command.run(main, Settings, "Does a thing.\\n" * 5000, arguments={arguments}))
"""


@pytest.mark.parametrize(
    ("redirection", "arguments", "code", "done"),
    [
        (">&-", [], 0, True),
        ("2>&-", [], 0, True),
        (">&- 2>&-", [], 0, True),
        ("<&-", [], 0, True),
        ("2>/dev/full", [], 0, True),
        (">/dev/full", [], 1, False),
        ("2>&1 >/dev/null | head -1", [], 0, True),  # nobody hears the talk: the work goes on
        ("| head -1", [], 141, False),  # nobody takes the rows
        ("| head -1", ["--help"], 0, False),
    ],
)
@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_closed_streams_give_no_traceback(tmp_path, redirection, arguments, code, done):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(lines=5000, path=str(tmp_path / "out"), arguments=arguments))
    line = f"set -o pipefail; {sys.executable} {script} {redirection}"
    ran = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == code
    assert "Traceback" not in ran.stderr and "Exception ignored" not in ran.stderr
    assert (tmp_path / "out").exists() == done
    if done:
        assert (tmp_path / "out").read_text() == "done"  # and no line of talk landed in it


def test_escapes_in_an_error_do_not_reach_the_terminal(capsys):
    assert run(raising(EmotionError("no such file: a\x1b[2J"))) == 1
    assert capsys.readouterr().err == "error: no such file: a\\x1b[2J\n"
