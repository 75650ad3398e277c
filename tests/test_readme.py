"""What the README says stays true: its tables, its commands, its tree."""

import re
from pathlib import Path

import pytest

import recognition
import train
from emotion import export, report
from emotion.cli import settings as config

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("declaration", "group"),
    [
        (train.Settings, config.MOST_PEOPLE),
        (train.Settings, config.RECIPE),
        (recognition.Settings, None),
        (report.Settings, None),
        (export.Settings, None),
    ],
    ids=lambda value: getattr(value, "__module__", value),
)
def test_the_settings_tables_are_those_of_the_declarations(declaration, group):
    assert config.markdown(declaration, group) in README


def test_ci_runs_the_readmes_two_commands():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert len(commands) == 2
    assert all(command in script for command in commands)


def test_every_module_stands_in_the_tree_and_nothing_else():
    tree = README.split("## What is where")[1].split("```")[1]
    named, room = [], ""
    for line in tree.splitlines():
        if found := re.match(r"^  (\w+)/(?: |$)", line):
            room = f"{found[1]}/"
        elif found := re.match(r"^( +)(\w+\.py) ", line):
            named.append(("" if len(found[1]) == 2 else room) + found[2])
    modules = {path.relative_to(ROOT / "emotion") for path in (ROOT / "emotion").rglob("*.py")}
    assert sorted(named) == sorted(
        path.as_posix() for path in modules if path.name != "__init__.py"
    )


def test_every_file_that_is_linked_exists():
    links = re.findall(r"\]\(([^)#]+)[)#]", README)
    assert links
    for link in links:
        assert link.startswith("http") or (ROOT / link).exists(), link
