"""Several devices and several processes: they learn what one would, and end as one."""

import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from emotion.cli import stopping
from emotion.errors import EmotionError
from emotion.training import processes
from emotion.training.processes import Processes

ROOT = Path(__file__).parents[2]
EPOCHS = 4
LOST = "the run ended because one of its processes did"
needs_jax = pytest.mark.skipif(not find_spec("jax"), reason="jax is not installed")


def test_without_their_variables_there_is_one_process():
    for alone in ({}, {"JAX_NUM_PROCESSES": "1"}, {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}):
        with processes.joined(alone) as together:
            assert together == Processes() and together.first


def test_one_process_asks_nobody():
    arrays = [np.arange(3)]
    assert Processes().said_by_first(lambda: "here") == "here"
    assert Processes().shared(arrays) is arrays
    assert [Processes().agreed(number) for number in (0, 15)] == [0, 15]


@pytest.mark.parametrize(
    ("address", "count", "number", "complaint"),
    [
        ("a:1", "2", "", "JAX_PROCESS_ID is missing"),
        ("", "2", "1", "JAX_COORDINATOR_ADDRESS is missing"),
        ("a:1", "", "1", "JAX_NUM_PROCESSES is missing"),
        (
            "a:1",
            "2",
            "2",
            "JAX_NUM_PROCESSES=2 JAX_PROCESS_ID=2: give how many there are and, to each",
        ),
        ("a:1", "two", "0", "JAX_NUM_PROCESSES=two JAX_PROCESS_ID=0: give how many there are"),
        ("a", "2", "0", "JAX_COORDINATOR_ADDRESS=a must be the first host and a port: give a:1234"),
    ],
)
def test_half_given_variables_are_refused_in_one_line(address, count, number, complaint):
    given = {
        "JAX_COORDINATOR_ADDRESS": address,
        "JAX_NUM_PROCESSES": count,
        "JAX_PROCESS_ID": number,
    }
    with pytest.raises(EmotionError, match=complaint), processes.joined(given):
        pass


@pytest.mark.skipif(os.environ.get("KERAS_BACKEND") == "jax", reason="JAX would wait for others")
@pytest.mark.parametrize(
    "given",
    [
        {"SLURM_STEP_NUM_TASKS": "2"},
        {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": "a:1,b:1",
            "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
            "KERAS_DISTRIBUTION_PROCESS_ID": "0",
        },
    ],
)
def test_other_back_ends_are_told_of_jax(given):
    with pytest.raises(EmotionError, match="KERAS_BACKEND=jax alone"), processes.joined(given):
        pass


def test_a_back_end_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    given = {"SLURM_STEP_NUM_TASKS": "2"}
    complaint = pytest.raises(EmotionError, match=r"^Keras cannot start .* or pip install jax")
    with complaint, processes.joined(given):
        pass


@pytest.mark.parametrize(("end", "told"), [("os.abort()", True), ("done()", False)])
def test_whatever_ends_a_process_is_said_in_one_line(end, told):
    script = (
        "import os\nfrom emotion.training import processes\n"
        f"with processes._watched() as done, processes._only_python_talks():\n"
        "    os.write(2, b'from C++')\n"
        "    print('from Python', flush=True)\n"
        f"    {end}\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "from Python\n"
    lines = done.stderr.splitlines()
    assert len(lines) == told and all(LOST in line for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_a_signal_is_only_noted_until_a_second_one():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        stopping.listen(running=True)
        with stopping.deferred() as noted:
            assert noted() == 0
            os.kill(os.getpid(), signal.SIGTERM)
            assert noted() == signal.SIGTERM and stopping.name_of(noted()) == "SIGTERM"
            with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN  # who asks twice
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def environment(data, folder, **more):
    bare = {name: value for name, value in os.environ.items() if name.isupper()}
    settings = {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "DATASET": data,
        "MODEL_EXPORT_PATH": folder,
        "EPOCHS": EPOCHS,
        "PATIENCE": 0,
        "WIDTH": 4,
        "BATCH_SIZE": 6,  # of 84 images: every epoch steps often enough to be asked to stop
        "LEARNING_RATE": 0.01,
        **more,
    }
    return {**bare, **{name: str(value) for name, value in settings.items()}}


def start(data, folder, **more):
    return subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=ROOT,
        env=environment(data, folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def pair(data, folder):
    """Two processes of one run, of one device each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}", "JAX_NUM_PROCESSES": 2}
    return [start(data, folder, **shared, JAX_PROCESS_ID=number) for number in range(2)]


def ended(run):
    said, _ = run.communicate(timeout=300)
    return run.returncode, said


def history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def alike(folder, other):
    rows, others = history(folder), history(other)
    assert len(rows) == len(others) == EPOCHS
    for row, expected in zip(rows, others, strict=True):
        for name in ("loss", "val_loss", "learning_rate"):
            assert row[name] == pytest.approx(expected[name], rel=2e-3), (name, row, expected)
        for name in ("accuracy", "val_accuracy"):
            assert row[name] == pytest.approx(expected[name], abs=0.05)
    assert rows[-1]["loss"] < rows[0]["loss"]


def wait_for_epoch(folder, run):
    deadline = time.monotonic() + 300
    while not (folder / "checkpoint.npz").exists():
        assert run.poll() is None and time.monotonic() < deadline, run.communicate()[0]
        time.sleep(0.05)


@needs_jax
@pytest.mark.slow
def test_two_devices_learn_what_one_does(drawn_folder, tmp_path):
    """83 images in batches of 16, the last of them of 3, which cannot be shared."""
    data = shutil.copytree(drawn_folder, tmp_path / "data")
    next((data / "train" / "happy").iterdir()).unlink()
    folders = [tmp_path / name for name in ("one", "two")]
    flags = ({}, {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"})
    for folder, more in zip(folders, flags, strict=True):
        code, said = ended(start(data, folder, BATCH_SIZE=16, **more))
        assert code == 0, said
        assert ("each of 2 devices computes its part of every batch" in said) == bool(more)
    alike(folders[1], folders[0])


@needs_jax
@pytest.mark.slow
def test_batches_that_three_devices_cannot_share_leave_one_idle(drawn_folder, tmp_path):
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=3", "BATCH_SIZE": 28}
    code, said = ended(start(drawn_folder, tmp_path / "run", **flags, EPOCHS=1))
    assert code == 0, said
    assert "2 of 3 devices take part, as BATCH_SIZE=28 is no multiple of more of them: 27" in said


@needs_jax
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_two_processes_learn_what_one_does_stopped_killed_and_started_again(drawn_folder, tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    code, said = ended(start(drawn_folder, alone))
    assert code == 0, said

    runs = pair(drawn_folder, together)
    wait_for_epoch(together, runs[0])
    runs[1].send_signal(signal.SIGTERM)
    (code, said), (other_code, other_said) = map(ended, runs)
    assert code == other_code == 130, said + other_said
    assert "stopped by SIGTERM" in said and other_said == ""
    assert (together / "emotion.keras").exists()

    (together / "emotion.keras").unlink()
    runs = pair(drawn_folder, together)
    while "going on after epoch" not in runs[0].stdout.readline():
        assert runs[0].poll() is None
    runs[1].kill()
    code, said = ended(runs[0])
    assert code not in (0, 130) and said.splitlines()[-1].startswith(f"error: {LOST}")
    runs[1].communicate()

    (code, said), (other_code, other_said) = map(ended, pair(drawn_folder, together))
    assert code == other_code == 0, said + other_said
    assert "each of 2 devices of 2 processes" in said and other_said == ""
    assert (together / "emotion.keras").exists()
    alike(together, alone)


@needs_jax
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_what_the_first_process_refuses_ends_both(drawn_folder, tmp_path):
    (tmp_path / "emotion.keras").write_bytes(b"")
    for code, said in map(ended, pair(drawn_folder, tmp_path)):
        assert code == 1
        assert "holds a finished run (emotion.keras)" in said.splitlines()[-1]
