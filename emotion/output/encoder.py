"""Pictures and sound -> a clip's bytes. FFmpeg writes them, through PyAV."""

import contextlib
import math
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emotion.quiet import silence

with silence():  # on macOS, that OpenCV brings an FFmpeg as well
    import av
    from av.video.reformatter import VideoReformatter

if TYPE_CHECKING:
    from emotion.sources.clip import Sound

ERRORS = (OSError, ValueError, av.FFmpegError)
"""What FFmpeg's failures are; not all of its own are one of the first two."""

_TICK = Fraction(1, 120_000)  # seconds; a whole number of them at 24, 25, 30, 50, 60 a second, and
# at the 1001st parts of television
_ROUNDING = 0.001  # seconds; Matroska's times of a steady clip are so much beside it
_BT601_LIMITED = {"colorspace": 5, "color_range": 1}  # what is written, and said to be


@dataclass(frozen=True)
class _Format:
    """How a kind of clip is coded; `kept` is the sound it takes as it is."""

    name: str
    codec: str
    options: dict[str, str]
    container: dict[str, str]
    sound: str
    kept: tuple[str, ...]


# Quick rather than small: on a slow core a 640x480 frame costs H.264 8 ms and VP8 11.
_H264 = ("H.264", "libx264", {"preset": "superfast", "crf": "22", "bf": "0"})
_VP8 = (
    "VP8",
    "libvpx",
    {"deadline": "realtime", "cpu-used": "8", "crf": "12", "b": "6M", "auto-alt-ref": "0"},
)
_MPEG4 = ("MPEG-4 part 2", "mpeg4", {"flags": "+qscale", "global_quality": str(3 * 118)})
# In pieces of a second, so that what a killed run leaves can be played.
_PIECES = {"movflags": "+frag_keyframe+delay_moov+default_base_moof", "frag_duration": "1000000"}
_AT_ONCE = {"flush_packets": "1"}
_CLUSTERS = {"cluster_time_limit": "1000", "cluster_size_limit": "65536"}
_INDEX_FIRST = {"movflags": "+faststart"}
_MP4 = _Format(*_H264, _PIECES, "aac", ("aac", "mp3"))  # what browsers and phones play in it
_ANY = ("aac", "mp3", "mp2", "ac3", "eac3", "dts", "alac", "flac", "opus", "vorbis", "pcm_s16le")
_FORMATS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": _Format(*_H264, _PIECES, "aac", ("aac", "mp3", "ac3", "alac", "pcm_s16le")),
    ".mkv": _Format(*_H264, _CLUSTERS, "aac", _ANY),
    ".webm": _Format(*_VP8, _CLUSTERS, "libopus", ("opus", "vorbis")),
    ".avi": _Format(*_MPEG4, {}, "libmp3lame", ("mp3", "ac3", "pcm_s16le")),
}


class Encoder:
    """A clip in the format of its suffix, of pictures of one even size (width, height).

    Times are kept as they are given; `.avi`, which has none, keeps them on a grid of `rate` a
    second. `sound` is the source's, copied where the format takes it, else coded anew. Every method
    raises one of `ERRORS` when the file cannot be written.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], *, rate: float, sound: "Sound | None" = None
    ) -> None:
        form = _FORMATS[path.suffix.lower()]
        self.codec, self._path, self._rate = form.name, path, float(_fraction(rate))
        self._options = form.container | _AT_ONCE
        self._tick = Fraction(1) / _fraction(rate) if path.suffix.lower() == ".avi" else _TICK
        self._container = av.open(f"file:{path}", "w", format=_muxer(path), options=self._options)
        video: Any = self._container.add_stream(  # what it is depends on the codec
            form.codec, rate=_fraction(rate), options=form.options
        )
        (video.width, video.height), video.pix_fmt = size, "yuv420p"
        self._video, context = video, video.codec_context
        context.time_base = self._tick
        for name, value in _BT601_LIMITED.items():
            setattr(context, name, value)
        if form.codec == "libvpx":
            context.thread_count = 1  # two cost ten times as much on two busy cores
        self._reformatter, self._last = VideoReformatter(), -1
        self._durations: deque[int] = deque()  # of frames that the coder still holds, in ticks
        self._track = _Track(self._container, sound, form) if sound else None
        self._container.start_encoding()  # now, or a place that cannot be written is found out late

    def write(self, picture: NDArray[np.uint8], time: float, lasts: float) -> None:
        """Add a picture, BGR uint8 (H, W, 3), for `lasts` seconds from `time`, or the next."""
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(picture, format="bgr24"),
            format="yuv420p",
            dst_colorspace=_BT601_LIMITED["colorspace"],
            threads=1,
        )
        time, lasts = self._steady(time), self._steady(lasts)
        self._last = max(self._last + 1, round(time / self._tick))
        frame.pts, frame.time_base = self._last, self._tick
        self._durations.append(max(1, round(lasts / self._tick)))
        self._mux(self._video.encode(frame))
        if self._track:
            self._track.pass_on()

    def close(self) -> None:
        """Write what is still held back, and the file's end."""
        self._mux(self._video.encode(None))
        if self._track:
            self._track.pass_on()
            self._track.finish()
        self._container.close()
        if "frag_duration" in self._options:
            _put_index_first(self._path)

    def abandon(self) -> None:
        """Let go of a file that could not be written."""
        with contextlib.suppress(*ERRORS):
            self._container.close()

    def _steady(self, seconds: float) -> float:
        """A multiple of the frame's own time where `seconds` are a rounding of one."""
        steady = round(seconds * self._rate) / self._rate
        return steady if abs(steady - seconds) < _ROUNDING else seconds

    def _mux(self, packets: "list[av.Packet]") -> None:
        """Write coded pictures, which come in their order, with how long each is shown."""
        for packet in packets:
            packet.duration = self._durations.popleft()
            self._container.mux(packet)


class _Track:
    """The sound in a clip being written."""

    def __init__(self, container: Any, sound: "Sound", form: _Format) -> None:
        self._container, self._sound = container, sound
        source = sound.stream
        self._copied = _kept(source.codec_context, form.kept)
        if self._copied:
            self._stream = container.add_stream_from_template(source)
            return
        rate = 48_000 if form.sound == "libopus" else min(48_000, source.rate)
        self._stream = container.add_stream(form.sound, rate=rate)
        self._stream.layout = "mono" if source.channels == 1 else "stereo"
        self._resampler: Any = None

    def pass_on(self) -> None:
        """Write what has come in of the source's sound."""
        sound = self._sound
        while sound.packets:
            packet = sound.packets.popleft()
            if packet.pts is None:
                continue
            time = float(packet.pts * packet.time_base) - sound.start
            if not 0 <= time + 1e-6 < sound.end + 1e-6:
                continue
            if self._copied:
                self._copy(packet)
            else:
                self._convert(packet)

    def finish(self) -> None:
        """Write what the coder still holds back."""
        if self._copied:
            return
        if self._resampler:
            for frame in self._resampler.resample(None):
                self._container.mux(self._stream.encode(frame))
        self._container.mux(self._stream.encode(None))

    def _copy(self, packet: Any) -> None:
        shift = round(self._sound.start / packet.time_base)
        packet.pts -= shift
        packet.dts = packet.pts
        packet.stream = self._stream
        self._container.mux(packet)

    def _convert(self, packet: Any) -> None:
        try:
            frames = packet.decode()
        except av.FFmpegError:  # a moment of silence
            return
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(self._sound.start / frame.time_base)
            if not self._resampler:
                context = self._stream.codec_context
                self._resampler = av.AudioResampler(
                    context.format, context.layout, context.sample_rate, context.frame_size or None
                )
            for piece in self._resampler.resample(frame):
                self._container.mux(self._stream.encode(piece))


def _kept(source: Any, kept: tuple[str, ...]) -> bool:
    """Whether sound can be copied; television's AAC lacks the header that files put in front."""
    name = source.name.removesuffix("float")
    return name in kept and not (name == "aac" and not source.extradata)


def _muxer(path: Path) -> str:
    """FFmpeg's name for a suffix; what is called .m4v it takes for a bare stream."""
    names = {".mkv": "matroska", ".m4v": "mp4"}
    suffix = path.suffix.lower()
    return names.get(suffix, suffix.removeprefix("."))


def _fraction(rate: float) -> Fraction:
    """Frames a second: 29.97 as 30000/1001."""
    whole = round(rate * 1.001)
    if math.isclose(rate, whole / 1.001, rel_tol=1e-5) and not math.isclose(rate, round(rate)):
        return Fraction(whole * 1000, 1001)
    return Fraction(rate).limit_denominator(1000)


def _put_index_first(path: Path) -> None:
    """Write a clip in pieces once more, as one with its index in front: it starts to play at once.

    Where there is no room for that, it stays as it is, and plays all the same.
    """
    whole = path.with_name(f"{path.stem}.whole{path.suffix}")
    try:
        with (
            av.open(f"file:{path}") as pieces,
            av.open(f"file:{whole}", "w", format=_muxer(path), options=_INDEX_FIRST) as clip,
        ):
            streams = {stream: clip.add_stream_from_template(stream) for stream in pieces.streams}
            for old, new in streams.items():
                new.time_base = old.time_base
            for packet in pieces.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream]
                    clip.mux(packet)
        whole.replace(path)
    except ERRORS:
        whole.unlink(missing_ok=True)
