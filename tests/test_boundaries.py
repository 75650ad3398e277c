"""Who may import whom: the halves stay apart, recognition stays light, only scripts print.

The rules are those of docs/structure.md. Imports count wherever they stand, inside functions and
under TYPE_CHECKING as well: who names another module's types has to know that module.
"""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"tensorflow", "keras", "torch", "jax", "sklearn", "matplotlib"}
SCRIPTS = [ROOT / "train.py", ROOT / "recognition.py"]
MODULES = sorted([*ROOT.glob("emotion/**/*.py"), *SCRIPTS])

BRICKS = {
    "arguments",
    "declare",
    "errors",
    "files",
    "lock",
    "picture_size",
    "pictures",
    "printable",
    "probabilities",
    "quiet",
}
# Room, or module on the ground floor -> what of emotion it may import, besides its own room and
# (bricks excepted) the bricks. `cli` has a rule of its own: whoever runs as a script may import it.
MAY_IMPORT = {
    "errors": set(),
    "arguments": {"errors"},
    "files": {"errors"},
    "declare": {"errors"},
    "lock": {"errors", "files"},
    "picture_size": {"errors"},
    "pictures": {"errors", "picture_size", "quiet"},
    "printable": set(),
    "probabilities": set(),
    "quiet": {"errors"},
    "cli": set(),
    "model_file": set(),
    "faces": set(),
    # training
    "data": {"faces", "model_file"},
    "layers": set(),
    "evaluation": {"classifier", "data", "model_file"},
    "model": {"layers"},
    "augment": set(),
    "report": {"classifier", "data", "evaluation", "model_file"},
    "export": {"classifier", "data", "evaluation", "model", "model_file"},
    "training": {
        "augment",
        "classifier",
        "data",
        "evaluation",
        "export",
        "layers",
        "model",
        "model_file",
        "report",
    },
    # recognition
    "classifier": {"model_file"},
    "tracking": {"faces"},
    "sources": set(),
    "output": {"faces", "sources", "tracking"},
    "recogniser": {"classifier", "faces", "tracking"},
    "view": {"output", "sources"},
    "session": {"output", "recogniser", "sources", "tracking", "view"},
    "workers": {"output", "recogniser", "session"},
    "cluster": {"session", "sources", "workers"},
    "web": {"classifier", "faces", "model_file", "output", "recogniser", "tracking"},
    "emotion": {"recogniser", "tracking"},  # the front door, emotion/__init__.py
}
TRAINING = {"augment", "data", "evaluation", "export", "layers", "model", "report"}
TRAINING |= {"training"}
RECOGNITION = {"output", "recogniser", "session", "sources", "tracking", "view", "web"}
RECOGNITION |= {"cluster", "workers"}


def loaded_by(statement):
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_package_itself_loads_nothing():
    assert not loaded_by("import emotion") & (HEAVY | {"numpy", "cv2", "ai_edge_litert"})


@pytest.mark.parametrize("script", ["train", "recognition"])
def test_a_script_loads_nothing_before_its_settings_are_checked(script):
    assert not loaded_by(f"import {script}") & (HEAVY | {"numpy", "cv2", "ai_edge_litert"})


def test_recognition_never_loads_the_training_half():
    assert not loaded_by("from emotion import EmotionRecogniser") & HEAVY


def test_scoring_loads_no_tensorflow():
    loaded = loaded_by("import emotion.report, emotion.data.dataset, emotion.classifier")
    assert not loaded & HEAVY


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_cv2_and_keras_never_meet_in_one_module(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
    assert not ("cv2" in imported and imported & {"keras", "tensorflow"})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_the_export_knows_tensorflow(path):
    if path.name != "export.py":
        assert "import tensorflow" not in path.read_text("utf-8")


def name_of(path):
    """emotion/data/folders.py -> emotion.data.folders; a package's __init__ is the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path): path for path in MODULES}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in NAMES.items()}


def imported_by(name, tree, names):
    """The modules among `names` that `tree`, the module `name`, imports anywhere."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively: say the module's whole name"
            wanted = [
                inner if (inner := f"{node.module}.{alias.name}") in names else node.module
                for alias in node.names
                # Which version this is may be asked by anybody, and loads nothing.
                if (node.module, alias.name) != ("emotion", "__version__")
            ]
        else:
            continue
        found.update(module for module in wanted if module in names)
    return found


def is_script(tree):
    return any(
        isinstance(node, ast.If) and "__name__ == '__main__'" in ast.unparse(node.test)
        for node in tree.body
    )


def place(name):
    """emotion.data.folders -> data, emotion.model -> model, emotion -> emotion, train -> train."""
    return name.split(".")[1] if "." in name else name


def wrong_import(name, script, other):
    """Whether the module `name` must not import the module `other`."""
    here, there = place(name), place(other)
    if there == "cli":
        return not script and here != "cli"
    if here == "train":
        return there in RECOGNITION
    if here == "recognition":
        return there in TRAINING
    assert here in MAY_IMPORT, f"say in MAY_IMPORT what {here} may import"
    allowed = MAY_IMPORT[here] | {here} | (BRICKS if here not in BRICKS else set())
    return there not in allowed


def violations(trees):
    found = set()
    for name, tree in trees.items():
        script = is_script(tree)
        for other in imported_by(name, tree, trees):
            if wrong_import(name, script, other):
                found.add(f"{name} imports {other}")
        # cli speaks in the name of the script that called it.
        if not script and place(name) != "cli" and "print" in called_by(tree):
            found.add(f"{name} prints")
    return found


def called_by(tree):
    return {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_every_module_keeps_to_the_rules():
    assert violations(TREES) == set()


def test_the_imports_have_no_circle():
    graph = {name: imported_by(name, tree, TREES) for name, tree in TREES.items()}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("name", "line", "other"),
    [
        ("emotion.quiet", "from emotion import faces", "emotion.faces"),
        ("emotion.faces", "def late():\n from emotion.data import folders", "emotion.data.folders"),
        ("emotion.output.rows", "if TYPES:\n import emotion.data.folders", "emotion.data.folders"),
        ("emotion.data.folders", "from emotion.output.rows import Rows", "emotion.output.rows"),
        ("emotion.data.folders", "from emotion.cli import settings", "emotion.cli.settings"),
        ("emotion.export", "from emotion.training import trainer", "emotion.training.trainer"),
        ("emotion.data.folders", "from emotion import EmotionRecogniser", "emotion"),
        ("train", "import emotion.sources.files", "emotion.sources.files"),
        ("recognition", "import emotion.model", "emotion.model"),
    ],
    ids=lambda value: value.splitlines()[-1].strip(),
)
def test_an_import_that_breaks_a_rule_is_named(name, line, other):
    trees = {name: ast.parse(line), other: ast.parse("")}
    assert violations(trees) == {f"{name} imports {other}"}


def test_a_print_outside_scripts_is_named():
    tree = ast.parse("def f():\n    print('x')")
    assert violations({"emotion.data.folders": tree}) == {"emotion.data.folders prints"}


def test_scripts_may_import_cli_and_print():
    script = "from emotion.cli import command\nprint(1)\nif __name__ == '__main__':\n    command"
    trees = {"emotion.cli.command": ast.parse(""), "emotion.report": ast.parse(script)}
    assert violations(trees) == set()


def test_everybody_may_ask_for_the_version():
    tree = ast.parse("from emotion import __version__")
    assert violations({"emotion": ast.parse(""), "emotion.data.folders": tree}) == set()
