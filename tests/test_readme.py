"""What the README and docs/ say stays true: their tables, commands, tree and links."""

import re
from pathlib import Path

import pytest

import recognition
import train
from emotion import export, report, web
from emotion.cli import settings as config

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize(
    ("declaration", "group", "page"),
    [
        (recognition.Settings, config.MOST_PEOPLE, "README.md"),
        (recognition.Settings, config.REST, "docs/recognition.md"),
        (train.Settings, config.MOST_PEOPLE, "README.md"),
        (train.Settings, config.REST, "docs/training.md"),
        (report.Settings, None, "docs/training.md"),
        (export.Settings, None, "docs/training.md"),
        (web.Settings, None, "docs/browser.md"),
    ],
    ids=lambda value: getattr(value, "__module__", value),
)
def test_the_settings_tables_are_those_of_the_declarations(declaration, group, page):
    assert config.markdown(declaration, group) + "\n\n" in (ROOT / page).read_text("utf-8")


def test_the_readme_has_the_twelve_settings_of_training_that_people_set():
    rows = config.markdown(train.Settings, config.MOST_PEOPLE).splitlines()[2:]
    names = [row.split("`")[1] for row in rows]
    assert names == [
        "DATASET",
        "MODEL_EXPORT_PATH",
        "OPTIMISE",
        "EPOCHS",
        "PATIENCE, patience",
        "BATCH_SIZE",
        "LEARNING_RATE",
        "AUGMENT",
        "INITIAL_WEIGHTS",
        "VALIDATION_SPLIT",
        "SEED",
        "RESUME",
    ]


def test_the_readme_is_read_in_one_sitting():
    assert len(README.splitlines()) <= 200


def test_the_readme_names_no_folder_that_a_stranger_lacks():
    assert "../" not in README


def test_ci_runs_the_readmes_two_commands():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert len(commands) == 2
    assert all(command in script for command in commands)


def test_every_module_stands_in_the_tree_and_nothing_else():
    page = (ROOT / "docs" / "structure.md").read_text("utf-8")
    tree = page.split("# What is where")[1].split("```")[1]
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_and_heading_that_is_linked_exists(page):
    text = page.read_text("utf-8")
    for file, heading in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
        if file.startswith("http"):
            continue
        linked = page.parent / file if file else page
        assert linked.exists(), file
        if heading:
            assert heading in headings(linked.read_text("utf-8")), f"{file}#{heading}"


def headings(text):
    """The headings of a page as links to them are written: "## What is where" -> what-is-where."""
    lines = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in lines]
