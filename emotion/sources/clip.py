"""Clips -> frames with their time, and their sound. FFmpeg reads them, through PyAV."""

import contextlib
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.errors import UnreadableError
from emotion.quiet import silence
from emotion.sources.frame import USUAL_RATE, Choice, Frame, Notify
from emotion.sources.source import public

with silence():  # on macOS, that OpenCV brings an FFmpeg as well
    import av

from emotion.sources.shown import Deinterlacer, Painter

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

_PATIENCE = 5.0  # seconds that a URL may take to open, and to send the next piece
_FASTEST = 1000.0  # frames a second; a rate beyond that is a mistake in the header
_CAMERAS = 240.0  # frames a second; beyond that, times decide
_RAW_RATE = 25.0  # frames a second of a stream without times and rate, as FFmpeg takes it, too
_TOGETHER = 0.25  # seconds; sound that begins so much sooner is how coders and television work
_INTERLEAVED = 10.0  # seconds by which sound may lie behind its pictures in a file
_STATE_LENGTH = ("mov", "matroska", "avi", "flv", "asf")  # the others' is an estimate
_NO_CLIPS = ("tty", "bin", "xbin", "adf", "idf")  # text, which FFmpeg would paint on a screen


@dataclass
class Sound:
    """The sound of a clip that is being read: `packets` as they come.

    What the stream calls `start`, seconds, is the clip's 0; nothing counts from second `end` on.
    """

    stream: "AudioStream"
    start: float = 0.0
    end: float = math.inf
    packets: "deque[av.Packet]" = field(default_factory=deque)


class Clip:
    """A source of the frames of a clip, as players show them, with the times that stand in it.

    Interlaced frames are made whole, turned ones upright, and pixels square. `frame_rate` leaves
    all but so many a second out, and nothing from `duration` seconds on is read. With `sound`, its
    packets are collected in `sound`, where there are any, for whoever writes the clip again.

    `rate` is the clip's frames a second, on average where it varies; `length` the seconds that it
    says it has, or None. `notify` is told when it ends long before that, or is damaged. Raises
    UnreadableError when it cannot be opened or not one frame can be decoded.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        frame_rate: float | None = None,
        duration: float | None = None,
        sound: bool = False,
        notify: Notify = lambda _: None,
    ) -> None:
        self.name, self._notify = public(str(path)), notify
        self._container = _opened(path, self.name)
        self._video = _pictures_of(self._container, self.name)
        self._choice, self._whole = Choice(frame_rate, duration), duration is None
        self._faults: list[str] = []
        self._lost, self._encrypted = 0, False
        self._origin = 0.0
        self._ends: dict[int, int] = {}  # of each stream, in its own time
        audio: Any = self._container.streams.best("audio") if sound else None
        self.sound = Sound(audio) if audio and audio.codec_context else None
        self._feed = self._packets()
        self.rate = self._stated_rate()
        self._step = 1 / self.rate  # seconds to the next frame, where its own time is no help
        self._frames = self._chosen()
        self._ahead = list(islice(self._frames, 2))  # so what cannot be decoded is said at once
        self._correct_rate(frame_rate)
        self.length = self._stated_length(duration)

    def __iter__(self) -> Iterator[Frame]:
        yield from chain(self._ahead, self._frames)
        self._ahead = []
        if self._is_short():
            end = f"{self._reached():.1f} of {self.length:.1f} s"
            self._faults.insert(0, f"ends after {end}")
        if self._lost:
            self._faults.append(f"has {self._lost} pieces that cannot be decoded")
        if self._faults:
            faults = " and ".join(self._faults)
            self._notify(f"warning: {self.name} {faults}: the file may be damaged")

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def _chosen(self) -> Iterator[Frame]:
        """The frames that are looked at; UnreadableError when none can be decoded."""
        paint, index, time = Painter(), -1, -math.inf
        aspect = float(self._video.sample_aspect_ratio or 1)
        for index, decoded in enumerate(self._decoded()):
            time = self._time(decoded, time)
            if self._choice.over(time):
                self._read_sound_until(time)
                return
            if not self._choice.takes(time):
                continue
            lasts = decoded.duration * float(decoded.time_base or 0)
            image = paint(decoded, aspect)
            yield Frame(image, index, self.name, time, lasts=lasts or None)
        if index < 0:
            raise UnreadableError(f"{self.name} {self._why_nothing()}")

    def _decoded(self) -> Iterator["av.VideoFrame"]:
        """Every frame, whole; what cannot be decoded is left out and counted."""
        whole, begun = Deinterlacer(), False
        for packet in self._feed:
            if packet.stream is not self._video:
                continue
            if packet.has_sidedata("encryption_info"):  # now and then it decodes, to noise
                self._encrypted = True
                self._lost += begun
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self._lost += begun  # before the first frame, it is a recording cut out of another
                continue
            for frame in frames:
                begun = True
                yield from whole(frame)
        yield from whole.rest()

    def _packets(self) -> Iterator["av.Packet"]:
        """Every packet of every stream, and what makes a decoder give its last frames."""
        try:
            for packet in self._container.demux():
                self._note(packet)
                yield packet
        except av.FFmpegError as error:
            self._faults.append(f"breaks off ({error.strerror})")
            last = av.Packet()
            last.stream = self._video
            yield last

    def _note(self, packet: "av.Packet") -> None:
        if packet.pts is not None:
            number, end = packet.stream_index, packet.pts + (packet.duration or 0)
            self._ends[number] = max(self._ends.get(number, end), end)
        if self.sound and packet.stream is self.sound.stream and packet.size:
            self.sound.packets.append(packet)

    def _read_sound_until(self, end: float) -> None:
        """Collect the sound up to `end`, seconds: in a file it may lie behind its pictures."""
        if not self.sound:
            return
        for packet in self._feed:
            time = float((packet.pts or 0) * (packet.time_base or 0)) - self._origin
            late = end + (0 if packet.stream is self.sound.stream else _INTERLEAVED)
            if packet.pts is not None and time >= late:
                break
        self.sound.end = end

    def _time(self, frame: "av.VideoFrame", last: float) -> float:
        """Seconds from the clip's start; always after the last one, whatever the file says."""
        seconds = frame.time
        if seconds is None and frame.dts is not None and frame.time_base:
            seconds = float(frame.dts * frame.time_base)
        if seconds is None:
            if last == -math.inf:
                self.rate = float(self._video.guessed_rate or _RAW_RATE)
                self._step = 1 / self.rate
                self._notify(f"{self.name} states no times: read as {self.rate:g} frames a second")
            return max(0.0, last + self._step)
        if last == -math.inf:
            self._begin(seconds)
        time = seconds - self._origin
        return time if time > last else last + self._step

    def _begin(self, first: float) -> None:
        """Settle what counts as the clip's start: its first frame, or sound well before that."""
        start = self._container.start_time
        earliest = first if start is None else start / av.time_base
        self._origin = earliest if first - earliest > _TOGETHER else first
        if self.sound:
            self.sound.start = self._origin

    def _stated_rate(self) -> float:
        stated = self._video.average_rate or self._video.guessed_rate
        return float(stated) if stated and 0 < stated <= _FASTEST else USUAL_RATE

    def _correct_rate(self, frame_rate: float | None) -> None:
        """Believe the times where the stated rate is one that no camera has."""
        if frame_rate:
            self.rate = min(self.rate, frame_rate)
        elif len(self._ahead) == 2 and self.rate > _CAMERAS:
            step = (self._ahead[1].time or 0.0) - (self._ahead[0].time or 0.0)
            self.rate = 1 / step if step * self.rate > 3 else self.rate

    def _stated_length(self, duration: float | None) -> float | None:
        """Seconds, as far as they are looked at."""
        if not (stated := self._container.duration):
            return None
        length = stated / av.time_base
        if self._container.format.name.startswith("matroska"):
            length -= max(0.0, self._origin)  # there it is the time of the end
        return length if duration is None else min(length, duration)

    def _reached(self) -> float:
        """Seconds to the end of what was read, pictures or sound."""
        streams = self._container.streams
        ends = (end * float(streams[number].time_base or 0) for number, end in self._ends.items())
        return max(ends, default=0.0) - self._origin

    def _is_short(self) -> bool:
        if not self._whole or not self.length:
            return False
        if not self._container.format.name.startswith(_STATE_LENGTH):
            return False
        return self.length - self._reached() > max(1.0, self.length / 20)

    def _why_nothing(self) -> str:
        if self._encrypted:
            return "is encrypted (DRM): only the program that it was made for can show it"
        if self.name in ("-", "/dev/stdin"):
            return "holds no frame that can be decoded: in a pipe, an .mp4 needs its index in front"
        return "holds no frame that can be decoded: it is damaged or cut short"


def _opened(path: Path | str, name: str) -> "av.container.InputContainer":
    url = "://" in str(path)
    where = str(path) if url else "fd:" if str(path) == "-" else f"file:{path}"
    try:
        container = av.open(where, timeout=_PATIENCE if url else None)
    except (av.FFmpegError, OSError) as error:
        reason = _why_not(error, path, url)
        raise UnreadableError(f"{name} cannot be opened as a clip: {reason}") from error
    return container


def _why_not(error: Exception, path: Path | str, url: bool) -> str:
    """What is wrong with what FFmpeg does not open."""
    if url and isinstance(error, (av.error.ExitError, av.error.TimeoutError)):
        return f"nothing came within {_PATIENCE:g} s"
    if not isinstance(error, (av.error.InvalidDataError, av.error.EOFError)):
        return f"{getattr(error, 'strerror', None) or error}"
    start = None if url else _start(path)
    if start == b"":
        return "it is empty"
    if start and start[4:8] == b"ftyp":
        return "it is cut short, or was never finished: its index is missing"
    return (
        "it is damaged, or in a format that FFmpeg does not read; 'ffmpeg -i IN OUT.mp4' shows more"
    )


def _start(path: Path | str) -> bytes | None:
    """The first bytes of a file; what came through a pipe is gone."""
    if str(path) == "-" or not Path(path).is_file():
        return None
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        return file.read(12)
    return None


def _pictures_of(container: "av.container.InputContainer", name: str) -> "VideoStream":
    """The stream to look at, which is never the cover of a piece of music."""
    found = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]
    if container.format.name in _NO_CLIPS or not container.streams:
        raise UnreadableError(f"{name} cannot be opened as a clip: it holds neither film nor sound")
    if not found:
        raise UnreadableError(f"{name} holds no moving picture: it is sound alone")
    best = container.streams.best("video")
    stream = best if best in found else found[0]
    if stream.codec_context is None:
        raise UnreadableError(f"{name} is coded in a way that this FFmpeg cannot decode")
    return stream
