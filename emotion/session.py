"""One run of recognition: what is done with every frame of every source."""

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.errors import EmotionError, UnreadableError
from emotion.output import timeline
from emotion.output.annotate import annotate
from emotion.output.crops import Crops
from emotion.output.keeper import Keeper
from emotion.output.paths import copy_name
from emotion.output.recording import PictureFile, Recording, save_picture
from emotion.output.rows import Rows
from emotion.output.rows import rows as rows_of
from emotion.recogniser import EmotionRecogniser
from emotion.sources import camera
from emotion.sources.camera import Camera
from emotion.sources.camera_help import advice
from emotion.sources.files import Animation, Picture
from emotion.sources.frame import FpsMeter, Frame, Notify, Pace
from emotion.sources.source import Source, from_file, public
from emotion.tracking.tracker import Face

if TYPE_CHECKING:  # a window costs 10 ms to import, which SHOW=0 saves; FFmpeg 70
    from emotion.output.packed_rows import PackedRows
    from emotion.output.window import Window
    from emotion.sources.clip import Clip
    from emotion.view.latest import Latest

Frames: TypeAlias = "Picture | Clip | Animation | Camera"
Progress: TypeAlias = Callable[[int, int | None, float], object]
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True)
class Place:
    """One file of many, where its copy goes, and where its timeline is drawn; None: nowhere."""

    path: Path
    copy: Path | None = None
    chart: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """How one file went: why it could not be read, or "".

    Where another process did it, also what it would have said, written as rows (`PackedRows`) and
    counted as crops here.
    """

    failure: str = ""
    said: list[str] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    crops: int = 0


Steps: TypeAlias = Callable[[Iterable[Place]], Iterator[tuple[int, Outcome | None]]]
"""Does files: how many are done, time and again, and each one's outcome, in their order."""


@dataclass
class Session:
    """What the sources of a run share: the recogniser, the rows, the window, the places to write.

    `view` is where frames are left for those who watch from elsewhere; `keeper` records when a
    window or a page asks for it. `opened` opens a source. `output` is a file, or a folder where the
    source is one. `chart` is the picture to draw of a clip; for a folder, any path asks for one
    beside each clip's copy.
    `rotate` turns every frame clockwise, in degrees; after `duration` seconds a source is left.
    `notify` is told of losses, files written and summaries; `progress` gets how much is done, of
    how much (None where a clip does not say), and the seconds spent: in files of a folder, or in
    seconds of a lone clip. `steps` has others do the files of a folder; without it they are done
    here, one after the other. With `resume`, those whose rows are whole already are left out. Once
    it is `stopped`, a frame ends as Ctrl-C would end it.
    """

    recogniser: EmotionRecogniser
    opened: Callable[[Source], AbstractContextManager[Frames]]
    notify: Notify
    progress: Progress = lambda done, total, seconds: None
    rows: "Rows | PackedRows | None" = None
    crops: Crops | None = None
    window: "Window | None" = None
    view: "Latest | None" = None
    keeper: Keeper | None = None
    output: Path | None = None
    chart: Path | None = None
    mirror: bool = False
    rotate: int = 0
    duration: float | None = None
    steps: Steps | None = None
    resume: bool = False
    stopped: Callable[[], bool] = lambda: False

    def run(self, source: Source) -> bool:
        """Recognise everything in `source`; whether any of it could be read.

        Raises EmotionError when a lone source cannot be read, or a result cannot be written.
        """
        if source.kind == "folder":
            return self._folder(source)
        self._one(source, self.output, self.chart, alone=True)
        return True

    def _folder(self, source: Source) -> bool:
        """Every file, each with its copy; those that cannot be read are named at the end."""
        failures: list[str] = []
        if source.passed_over:
            self.notify(
                f"{source.name}: neither picture nor clip, passed over: {source.passed_over}"
            )
        files = self._left(source)
        began, done = monotonic(), 0
        places = self._places(source, files)
        for done, outcome in (self.steps or self._in_turn)(places):
            if outcome:
                self._take(outcome)
                failures += [outcome.failure] if outcome.failure else []
            self.progress(done, len(files), monotonic() - began)
            if self.window and self.window.closed:
                break
        for failure in failures:
            self.notify(f"error: {failure}")
        self.notify(f"{done - len(failures)} of {len(files)} files read")
        return len(failures) < done or len(files) < len(source.files)

    def file(self, place: Place) -> Outcome:
        """Recognise everything in one file of many.

        Raises EmotionError when a result cannot be written.
        """
        folder = place.copy.parent if place.copy else None
        try:
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmotionError(f"{folder} cannot be created: {error.strerror}") from error
        try:
            self._one(from_file(place.path), place.copy, place.chart)
        except UnreadableError as error:
            return Outcome(str(error))
        return Outcome()

    def _left(self, source: Source) -> Sequence[Path]:
        """The files that are to be done."""
        if not (self.resume and isinstance(self.rows, Rows)):
            return source.files
        whole = self.rows.resume([str(path) for path in source.files])
        self.notify(
            f"RESUME=1: {len(whole)} of {len(source.files)} files have whole rows in RESULTS and "
            "are not done again"
        )
        return [path for path in source.files if str(path) not in whole]

    def _places(self, source: Source, files: Iterable[Path]) -> Iterator[Place]:
        """Each file with its copy's place; a glob's folders are kept apart."""
        common = Path(os.path.commonpath([path.parent for path in source.files]))
        for path in files:
            copy = chart = None
            if self.output:
                copy = self.output / path.parent.relative_to(common) / copy_name(path)
                chart = copy.with_name(f"{copy.name}.timeline.png") if self.chart else None
            yield Place(path, copy, chart)

    def _in_turn(self, places: Iterable[Place]) -> Iterator[tuple[int, Outcome]]:
        for done, place in enumerate(places, start=1):
            yield done, self.file(place)

    def _take(self, outcome: Outcome) -> None:
        """Make what another process did this one's."""
        for line in outcome.said:
            self.notify(line)
        if isinstance(self.rows, Rows):
            from emotion.output.packed_rows import unpacked  # zlib, which one process needs not

            for text in unpacked(outcome.rows):
                self.rows.add(text)
        if self.crops:
            self.crops.written += outcome.crops

    def _one(
        self, source: Source, output: Path | None, chart: Path | None, *, alone: bool = False
    ) -> None:
        """Every frame of one source: recognised, written, shown; `alone` if it is the only one."""
        people, meter, began = timeline.Timeline(), FpsMeter(), monotonic()
        sink: PictureFile | Recording | None = None
        self.recogniser.reset()
        with contextlib.ExitStack() as stack:
            frames = stack.enter_context(self.opened(source))
            if source.kind != "picture":
                stack.callback(self._conclude, source.name, people, chart)
            show = _Player(self.window, frames, hold=alone and source.kind == "picture")
            for frame in map(self._upright, frames):
                if self.stopped():
                    raise KeyboardInterrupt
                if self.duration is not None and (frame.time or 0.0) >= self.duration:
                    break
                faces = self._faces(frame, people)
                meter.tick()
                if alone and not self.window:
                    self._tell(frames, frame, monotonic() - began)
                pace = _pace(frames, meter)
                draw = partial(self._drawn, frame, faces)
                recording = bool(self.keeper and self.keeper.is_recording)
                picture = draw() if output or self.window or recording else None
                if self.view:  # where nothing else needs the picture, whoever watches draws it
                    drawn = draw if picture is None else partial(np.asarray, picture)
                    self._leave(self.view, frame, faces, drawn, pace)
                if picture is None:
                    continue
                if output:
                    sink = sink or stack.enter_context(self._sink(output, frames))
                    sink.write(picture, frame.time, frame.lasts)
                if self.keeper:
                    self.keeper.write(picture, monotonic())
                if self.window:
                    show(picture, draw, frame, str(pace))
                    if self.window.closed:
                        break

    def _upright(self, frame: Frame) -> Frame:
        """The frame, turned as was asked for."""
        if not self.rotate:
            return frame
        turned = cv2.rotate(frame.image, _TURNS[self.rotate])
        return replace(frame, image=np.asarray(turned, np.uint8))

    def _tell(self, frames: Frames, frame: Frame, seconds: float) -> None:
        """How far a clip is, now and then."""
        if isinstance(frames, Picture | Camera) or frame.index % 15:
            return
        done, length = round(frame.time or 0.0), frames.length
        total = None if length is None else round(length)
        self.progress(done if total is None else min(done, total), total, seconds)

    def _faces(self, frame: Frame, people: timeline.Timeline) -> list[Face]:
        """The faces in a frame, with their rows written; none in one that has only a message."""
        if frame.status_message:
            return []
        faces = self.recogniser(frame.image, frame.time, live=frame.wall is not None)
        if self.rows:
            self.rows.write(frame, faces)
        if self.crops:
            self.crops.write(frame, faces)
        if frame.time is not None:
            people.add(frame.time, faces)
        return faces

    def _leave(
        self,
        view: "Latest",
        frame: Frame,
        faces: Sequence[Face],
        draw: Callable[[], NDArray[np.uint8]],
        pace: Pace,
    ) -> None:
        """Leave the frame for those who watch from elsewhere."""
        labels, reading = self.recogniser.labels, self.recogniser.reading
        found = partial(rows_of, frame, faces, labels, reading=reading)
        view.update(
            draw,
            None if frame.status_message else found,
            labels=labels,
            status_message=frame.status_message,
            pace=pace,
        )

    def _drawn(self, frame: Frame, faces: Sequence[Face]) -> NDArray[np.uint8]:
        """The frame as the keys want it seen now."""
        view = self.window
        return annotate(
            frame.image,
            faces,
            self.recogniser.labels,
            bars=view.bars if view else True,
            mirror=view.mirror if view else self.mirror,
            corner=f"reading: {self.recogniser.reading}",
            status_message=frame.status_message,
        )

    def _sink(
        self, output: Path, frames: Frames
    ) -> AbstractContextManager[PictureFile | Recording]:
        if isinstance(frames, Picture):
            return PictureFile(output, notify=self.notify)
        live = isinstance(frames, Camera)
        sound = None if isinstance(frames, Camera) else frames.sound
        return Recording(output, rate=frames.rate, live=live, sound=sound, notify=self.notify)

    def _conclude(self, name: str, people: timeline.Timeline, chart: Path | None) -> None:
        """Tell who was seen, and draw it where that was asked for; also after Ctrl-C."""
        if not people.finish():
            return
        for line in timeline.summary(people.people):
            self.notify(f"{public(name)}: {line}")
        if chart:
            save_picture(chart, timeline.draw(people, self.recogniser.labels))
            self.notify(f"wrote {chart}")


def opened(
    source: Source,
    *,
    size: tuple[int, int] | None = None,
    rate: float | None = None,
    give_up: float = 60.0,
    frame_rate: float | None = None,
    duration: float | None = None,
    sound: bool = False,
    notify: Notify = lambda _: None,
) -> AbstractContextManager[Frames]:
    """The open source, anything but a folder.

    `size`, `rate` and `give_up` are for live ones; `duration` and `sound` for clips.

    Raises UnreadableError when a file is none.
    """
    if source.kind == "picture":
        return Picture(source.files[0])
    if source.kind == "clip":
        path = source.files[0] if source.files else source.name
        if isinstance(path, Path) and path.suffix.lower() == ".webp":
            return Animation(path, frame_rate=frame_rate, duration=duration)
        from emotion.sources.clip import Clip  # FFmpeg, once there is a clip to read

        return Clip(path, frame_rate=frame_rate, duration=duration, sound=sound, notify=notify)
    return Camera(
        public(source.name),
        camera.opened(source, size=size, rate=rate),
        give_up=give_up,
        frame_rate=frame_rate,
        advice=partial(advice, source),
        notify=notify,
    )


class _Player:
    """Shows a source in a window: a live one at once, a clip at its own speed, a picture for good.

    A clip that cannot keep up, or was paused, goes on from there: no frame is left out.
    """

    def __init__(self, window: "Window | None", frames: Frames, *, hold: bool) -> None:
        self._window, self._hold = window, hold
        self._speed = None if isinstance(frames, Picture | Camera) else frames.rate
        self._origin = -math.inf  # the time by the clock at which the clip's second 0 was shown

    def __call__(
        self,
        picture: NDArray[np.uint8],
        redraw: Callable[[], NDArray[np.uint8]],
        frame: Frame,
        speed: str,
    ) -> None:
        assert self._window is not None
        time, due = frame.time or 0.0, 0.0
        self._origin = max(self._origin, monotonic() - time)
        if self._speed:
            due = self._origin + time + (frame.lasts or 1 / self._speed)
        self._window.show(picture, redraw, due=due, hold=self._hold, speed=speed)


def _pace(frames: Frames, meter: FpsMeter) -> Pace:
    """How fast frames come in and are worked through, and what was dropped."""
    if isinstance(frames, Picture):
        return Pace(0.0)
    if isinstance(frames, Camera):
        return Pace(meter.rate, frames.meter.rate, frames.dropped)
    return Pace(meter.rate)
