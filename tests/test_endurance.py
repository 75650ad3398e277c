"""Hours of work in minutes: memory, open files and threads stay as they were."""

import gc
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from film import film
from stream import Stream

from emotion.errors import EmotionError
from emotion.output.keeper import Keeper
from emotion.output.rows import Rows
from emotion.recogniser import EmotionRecogniser
from emotion.sources import camera
from emotion.sources.camera import Camera
from emotion.sources.clip import Clip
from emotion.sources.frame import Frame
from emotion.sources.source import find
from emotion.view.address import Address
from emotion.view.server import View

ROOT = Path(__file__).parents[1]
SELF = Path("/proc/self")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SELF.is_dir(), reason="reads /proc, as Linux has it"),
]
MEGABYTE = 2**20


def held(process=SELF):
    """What the process holds: bytes of memory, open files, threads."""
    gc.collect()
    pages = int((process / "statm").read_text().split()[1])
    size = pages * os.sysconf("SC_PAGE_SIZE")
    return size, len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))


def test_100000_frames_leave_nothing_behind(tmp_path, people_clip):
    recogniser = EmotionRecogniser()
    with Clip(people_clip) as clip:
        images = [frame.image for frame in clip]
    with Rows(tmp_path / "rows.csv", recogniser.labels, reading=recogniser.reading) as rows:
        for number in range(100_000):
            # To and fro, so that people come and go; now and then the clock jumps by an hour.
            place = abs((number + len(images)) % (2 * len(images)) - len(images)) % len(images)
            seconds = number / 15 + 3600 * (number // 5_000)
            frame = Frame(images[place], number, "people.mp4", seconds)
            rows.write(frame, recogniser(frame.image, frame.time))
            if number == 10_000:
                before = held()
        after = held()
    assert after[0] - before[0] < 8 * MEGABYTE
    assert after[1:] == before[1:]
    with (tmp_path / "rows.csv").open() as file:
        assert sum(1 for _ in file) > 100_000


def test_a_stream_that_fails_100_times_is_there_again_100_times(monkeypatch):
    monkeypatch.setattr(camera, "_PAUSES", (0.02, 0.05))
    monkeypatch.setattr(camera, "SILENCE", 0.5)
    notes = []
    with (
        Stream() as stream,
        Camera("stream", camera.opened(find(stream.url)), notify=notes.append) as source,
    ):
        frames = iter(source)
        for number in range(100):
            wait_for_picture(frames)
            stream.mode = ("drop", "refuse", "stall")[number % 3]
            while not next(frames).status_message:
                pass
            stream.mode = "send"
            if number == 10:
                before = held()
        wait_for_picture(frames)
        after = held()
    assert after[0] - before[0] < 8 * MEGABYTE
    assert abs(after[1] - before[1]) <= 2 and abs(after[2] - before[2]) <= 2
    assert len(notes) >= 100


def wait_for_picture(frames):
    while next(frames).status_message:
        pass


def test_10000_connections_opened_and_dropped_leave_nothing_behind(tmp_path):
    """Some say nothing, half of what they want, or nonsense; others leave amid an answer."""
    picture = np.full((480, 640, 3), 90, np.uint8)
    row = {"source": "0", "reading": "people", "identity": 1}
    with View(Address("127.0.0.1", 0), Keeper(tmp_path)) as view:
        host = view.url.split("/")[2]
        place = host.split(":")[0], int(host.split(":")[1])
        asked = [f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n" for path in PATHS]
        asked += ["", asked[0][:20], "nonsense\r\n\r\n"]
        for number in range(10_000):
            view.latest.update(lambda: picture, lambda: [row], labels=())
            words = asked[number % len(asked)]
            with socket.create_connection(place, timeout=30) as connection:
                connection.sendall(words.encode())
                if words.endswith("\r\n\r\n") and number % 3:
                    assert connection.recv(4096)
            if number == 1_000:
                before = settled(view)
        after = settled(view)
        with socket.create_connection(place) as connection:
            connection.sendall(asked[0].encode())
            assert b"200 OK" in connection.recv(4096)
    assert after[0] - before[0] < 8 * MEGABYTE
    assert after[1:] == before[1:]


PATHS = ("/", "/live.mjpg", "/rows", "/state", "/faces")


def settled(view):
    """What is held once everybody is gone."""
    end = time.monotonic() + 60
    while view._server._connections and time.monotonic() < end:
        time.sleep(0.05)
    return held()


def test_100000_pictures_in_a_folder_are_100000_rows(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    grey = np.full((24, 24), 90, np.uint8)
    data = cv2.imencode(".png", grey)[1].tobytes()
    for number in range(100_000):
        (folder / f"{number}.png").write_bytes(data)
    rows = tmp_path / "rows.jsonl"
    bare = {name: value for name, value in os.environ.items() if name.isupper()}
    program = (
        "import resource, runpy, sys\n"
        "try:\n    runpy.run_path('recognition.py', run_name='__main__')\n"
        "finally:\n    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**bare, "DEVICE_ID": str(folder), "RESULTS": str(rows), "SHOW": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with rows.open() as file:
        names = [json.loads(line)["source"] for line in file]
    assert [Path(name).name for name in names] == [f"{number}.png" for number in range(100_000)]
    assert int(done.stdout.splitlines()[-1]) < 300_000  # kB


@pytest.mark.parametrize("workers", [1, 2])
def test_1000_clips_leave_nothing_behind(tmp_path, workers):
    """In every process: memory, open files, threads and the time of a file stay as they were."""
    folder, rows = tmp_path / "clips", tmp_path / "rows.jsonl"
    folder.mkdir()
    whole = cv2.imread(str(ROOT / "samples" / "astronaut.png"))
    portrait = cv2.resize(whole[20:260, 60:380], (160, 120), interpolation=cv2.INTER_AREA)
    clip = film(tmp_path / "clip.mp4", [portrait] * 10)
    for number in range(1000):
        shutil.copy(clip, folder / f"{number}.mp4")
    bare = {name: value for name, value in os.environ.items() if name.isupper()}
    settings = {"DEVICE_ID": folder, "RESULTS": rows, "SHOW": 0, "WORKERS": workers}
    seen = []
    with subprocess.Popen(
        [sys.executable, "recognition.py"],
        cwd=ROOT,
        env={**bare, **{name: str(value) for name, value in settings.items()}},
        stderr=subprocess.DEVNULL,
    ) as running:
        for files in (100, 300, 500, 700, 900):
            while not (rows.exists() and rows.read_bytes().count(b"\n") >= 10 * files):
                assert running.poll() is None
                time.sleep(0.05)
            seen.append((running_cpu(running.pid), family(running.pid)))
    assert running.returncode == 0
    with rows.open() as file:
        names = [Path(json.loads(line)["source"]).name for line in file]
    assert names == [f"{number}.mp4" for number in range(1000) for _ in range(10)]
    for before, after in zip(seen[0][1], seen[-1][1], strict=True):
        print(f"memory {before[0] / 1e6:.1f} -> {after[0] / 1e6:.1f} MB, handles {before[1:]}")
        assert after[0] - before[0] < 8 * MEGABYTE
        assert abs(after[1] - before[1]) <= 2 and abs(after[2] - before[2]) <= 2
    spent = [later[0] - earlier[0] for earlier, later in pairwise(seen)]
    print("ms of CPU a clip:", *(f"{1000 * seconds / 200:.1f}" for seconds in spent))


def running_cpu(number):
    """CPU seconds of a process and of its children that run."""
    ticks = 0
    for one in (number, *children(number)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def children(number):
    return [int(one) for one in Path(f"/proc/{number}/task/{number}/children").read_text().split()]


def family(number):
    """What a process and each of its children hold; see `held`."""
    return [held(Path(f"/proc/{one}")) for one in (number, *children(number))]


# Full disks


@pytest.fixture
def small_disk(tmp_path):
    """A function that mounts a file system of so many kB, or makes it so large."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = []

    def mount(kilobytes):
        options = f"size={kilobytes}k" + (",remount" if mounted else "")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip("mounting a small file system takes root")
        mounted.append(place)
        return place

    yield mount
    if mounted:
        subprocess.run(["umount", place], check=False)


@pytest.mark.parametrize("kilobytes", [40, 400, 800, 1200])
def test_training_on_a_full_disk_ends_in_one_line_and_goes_on(small_disk, drawn_folder, kilobytes):
    pytest.importorskip("tensorflow")
    run = small_disk(kilobytes) / "run"
    bare = {name: value for name, value in os.environ.items() if name.isupper()}
    settings = {"DATASET": drawn_folder, "MODEL_EXPORT_PATH": run, "EPOCHS": 6, "WIDTH": 8}
    start = {
        "cwd": ROOT,
        "env": {**bare, **{name: str(value) for name, value in settings.items()}},
        "capture_output": True,
        "text": True,
        "check": False,
    }
    done = subprocess.run([sys.executable, "train.py"], **start)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "no space left on device" in last and last.endswith("then give the same command again")
    assert not list(run.glob("*.part*"))
    small_disk(50_000)
    done = subprocess.run([sys.executable, "train.py"], **start)
    assert done.returncode == 0, done.stderr
    assert (run / "emotion.tflite").exists()


def test_rows_on_a_full_disk_are_whole(small_disk, people_clip):
    rows = small_disk(16) / "rows.jsonl"
    recogniser = EmotionRecogniser()
    with Clip(people_clip) as clip:
        frame = next(iter(clip))
    found = recogniser(frame.image, 0.0)
    with (
        pytest.raises(EmotionError, match="no space left on device"),
        Rows(rows, recogniser.labels, reading=recogniser.reading) as written,
    ):
        for _ in range(1_000):
            written.write(frame, found)
    text = rows.read_text()
    assert text.endswith("\n") and len(text) > 10_000
    for line in text.splitlines():
        json.loads(line)
