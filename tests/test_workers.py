"""Folders done by several processes, and runs that go on, as a user runs them."""

import contextlib
import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from subprocess import TimeoutExpired
from threading import Timer

import cv2
import numpy as np
import pytest
from film import film

from emotion import pictures
from emotion.session import Outcome
from emotion.workers import steps

ROOT = Path(__file__).parents[1]
MODEL = Path(__file__).with_name("steady.tflite")  # happy 0.9, whatever it sees
SCRIPT = [sys.executable, str(ROOT / "recognition.py")]
linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")


def environment(**settings):
    own = ("DISPLAY", "WAYLAND_DISPLAY", "OUTPUT", "CROPS", "TIMELINE", "RESULTS")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    settings = {"SHOW": 0, "MODEL_PATH": MODEL} | settings
    return kept | {name: str(value) for name, value in settings.items()}


def recognise(cwd=ROOT, **settings):
    return subprocess.run(
        SCRIPT,
        env=environment(**settings),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@contextlib.contextmanager
def started(**settings):
    """The program running in a process group of its own, as a terminal starts it."""
    with subprocess.Popen(
        SCRIPT,
        env=environment(**settings),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


def wait_for(condition, patience=60.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def talk(done):
    """What was said besides the settings."""
    return [line for line in done.stderr.splitlines() if not line.startswith("  ")]


@pytest.fixture(scope="module")
def portrait():
    """A frame of 160x120 with one face."""
    whole = pictures.read(ROOT / "samples" / "astronaut.png")
    return cv2.resize(whole[20:260, 60:380], (160, 120), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, portrait):
    """Clips and pictures, the longest first, one broken, one without a face.

    A written .mkv would have a random number inside.
    """
    made = tmp_path_factory.mktemp("many")
    film(made / "1 long.mp4", [portrait] * 60)
    film(made / "2 clip.mp4", [portrait] * 8)
    cv2.imwrite(str(made / "3 face.png"), portrait)
    (made / "4 broken.png").write_text("no picture")
    cv2.imwrite(str(made / "5 none.png"), np.full((120, 160, 3), 90, np.uint8))
    film(made / "6 clip.mp4", [portrait] * 5)
    return made


@pytest.fixture(scope="module")
def endless(tmp_path_factory, portrait):
    """A picture, then clips that take longer than any test."""
    made = tmp_path_factory.mktemp("endless")
    cv2.imwrite(str(made / "1.png"), portrait)
    noise = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)
    for number in (2, 3, 4):
        film(made / f"{number}.mkv", [noise] * 20, times=[10.0 * n for n in range(20)])
    return made


def everything(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_two_workers_leave_and_say_what_one_does(tmp_path, folder, kind):
    done = {}
    for workers in (1, 2):
        place = tmp_path / str(workers)
        place.mkdir()
        done[workers] = recognise(
            cwd=place,  # the copies' and crops' names are then the same in what is said
            DEVICE_ID=folder,
            RESULTS=f"rows.{kind}",
            OUTPUT="copies",
            CROPS="crops",
            TIMELINE=1,
            WORKERS=workers,
        )
        assert done[workers].returncode == 0, done[workers].stderr
    one, two = everything(tmp_path / "1"), everything(tmp_path / "2")
    assert one == two
    assert {name.split("/")[0] for name in one} == {f"rows.{kind}", "copies", "crops"}
    assert talk(done[1]) == talk(done[2])
    assert "5 of 6 files read" in talk(done[2])


def test_rows_come_on_standard_output_in_the_order_of_the_files(folder):
    done = recognise(DEVICE_ID=folder, WORKERS=0)
    names = [Path(json.loads(line)["source"]).name for line in done.stdout.splitlines()]
    assert names == (
        ["1 long.mp4"] * 60 + ["2 clip.mp4"] * 8 + ["3 face.png", "5 none.png"] + ["6 clip.mp4"] * 5
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_one_bar_counts_the_files_of_all_workers(folder, tmp_path):
    import pty

    inside, outside = pty.openpty()
    settings = {"DEVICE_ID": folder, "RESULTS": tmp_path / "rows.csv", "WORKERS": 2}
    subprocess.run(SCRIPT, env=environment(**settings), stderr=outside, check=True, timeout=60)
    os.close(outside)
    shown = os.read(inside, 100_000).decode()
    os.close(inside)
    assert "] 6/6  0:00 left" in shown and shown.rstrip().endswith("5 of 6 files read")


def test_a_folder_of_which_nothing_can_be_read_is_exit_1(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("nothing")
    done = recognise(DEVICE_ID=tmp_path, WORKERS=2)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == "0 of 2 files read"


def test_what_cannot_be_written_is_one_line_and_exit_1(tmp_path, folder):
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / "2 clip.mp4").mkdir()
    done = recognise(DEVICE_ID=folder, OUTPUT=tmp_path / "copies", WORKERS=2)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: {tmp_path}/copies/2 clip.mp4 cannot be")


@pytest.mark.parametrize(
    ("settings", "complaints"),
    [
        (
            {"DEVICE_ID": 0, "WORKERS": 4},
            ["WORKERS='4' is for the files of a folder or a glob: DEVICE_ID='0' is one camera"],
        ),
        (
            {"DEVICE_ID": "samples/two.jpg", "WORKERS": 0, "RESUME": 1, "RESULTS": "rows.csv"},
            [
                f"{name} is for the files of a folder or a glob: "
                "DEVICE_ID='samples/two.jpg' is one picture"
                for name in ("WORKERS='0'", "RESUME='1'")
            ],
        ),
        ({"WORKERS": -1}, ["WORKERS='-1' must be from 0 to 512"]),
        ({"RESUME": 1}, ["RESUME='1' needs RESULTS, the file to go on with"]),
        (
            {"VIEW": 8000, "WORKERS": 2},
            ["VIEW='8000' shows what one process does: leave out WORKERS and CLUSTER"],
        ),
        ({"RESUME": 1, "RESULTS": "-"}, ["RESUME='1' needs RESULTS, the file to go on with"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_makes_no_sense_is_refused_in_one_line_each(settings, complaints):
    done = recognise(**({"DEVICE_ID": "samples"} | settings))
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines() == complaints


def children(running):
    path = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    return [int(number) for number in path.read_text().split()]


def alive(number):
    """Whether a process is there and no zombie, which waits for nothing but its parent."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("whole_group", [True, False])
def test_a_signal_ends_all_workers_with_whole_rows_and_copies(
    tmp_path, endless, number, whole_group
):
    rows, copies = tmp_path / "rows.csv", tmp_path / "copies"
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        settings = {"DEVICE_ID": endless, "RESULTS": rows, "OUTPUT": copies, "WORKERS": 2}
        with started(**settings) as running:
            wait_for(lambda: rows.exists() and list(copies.glob("*.part.mkv")))
            processes = children(running)
            (os.killpg if whole_group else os.kill)(running.pid, number)
            _, error = running.communicate(timeout=60)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert running.returncode == 130 and "Traceback" not in error
    name = {signal.SIGINT: "Ctrl-C"}.get(number, number.name)
    assert error.splitlines()[-1] == f"stopped by {name}"
    assert len(processes) >= 3
    wait_for(lambda: not any(map(alive, processes)))
    with rows.open(newline="") as file:
        assert [Path(row["source"]).name for row in csv.DictReader(file)] == ["1.png"]
    names = {path.name for path in copies.iterdir()}
    assert "1.png" in names and not [name for name in names if ".part" in name or "lock" in name]


@linux
def test_ctrl_c_while_the_workers_start_is_one_line(tmp_path, endless):
    with started(DEVICE_ID=endless, RESULTS=tmp_path / "rows.csv", WORKERS=2) as running:
        wait_for(lambda: len(children(running)) >= 3)
        os.killpg(running.pid, signal.SIGINT)
        _, error = running.communicate(timeout=60)
    assert running.returncode == 130
    assert error.splitlines()[-1] == "stopped by Ctrl-C" and "Traceback" not in error


@linux
def test_workers_of_a_killed_run_end(tmp_path, endless):
    rows = tmp_path / "rows.csv"
    with started(DEVICE_ID=endless, RESULTS=rows, WORKERS=2) as running:
        wait_for(rows.exists)
        processes = children(running)
        running.kill()
        wait_for(lambda: not any(map(alive, processes)))


def kill_those_who_read(running, name, *, times=None):
    """Kill each process of the run that has the file open, so often or until the run ends."""
    killed: set[int] = set()
    deadline = time.monotonic() + 60
    while running.poll() is None and len(killed) != times:
        assert time.monotonic() < deadline, f"{len(killed)} killed, and the run goes on"
        for number in children(running):
            with contextlib.suppress(OSError):
                links = Path(f"/proc/{number}/fd").iterdir()
                if any(link.readlink().name == name for link in links):
                    os.kill(number, signal.SIGKILL)
                    killed.add(number)
        time.sleep(0.002)
    return len(killed)


@linux
def test_the_files_of_a_killed_worker_are_done_again_nothing_twice_nothing_lost(tmp_path, folder):
    def settings(name):
        place = tmp_path / name
        place.mkdir()
        kept = {"RESULTS": place / "rows.csv", "OUTPUT": place / "copies", "CROPS": place / "crops"}
        return {"DEVICE_ID": folder} | kept

    assert recognise(**settings("whole")).returncode == 0
    with started(**settings("killed"), WORKERS=2) as running:
        assert kill_those_who_read(running, "1 long.mp4", times=1) == 1
        _, error = running.communicate(timeout=60)
    assert running.returncode == 0, error
    assert everything(tmp_path / "killed") == everything(tmp_path / "whole")


@linux
def test_a_file_that_ends_its_process_twice_is_a_failure_and_the_others_are_done(
    tmp_path, portrait, endless
):
    made, rows = tmp_path / "made", tmp_path / "rows.csv"
    made.mkdir()
    faces = [f"{number:02}.png" for number in range(1, 30) if number != 3]  # after it, too
    for name in faces:
        cv2.imwrite(str(made / name), portrait)
    (made / "03.mkv").hardlink_to(endless / "3.mkv")
    with started(DEVICE_ID=made, RESULTS=rows, WORKERS=2) as running:
        assert kill_those_who_read(running, "03.mkv") == 2
        _, error = running.communicate(timeout=60)
    assert running.returncode == 0 and "Traceback" not in error
    assert [line for line in error.splitlines() if "was given up: the process that read" in line]
    with rows.open(newline="") as file:
        names = [Path(row["source"]).name for row in csv.DictReader(file)]
    assert names == faces
    assert error.splitlines()[-1] == "28 of 29 files read"


def test_a_file_that_ends_while_another_is_settled_is_counted():
    handed = {}

    def submit(place):
        handed[place] = Future()
        return handed[place]

    def settled(place, future):
        for other in handed.values():
            if not other.done():
                other.set_result(Outcome())
        return future.result()

    going = steps(submit, "abc", ahead=lambda: 3, settled=settled)
    Timer(0.1, lambda: handed["a"].set_result(Outcome())).start()
    assert [done for done, outcome in going if outcome] == [1, 2, 3]


def killed_in_the_second(folder, rows, **settings):
    """A run that is killed while it writes the rows of the second file."""
    there = rows.with_suffix(".part.jsonl") if rows.suffix == ".parquet" else rows
    with started(DEVICE_ID=folder, RESULTS=rows, **settings) as running:
        wait_for(lambda: there.exists() and "2 clip" in there.read_text())
        running.kill()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_run_that_was_killed_goes_on_with_the_half_source(tmp_path, folder, kind, workers):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    rows, whole = tmp_path / f"rows.{kind}", tmp_path / f"whole.{kind}"
    killed_in_the_second(folder, rows)
    done = recognise(DEVICE_ID=folder, RESULTS=rows, RESUME=1, WORKERS=workers)
    assert done.returncode == 0, done.stderr
    assert talk(done)[0] == (
        "RESUME=1: 1 of 6 files have whole rows in RESULTS and are not done again"
    )
    assert "1 long" not in "".join(talk(done)) and "2 clip.mp4: person 1" in "".join(talk(done))
    recognise(DEVICE_ID=folder, RESULTS=whole)
    assert rows.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [rows.name, whole.name]


def kill_at_random(folder, rows, times, seed):
    """Kill a run so many times, each time going on with it; then let it end."""
    chance, began = random.Random(seed), time.monotonic()
    whole = rows.with_name(f"whole{rows.suffix}")
    recognise(DEVICE_ID=folder, RESULTS=whole)
    length = time.monotonic() - began
    for number in range(times):
        settings = {"DEVICE_ID": folder, "RESULTS": rows, "WORKERS": 1 + number % 2}
        with started(**settings, RESUME=1) as running, contextlib.suppress(TimeoutExpired):
            running.wait(chance.uniform(0.4, 1.0) * length)
    done = recognise(DEVICE_ID=folder, RESULTS=rows, RESUME=1)
    assert done.returncode == 0, done.stderr
    assert rows.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in rows.parent.iterdir()) == [rows.name, whole.name]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_run_killed_at_random_moments_ends_with_the_rows_of_an_undisturbed_one(
    tmp_path, folder, kind
):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    kill_at_random(folder, tmp_path / f"rows.{kind}", times=3, seed=kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_20_kills_at_random_moments(tmp_path, folder, kind):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    for number in range(5):
        place = tmp_path / str(number)
        place.mkdir()
        kill_at_random(folder, place / f"rows.{kind}", times=4, seed=f"{kind} {number}")


def test_without_resume_rows_are_replaced_as_ever(tmp_path, folder):
    rows = tmp_path / "rows.csv"
    killed_in_the_second(folder, rows)
    done = recognise(DEVICE_ID=folder / "3 face.png", RESULTS=rows)
    assert done.returncode == 0
    assert len(rows.read_text().splitlines()) == 2


def test_a_finished_run_does_its_last_file_again_and_changes_nothing(tmp_path, folder):
    rows = tmp_path / "rows.csv"
    recognise(DEVICE_ID=folder, RESULTS=rows)
    before = rows.read_bytes()
    done = recognise(DEVICE_ID=folder, RESULTS=rows, RESUME=1)
    assert "RESUME=1: 4 of 6 files have whole rows" in done.stderr
    assert done.returncode == 0 and rows.read_bytes() == before


def test_rows_of_another_reading_are_not_gone_on_with(tmp_path, folder):
    rows = tmp_path / "rows.jsonl"
    settings = {"DEVICE_ID": folder, "RESULTS": rows, "MODEL_PATH": "", "CROPPED": 1}
    recognise(**settings, READING="people")
    before = rows.read_bytes()
    done = recognise(**settings, READING="fer2013", RESUME=1)
    assert done.returncode == 1 and rows.read_bytes() == before
    assert done.stderr.splitlines()[-1] == (
        f"error: RESULTS: {rows} has rows of another model or reading: give RESULTS another name, "
        "or RESUME=0 to replace it"
    )
