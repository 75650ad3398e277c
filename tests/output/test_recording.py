"""Pictures and clips written, whole or not at all."""

import cv2
import numpy as np
import pytest

from emotion import pictures
from emotion.errors import EmotionError
from emotion.output.recording import PictureFile, Recording, fit, save_picture, writing_rate
from emotion.sources.clip import Clip


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
    with pytest.raises(EmotionError, match=r"a\.png cannot be written: No such file"):
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


def test_falling_back_from_h264_is_said(tmp_path, monkeypatch):
    heard, real = [], cv2.VideoWriter

    class WithoutH264:
        fourcc = staticmethod(lambda *letters: "".join(letters))

        def __new__(cls, path, codec, *rest):
            path = "/nowhere/at/all.mp4" if codec == "avc1" else path
            return real(path, real.fourcc(*codec), *rest)

    monkeypatch.setattr(cv2, "VideoWriter", WithoutH264)
    with Recording(tmp_path / "a.mp4", rate=10, notify=heard.append) as recording:
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


@pytest.mark.parametrize(
    ("pause", "count"), [(1.9, 22), (2.1, 4), (20, 4), (60, 4)], ids=lambda value: f"{value}"
)
def test_a_recording_of_a_live_source_cuts_a_pause_of_over_two_seconds_out(tmp_path, pause, count):
    with Recording(tmp_path / "a.avi", rate=10, lossless=False) as recording:
        for time in (0, 0.1, 0.1 + pause, 0.2 + pause):
            recording.write(grey(100), time)
    assert len(levels_of(tmp_path / "a.avi")) == count


def test_a_recording_of_a_file_keeps_a_gap_of_20_seconds(tmp_path):
    write_clip(tmp_path / "a.avi", [40, 120], times=[0, 20])
    levels = levels_of(tmp_path / "a.avi")
    assert (len(levels), levels[0], levels[199], levels[200]) == pytest.approx(
        (201, 40, 120, 120), abs=6
    )


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
