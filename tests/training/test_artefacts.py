"""What a run leaves when the export falls short or cannot be made, and where it may write."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from emotion import export, model
from emotion.data import dataset
from emotion.errors import EmotionError
from emotion.training import artefacts, trainer


@pytest.fixture(scope="module")
def run():
    """A stand-in for a finished run: an untrained network and the rows of two epochs."""
    keras.utils.set_random_seed(1)
    network = model.build(7, width=4)
    row = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"), 0.5)
    rows = [{"epoch": n, "seconds": 1.0, **row} for n in (1, 2)]
    progress = trainer.Progress(epoch=2, best=0.5, best_epoch=1, rows=rows)
    return SimpleNamespace(result=lambda: network, progress=progress)


@pytest.fixture(scope="module")
def data(drawn_folder):
    return dataset.load(drawn_folder)


def deliver(run, data, folder):
    about = {"settings": {}, "training": artefacts.training_figures(run, "done")}
    return artefacts.deliver(run, data, folder, optimise=True, about=about, began=0.0)


def test_an_export_that_loses_too_much_is_loud_and_float32_is_kept(
    run, data, tmp_path, monkeypatch, capsys
):
    honest = export.run

    def worse(path, splits):
        found = honest(path, splits)
        wrong = (data.splits["validation"].targets + 1) % 7
        return {**found, "validation": np.eye(7)[wrong]}

    monkeypatch.setattr(export, "run", worse)
    assert deliver(run, data, tmp_path) == 1
    said = capsys.readouterr().err
    assert "WARNING: the int8 export loses" in said and "emotion_float32.tflite" in said
    assert export.float_tensors((tmp_path / "emotion_float32.tflite").read_bytes())
    assert json.loads((tmp_path / "report.json").read_text())["complaints"]
    assert (tmp_path / "emotion.tflite").exists()


def test_without_tensorflow_a_run_ends_with_the_keras_file(
    run, data, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(export, "available", lambda: False)
    assert deliver(run, data, tmp_path) == 0
    assert "python -m emotion.export" in capsys.readouterr().out
    assert (tmp_path / "emotion.keras").exists()
    assert not (tmp_path / "emotion.tflite").exists()
    assert set(json.loads((tmp_path / "report.json").read_text())["scores"]) == {"Keras"}


def test_an_empty_folder_is_made_ready(tmp_path):
    assert artefacts.prepare(tmp_path / "a/b", resume=True) == tmp_path / "a/b/checkpoint.npz"
    assert list((tmp_path / "a/b").iterdir()) == []


def test_an_unfinished_run_is_gone_on_with(tmp_path):
    (tmp_path / "checkpoint.npz").touch()
    (tmp_path / "emotion.keras").touch()
    assert artefacts.prepare(tmp_path, resume=True).exists()


def test_a_finished_run_is_kept_unless_given_up(tmp_path):
    (tmp_path / "emotion.keras").touch()
    with pytest.raises(EmotionError, match=r"holds a finished run .emotion.keras.: name another"):
        artefacts.prepare(tmp_path, resume=True)
    artefacts.prepare(tmp_path, resume=False)


def test_resume_0_begins_anew(tmp_path):
    (tmp_path / "checkpoint.npz").touch()
    assert not artefacts.prepare(tmp_path, resume=False).exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmotionError, match=r"cannot be written .* name a folder that can"):
        artefacts.prepare(tmp_path / "file" / "inside", resume=True)


def test_peak_memory_is_told_in_megabytes():
    assert 30 < artefacts.peak_memory() < 100_000
