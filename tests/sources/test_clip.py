"""Clips of every kind that people have, read as they are meant to be seen."""

import http.server
import subprocess
import sys
import threading
from fractions import Fraction
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from film import combed, disc, film, grey, interlaced, music

from emotion.errors import UnreadableError
from emotion.sources import clip as module
from emotion.sources.clip import Clip

LEVELS = range(40, 200, 16)  # of ten pictures


def steady(path, **options):
    return film(path, [grey(level) for level in LEVELS], **options)


def read(path, **options):
    """The frames of a clip, the clip, and what was said of it."""
    heard = []
    with Clip(path, notify=heard.append, **options) as clip:
        return list(clip), clip, heard


def times(frames):
    return [round(frame.time, 3) for frame in frames]


def levels(frames):
    return [float(frame.image.mean()) for frame in frames]


TENTHS = pytest.approx([number / 10 for number in range(10)], abs=0.002)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mkv", "libx265", "yuv420p10le"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.webm", "libvpx", "yuv420p"),
        ("a.mts", "libx264", "yuv420p"),
        ("a.flv", "flv1", "yuv420p"),
        ("a.3gp", "mpeg4", "yuv420p"),
        ("full.mp4", "libx264", "yuvj420p"),
        ("grey.mkv", "ffv1", "gray"),
        ("grey12.mkv", "ffv1", "gray12le"),
        ("rgb.mkv", "ffv1", "bgr0"),
    ],
    ids=lambda value: value if "." in value else "",
)
def test_every_kind_gives_its_frames_with_their_times(tmp_path, capfd, name, codec, pixels):
    suffix = {".mts": "mpegts"}.get(Path(name).suffix)
    tick = Fraction(1, 10) if name.endswith((".avi", ".3gp")) else Fraction(1, 1000)
    path = steady(tmp_path / name, codec=codec, pixels=pixels, muxer=suffix, tick=tick)
    capfd.readouterr()  # x265 talks while it writes
    frames, clip, heard = read(path)
    assert [frame.index for frame in frames] == list(range(10))
    assert times(frames) == TENTHS
    assert levels(frames) == pytest.approx(list(LEVELS), abs=5)
    assert frames[0].image.shape == (48, 64, 3) and frames[0].source == str(path)
    assert clip.rate == pytest.approx(10) and heard == []
    assert capfd.readouterr().err == ""


def test_a_frame_is_what_opencv_decodes(people_clip):
    frames, *_ = read(people_clip)
    capture = cv2.VideoCapture(str(people_clip))
    for frame in frames:
        assert np.array_equal(frame.image, capture.read()[1])


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [("a.mpg", "mpeg2video", {"b": "8M"}), ("a.mts", "libx264", {"tff": "1"})],
)
def test_interlaced_frames_are_made_whole(tmp_path, name, codec, options):
    places = range(16, 46, 3)
    fields = [combed(disc(x), disc(x + 6)) for x in places]
    path = film(
        tmp_path / name,
        fields,
        codec=codec,
        options={"field_order": "tt"} | options,
        rate=25,
        tick=Fraction(1, 25),
        tune=interlaced,
        muxer="mpegts" if name == "a.mts" else None,
    )
    frames, _, heard = read(path)
    assert len(frames) == 10 and heard == []
    assert times(frames) == pytest.approx([number / 25 for number in range(10)], abs=0.001)
    for frame, stored in list(zip(frames, fields, strict=True))[2:-1]:
        assert combs(frame.image) < combs(stored) / 3
        assert frame.image.max() > 200  # and there is something to see


def combs(image):
    """How much neighbouring rows differ more than every other one."""
    rows = image[:, :, 0].astype(int)
    return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean())


@pytest.mark.parametrize(
    ("turn", "shape", "white"),
    [(90, (64, 48), "below"), (180, (48, 64), "right"), (270, (64, 48), "above")],
)
def test_a_telephones_clip_is_turned_upright(tmp_path, turn, shape, white):
    lying = grey(30)
    lying[:, :32] = 220  # white on the left
    # The tag says by how much, against the clock, a player has to turn it.
    path = film(tmp_path / "a.mp4", [lying] * 3, tune=lambda s: s.set_display_rotation(turn))
    frames, *_ = read(path)
    image = frames[1].image
    assert image.shape == (*shape, 3)
    half = {"below": image[40:], "above": image[:20], "right": image[:, 40:]}[white]
    assert half.mean() > 190


@pytest.mark.parametrize(
    ("aspect", "shape"),
    [(Fraction(16, 11), (48, 93)), (Fraction(8, 9), (54, 64)), (Fraction(200, 201), (48, 64))],
)
def test_pixels_that_are_not_square_become_so(tmp_path, aspect, shape):
    def squeeze(stream):
        stream.codec_context.sample_aspect_ratio = aspect

    frames, *_ = read(film(tmp_path / "a.mkv", [grey(90)] * 2, tune=squeeze))
    assert frames[0].image.shape == (*shape, 3)


def test_a_clip_that_says_it_is_bt709_has_its_true_colours(tmp_path):
    def hd(stream):
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1

    red = np.full((48, 64, 3), (30, 40, 200), np.uint8)
    path = film(tmp_path / "a.mkv", [red] * 2, tune=hd, matrix="ITU709")
    (frame, _), *_ = read(path)
    assert abs(frame.image.astype(int) - red).max() < 8


def test_what_shines_through_is_mid_grey(tmp_path):
    picture = np.zeros((48, 64, 4), np.uint8)
    picture[:, 32:] = 255
    (frame, *_), *_ = read(film(tmp_path / "a.mov", [picture] * 2, codec="qtrle", pixels="argb"))
    assert (frame.image[:, :30] == 128).all() and (frame.image[:, 34:] == 255).all()


def test_a_size_that_changes_is_followed(tmp_path):
    small = steady(tmp_path / "a.ts").read_bytes()
    big = film(tmp_path / "b.ts", [grey(90, (128, 96))] * 5).read_bytes()
    (tmp_path / "both.ts").write_bytes(small + big)
    frames, *_ = read(tmp_path / "both.ts")
    assert [frame.image.shape[:2] for frame in frames] == [(48, 64)] * 10 + [(96, 128)] * 5
    assert all(one.time < other.time for one, other in pairwise(frames))


def test_a_variable_frame_rate_keeps_its_true_times(tmp_path):
    told = [0, 0.04, 0.08, 0.5, 0.54, 1.5]
    frames, *_ = read(film(tmp_path / "a.mkv", [grey(90)] * 6, times=told))
    assert times(frames) == pytest.approx(told)


@pytest.mark.parametrize("rate", [300, 1000])
def test_high_rates_are_believed(tmp_path, rate):
    path = film(tmp_path / "a.mp4", [grey(90)] * 40, rate=rate, tick=Fraction(1, rate))
    frames, clip, heard = read(path)
    assert clip.rate == rate and clip.length == pytest.approx(40 / rate, abs=0.002)
    assert frames[-1].time == pytest.approx(39 / rate, abs=0.001) and heard == []


def test_a_rate_no_camera_has_is_not_believed_against_the_times(tmp_path):
    def wrong(stream):
        stream.average_rate = None

    path = film(tmp_path / "a.mkv", [grey(90)] * 5, rate=1000, times=[n / 25 for n in range(5)])
    assert read(path)[1].rate == pytest.approx(25)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_clip_that_begins_late_begins_at_0_and_is_not_damaged(tmp_path, suffix):
    path = film(tmp_path / f"a{suffix}", [grey(90)] * 10, times=[30 + n / 10 for n in range(10)])
    frames, clip, heard = read(path)
    assert times(frames) == TENTHS and heard == []
    assert clip.length == pytest.approx(1, abs=0.15)


def test_pictures_that_begin_after_the_sound_have_the_players_times(tmp_path):
    late = [3 + n / 10 for n in range(10)]
    path = film(tmp_path / "a.mp4", [grey(90)] * 10, times=late, sound=("aac", 0, 4))
    frames, _, heard = read(path)
    assert times(frames) == pytest.approx(late, abs=0.03) and heard == []


def test_pictures_that_end_before_the_sound_are_not_damaged(tmp_path):
    path = film(tmp_path / "a.mkv", [grey(90)] * 10, sound=("aac", 0, 20))
    assert read(path)[2] == []


def test_times_that_stand_still_or_go_back_go_on(tmp_path, monkeypatch):
    told = iter([0.0, 0.1, 0.1, 0.05, 0.4, 0.5])
    path = film(tmp_path / "a.mkv", [grey(90)] * 6)
    decoded = Clip._decoded

    class Told:
        def __init__(self, frame):
            self.frame, self.time = frame, next(told)

        def __getattr__(self, name):
            return getattr(self.frame, name)

    monkeypatch.setattr(Clip, "_decoded", lambda self: map(Told, decoded(self)))
    monkeypatch.setattr(module, "Painter", lambda: lambda *_: grey(90))
    frames, *_ = read(path)
    assert times(frames) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize(
    ("name", "muxer"), [("a.webm", None), ("a.mkv", "matroska"), ("a.h264", None), ("a.apng", None)]
)
def test_a_clip_that_states_no_length_is_read_to_its_end(tmp_path, name, muxer):
    codec = {"a.webm": "libvpx", "a.apng": "apng"}.get(name, "libx264")
    pixels = "rgb24" if codec == "apng" else "yuv420p"
    live = {"live": "1"} if name in ("a.webm", "a.mkv") else {}
    path = steady(
        tmp_path / name,
        codec=codec,
        pixels=pixels,
        container=live,
        muxer=muxer,
        tick=Fraction(1, 10),
    )
    frames, clip, heard = read(path)
    assert clip.length is None and times(frames) == TENTHS
    assert heard == (
        [f"{path} states no times: read as 10 frames a second"] if name == "a.h264" else []
    )


def test_a_gif_keeps_how_long_each_picture_is_shown(tmp_path):
    path = film(
        tmp_path / "a.gif",
        [disc(20), disc(30), disc(40)],
        times=[0, 0.1, 0.5],
        codec="gif",
        pixels="rgb8",
        tick=Fraction(1, 100),
    )
    frames, *_ = read(path)
    assert times(frames) == [0, 0.1, 0.5]
    assert [frame.lasts for frame in frames][:2] == pytest.approx([0.1, 0.4])


def test_so_many_frames_a_second_are_looked_at(tmp_path):
    path = film(tmp_path / "a.mkv", [grey(90)] * 60, rate=30)
    frames, clip, heard = read(path, frame_rate=5)
    assert times(frames) == pytest.approx([n / 5 for n in range(10)], abs=0.001)
    assert [frame.index for frame in frames] == list(range(0, 60, 6))
    assert clip.rate == 5 and heard == []


def test_reading_stops_after_a_duration_with_its_sound(tmp_path):
    path = film(tmp_path / "a.mp4", [grey(90)] * 40, sound=("aac", 0, 4))
    frames, clip, heard = read(path, duration=1.0, sound=True)
    assert times(frames) == TENTHS and clip.length == 1 and heard == []
    heard_until = max(float(packet.pts * packet.time_base) for packet in clip.sound.packets)
    assert 0.95 < heard_until < 1.1 and clip.sound.end == 1.0


@pytest.mark.parametrize("kept", [0.3, 0.6])
def test_a_clip_that_was_cut_off_gives_what_is_whole_and_one_word(tmp_path, capfd, kept):
    noise = np.random.default_rng(1)
    pictures = [noise.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(60)]
    path = film(tmp_path / "a.mp4", pictures, container={"movflags": "faststart"})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    frames, _, heard = read(path)
    assert 60 * (kept - 0.15) < len(frames) < 60 * (kept + 0.1)
    (warning,) = heard
    assert warning.startswith(f"warning: {path} ends after ")
    assert "of 6.0 s" in warning and warning.endswith(": the file may be damaged")
    assert capfd.readouterr().err == ""


def test_a_damaged_middle_is_left_out_and_told_of(tmp_path, capfd):
    noise = np.random.default_rng(1)
    pictures = [noise.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(60)]
    path = film(tmp_path / "a.mkv", pictures, codec="ffv1", options={"slicecrc": "1", "g": "1"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40_000] = bytes(40_000)
    path.write_bytes(data)
    frames, _, heard = read(path)
    assert len(frames) > 40 and frames[-1].time > 5.5
    (warning,) = heard
    assert warning.startswith(f"warning: {path} ") and warning.endswith("may be damaged")
    assert capfd.readouterr().err == ""


def test_an_unfinished_mp4_is_told_from_one_that_is_none(tmp_path):
    path = steady(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UnreadableError, match=r"a\.mp4 cannot be opened .*: it is cut short"):
        Clip(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "it is empty"), (b"no clip at all" * 99, "it (is damaged, or in a|holds neither)")],
    ids=["empty", "text"],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.txt", "noname"])
def test_a_file_that_is_no_clip_is_named(tmp_path, capfd, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=rf"{name} cannot be opened as a clip: {reason}"):
        Clip(path)
    assert capfd.readouterr().err == ""


def test_a_folder_and_nothing_at_all_are_named(tmp_path):
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "none.mp4", "No such file")):
        with pytest.raises(UnreadableError, match=f"cannot be opened as a clip: {reason}"):
            Clip(path)


def test_an_encrypted_clip_is_said_to_be_one(tmp_path):
    scheme = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    noise = np.random.default_rng(1)
    pictures = [noise.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(8)]
    path = film(tmp_path / "a.mp4", pictures, container=scheme)
    with pytest.raises(UnreadableError, match=r"a\.mp4 is encrypted \(DRM\)"):
        Clip(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_sound_alone_is_said_to_be_that(tmp_path, name):
    with pytest.raises(UnreadableError, match=rf"{name} holds no moving picture: it is so"):
        Clip(music(tmp_path / name))


def test_the_cover_of_a_piece_of_music_is_no_clip(tmp_path):
    def cover(stream):
        stream.disposition = 1 << 10

    path = film(
        tmp_path / "a.mp4",
        [grey(90)],
        codec="mjpeg",
        pixels="yuvj420p",
        tune=cover,
        sound=("aac", 0, 1),
    )
    with pytest.raises(UnreadableError, match="it is sound alone"):
        Clip(path)


def test_names_that_look_like_addresses_are_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("12:30 film.mp4", "concat:a.mp4", "-x %03d.mp4"):
        steady(tmp_path / "a.mp4").rename(tmp_path / name)
        assert len(read(Path(name))[0]) == 10


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.skipif(sys.platform == "win32", reason="has no /dev/stdin")
@pytest.mark.parametrize("through", ["pipe", "file"])
def test_a_clip_comes_through_standard_input(tmp_path, name, through):
    path = steady(tmp_path / "a.mkv")
    code = f"from emotion.sources.clip import Clip; print(len(list(Clip({name!r}))))"
    command = [sys.executable, "-c", code]
    root = Path(__file__).parents[2]
    with path.open("rb") as file:
        given = {"input": file.read()} if through == "pipe" else {"stdin": file}
        done = subprocess.run(command, **given, cwd=root, capture_output=True, check=True)
    assert done.stdout == b"10\n"


def test_an_mp4_with_its_index_at_the_end_cannot_come_through_a_pipe(tmp_path):
    noise = np.random.default_rng(1)
    pictures = [noise.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(30)]
    path = film(tmp_path / "a.mp4", pictures)
    code = "from emotion.sources.clip import Clip; Clip('-')"
    command = [sys.executable, "-c", code]
    root, data = Path(__file__).parents[2], path.read_bytes()
    done = subprocess.run(command, input=data, cwd=root, capture_output=True, check=False)
    assert b"in a pipe, an .mp4 needs its index in front" in done.stderr


def test_a_clip_is_read_from_a_web_server_and_what_is_missing_named(tmp_path):
    steady(tmp_path / "a.mp4")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            assert len(read(f"{address}/a.mp4")[0]) == 10
            with pytest.raises(
                UnreadableError, match=r"b\.mp4 cannot be op.*: Server returned 404"
            ):
                Clip(f"{address}/b.mp4")
        finally:
            server.shutdown()


def test_a_clip_whose_server_goes_away_gives_what_came(tmp_path):
    noise = np.random.default_rng(1)
    pictures = [noise.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(60)]
    data = film(tmp_path / "a.mkv", pictures).read_bytes()

    class Failing(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            frames, _, heard = read(f"http://127.0.0.1:{server.server_port}/a.mkv")
        finally:
            server.shutdown()
    assert 20 < len(frames) < 40
    (warning,) = heard
    assert warning.endswith("the file may be damaged")


def test_what_breaks_off_gives_the_frames_that_the_decoder_still_holds(tmp_path, monkeypatch):
    class Breaking:
        def __init__(self, container):
            self.container = container

        def __getattr__(self, name):
            return getattr(self.container, name)

        def demux(self):
            yield from islice(self.container.demux(), 20)
            raise av.error.InvalidDataError(1, "Invalid data found")

    path = film(tmp_path / "a.mkv", [disc(10 + number) for number in range(40)])
    opened = module._opened
    monkeypatch.setattr(module, "_opened", lambda *given: Breaking(opened(*given)))
    frames, _, heard = read(path)
    assert len(frames) == 20
    assert "breaks off (Invalid data found): the file may be damaged" in heard[0]


def test_an_address_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(
        UnreadableError, match=r"^http://127\.0\.0\.1:9/a\.mp4 cannot be opened .*: Connection ref"
    ):
        Clip("http://me:secret@127.0.0.1:9/a.mp4")
