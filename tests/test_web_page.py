"""The page in headless Chromium, with a camera that shows a sample: what people see is Python's.

Skipped where Chromium, node or the page's packages are missing.
"""

import base64
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import av
import cv2
import numpy as np
import pytest

from emotion import EmotionRecogniser, pictures
from emotion.output.rows import Rows
from emotion.sources.clip import Clip
from emotion.sources.frame import Frame

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
PICTURES = [SAMPLES / name for name in ("astronaut.png", "two.jpg", "nobody.jpg")]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
MISSING = [
    what
    for what, there in (
        ("Chromium", CHROMIUM),
        ("node", shutil.which("node")),
        ("web/node_modules", (ROOT / "web/node_modules/puppeteer-core").is_dir()),
    )
    if not there
]
pytestmark = pytest.mark.skipif(
    bool(MISSING),
    reason=f"{' and '.join(MISSING)} is not here: apt-get install chromium nodejs npm, then "
    "in web: npm ci --ignore-scripts",
)


@contextmanager
def served():
    """`python -m emotion.web` on a free port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "emotion.web"],
        cwd=ROOT,
        env={**os.environ, "PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, process.stdout.readline().split()[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def elsewhere():
    """Another server's address, and the connections that it got."""
    got = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        over = threading.Event()

        def listen():
            while not over.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                got.append(connection)
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", got
        over.set()
        thread.join()


def her(size):
    """Her face as a camera would see it, BGR, width x height."""
    photograph = pictures.read(SAMPLES / "astronaut.png")
    return cv2.resize(photograph[:384], size, interpolation=cv2.INTER_AREA)


def write_camera(path):
    """Half a second of her, uncompressed, as Chromium's own camera."""
    frame = cv2.cvtColor(her((640, 480)), cv2.COLOR_BGR2YUV_I420).tobytes()
    header = b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n"
    path.write_bytes(header + (b"FRAME\n" + frame) * 15)


def write_clip(path):
    """Four seconds of her as WebM."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libvpx", rate=15)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.bit_rate = 800_000
        image = np.ascontiguousarray(her((320, 240)))
        for _ in range(60):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def clip_frames(people_clip):
    with Clip(people_clip) as clip:
        return [(frame.time, frame.image) for frame in clip]


@pytest.fixture(scope="module")
def done(tmp_path_factory, clip_frames):
    """What came of a visit to the page on which everything was done once."""
    folder = tmp_path_factory.mktemp("page")
    write_camera(folder / "camera.y4m")
    write_clip(folder / "her.webm")
    frames = [(time, base64.b64encode(png(image)).decode()) for time, image in clip_frames]
    (folder / "frames.json").write_text(json.dumps(frames))
    with served() as (server, address), elsewhere() as (away, got):
        asked = {
            "chromium": CHROMIUM,
            "address": address,
            "profile": str(folder / "profile"),
            "camera": str(folder / "camera.y4m"),
            "pictures": [str(path) for path in PICTURES],
            "frames": str(folder / "frames.json"),
            "clip": str(folder / "her.webm"),
            "seconds": 3,
            "elsewhere": away,
            "steps": ["pictures", "frames", "clip", "camera", "phone", "away", "offline"],
        }
        browser = subprocess.Popen(
            ["node", str(Path(__file__).with_name("browser.mjs")), json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        answer = browser.stdout.readline()
        if answer == "stop\n":
            server.kill()
            server.wait()
            browser.stdin.write("stopped\n")
            browser.stdin.flush()
            answer = browser.stdout.readline()
        browser.communicate(timeout=60)
        found = SimpleNamespace(**json.loads(answer), address=address, reached=got)
    assert "loading" not in found.failed, found.failed["loading"]
    return found


def png(image):
    return cv2.imencode(".png", image)[1].tobytes()


def table(text):
    return list(csv.DictReader(text.splitlines()))


def test_everything_can_be_done(done):
    assert done.failed == {}


def test_pictures_give_the_rows_that_python_gives(done, tmp_path):
    recogniser = EmotionRecogniser()
    with Rows(tmp_path / "rows.csv", recogniser.labels, reading="people") as own:
        for path in PICTURES:
            image = pictures.read(path)
            own.write(Frame(image=image, source=path.name, index=0), recogniser(image))
    assert done.rows == (tmp_path / "rows.csv").read_text("utf-8")
    assert [row["identity"] for row in table(done.rows)] == ["1", "1", "2", ""]


def test_every_frame_of_a_clip_gives_pythons_people_boxes_labels_and_probabilities(
    done, clip_frames
):
    recogniser = EmotionRecogniser()
    assert len(done.frames) == len(clip_frames) == 52
    for (time, image), answer in zip(clip_frames, done.frames, strict=True):
        expected = [
            {
                "identity": face.identity,
                "box": [int(number) for number in face.box],
                "emotion": face.emotion,
                "seen": face.seen,
                "probabilities": face.probabilities.tolist(),
                "raw": face.raw.tolist(),
            }
            for face in recogniser(image, time)
        ]
        found = [{name: face[name] for name in expected[0]} for face in answer["faces"]]
        assert found == expected, time
    assert {len(answer["faces"]) for answer in done.frames} == {1, 2}


def test_a_clip_plays_and_she_keeps_her_number(done):
    rows = [row for row in table(done.clipRows) if row["source"] == "her.webm"]
    assert "1 face" in done.clip and len(rows) > 5
    assert {(row["identity"], row["emotion"], row["wall_time"]) for row in rows} == {
        ("1", "happy", "")
    }


def test_a_camera_is_read_live_and_mirrored(done):
    rows = [row for row in table(done.cameraRows) if row["wall_time"]]
    assert done.mirrored == "true" and done.cards[0].startswith("1 happy")
    (own,) = EmotionRecogniser()(her((640, 480)))
    for axis, value in zip(("x", "y", "width", "height"), own.box, strict=True):
        median = np.median([float(row[axis]) for row in rows[1:]])
        assert abs(median - value) < 0.1 * own.box[2]
    assert {row["emotion"] for row in rows} == {"happy"}


def test_pause_holds_the_rows(done):
    before, after = done.pausedRows
    assert before == after != "0 rows"


def test_nothing_was_asked_of_anybody_but_the_server(done):
    assert len(done.requests) > 30
    own = urlsplit(done.address).netloc
    outside = [url for url in done.requests if urlsplit(url).scheme not in ("blob", "data")]
    tried = {urlsplit(url).netloc for url in outside} - {own}
    assert done.reached == []
    # The one who tries to get out on purpose, in the step "away", is stopped before the network.
    assert tried <= {urlsplit(done.elsewhere).netloc}


def test_a_page_that_wanted_to_send_something_could_not(done):
    ends = done.away["ends"]
    assert ends.pop("beacon")  # whatever it says, it is among the violations and nothing arrived
    assert set(ends.values()) == {"refused"}
    assert len(done.away["violations"]) == 5 and done.reached == []


def test_it_fits_a_phone_and_fingers(done):
    assert done.phone == {"wide": 360, "small": []}


def test_once_loaded_it_works_without_its_server(done):
    assert done.offline.startswith("astronaut.png: 1 face")


def test_the_console_has_nothing_to_complain_of_but_litert_s_own_talk(done):
    known = ("INFO:", "WARNING: [npu_registry", "Failed to create default WebGPU device")
    assert [line for line in done.complaints if not line.startswith(known)] == []
