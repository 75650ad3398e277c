"""Folders done by a Dask cluster: a scheduler and workers in processes of their own."""

import contextlib
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

import cv2
import numpy as np
import pytest
from film import film, times_of

from emotion import pictures

pytestmark = [
    pytest.mark.skipif(not find_spec("distributed"), reason="distributed is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="sends signals"),
]
ROOT = Path(__file__).parents[1]
MODEL = Path(__file__).with_name("steady.tflite")  # happy 0.9, whatever it sees
SCRIPT = [sys.executable, str(ROOT / "recognition.py")]


def wait_for(condition, patience=60.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class Cluster:
    """A scheduler and workers that stand in `folder` and see the project at `project`."""

    def __init__(self, stack, folder, project=ROOT):
        self._stack, self._folder, self._project = stack, folder, project
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.scheduler = self._process("scheduler", "--host", "127.0.0.1", "--port", str(port))
        self.workers = []

    def worker(self, *, project=None, threads=1):
        """Another worker, once it is registered."""
        options = [self.address, "--nthreads", str(threads), "--no-nanny"]
        name = f"worker{len(self.workers)}"
        options += ["--name", name, "--local-directory", str(self._folder)]
        log = self._folder / "scheduler.log"
        self.workers.append(self._process("worker", *options, log=name, project=project))
        wait_for(lambda: f"name: {name}" in log.read_text())
        return self.workers[-1]

    def _process(self, kind, *options, log=None, project=None):
        environment = {**os.environ, "PYTHONPATH": str(project or self._project)}
        environment["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "1"
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard"]
        with (self._folder / f"{log or kind}.log").open("w") as file:
            process = subprocess.Popen(
                [*command, *options], env=environment, cwd=self._folder, stdout=file, stderr=file
            )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@contextlib.contextmanager
def cluster(folder, *, workers=2, project=ROOT):
    with contextlib.ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        made = Cluster(stack, folder, project)
        for _ in range(workers):
            made.worker()
        yield made


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A cluster of two workers that nobody harms."""
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


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
    with subprocess.Popen(
        SCRIPT,
        env=environment(**settings),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


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
    """Clips and pictures, the longest first, one broken, one without a face."""
    made = tmp_path_factory.mktemp("many")
    film(made / "1 long.mp4", [portrait] * 60)
    film(made / "2 clip.mp4", [portrait] * 8)
    cv2.imwrite(str(made / "3 face.png"), portrait)
    (made / "4 broken.png").write_text("no picture")
    cv2.imwrite(str(made / "5 none.png"), np.full((120, 160, 3), 90, np.uint8))
    film(made / "6 clip.mp4", [portrait] * 5)
    return made


@pytest.fixture(scope="module")
def slow(tmp_path_factory, portrait):
    """A picture, then clips that take seconds each."""
    made = tmp_path_factory.mktemp("slow")
    cv2.imwrite(str(made / "1.png"), portrait)
    noise = np.random.default_rng(0).integers(0, 255, (270, 480, 3), np.uint8)
    for number in (2, 3, 4):
        film(made / f"{number}.mp4", [noise] * 8, times=[10.0 * n for n in range(8)])
    return made


def everything(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_cluster_leaves_and_says_what_one_process_does(tmp_path, folder, two, kind):
    """The files are named from the run's folder, in which no worker stands."""
    done = {}
    for name, how in (("alone", {}), ("cluster", {"CLUSTER": two.address})):
        place = tmp_path / name
        shutil.copytree(folder, tmp_path / "in", dirs_exist_ok=True)
        place.mkdir()
        done[name] = recognise(
            cwd=place,
            DEVICE_ID="../in",
            RESULTS=f"rows.{kind}",
            OUTPUT="copies",
            CROPS="crops",
            TIMELINE=1,
            **how,
        )
        assert done[name].returncode == 0, done[name].stderr
    assert everything(tmp_path / "alone") == everything(tmp_path / "cluster")
    assert talk(done["alone"]) == talk(done["cluster"])
    assert "5 of 6 files read" in talk(done["cluster"])


def sources(rows):
    with rows.open(newline="") as file:
        return [Path(row["source"]).name for row in csv.DictReader(file)]


def test_the_file_of_a_killed_worker_is_done_again_nothing_twice_nothing_lost(tmp_path, slow):
    rows, copies = tmp_path / "rows.csv", tmp_path / "copies"
    with cluster(tmp_path / "cluster") as made:
        settings = {"DEVICE_ID": slow, "RESULTS": rows, "OUTPUT": copies}
        with started(**settings, CLUSTER=made.address) as running:
            wait_for(lambda: len(list(copies.glob("*.part.mp4"))) == 2)  # mid-file
            made.workers[0].send_signal(signal.SIGKILL)
            _, error = running.communicate(timeout=120)
    assert running.returncode == 0, error
    assert sources(rows) == ["1.png"] + ["2.mp4"] * 8 + ["3.mp4"] * 8 + ["4.mp4"] * 8
    assert {path.name for path in copies.iterdir()} == {"1.png", "2.mp4", "3.mp4", "4.mp4"}
    assert error.splitlines()[-1] == "4 of 4 files read"


def lose(made, copy):
    """Kill the only worker in the middle of a file, and start another."""
    made.workers[-1].kill()
    made.workers[-1].wait()
    copy.unlink(missing_ok=True)
    made.worker()


def test_a_file_that_every_worker_is_lost_with_is_named_and_the_rest_is_done(tmp_path, slow):
    """The others wait at the same worker each time, and the scheduler counts that against them."""
    rows, copies = tmp_path / "rows.csv", tmp_path / "copies"
    with cluster(tmp_path / "cluster", workers=1) as made:
        settings = {"DEVICE_ID": slow, "RESULTS": rows, "OUTPUT": copies}
        with started(**settings, CLUSTER=made.address) as running:
            begun = copies / "2.part.mp4"
            while running.poll() is None:
                wait_for(lambda: begun.exists() or running.poll() is not None)
                if begun.exists():
                    lose(made, begun)
            _, error = running.communicate(timeout=120)
    assert len(made.workers) == 1 + 2 + 2  # two that the scheduler allows, and two for it alone
    assert running.returncode == 0, error
    assert sources(rows) == ["1.png"] + ["3.mp4"] * 8 + ["4.mp4"] * 8
    assert error.splitlines()[-2:] == [
        f"error: {slow / '2.mp4'} was given up: every worker that began it was lost, perhaps for "
        "want of memory",
        "3 of 4 files read",
    ]


def test_files_that_were_at_lost_workers_by_chance_are_all_done(tmp_path, slow):
    rows, copies = tmp_path / "rows.csv", tmp_path / "copies"
    with cluster(tmp_path / "cluster", workers=1) as made:
        settings = {"DEVICE_ID": slow, "RESULTS": rows, "OUTPUT": copies}
        with started(**settings, CLUSTER=made.address) as running:
            for _ in range(2):
                wait_for((copies / "2.part.mp4").exists)
                lose(made, copies / "2.part.mp4")
            _, error = running.communicate(timeout=120)
    assert running.returncode == 0, error
    assert sources(rows) == ["1.png"] + ["2.mp4"] * 8 + ["3.mp4"] * 8 + ["4.mp4"] * 8
    assert error.splitlines()[-1] == "4 of 4 files read"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_the_workers_files_but_not_the_workers(
    tmp_path, slow, two, number
):
    rows, copies = tmp_path / "rows.csv", tmp_path / "copies"
    settings = {"DEVICE_ID": slow, "RESULTS": rows, "OUTPUT": copies, "CLUSTER": two.address}
    with started(**settings) as running:
        wait_for(lambda: rows.exists() and list(copies.glob("*.part.mp4")))
        running.send_signal(number)
        _, error = running.communicate(timeout=60)
    assert running.returncode == 130 and "Traceback" not in error
    name = {signal.SIGINT: "Ctrl-C"}.get(number, number.name)
    assert error.splitlines()[-1] == f"stopped by {name}"
    wait_for(lambda: not list(copies.glob("*.part*")))
    assert sources(rows) == ["1.png"]
    assert min(len(times_of(path)[0]) for path in copies.glob("*.mp4")) < 8  # not to their ends
    assert not [path for path in copies.iterdir() if path.name.startswith(".")]
    done = recognise(DEVICE_ID=slow / "1.p*", CLUSTER=two.address)
    assert done.returncode == 0 and done.stdout.count("\n") == 1


def test_workers_leave_the_files_of_a_killed_run(tmp_path, slow, two):
    copies = tmp_path / "copies"
    with started(DEVICE_ID=slow, OUTPUT=copies, CLUSTER=two.address) as running:
        wait_for(lambda: list(copies.glob("*.part.mp4")))
        running.kill()
        wait_for(lambda: not list(copies.glob("*.part*")))
    assert min(len(times_of(path)[0]) for path in copies.glob("*.mp4")) < 8  # not to their ends


def test_a_scheduler_that_goes_away_is_one_line_and_the_rows_can_be_gone_on_with(tmp_path, slow):
    rows = tmp_path / "rows.csv"
    with (
        cluster(tmp_path / "cluster") as made,
        started(DEVICE_ID=slow, RESULTS=rows, CLUSTER=made.address) as running,
    ):
        wait_for(rows.exists)
        made.scheduler.kill()
        _, error = running.communicate(timeout=120)
    assert running.returncode == 1 and "Traceback" not in error
    assert error.splitlines()[-1] == (
        f"error: CLUSTER='{made.address}' was lost; start it again, and with RESUME=1 the same "
        "command goes on"
    )
    done = recognise(DEVICE_ID=slow, RESULTS=rows, RESUME=1)
    assert done.returncode == 0
    assert sources(rows) == ["1.png"] + ["2.mp4"] * 8 + ["3.mp4"] * 8 + ["4.mp4"] * 8


def test_an_address_at_which_nothing_answers_is_one_line(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        done = recognise(DEVICE_ID=folder, CLUSTER=address)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"error: CLUSTER='{address}' does not answer: start `dask scheduler` there and `dask "
        f"worker {address}` where the work is to be done"
    )


def test_an_address_at_which_something_else_answers_is_one_line(tmp_path, folder):
    with socket.socket() as mute:  # takes a call and says nothing, as a web server does
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        done = recognise(DEVICE_ID=folder, CLUSTER=address)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: CLUSTER='{address}' does not answer")


def test_a_scheduler_that_goes_away_before_there_is_a_worker_is_one_line(tmp_path, folder):
    with (
        cluster(tmp_path, workers=0) as made,
        started(DEVICE_ID=folder, CLUSTER=made.address) as running,
    ):
        assert any("has no worker yet" in line for line in running.stderr)
        made.scheduler.kill()
        _, error = running.communicate(timeout=60)
    assert running.returncode == 1
    assert error == (
        f"error: CLUSTER='{made.address}' was lost; start it again, and with RESUME=1 the same "
        "command goes on\n"
    )


def test_a_worker_of_several_threads_does_a_file_at_a_time_and_that_is_said(tmp_path, folder):
    with cluster(tmp_path, workers=0) as made:
        made.worker(threads=3)
        done = recognise(DEVICE_ID=folder, CLUSTER=made.address)
    assert done.returncode == 0 and done.stdout.count("\n") == 75, done.stderr
    assert talk(done)[0] == (
        f"CLUSTER='{made.address}' has a worker of 3 threads, which does one file at a time: start "
        "it with --nworkers 3 --nthreads 1"
    )


def test_a_cluster_without_workers_is_waited_for(tmp_path, folder):
    with (
        cluster(tmp_path, workers=0) as made,
        started(DEVICE_ID=folder, CLUSTER=made.address) as running,
    ):
        for line in running.stderr:
            if line.startswith("CLUSTER="):
                break
        assert line == f"CLUSTER='{made.address}' has no worker yet: waiting for one\n"
        made.worker()
        rows, error = running.communicate(timeout=60)
    assert running.returncode == 0 and rows.count("\n") == 75, error


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A folder, and what to put before a command that alone sees the disk mounted there."""
    place = tmp_path_factory.mktemp("disk")
    mounting = f"mount -t tmpfs none '{place}' && cp '{MODEL}' '{place}' && exec \"$@\""
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", mounting, "sh"]
    done = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this system gives no file system of one's own")
    return place, prefix


@pytest.mark.parametrize(
    ("setting", "name", "unseen"),
    [
        ("DEVICE_ID", "*", "does not see {disk}/1.png: the workers read files themselves"),
        ("MODEL_PATH", MODEL.name, "does not see {disk}/steady.tflite: the workers read files"),
        ("OUTPUT", "", "does not see the folder {disk}: the workers write OUTPUT and CROPS"),
        ("CROPS", "", "does not see the folder {disk}: the workers write OUTPUT and CROPS"),
    ],
)
def test_what_a_worker_does_not_see_is_one_line(folder, two, disk, setting, name, unseen):
    """The workers have an empty folder where the run has its disk."""
    place, prefix = disk
    copying = ["sh", "-c", f"cp '{folder}/3 face.png' '{place}/1.png' && exec \"$@\"", "sh"]
    given = {"DEVICE_ID": folder, setting: place / name, "CLUSTER": two.address}
    done = subprocess.run(
        [*prefix, *copying, *SCRIPT],
        env=environment(**given),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    last = f"error: {socket.gethostname()} {unseen.format(disk=place)}"
    assert done.stderr.splitlines()[-1].startswith(last)
    assert not list(place.iterdir())


def other_project(folder, version):
    """The project in another version."""
    shutil.copytree(ROOT / "emotion", folder / "emotion")
    front = folder / "emotion" / "__init__.py"
    front.write_text(front.read_text() + f'\n__version__ = "{version}"\n')
    return folder


def test_a_worker_with_another_version_is_one_line(tmp_path, folder):
    with cluster(tmp_path / "cluster", workers=0) as made:
        made.worker(project=other_project(tmp_path / "old", "0.9.0"))
        done = recognise(DEVICE_ID=folder, CLUSTER=made.address)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert (
        f"error: {socket.gethostname()} has version 0.9.0 of this project, and the run "
        in (done.stderr.splitlines()[-1])
    )


@pytest.mark.parametrize("who", ["scheduler", "worker"])
def test_who_lacks_the_project_is_one_line(tmp_path, folder, who):
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    project = nothing if who == "scheduler" else ROOT
    with cluster(tmp_path / "cluster", workers=0, project=project) as made:
        made.worker(project=nothing if who == "worker" else ROOT)
        done = recognise(DEVICE_ID=folder, CLUSTER=made.address)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"error: CLUSTER='{made.address}' has not what this run has: install the same version of "
        "this project, with its extra `cluster`, for the scheduler and for every worker"
    )


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"CLUSTER": "scheduler"}, "CLUSTER='scheduler' is not like tcp://scheduler:8786"),
        ({"CLUSTER": "ws://a:1"}, "CLUSTER='ws://a:1' is not like tcp://scheduler:8786"),
        (
            {"CLUSTER": "tcp://a:1", "WORKERS": 2},
            "WORKERS='2' is for this machine: a CLUSTER has workers of its own",
        ),
    ],
    ids=["no address", "not tcp", "workers"],
)
def test_what_makes_no_sense_is_refused(settings, complaint):
    done = recognise(DEVICE_ID="samples", **settings)
    assert done.returncode == 2 and done.stderr.splitlines() == [complaint]
