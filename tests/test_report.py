"""The command that scores a model."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from emotion import report
from emotion.errors import EmotionError

NAMES = ("a", "b", "c")


def test_a_model_that_is_not_there_is_named_before_anything_is_read(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "emotion.report"],
        env=os.environ | {"MODEL_PATH": str(tmp_path / "no.tflite"), "DATASET": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "MODEL_PATH=" in done.stderr and "no.tflite" in done.stderr
    assert "Traceback" not in done.stderr


def test_data_in_another_order_is_scored_by_name():
    data = SimpleNamespace(labels=("b", "a"))
    assert report.class_numbers(data, NAMES).tolist() == [1, 0]


def test_a_class_that_the_model_does_not_know_is_named():
    with pytest.raises(EmotionError, match="classes bored, which the model does not know"):
        report.class_numbers(SimpleNamespace(labels=("a", "bored")), NAMES)


def test_usual_names_of_one_emotion_are_one_class_and_the_own_name_counts_first():
    model = ("angry", "happy", "sad", "joy")
    data = SimpleNamespace(labels=("Anger", "happiness", "joy", "SADNESS", "happy"))
    assert report.class_numbers(data, model).tolist() == [0, 1, 3, 2, 1]
    with pytest.raises(EmotionError, match="the classes contempt, which the model does not know"):
        report.class_numbers(SimpleNamespace(labels=("anger", "contempt")), model)
