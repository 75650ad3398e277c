"""One run of recognition: what is done with every frame of every source."""

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from emotion.cli.progress import bar
from emotion.errors import EmotionError, UnreadableError
from emotion.output import timeline
from emotion.output.annotate import annotate
from emotion.output.rows import Rows
from emotion.output.window import Window
from emotion.recogniser import EmotionRecogniser
from emotion.sources import camera
from emotion.sources import source as media
from emotion.sources.camera import Camera
from emotion.sources.files import (
    Clip,
    Frame,
    Meter,
    Picture,
    PictureFile,
    Recording,
    Say,
    save_picture,
)
from emotion.sources.source import Media
from emotion.tracking.tracker import Face

Source: TypeAlias = Picture | Clip | Camera


@dataclass
class Session:
    """What the sources of a run share: the recogniser, the rows, the window, the places to write.

    `opened` opens a source. `output` is a file, or a folder where the source is one. `chart` is
    the picture to draw of a clip; for a folder, any path asks for one beside each clip's copy.
    `say` is told of losses, files written and summaries; `bar` gets the progress, in files through
    a folder or in seconds through a lone clip.
    """

    recogniser: EmotionRecogniser
    opened: Callable[[Media], AbstractContextManager[Source]]
    say: Say
    bar: Say = lambda _: None
    rows: Rows | None = None
    window: Window | None = None
    output: Path | None = None
    chart: Path | None = None
    mirror: bool = False
    _warned: set[str] = field(default_factory=set)

    def run(self, source: Media) -> bool:
        """Recognise everything in `source`; whether any of it could be read.

        Raises EmotionError when a lone source cannot be read, or a result cannot be written.
        """
        if source.kind == "folder":
            return self._folder(source)
        self._one(source, self.output, self.chart, alone=True)
        return True

    def _folder(self, source: Media) -> bool:
        """Every file, each with its copy; those that cannot be read are named at the end."""
        failures: list[str] = []
        began, done = monotonic(), 0
        for done, (path, copy) in enumerate(self._copies(source), start=1):
            chart = copy.with_name(f"{copy.name}.timeline.png") if copy and self.chart else None
            try:
                self._one(media.file(path), copy, chart)
            except UnreadableError as error:
                failures.append(str(error))
            self.bar(bar(done, len(source.files), monotonic() - began))
            if self.window and self.window.closed:
                break
        for failure in failures:
            self.say(f"error: {failure}")
        self.say(f"{done - len(failures)} of {len(source.files)} files read")
        return len(failures) < done

    def _copies(self, source: Media) -> Iterable[tuple[Path, Path | None]]:
        """Each file of a folder with its copy's place; a glob's folders are kept apart."""
        common = Path(os.path.commonpath([path.parent for path in source.files]))
        for path in source.files:
            if self.output is None:
                yield path, None
                continue
            folder = self.output / path.parent.relative_to(common)
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise EmotionError(f"{folder} cannot be created: {error.strerror}") from error
            yield path, folder / media.copy_name(path)

    def _one(
        self, source: Media, output: Path | None, chart: Path | None, *, alone: bool = False
    ) -> None:
        """Every frame of one source: recognised, written, shown; `alone` if it is the only one."""
        people, meter, began = timeline.Timeline(), Meter(), monotonic()
        sink: PictureFile | Recording | None = None
        self.recogniser.reset()
        with contextlib.ExitStack() as stack:
            frames = stack.enter_context(self.opened(source))
            if source.kind != "picture":
                stack.callback(self._conclude, source.name, people, chart)
            show = _Player(self.window, frames, hold=alone and source.kind == "picture")
            for frame in frames:
                faces = self._faces(frame, people)
                meter.tick()
                if alone and isinstance(frames, Clip) and frame.index % 15 == 0 and not self.window:
                    done, whole = round(frame.time or 0.0), round(frames.length)
                    self.bar(bar(min(done, whole), whole, monotonic() - began))
                if not (output or self.window):
                    continue
                draw = partial(self._drawn, frame, faces, _status(frames, meter))
                picture = draw()
                if output:
                    sink = sink or stack.enter_context(self._sink(output, frames))
                    sink.write(picture, frame.time)
                if self.window:
                    show(picture, draw, frame.time or 0.0)
                    if self.window.closed:
                        break

    def _faces(self, frame: Frame, people: timeline.Timeline) -> list[Face]:
        """The faces in a frame, with their rows written; none in one that only has a notice."""
        if frame.notice:
            return []
        faces = self.recogniser(frame.image, frame.time)
        if self.rows:
            self.rows.write(frame, faces)
        if frame.time is not None:
            people.add(frame.time, faces)
        return faces

    def _drawn(self, frame: Frame, faces: Sequence[Face], status: str) -> NDArray[np.uint8]:
        """The frame as the keys want it seen now."""
        view = self.window
        return annotate(
            frame.image,
            faces,
            self.recogniser.labels,
            bars=view.bars if view else True,
            mirror=view.mirror if view else self.mirror,
            status=status,
            notice=frame.notice,
        )

    def _sink(
        self, output: Path, frames: Source
    ) -> AbstractContextManager[PictureFile | Recording]:
        if isinstance(frames, Picture):
            return PictureFile(output, say=self.say)
        return Recording(output, rate=frames.rate, lossless=not frames.live, say=self._say)

    def _say(self, text: str) -> None:
        """Pass on what a recording says, but the same warning once only: clips are many."""
        if not text.startswith("warning:") or text not in self._warned:
            self.say(text)
        if text.startswith("warning:"):
            self._warned.add(text)

    def _conclude(self, name: str, people: timeline.Timeline, chart: Path | None) -> None:
        """Say who was seen, and draw it where that was asked for; also after Ctrl-C."""
        if not people.finish():
            return
        for line in timeline.summary(people.people):
            self.say(f"{media.public(name)}: {line}")
        if chart:
            save_picture(chart, timeline.draw(people, self.recogniser.labels))
            self.say(f"wrote {chart}")


def opened(
    source: Media,
    *,
    size: tuple[int, int] | None = None,
    rate: float | None = None,
    give_up: float = 60.0,
    say: Say = lambda _: None,
) -> AbstractContextManager[Source]:
    """The open source, anything but a folder; `size`, `rate` and `give_up` are for live ones.

    Raises UnreadableError when a file is none.
    """
    if source.kind == "picture":
        return Picture(source.files[0])
    if source.kind == "clip":
        return Clip(source.files[0] if source.files else source.name, say=say)
    return Camera(
        media.public(source.name),
        camera.opened(source, size=size, rate=rate),
        give_up=give_up,
        advice=lambda: camera.advice(source),
        say=say,
    )


class _Player:
    """Shows a source in a window: a live one at once, a clip at its own speed, a picture for good.

    A clip that cannot keep up, or was paused, goes on from there: no frame is left out.
    """

    def __init__(self, window: Window | None, source: Source, *, hold: bool) -> None:
        self._window, self._hold = window, hold
        self._paced = isinstance(source, Clip)
        self._lasts = 1 / source.rate if source.rate else 0.0
        self._origin = -math.inf  # the time by the clock at which the clip's second 0 was shown

    def __call__(
        self, picture: NDArray[np.uint8], redraw: Callable[[], NDArray[np.uint8]], time: float
    ) -> None:
        assert self._window is not None
        self._origin = max(self._origin, monotonic() - time)
        due = self._origin + time + self._lasts if self._paced else 0.0
        self._window.show(picture, redraw, due=due, hold=self._hold)


def _status(source: Source, meter: Meter) -> str:
    """The line in the corner: how fast frames come in and are worked through, what was dropped."""
    if isinstance(source, Picture) or not meter.rate:
        return ""
    if isinstance(source, Camera):
        dropped = f" | {source.dropped} dropped" if source.dropped else ""
        return f"camera {source.meter.rate:.0f} fps | shown {meter.rate:.0f} fps{dropped}"
    return f"{meter.rate:.0f} fps"
