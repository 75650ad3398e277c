"""What a run leaves when the export falls short or cannot be made."""

import json
from types import SimpleNamespace

import keras
import pytest

from emotion import export, model, model_file
from emotion.data import dataset
from emotion.training import artefacts, trainer
from emotion.training.schedule import Reason, Stop


@pytest.fixture(scope="module")
def run():
    """A stand-in for a finished run: an untrained network and the rows of two epochs."""
    keras.utils.set_random_seed(1)
    network = model.build(7, width=4)
    row = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"), 0.5)
    rows = [{"epoch": n, "seconds": 1.0, **row} for n in (1, 2)]
    state = trainer.TrainerState(epoch=2, best=0.5, best_epoch=1, rows=rows)
    return SimpleNamespace(result=lambda: network, state=state)


@pytest.fixture(scope="module")
def data(drawn_folder):
    return dataset.load(drawn_folder)


def save(run, data, folder):
    stop = Stop(Reason.ALL_EPOCHS, 2)
    about = {"settings": {}, "training": artefacts.training_figures(run.state, stop)}
    return artefacts.save(run, data, folder, optimise=True, about=about, began=0.0)


def test_an_export_that_loses_too_much_is_told_and_float32_is_kept(
    run, data, tmp_path, monkeypatch
):
    monkeypatch.setattr(export, "gate", lambda *given: f"the {given[2]} export loses")
    left = save(run, data, tmp_path)
    assert left.complaint.startswith("WARNING: the int8 export loses: use ")
    assert "emotion_float32.tflite" in left.complaint
    assert export.float_tensors((tmp_path / "emotion_float32.tflite").read_bytes())
    assert json.loads((tmp_path / "report.json").read_text())["complaints"] == [left.complaint]
    assert (tmp_path / "emotion.tflite").exists()
    assert tmp_path / "emotion.tflite" in left.files


def test_a_run_that_went_well_leaves_no_float32_of_the_one_before(run, data, tmp_path):
    (tmp_path / "emotion_float32.tflite").touch()
    left = save(run, data, tmp_path)
    assert left.complaint == "" and left.exported
    assert not (tmp_path / "emotion_float32.tflite").exists()


def test_the_temperature_that_was_fitted_goes_into_the_files(run, data, tmp_path, monkeypatch):
    monkeypatch.setattr(artefacts, "fit_temperature", lambda logits, shares: 3.5)
    save(run, data, tmp_path)
    for name in ("emotion.keras", "emotion.tflite"):
        labels, metadata = model_file.read(tmp_path / name)
        assert model_file.readings(labels, metadata)[0].temperature == 3.5


def test_without_tensorflow_a_run_ends_with_the_keras_file(run, data, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "available", lambda: False)
    left = save(run, data, tmp_path)
    assert not left.exported
    assert (tmp_path / "emotion.keras").exists()
    assert not (tmp_path / "emotion.tflite").exists()
    assert set(json.loads((tmp_path / "report.json").read_text())["scores"]) == {"Keras"}
    assert "Keras" in left.table and "agree on" not in left.table


def test_peak_memory_is_told_in_megabytes():
    assert 30 < artefacts.peak_memory() < 100_000
