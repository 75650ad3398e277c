"""recognition.py with VIEW, as a user runs it and another machine's script listens."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from display import Person, display
from stream import Stream

from emotion import pictures
from emotion.output.recording import Recording

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "tests" / "steady.tflite"  # happy 0.9, whatever it sees
ANY_PORT = "127.0.0.1:0"


@pytest.fixture(scope="session")
def portrait():
    """A frame of 320x240 with one face."""
    return cv2.resize(pictures.read(ROOT / "samples" / "astronaut.png")[20:260, 60:380], (320, 240))


class Run:
    """recognition.py, running; `url` is its page's once it has been printed."""

    def __init__(self, cwd, **settings):
        own = {"SHOW": "0", "MODEL_PATH": str(MODEL), "VIEW": ANY_PORT}
        bare = {name: value for name, value in system().items() if name != "DISPLAY"}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "recognition.py")],
            env={**bare, **own, **{name: str(value) for name, value in settings.items()}},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._kill = threading.Timer(60, self.process.kill)
        self._kill.start()
        self.said = ""

    @property
    def url(self):
        while not (found := re.search(r"^to watch: (\S+)$", self.said, re.MULTILINE)):
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line
        return found[1]

    def get(self, path):
        return urllib.request.urlopen(self.url + path, timeout=30)

    def press(self, button):
        with self.get("") as page:
            token = re.search(rb'form-token" content="([^"]+)', page.read())[1].decode()
        request = urllib.request.Request(
            self.url + button, data=b"", headers={"X-Token": token}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode().strip()

    def end(self):
        """Wait for it; what was said in all on standard output and error."""
        self.process.wait()
        self.said += self.process.stderr.read()
        return self.process.stdout.read(), self.said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()
        self._kill.cancel()


def system():
    """The environment, without settings of whoever runs the tests."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "DISPLAY")
    return {name: os.environ[name] for name in names if name in os.environ}


def events(stream):
    """The rows that come as server-sent events."""
    for line in stream:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def test_a_live_run_is_watched_from_its_rows_to_its_end(tmp_path, portrait):
    rows = tmp_path / "rows.jsonl"
    with (
        Stream(picture=portrait, rate=20) as stream,
        Run(tmp_path, DEVICE_ID=stream.url, RESULTS=rows) as run,
    ):
        with run.get("rows") as listening:
            coming = events(listening)
            told = list(islice(coming, 5))
            run.process.send_signal(signal.SIGINT)
            told += list(coming)  # to the run's end, which ends the line
        output, said = run.end()
    assert run.process.returncode == 130 and said.splitlines()[-1] == "stopped by Ctrl-C"
    written = [json.loads(line) for line in rows.read_text().splitlines()]
    same = [row for row in written if row["frame"] >= told[0]["frame"]]
    assert told in (same, same[:-1])  # it may have been stopped between the two
    assert told[0]["emotion"] == "happy" and output == ""


def test_its_picture_is_annotated_and_its_faces_are_json(tmp_path, portrait):
    with (
        Stream(picture=portrait, rate=20) as stream,
        Run(tmp_path, DEVICE_ID=stream.url) as run,
    ):
        with run.get("live.mjpg") as live:
            data = b""
            while b"\xff\xd9\r\n--frame" not in data:
                data += live.read1(65536)
        with run.get("faces") as answer:
            (face,) = json.load(answer)
        output, _ = stopped(run)
    jpeg = data[data.index(b"\xff\xd8") : data.index(b"\xff\xd9\r\n--frame") + 2]
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == portrait.shape
    difference = np.abs(picture.astype(int) - portrait).max(axis=2) > 60
    assert 500 < difference.sum() < portrait.size / 6  # box, tag, bars; the rest is the frame
    assert face["emotion"] == "happy" and face["identity"] == 1
    assert output == ""  # whoever watches needs no rows on standard output


def test_buttons_leave_files_beside_output(tmp_path, portrait):
    (tmp_path / "kept").mkdir()
    out = tmp_path / "kept" / "all.mp4"
    with (
        Stream(picture=portrait, rate=20) as stream,
        Run(tmp_path, DEVICE_ID=stream.url, OUTPUT=out) as run,
    ):
        name = run.press("snapshot").removeprefix("wrote ")
        assert pictures.read(tmp_path / "kept" / name).shape == portrait.shape
        clip = run.press("record").removeprefix("recording ")
        before = stream.sent
        wait_for(lambda: stream.sent > before + 10)
        assert run.press("record") == f"wrote {clip}"
        assert (tmp_path / "kept" / clip).stat().st_size > 0
        stopped(run)
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == sorted(
        [name, clip, "all.mp4"]
    )


def test_a_clip_ends_and_so_does_its_page(tmp_path, portrait):
    clip, rows = tmp_path / "in.avi", tmp_path / "rows.csv"
    with Recording(clip, rate=10) as recording:
        for number in range(20):
            recording.write(portrait, number / 10)
    with Run(tmp_path, DEVICE_ID="-", OUTPUT=tmp_path / "out.mp4", RESULTS=rows) as run:
        with run.get("state") as state:  # before there is anything to see
            run.process.stdin.buffer.write(clip.read_bytes())
            run.process.stdin.close()
            states = list(events(state))
        _, said = run.end()
    assert run.process.returncode == 0 and states[-1]["ended"] == "all is done"
    assert f"wrote {tmp_path / 'out.mp4'}" in said and rows.read_text().count("\n") == 21


def test_a_lone_picture_is_refused_in_one_line(tmp_path):
    with Run(tmp_path, DEVICE_ID=ROOT / "samples" / "astronaut.png", VIEW=8000) as run:
        _, said = run.end()
    assert run.process.returncode == 2
    assert said == (
        "VIEW='8000' is for what goes on: a picture is done before a page opens; set OUTPUT\n"
    )


def test_a_port_in_use_is_one_line_before_anything_is_looked_at(tmp_path):
    with socket.socket() as taken, Stream() as stream:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Run(tmp_path, DEVICE_ID=stream.url, VIEW=port) as run:
            _, said = run.end()
        assert stream.sent == 0
    assert run.process.returncode == 2
    assert said.splitlines()[-1] == (
        f"VIEW: port {port} of 127.0.0.1 is in use: end what uses it, or give another"
    )
    assert "Traceback" not in said


def test_the_token_stands_in_one_line_and_nowhere_else(tmp_path, portrait):
    with (
        Stream(picture=portrait, rate=20) as stream,
        Run(tmp_path, DEVICE_ID=stream.url, VIEW="0.0.0.0:0") as run,
    ):
        token = run.url.split("/")[3]
        host, port = "127.0.0.1", address(run.url)[1]
        for given, code in ((token, 200), ("guess", 403)):
            with contextlib.closing(socket.create_connection((host, port))) as connection:
                connection.sendall(f"GET /{given}/faces HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                assert f" {code} ".encode() in connection.recv(100)
        output, said = stopped(run)
    assert len(token) >= 20 and (output + said).count(token) == 1


def test_a_window_and_a_page_show_the_same_run(tmp_path, portrait):
    with (
        display() as name,
        Stream(picture=portrait, rate=20) as stream,
        Run(tmp_path, DEVICE_ID=stream.url, SHOW=1, DISPLAY=name) as run,
    ):
        person = Person(name, "Emotion Recognition")
        person.window()
        with run.get("live.mjpg") as live:
            assert b"--frame" in live.read1(65536)
            person.press("q")
            while live.read1(65536):
                pass
        run.end()
    assert run.process.returncode == 0


def stopped(run):
    run.process.send_signal(signal.SIGINT)
    return run.end()


def address(url):
    host, _, port = url.split("/")[2].rpartition(":")
    return host, int(port)


def wait_for(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
