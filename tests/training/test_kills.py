"""Twenty SIGKILLs, at any moment and at the worst ones: the same command ends in the same model."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EPOCHS = 200
START = 8.0  # seconds until the first epoch on a slow machine

# The worst moments: right before or after a file takes its name. The process kills itself there.
AIMED = """
import os, runpy, signal, sys
from emotion import files
name, late, left = sys.argv[1], sys.argv[2] == "after", int(sys.argv[3])
publish = files.publish
def aimed(part, path):
    global left
    left -= path.name == name
    if path.name != name or left:
        return publish(part, path)
    if late:
        publish(part, path)
    os.kill(os.getpid(), signal.SIGKILL)
files.publish = aimed
sys.argv = ["train.py"]
runpy.run_path("train.py", run_name="__main__")
"""
MOMENTS = [
    ("checkpoint.npz", "before", 1),
    ("checkpoint.npz", "after", 1),
    ("checkpoint.npz", "before", 4),
    ("history.csv", "before", 2),
    ("history.csv", "after", 2),
    ("emotion.keras", "before", 1),
    ("emotion.keras", "after", 1),
    ("emotion.tflite", "before", 1),
    ("emotion.tflite", "after", 1),
    ("report.json", "before", 1),
]
RANDOM = 20 - len(MOMENTS)


def command(folder, data):
    bare = {name: value for name, value in os.environ.items() if name.isupper()}
    settings = {
        "DATASET": data,
        "MODEL_EXPORT_PATH": folder,
        "EPOCHS": EPOCHS,
        "PATIENCE": 0,
        "WIDTH": 4,
        "BATCH_SIZE": 16,
    }
    return {
        "cwd": ROOT,
        "env": {**bare, **{name: str(value) for name, value in settings.items()}},
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def finish(folder, data):
    done = subprocess.run([sys.executable, "train.py"], check=False, **command(folder, data))
    assert done.returncode == 0, done.stderr


def epochs_of(folder):
    """Each epoch's row but for the seconds it took."""
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        del row["seconds"]
    return rows


@pytest.mark.slow
def test_after_twenty_kills_there_is_the_same_history_and_the_same_tflite(drawn_folder, tmp_path):
    run_folder, killed = tmp_path / "run", tmp_path / "killed"  # the model states its own path
    moment = random.Random(1)
    for _ in range(RANDOM):
        asked = command(run_folder, drawn_folder)
        with subprocess.Popen([sys.executable, "train.py"], **asked) as run:
            # Some of them while Python still starts, the others among epochs.
            time.sleep(moment.uniform(0, 1.5 * START))
            run.kill()
            _, talk = run.communicate()
        assert run.returncode == -signal.SIGKILL, talk
        assert "Traceback" not in talk and "error" not in talk, talk
    for name, late, count in MOMENTS:
        aimed = [sys.executable, "-c", AIMED, name, late, str(count)]
        done = subprocess.run(aimed, check=False, **command(run_folder, drawn_folder))
        assert done.returncode == -signal.SIGKILL, (name, late, done.stderr)
        assert "Traceback" not in done.stderr and "damaged" not in done.stderr, done.stderr
    finish(run_folder, drawn_folder)
    run_folder.rename(killed)
    finish(run_folder, drawn_folder)
    assert len(epochs_of(run_folder)) == EPOCHS
    assert epochs_of(killed) == epochs_of(run_folder)
    assert (killed / "emotion.tflite").read_bytes() == (run_folder / "emotion.tflite").read_bytes()
    assert not [path.name for path in killed.iterdir() if ".part" in path.name]
