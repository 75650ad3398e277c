"""Pictures and clips read; no camera."""

import cv2
import numpy as np
import pytest

from emotion.errors import UnreadableError
from emotion.output.recording import Recording, save_picture
from emotion.sources.files import Clip, Picture


def grey(level, size=(64, 48)):
    return np.full((size[1], size[0], 3), level, np.uint8)


def write_clip(path, levels, *, rate=10.0, times=None):
    with Recording(path, rate=rate) as recording:
        for number, level in enumerate(levels):
            recording.write(grey(level), times[number] if times else number / rate)


def test_a_picture_is_one_frame_without_a_time(tmp_path):
    save_picture(tmp_path / "a.png", grey(7))
    with Picture(tmp_path / "a.png") as source:
        (frame,) = source
    assert (frame.index, frame.time, frame.wall) == (0, None, None)
    assert frame.source == str(tmp_path / "a.png")
    assert np.array_equal(frame.image, grey(7))


def test_a_clip_gives_every_frame_with_its_time(tmp_path):
    write_clip(tmp_path / "a.avi", range(0, 200, 10))
    with Clip(tmp_path / "a.avi") as clip:
        frames = list(clip)
    assert [frame.index for frame in frames] == list(range(20))
    assert [frame.time for frame in frames] == pytest.approx([n / 10 for n in range(20)], abs=1e-3)
    assert clip.rate == 10
    assert [frame.image.mean() for frame in frames] == pytest.approx(range(0, 200, 10), abs=4)


def test_a_variable_frame_rate_keeps_its_true_times(tmp_path):
    path = tmp_path / "variable.mkv"
    path.write_bytes(matroska([0, 40, 80, 500, 540, 1500]))
    with Clip(path) as clip:
        times = [frame.time for frame in clip]
    assert times == pytest.approx([0, 0.04, 0.08, 0.5, 0.54, 1.5])


class Reel:
    """A capture that says of its frames, a tenth of a second each, what it is told to say."""

    def __init__(self, stamps, *, promised):
        self.stamps, self.promised, self.read_so_far = stamps, promised, 0

    def isOpened(self):  # noqa: N802
        return True

    def read(self):
        self.read_so_far += 1
        left = self.read_so_far <= len(self.stamps)
        return left, grey(7) if left else None

    def get(self, prop):
        if prop == cv2.CAP_PROP_POS_MSEC:
            return 1000 * self.stamps[self.read_so_far - 1]
        return {cv2.CAP_PROP_FPS: 10, cv2.CAP_PROP_FRAME_COUNT: self.promised}[prop]

    def release(self):
        pass


def reeled(monkeypatch, stamps, *, promised):
    """The times of such a clip's frames, and what was said of it."""
    heard = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda _: Reel(stamps, promised=promised))
    with Clip("a.ts", notify=heard.append) as clip:
        return [frame.time for frame in clip], heard


@pytest.mark.parametrize(
    ("stamps", "times"),
    [
        ([0, 0, 0, 0], [0, 0.1, 0.2, 0.3]),
        ([0, 0.1, 0.1, 0.1, 0.4], [0, 0.1, 0.2, 0.3, 0.4]),
        ([0.5, 0.6, 0.2, 0.3, 1.0], [0.5, 0.6, 0.7, 0.8, 1.0]),
        ([0, 20, 20.1], [0, 20, 20.1]),
    ],
    ids=["none at all", "stuck", "going back", "a gap of 20 s"],
)
def test_times_go_on_where_stamps_are_stuck_and_are_kept_otherwise(monkeypatch, stamps, times):
    assert reeled(monkeypatch, stamps, promised=len(stamps))[0] == pytest.approx(times)


@pytest.mark.parametrize(
    ("there", "promised", "warned"),
    [(480, 600, True), (569, 600, True), (571, 600, False), (8, 10, False), (9, 21, True)],
    ids=["80 %", "just under 95 %", "just over 95 %", "a moment", "over a second"],
)
def test_a_clip_that_ends_early_is_told_of(monkeypatch, there, promised, warned):
    stamps = [number / 10 for number in range(there)]
    times, heard = reeled(monkeypatch, stamps, promised=promised)
    assert len(times) == there
    end = f"{stamps[-1]:.1f} of {promised / 10:.1f} s"
    warning = f"warning: a.ts ends after {end}: the file may be damaged"
    assert heard == ([warning] if warned else [])


@pytest.mark.parametrize(("told", "taken"), [(40, 25), (1, 30)])
def test_a_rate_no_camera_has_is_not_believed(tmp_path, told, taken):
    path = tmp_path / "told.mkv"
    path.write_bytes(matroska([0, 40, 80], lasts=told))
    with Clip(path) as clip:
        assert clip.rate == pytest.approx(taken)


def matroska(milliseconds, lasts=None):
    """A Matroska file of motion JPEG frames at these times; its header says how long each lasts."""

    def element(identity, body):
        return bytes.fromhex(identity) + (len(body) | 1 << 56).to_bytes(8, "big") + body

    def number(identity, value):
        return element(identity, value.to_bytes(4, "big"))

    header = element("4282", b"matroska") + number("4287", 4) + number("4285", 2)
    information = number("2AD7B1", 1_000_000)  # nanoseconds in a unit of time: milliseconds
    video = element("E0", number("B0", 64) + number("BA", 48))
    entry = number("D7", 1) + number("73C5", 1) + number("83", 1) + element("86", b"V_MJPEG")
    tracks = element("AE", entry + video + (number("23E383", lasts * 1_000_000) if lasts else b""))
    blocks = b""
    for place, time in enumerate(milliseconds):
        jpeg = cv2.imencode(".jpg", grey(place * 20))[1].tobytes()
        blocks += element("A3", b"\x81" + time.to_bytes(2, "big") + b"\x80" + jpeg)
    cluster = element("1F43B675", number("E7", 0) + blocks)
    segment = element("1549A966", information) + element("1654AE6B", tracks) + cluster
    return element("1A45DFA3", header) + element("18538067", segment)


@pytest.mark.parametrize("content", [b"", b"no clip at all" * 99], ids=["empty", "text"])
def test_a_file_that_is_no_clip_is_named_with_a_way_out(tmp_path, capfd, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=r"a\.mp4 cannot be opened as a clip: .*ffmpeg -i"):
        Clip(path)


def test_a_clip_at_an_address_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(UnreadableError, match=r"^http://127\.0\.0\.1:9/a\.mp4 cannot be opened"):
        Clip("http://me:secret@127.0.0.1:9/a.mp4")


def test_a_clip_that_was_cut_off_gives_what_it_has_and_a_warning(tmp_path):
    path, heard = tmp_path / "a.avi", []
    rng = np.random.default_rng(1)
    with Recording(path, rate=10) as recording:
        for number in range(60):
            recording.write(rng.integers(0, 255, (48, 64, 3), np.uint8), number / 10)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with Clip(path, notify=heard.append) as clip:
        count = len(list(clip))
    assert 10 < count < 50
    (warning,) = heard
    assert warning.startswith(f"warning: {path} ends after ")
    assert warning.endswith("of 6.0 s: the file may be damaged")


def test_a_whole_clip_brings_no_warning(tmp_path):
    heard = []
    write_clip(tmp_path / "a.avi", range(60))
    list(Clip(tmp_path / "a.avi", notify=heard.append))
    assert heard == []
