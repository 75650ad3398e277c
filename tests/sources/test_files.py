"""Pictures and clips read and written; no camera."""

import cv2
import numpy as np
import pytest

from emotion.errors import EmotionError, UnreadableError
from emotion.sources.files import (
    Clip,
    Meter,
    Picture,
    PictureFile,
    Recording,
    fit,
    read_picture,
    save_picture,
    writing_rate,
)


def grey(level, size=(64, 48)):
    return np.full((size[1], size[0], 3), level, np.uint8)


def write_clip(path, levels, *, rate=10.0, times=None):
    with Recording(path, rate=rate) as recording:
        for number, level in enumerate(levels):
            recording.write(grey(level), times[number] if times else number / rate)


def levels_of(path):
    with Clip(path) as clip:
        return [round(float(frame.image.mean())) for frame in clip]


def with_orientation(jpeg, orientation):
    """The JPEG bytes with an EXIF block that holds nothing but the orientation."""
    tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01"
    tiff += bytes((0, orientation, 0, 0)) + b"\x00\x00\x00\x00"
    body = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


def test_a_picture_is_one_frame_without_a_time(tmp_path):
    save_picture(tmp_path / "a.png", grey(7))
    with Picture(tmp_path / "a.png") as source:
        (frame,) = source
    assert (frame.index, frame.time, frame.wall) == (0, None, None)
    assert frame.source == str(tmp_path / "a.png")
    assert np.array_equal(frame.image, grey(7))


@pytest.mark.parametrize("orientation", [6, 8], ids=["turned right", "turned left"])
def test_a_rotated_photograph_comes_upright(tmp_path, orientation):
    lying = grey(0)
    lying[:, : 64 // 2] = 255  # white on the left
    jpeg = cv2.imencode(".jpg", lying)[1].tobytes()
    path = tmp_path / "phone.jpg"
    path.write_bytes(with_orientation(jpeg, orientation))
    upright = read_picture(path)
    assert upright.shape == (64, 48, 3)
    white_above = upright[:20].mean() > 200
    assert white_above == (orientation == 6)


def test_a_grey_picture_comes_with_three_channels(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), grey(9)[:, :, 0])
    assert np.array_equal(read_picture(tmp_path / "grey.png"), grey(9))


def test_a_picture_with_letters_beyond_ascii_in_its_name_is_read_and_written(tmp_path):
    path = tmp_path / "Grüße 😀.png"
    save_picture(path, grey(3))
    assert np.array_equal(read_picture(path), grey(3))


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "cut off"]
)
def test_a_file_that_is_no_picture_is_named(tmp_path, capfd, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=r"a\.png cannot be read as a picture: it is empty"):
        read_picture(path)
    assert capfd.readouterr().err == ""


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(UnreadableError, match=r"a\.png cannot be read: No such file"):
        read_picture(tmp_path / "a.png")


def test_saving_a_picture_where_no_folder_is_fails_by_name(tmp_path):
    with pytest.raises(EmotionError, match=r"a\.png cannot be written: No such file"):
        save_picture(tmp_path / "none" / "a.png", grey(1))


def test_saving_a_picture_leaves_no_temporary_file(tmp_path):
    heard = []
    PictureFile(tmp_path / "a.jpg", say=heard.append).write(grey(1))
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]
    assert heard == [f"wrote {tmp_path / 'a.jpg'}"]


def test_a_picture_that_a_format_cannot_hold_fails_by_name(tmp_path):
    with pytest.raises(EmotionError, match=r"a\.xyz cannot be written as \.xyz"):
        save_picture(tmp_path / "a.xyz", grey(1))


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
    with Clip(path, say=heard.append) as clip:
        count = len(list(clip))
    assert 10 < count < 50
    (warning,) = heard
    assert warning.startswith(f"warning: {path} ends after ")
    assert warning.endswith("of 6.0 s: the file may be damaged")


def test_a_whole_clip_brings_no_warning(tmp_path):
    heard = []
    write_clip(tmp_path / "a.avi", range(60))
    list(Clip(tmp_path / "a.avi", say=heard.append))
    assert heard == []


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"])
def test_every_promised_suffix_can_be_written_and_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_clip(path, [40, 80, 120, 160, 200])
    assert levels_of(path) == pytest.approx([40, 80, 120, 160, 200], abs=6)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_written_clip_is_announced_with_its_codec(tmp_path):
    heard = []
    with Recording(tmp_path / "a.webm", rate=25, say=heard.append) as recording:
        for number in range(50):
            recording.write(grey(9), number / 25)
    assert heard == [f"wrote {tmp_path / 'a.webm'}: 2.0 s, 25 frames a second, VP8"]


def test_falling_back_from_h264_is_said(tmp_path, monkeypatch):
    heard, real = [], cv2.VideoWriter

    class WithoutH264:
        fourcc = staticmethod(lambda *letters: "".join(letters))

        def __new__(cls, path, codec, *rest):
            path = "/nowhere/at/all.mp4" if codec == "avc1" else path
            return real(path, real.fourcc(*codec), *rest)

    monkeypatch.setattr(cv2, "VideoWriter", WithoutH264)
    with Recording(tmp_path / "a.mp4", rate=10, say=heard.append) as recording:
        recording.write(grey(9), 0)
    assert heard[0].startswith("warning: this OpenCV cannot write H.264, so .mp4 clips are MPEG-4")
    assert "what ends in .webm plays in both" in heard[0]
    assert heard[1].endswith("MPEG-4 part 2")


def test_a_clip_that_cannot_be_written_fails_by_name(tmp_path):
    recording = Recording(tmp_path / "none" / "a.mp4", rate=10)
    with pytest.raises(EmotionError, match=r"a\.mp4 cannot be written: .*neither H\.264 nor"):
        recording.write(grey(1), 0)


def test_a_clip_that_cannot_take_its_name_is_kept_under_the_other(tmp_path):
    (tmp_path / "a.avi").mkdir()
    recording = Recording(tmp_path / "a.avi", rate=10)
    recording.write(grey(1), 0)
    with pytest.raises(
        EmotionError, match=r"cannot be replaced \(.*\): the new one is .*a\.part\.avi"
    ):
        recording.close()
    assert len(levels_of(tmp_path / "a.part.avi")) == 1


def test_nothing_is_left_of_a_recording_without_a_frame(tmp_path):
    with Recording(tmp_path / "a.mp4", rate=10):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_complete_when_the_program_is_interrupted(tmp_path):
    with pytest.raises(KeyboardInterrupt), Recording(tmp_path / "a.avi", rate=10) as recording:
        for number in range(5):
            recording.write(grey(50), number / 10)
        raise KeyboardInterrupt
    assert len(levels_of(tmp_path / "a.avi")) == 5


def test_a_recording_repeats_a_frame_until_the_next_is_due(tmp_path):
    write_clip(tmp_path / "a.avi", [40, 120, 200], times=[0, 0.3, 0.4])
    assert levels_of(tmp_path / "a.avi") == pytest.approx([40, 120, 120, 120, 200], abs=6)


def test_a_recording_of_a_file_writes_frames_that_come_too_fast_all_the_same(tmp_path):
    write_clip(tmp_path / "a.avi", [40, 80, 120], times=[0, 0.01, 0.02])
    assert levels_of(tmp_path / "a.avi") == pytest.approx([40, 80, 120], abs=6)


def test_a_recording_of_a_live_source_leaves_out_frames_that_come_too_fast(tmp_path):
    with Recording(tmp_path / "a.avi", rate=10, lossless=False) as recording:
        for number in range(19):  # until second 0.9
            recording.write(grey(number * 10), number / 20)
    assert len(levels_of(tmp_path / "a.avi")) == 10


def test_a_recording_of_a_live_source_cuts_a_pause_out(tmp_path):
    with Recording(tmp_path / "a.avi", rate=10, lossless=False) as recording:
        for time in (0, 0.1, 60.1, 60.2):
            recording.write(grey(100), time)
    assert len(levels_of(tmp_path / "a.avi")) == 4


def test_a_frame_of_another_size_is_fitted_in_and_not_dropped(tmp_path):
    with Recording(tmp_path / "a.avi", rate=10) as recording:
        recording.write(grey(200), 0)
        recording.write(grey(200, size=(200, 100)), 0.1)
    with Clip(tmp_path / "a.avi") as clip:
        images = [frame.image for frame in clip]
    assert [image.shape for image in images] == [(48, 64, 3)] * 2
    assert images[1][24].mean() > 190 and images[1][2].mean() < 20  # black above


def test_fitting_keeps_a_frame_of_the_right_size_as_it_is():
    picture = grey(5)
    assert fit(picture, (64, 48)) is picture


def test_fitting_centres_and_keeps_the_shape():
    fitted = fit(grey(255, size=(10, 20)), (40, 40))
    assert fitted.shape == (40, 40, 3)
    assert np.array_equal(np.flatnonzero(fitted[20, :, 0]), np.arange(10, 30))


@pytest.mark.parametrize(
    ("reported", "written"),
    [
        (30, 30),
        (25, 25),
        (30000 / 1001, 30000 / 1001),
        (12.5, 12.5),
        (0.5, 0.5),
        (15.116, 30),
        (29.87, 60),
        (1000, 30),
        (0, 30),
        (float("nan"), 30),
    ],
)
def test_a_usual_rate_is_kept_and_an_average_one_replaced(reported, written):
    assert writing_rate(reported) == written


def test_a_meter_counts_events_a_second(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("emotion.sources.files.monotonic", lambda: now[0])
    meter = Meter()
    assert meter.rate == 0
    for _ in range(40):
        now[0] += 0.04
        meter.tick()
    assert meter.rate == pytest.approx(25)
    now[0] += 2.1
    assert meter.rate == 0
