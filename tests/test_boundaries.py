"""What each import may load: the halves stay apart, and recognition stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"tensorflow", "keras", "torch", "jax", "sklearn", "matplotlib"}
MODULES = sorted(
    path for path in [*ROOT.glob("emotion/**/*.py"), ROOT / "train.py", ROOT / "recognition.py"]
)


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
