"""What the README says stays true: its tables, its commands, its tree."""

import re
from pathlib import Path

import pytest

import recognition
import train
from emotion import config, export, report

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    "declaration",
    [train.Settings, recognition.Settings, report.Settings, export.Settings],
    ids=lambda declaration: declaration.__module__,
)
def test_the_settings_tables_are_those_of_the_declarations(declaration):
    assert config.markdown(declaration) in README


def test_ci_runs_the_readmes_two_commands():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert len(commands) == 2
    assert all(command in script for command in commands)


def test_every_module_stands_in_the_tree_and_nothing_else():
    tree = README.split("## What is where")[1].split("```")[1]
    named = set(re.findall(r"^ +(\w+\.py) ", tree, re.MULTILINE))
    modules = {path.name for path in (ROOT / "emotion").glob("*.py")}
    assert modules <= named | {"__init__.py"}
    assert named <= modules | {path.name for path in (ROOT / "benchmarks").glob("*.py")}


def test_every_file_that_is_linked_exists():
    links = re.findall(r"\]\(([^)#]+)[)#]", README)
    assert links
    for link in links:
        assert link.startswith("http") or (ROOT / link).exists(), link
