"""The script as people run it: on drawn faces, from nothing to a checked .tflite."""

import csv
import json
import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from emotion import export, model_file
from emotion.classifier import Classifier
from emotion.data import dataset

ROOT = Path(__file__).parents[1]
PRODUCTS = {
    "emotion.tflite",
    "emotion.keras",
    "report.json",
    "history.csv",
    "training.png",
    "confusion.png",
}


def environment(**settings):
    bare = {name: value for name, value in os.environ.items() if name.isupper()}
    return {**bare, **{name: str(value) for name, value in settings.items()}}


def command(arguments=("train.py",), **settings):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_a_run_leaves_all_it_promises(trained):
    assert trained.done.returncode == 0, trained.done.stderr
    assert {path.name for path in trained.folder.iterdir()} == PRODUCTS


def test_both_models_learn_the_drawn_faces(trained):
    report = json.loads((trained.folder / "report.json").read_text())
    for model in ("Keras", "int8"):
        assert report["scores"][model]["test"]["accuracy"] > 0.6  # chance is 0.14
    assert report["agreement"]["fer2013"]["validation"] > 0.9


def test_the_exported_model_sees_mirror_images_alike(trained):
    recogniser = Classifier(trained.folder / "emotion.tflite")
    images = dataset.load(trained.data).splits["test"].images
    rows, mirrored = recogniser(images), recogniser(np.ascontiguousarray(images[:, :, ::-1]))
    assert np.abs(rows - mirrored).max() < 0.05  # steps of 8 bits
    assert np.ptp(rows, axis=0).min() > 0.5


def test_the_report_holds_every_figure(trained):
    report = json.loads((trained.folder / "report.json").read_text())
    assert report["settings"]["epochs"] == 24
    assert report["training"]["epochs"] == 24
    assert set(report["scores"]) == {"Keras", "int8"}
    for scores in report["scores"].values():
        assert set(scores) == {"train", "validation", "test"}
        assert scores["validation"]["images"] == sum(map(sum, scores["validation"]["confusion"]))
    assert report["data"]["images"]["train"]["happy"] == 60
    assert report["files"]["emotion.tflite"] == (trained.folder / "emotion.tflite").stat().st_size
    assert report["parameters"] > 0 and report["seconds"] > 0
    assert {"python", "keras", "tensorflow", "numpy"} <= set(report["versions"])


def test_what_was_done_is_told(trained):
    talk = trained.done.stderr
    assert re.search(r"^  EPOCHS +24  \(environment\)$", talk, re.M)
    assert re.search(r"^  SEED +0  \(default\)$", talk, re.M)
    assert "computing with Keras" in talk
    assert "all 24 epochs done" in talk
    assert "next: DEVICE_ID=0 MODEL_PATH=" in trained.done.stdout
    assert "Traceback" not in talk and "WARNING" not in talk


def test_history_has_a_row_for_each_epoch(trained):
    with (trained.folder / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == [str(n) for n in range(1, 25)]


def test_the_model_carries_its_labels_scores_and_settings(trained):
    names, metadata = model_file.read(trained.folder / "emotion.tflite")
    assert names == model_file.FER2013
    assert metadata["input"] == [48, 48, 1]
    assert metadata["settings"]["seed"] == 0
    assert set(metadata["scores"]) == {"validation", "test"}
    assert model_file.read(trained.folder / "emotion.keras")[0] == model_file.FER2013


def test_recognition_reads_what_training_wrote(trained):
    recogniser = Classifier(trained.folder / "emotion.tflite")
    test = dataset.load(trained.data).splits["test"]
    rows = recogniser(test.images)
    assert recogniser.metadata["quantised"] is True
    assert rows.sum(axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
    report = json.loads((trained.folder / "report.json").read_text())
    accuracy = (rows.argmax(axis=1) == test.targets).mean()
    assert accuracy == report["scores"]["int8"]["test"]["accuracy"]


def test_a_finished_run_is_not_overwritten(trained):
    before = (trained.folder / "emotion.tflite").read_bytes()
    done = command(DATASET=trained.data, MODEL_EXPORT_PATH=trained.folder, EPOCHS=1)
    assert done.returncode == 1
    assert "holds a finished run" in done.stderr and "RESUME=0 to replace it" in done.stderr
    assert (trained.folder / "emotion.tflite").read_bytes() == before


def test_the_report_command_gives_the_same_scores_without_tensorflow(trained, tmp_path):
    done = command(
        ["-X", "importtime", "-m", "emotion.report"],
        MODEL_PATH=trained.folder / "emotion.tflite",
        DATASET=trained.data,
        REPORT=tmp_path / "scores.json",
        CORRUPTED=1,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not any(
        line.split("|")[-1].strip().startswith(("tensorflow", "keras"))
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    )
    scores = json.loads((tmp_path / "scores.json").read_text())["scores"]
    report = json.loads((trained.folder / "report.json").read_text())
    for part in ("validation", "test"):
        found = scores[part].pop("corrupted")
        assert 0 < found["mean"] < 1 and found["mean"] != scores[part]["accuracy"]
    assert scores == report["scores"]["int8"]
    assert "validation, fer2013: 140 images, accuracy" in done.stdout


def test_the_export_command_turns_the_keras_file_into_the_same_model(trained, tmp_path):
    done = command(
        ["-m", "emotion.export"],
        MODEL_PATH=trained.folder / "emotion.keras",
        DATASET=trained.data,
        MODEL_EXPORT_PATH=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    images = dataset.load(trained.data).splits["test"].images
    one = Classifier(tmp_path / "emotion.tflite")(images)
    other = Classifier(trained.folder / "emotion.tflite")(images)
    assert np.array_equal(one, other)


def test_float32_export_needs_no_data(trained, tmp_path):
    done = command(
        ["-m", "emotion.export"],
        MODEL_PATH=trained.folder / "emotion.keras",
        MODEL_EXPORT_PATH=tmp_path,
        OPTIMISE=0,
    )
    assert done.returncode == 0, done.stderr
    assert export.float_tensors((tmp_path / "emotion.tflite").read_bytes())


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "DATASET is not set: it takes what to train on"),
        ({"DATASET": "samples", "EPOCHS": "ten"}, "EPOCHS='ten' is not a whole number"),
        ({"DATASET": "samples", "patience": "-1"}, "patience='-1' must be from 0 to"),
        ({"DATASET": "samples", "BATCH_SIZE": "1"}, "BATCH_SIZE='1' must be from 2 to"),
        ({"DATASET": "samples", "LEARNING_RATE": "0"}, "LEARNING_RATE='0' must be above 0"),
        ({"DATASET": "samples", "VALIDATION_SPLIT": "1"}, "VALIDATION_SPLIT='1' must be from 0.01"),
        ({"DATASET": "samples", "OPTIMISE": "maybe"}, "OPTIMISE='maybe' is neither yes"),
        ({"DATASET": "samples", "SEED": "-1"}, "SEED='-1' must be from 0 to"),
        ({"DATASET": "samples", "TEMPERATURE": "0"}, "TEMPERATURE='0' must be from 0.1 to"),
        (
            {"DATASET": "samples", "ANNOTATOR_VOTES": "votes.txt"},
            "ANNOTATOR_VOTES='votes.txt' must end in .csv",
        ),
    ],
)
def test_unusable_settings_exit_2_with_one_line(settings, complaint):
    done = command(**settings)
    assert done.returncode == 2
    assert done.stderr.startswith(complaint)
    assert done.stderr.count("\n") == 1


def test_missing_data_is_one_clear_line(tmp_path):
    done = command(DATASET=tmp_path / "nowhere", MODEL_EXPORT_PATH=tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr == f"DATASET='{tmp_path / 'nowhere'}' does not exist\n"


def test_a_recipe_is_read_and_all_that_is_wrong_said_with_it(tmp_path):
    (tmp_path / "a.toml").write_text("epochs = 'ten'\nwidth = 33\n")
    done = command(RECIPE=tmp_path / "a.toml", DATASETS="samples", LEARNING_RATE="inf", VOTES="a.b")
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert sorted(said[:2]) == [
        "DATASETS is not a setting: did you mean DATASET?",
        "VOTES is now ANNOTATOR_VOTES: the old name still works",
    ]
    assert said[2].startswith("DATASET is not set: it takes what to train on")
    assert said[3:] == [
        f"{tmp_path / 'a.toml'}: epochs='ten' is not a whole number",
        "LEARNING_RATE='inf' is not a finite number",
        "VOTES='a.b' must end in .csv",
        f"{tmp_path / 'a.toml'}: width=33 must be even: give another, or SYMMETRIC=0",
    ]


def start(**settings):
    return subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=ROOT,
        env=environment(**settings),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for_rows(folder, count):
    history = folder / "history.csv"
    limit = time.monotonic() + 240
    while time.monotonic() < limit:
        if history.exists() and len(history.read_text().splitlines()) > count:
            return
        time.sleep(0.05)
    raise AssertionError("no epoch was finished")


@pytest.mark.slow
def test_without_a_network_and_from_a_checkout_that_cannot_be_written(
    sealed, drawn_folder, tmp_path
):
    settings = {"DATASET": drawn_folder, "MODEL_EXPORT_PATH": tmp_path / "run", "EPOCHS": 1}
    done = subprocess.run(
        [*sealed, sys.executable, "train.py"],
        cwd=ROOT.resolve(),
        env=environment(WIDTH=4, OPTIMISE=0, **settings),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "run").iterdir()} == PRODUCTS


@pytest.mark.slow
def test_a_killed_run_goes_on_and_sigterm_still_exports(drawn_folder, tmp_path):
    settings = {
        "DATASET": drawn_folder,
        "MODEL_EXPORT_PATH": tmp_path,
        "EPOCHS": 5000,
        "WIDTH": 4,
        "BATCH_SIZE": 64,
        "OPTIMISE": 0,  # int8 may change some answer of a network that has hardly learnt
    }
    first = start(**settings)
    wait_for_rows(tmp_path, 2)
    first.kill()
    first.communicate()
    done = len((tmp_path / "history.csv").read_text().splitlines()) - 1
    second = start(**settings)
    wait_for_rows(tmp_path, done + 2)
    third = command(**settings)
    assert third.returncode == 1
    assert f"another run (process {second.pid}) is writing here" in third.stderr
    second.terminate()
    _, talk = second.communicate(timeout=120)
    assert second.returncode == 130, talk
    assert f"going on after epoch {done} of 5000" in talk
    assert "stopped by SIGTERM; the best epoch was" in talk
    assert "the same command goes on with this run" in talk
    assert {path.name for path in tmp_path.iterdir()} >= PRODUCTS
    assert not json.loads((tmp_path / "report.json").read_text())["training"]["finished"]
    other = command(**{**settings, "EPOCHS": 7})
    assert other.returncode == 1
    assert "unfinished run with other settings (EPOCHS 5000, now 7)" in other.stderr


def test_the_part_that_a_run_leaves_out_is_scored(trained, drawn_folder, tmp_path):
    done = command(
        DATASET=drawn_folder,
        MODEL_EXPORT_PATH=tmp_path / "run",
        INITIAL_WEIGHTS=trained.folder / "emotion.keras",
        FOLDS=2,
        FOLD=1,
        EPOCHS=1,
        WIDTH=8,
        OPTIMISE=0,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    scores = report["scores"]["float32"]
    left_out = scores["not seen"]["images"]
    images = len(dataset.load(drawn_folder).splits["train"].names)
    assert 0 < left_out == images - scores["train"]["images"]
    assert f"not seen, as part 1 of 2: {left_out} training images" in done.stderr
    assert "not kept: the scores of `not seen` beside those of `validation` show" in done.stderr
    assert report["training"]["best_epoch"] == 1
    assert [line.split()[:2] for line in done.stdout.splitlines()].count(["not", "seen"]) == 2


def test_teachers_and_votes_teach_a_network_of_two_readings(trained, drawn_folder, tmp_path):
    votes = tmp_path / "votes.csv"
    names = dataset.load(drawn_folder).splits["train"].names
    answers = "anger,disgust,fear,happiness,sadness,surprise,neutral,unknown"
    lines = [f"filename,{answers}", *(f"{name},0,0,0,9,0,0,0,1" for name in names)]
    votes.write_text("\n".join(lines))
    settings = {
        "DATASET": drawn_folder,
        "MODEL_EXPORT_PATH": tmp_path / "run",
        "TEACHERS": trained.folder / "emotion.keras",
        "INITIAL_WEIGHTS": trained.folder / "emotion.keras",
        "ANNOTATOR_VOTES": votes,
        "EPOCHS": 1,
        "WIDTH": 8,
        "LEARNING_RATE": 1e-6,  # what it knows at its end it knew from the beginning
        "OPTIMISE": 0,  # int8 may change some answer of a network that has hardly learnt
    }
    done = command(**settings)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["settings"]["teachers"] == [str(settings["TEACHERS"])]
    assert report["settings"]["annotator_votes"] == str(votes)
    scores = report["scores"]["float32"]["validation"]
    assert len(scores["confusion"]) == 7
    assert scores["accuracy"] > 0.7
    exported = tmp_path / "run" / "emotion.tflite"
    assert Classifier(exported).readings == ("fer2013", "people")
    assert Classifier(exported, reading="people").reading.answers == tuple(answers.split(","))
    for model in ("Keras", "float32"):
        assert list(report["people"][model]) == ["train"]  # nobody voted on the others


@pytest.mark.parametrize("back_end", ["jax", "torch"])
def test_other_back_ends_train_too(back_end, drawn_folder, tmp_path):
    if not find_spec(back_end):
        pytest.skip(f"{back_end} is not installed")
    done = command(
        DATASET=drawn_folder,
        MODEL_EXPORT_PATH=tmp_path,
        EPOCHS=1,
        WIDTH=4,
        BATCH_SIZE=32,
        KERAS_BACKEND=back_end,
    )
    assert done.returncode == 0, done.stderr
    assert f" on {back_end} " in done.stderr
    assert (tmp_path / "emotion.keras").exists()
