"""Pictures and clips written, whole or not at all."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from film import film, times_of

from emotion import pictures
from emotion.errors import EmotionError
from emotion.output.recording import PictureFile, Recording, fit, save_picture, writing_rate
from emotion.sources.clip import Clip

ROOT = Path(__file__).parents[2]
FULL = "(file too large): make room, then give the same command again"


def grey(level, size=(64, 48)):
    return np.full((size[1], size[0], 3), level, np.uint8)


def write_clip(path, levels, *, rate=10.0, times=None):
    with Recording(path, rate=rate) as recording:
        for number, level in enumerate(levels):
            recording.write(grey(level), times[number] if times else number / rate)


def levels_of(path):
    with Clip(path) as clip:
        return [round(float(frame.image.mean())) for frame in clip]


def test_a_picture_with_letters_beyond_ascii_in_its_name_is_read_and_written(tmp_path):
    path = tmp_path / "Grüße 😀.png"
    save_picture(path, grey(3))
    assert np.array_equal(pictures.read(path), grey(3))


def test_saving_a_picture_where_no_folder_is_fails_by_name(tmp_path):
    with pytest.raises(EmotionError, match=r"a\.png cannot be written .no such file"):
        save_picture(tmp_path / "none" / "a.png", grey(1))


def test_saving_a_picture_leaves_no_temporary_file(tmp_path):
    heard = []
    PictureFile(tmp_path / "a.jpg", notify=heard.append).write(grey(1))
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]
    assert heard == [f"wrote {tmp_path / 'a.jpg'}"]


def test_a_picture_that_a_format_cannot_hold_fails_by_name(tmp_path):
    with pytest.raises(EmotionError, match=r"a\.xyz cannot be written as \.xyz"):
        save_picture(tmp_path / "a.xyz", grey(1))


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"])
def test_every_promised_suffix_can_be_written_and_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_clip(path, [40, 80, 120, 160, 200])
    assert levels_of(path) == pytest.approx([40, 80, 120, 160, 200], abs=6)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_written_clip_is_announced_with_its_codec(tmp_path):
    heard = []
    with Recording(tmp_path / "a.webm", rate=25, notify=heard.append) as recording:
        for number in range(50):
            recording.write(grey(9), number / 25)
    assert heard == [f"wrote {tmp_path / 'a.webm'}: 2.0 s, 25 frames a second, VP8"]


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov"])
def test_what_browsers_play_is_h264_with_its_index_in_front(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_clip(path, range(40, 200, 5))
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat") and b"moof" not in data
    with av.open(str(path)) as clip:
        context = clip.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi"])
@pytest.mark.parametrize("rate", [10, 23.976, 29.97, 300])
def test_a_steady_rate_is_kept(tmp_path, suffix, rate):
    path = tmp_path / f"a{suffix}"
    write_clip(path, [90] * 30, rate=rate)
    times, _, _, length = times_of(path)
    assert times == pytest.approx([number / rate for number in range(30)], abs=0.0011)
    assert length == pytest.approx(30 / rate, abs=0.04)


def test_times_that_a_file_rounds_to_milliseconds_are_steady_in_the_copy(tmp_path):
    write_clip(tmp_path / "a.mp4", [90] * 30, rate=30, times=[round(n / 30, 3) for n in range(30)])
    times, *_ = times_of(tmp_path / "a.mp4")
    assert times == pytest.approx([number / 30 for number in range(30)], abs=1e-5)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_variable_rate_keeps_its_times_and_its_length(tmp_path, suffix):
    path, told = tmp_path / f"a{suffix}", [0, 0.04, 0.5, 0.52, 3.0]
    with Recording(path, rate=2) as recording:
        for level, time in zip((40, 80, 120, 160, 200), told, strict=True):
            recording.write(grey(level), time, 0.7)
    times, _, _, length = times_of(path)
    assert times == pytest.approx(told, abs=0.002)
    assert length == pytest.approx(3.7, abs=0.01)
    assert levels_of(path) == pytest.approx([40, 80, 120, 160, 200], abs=6)


def test_colours_are_kept_and_said_which_they_are(tmp_path):
    red = np.full((48, 64, 3), (30, 40, 200), np.uint8)
    with Recording(tmp_path / "a.mp4", rate=10) as recording:
        for number in range(3):
            recording.write(red, number / 10)
    with Clip(tmp_path / "a.mp4") as clip:
        assert all(abs(frame.image.astype(int) - red).max() < 8 for frame in clip)
    with av.open(str(tmp_path / "a.mp4")) as clip:
        context = clip.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (5, 1)


def test_an_odd_size_is_made_even_and_said(tmp_path):
    heard, picture = [], grey(40, size=(65, 47))
    picture[:, -1], picture[-1] = 200, 200
    with Recording(tmp_path / "a.mp4", rate=10, notify=heard.append) as recording:
        for number in range(3):
            recording.write(picture, number / 10)
    with Clip(tmp_path / "a.mp4") as clip:
        image = next(iter(clip)).image
    assert image.shape == (48, 66, 3) and image[20, 65].mean() > 150 < image[47, 20].mean()
    assert "66x48 (its kind needs even numbers)" in heard[0]


SOUNDS = [
    (".mp4", "aac", "aac"),
    (".mp4", "ac3", "aac"),
    (".mp4", "pcm_s16le", "aac"),
    (".mov", "pcm_s16le", "pcm_s16le"),
    (".mkv", "ac3", "ac3"),
    (".webm", "aac", "opus"),
    (".webm", "libopus", "opus"),
    (".avi", "aac", "mp3float"),
]


@pytest.mark.parametrize(("suffix", "source", "written"), SOUNDS)
def test_sound_is_kept_in_step_and_coded_anew_where_it_must_be(tmp_path, suffix, source, written):
    late = [0.5 + number / 10 for number in range(20)]
    film(tmp_path / "in.mkv", [grey(90)] * 20, times=late, sound=(source, 0, 3))
    copied(tmp_path / "in.mkv", tmp_path / f"out{suffix}")
    times, codec, sound, length = times_of(tmp_path / f"out{suffix}")
    assert codec == written
    assert times[-1] == pytest.approx(2.4, abs=0.11) and len(times) == 20
    assert sound[0] == pytest.approx(0, abs=0.05) and sound[-1] == pytest.approx(3, abs=0.1)
    assert length == pytest.approx(3, abs=0.1)


def test_televisions_sound_gets_into_an_mp4(tmp_path):
    film(tmp_path / "in.ts", [grey(90)] * 20, sound=("aac", 0, 2))  # without AAC's header
    copied(tmp_path / "in.ts", tmp_path / "out.mp4")
    _, codec, sound, _ = times_of(tmp_path / "out.mp4")
    assert codec == "aac" and sound[-1] == pytest.approx(2, abs=0.1)


def test_sound_ends_where_reading_ended_and_stays_in_step_with_fewer_pictures(tmp_path):
    film(tmp_path / "in.mp4", [grey(90)] * 40, sound=("aac", 0, 4))
    copied(tmp_path / "in.mp4", tmp_path / "out.mp4", duration=2.0, frame_rate=5)
    times, _, sound, length = times_of(tmp_path / "out.mp4")
    assert times == pytest.approx([number / 5 for number in range(10)], abs=0.001)
    assert sound[-1] == pytest.approx(2, abs=0.05) and length == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("codec", ["aac", "ac3"], ids=["copied", "coded anew"])
def test_sound_of_a_clip_that_begins_late_begins_with_it(tmp_path, codec):
    times = [30 + number / 10 for number in range(20)]
    film(tmp_path / "in.mkv", [grey(90)] * 20, times=times, sound=(codec, 30, 32))
    copied(tmp_path / "in.mkv", tmp_path / "out.mp4")
    _, _, sound, length = times_of(tmp_path / "out.mp4")
    assert sound[0] == pytest.approx(0, abs=0.05) and length == pytest.approx(2, abs=0.1)


def test_sound_that_lies_in_front_of_its_pictures_is_cut_as_well(tmp_path):
    film(tmp_path / "in.mp4", [grey(90)] * 20, sound=("aac", 0, 4))
    with (
        Clip(tmp_path / "in.mp4", sound=True) as clip,
        Recording(tmp_path / "out.mp4", rate=10, sound=clip.sound) as recording,
    ):
        clip.sound.end = 1.0
        for frame in clip:
            recording.write(frame.image, frame.time)
    assert times_of(tmp_path / "out.mp4")[2][-1] < 1.0


def copied(source, out, **options):
    with (
        Clip(source, sound=True, **options) as clip,
        Recording(out, rate=clip.rate, sound=clip.sound) as recording,
    ):
        for frame in clip:
            recording.write(frame.image, frame.time, frame.lasts)


def test_a_clip_that_cannot_be_written_fails_by_name(tmp_path):
    recording = Recording(tmp_path / "none" / "a.mp4", rate=10)
    with pytest.raises(EmotionError, match=r"a\.mp4 cannot be written .no such file"):
        recording.write(grey(1), 0)
    recording.close()


@pytest.mark.skipif(sys.platform == "win32", reason="knows no limit of a file's size")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi"])
@pytest.mark.parametrize("room", [2_000, 60_000], ids=["at once", "in the middle"])
def test_without_room_there_is_one_line_and_what_was_there_is_kept(tmp_path, suffix, room):
    """A limit to a file's size stands in for a full disk: both fail in the same call."""
    path = tmp_path / f"a{suffix}"
    path.write_text("the old one")
    code = f"""
import resource, sys
import numpy as np
from pathlib import Path
from emotion.errors import EmotionError
from emotion.output.recording import Recording
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, resource.RLIM_INFINITY))
noise = np.random.default_rng(1)
try:
    with Recording(Path({str(path)!r}), rate=10, notify=print) as recording:
        for number in range(60):
            recording.write(noise.integers(0, 255, (96, 128, 3), np.uint8), number / 10)
except EmotionError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{path} cannot be written {FULL}\n" and done.stderr == ""
    assert path.read_text() == "the old one"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi"])
def test_what_a_killed_program_was_writing_can_be_played(tmp_path, suffix):
    code = f"""
import os, signal
import numpy as np
from pathlib import Path
from emotion.output.recording import Recording
recording = Recording(Path({str(tmp_path / f"a{suffix}")!r}), rate=10)
for number in range(80):
    recording.write(np.full((48, 64, 3), number, np.uint8), number / 10)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode != 0
    assert [file.name for file in tmp_path.iterdir()] == [f"a.part{suffix}"]
    assert len(levels_of(tmp_path / f"a.part{suffix}")) > 30


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


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_frames_that_come_too_fast_are_written_all_the_same(tmp_path, suffix):
    write_clip(tmp_path / f"a{suffix}", [40, 80, 120], times=[0, 0.01, 0.02])
    assert levels_of(tmp_path / f"a{suffix}") == pytest.approx([40, 80, 120], abs=6)


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_live_source_is_written_at_its_own_times(tmp_path, suffix):
    told = [0, 0.3, 0.4, 1.1, 1.5]
    with Recording(tmp_path / f"a{suffix}", rate=30, live=True) as recording:
        for time in told:
            recording.write(grey(90), time)
    times, *_ = times_of(tmp_path / f"a{suffix}")
    assert times == pytest.approx(told, abs=0.02)


@pytest.mark.parametrize(
    ("pause", "end"), [(1.9, 2.1), (2.1, 0.3), (20, 0.3), (60, 0.3)], ids=lambda value: f"{value}"
)
def test_a_recording_of_a_live_source_cuts_a_pause_of_over_two_seconds_out(tmp_path, pause, end):
    with Recording(tmp_path / "a.mp4", rate=10, live=True) as recording:
        for time in (0, 0.1, 0.1 + pause, 0.2 + pause):
            recording.write(grey(100), time)
    assert times_of(tmp_path / "a.mp4")[0][-1] == pytest.approx(end, abs=0.001)


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_recording_of_a_file_keeps_a_gap_of_20_seconds(tmp_path, suffix):
    write_clip(tmp_path / f"a{suffix}", [40, 120], times=[0, 20])
    assert times_of(tmp_path / f"a{suffix}")[0][-1] == pytest.approx(20, abs=0.001)


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
        (1000, 1000),
        (90000, 30),
        (0, 30),
        (float("nan"), 30),
    ],
)
def test_a_usual_rate_is_kept_and_an_average_one_replaced(reported, written):
    assert writing_rate(reported) == written
