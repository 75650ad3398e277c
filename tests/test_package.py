"""What pip installs, and what the two set-up commands install, say the same."""

import re
import tomllib
from pathlib import Path

import conftest
import pytest

import emotion

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


def required(name):
    """The requirements in the file `name`, without comments and without other files' names."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("-")]


def test_recognition_needs_the_same_from_both_sides():
    assert required("requirements-recognition.txt") == PROJECT["project"]["dependencies"]


def test_everything_is_recognition_and_the_two_extras():
    assert required("requirements.txt") == EXTRAS["train"] + EXTRAS["dev"]
    assert "-r requirements-recognition.txt" in (ROOT / "requirements.txt").read_text().splitlines()


@pytest.mark.parametrize(
    "requirement",
    [*PROJECT["project"]["dependencies"], *EXTRAS["train"][:2]],
    ids=lambda requirement: re.split("[<>]", requirement)[0],
)
def test_what_announced_a_break_or_may_break_has_an_upper_bound(requirement):
    assert re.search(r",<\d+$", requirement)


def test_the_version_stands_in_one_place():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "emotion.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", emotion.__version__)


def test_the_changelog_begins_with_this_version():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    entries = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert entries[0] == emotion.__version__


def test_every_file_of_the_package_that_is_no_code_is_installed():
    package = ROOT / "emotion"
    listed = PROJECT["tool"]["setuptools"]["package-data"]["emotion"]
    installed = {path for pattern in listed for path in package.glob(pattern)}
    others = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".py"}
    assert installed == {path for path in others if path.parent.name != "__pycache__"}
    assert package / "models" / "fer2013.tflite" in installed


def test_every_room_is_a_package():
    rooms = {path.parent for path in (ROOT / "emotion").rglob("*.py")}
    assert [room for room in rooms if not (room / "__init__.py").exists()] == []


def test_the_oldest_python_is_the_same_for_pip_ruff_and_mypy():
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert PROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PROJECT["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")


@pytest.mark.parametrize("name", conftest.TRAINING_HALF)
def test_what_the_tests_of_recognition_leave_alone_exists(name):
    assert (ROOT / "tests" / name).exists()
