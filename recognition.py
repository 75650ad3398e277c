"""Finds the faces in a camera, stream, clip or picture and shows each one's emotion.

DEVICE_ID=samples/astronaut.png OUTPUT=annotated.png python recognition.py
"""

import sys

if __name__ == "__main__":  # from the first moment, not only once all below is loaded
    from emotion.cli import stopping

    stopping.listen(running=False)

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

from emotion import lock
from emotion.arguments import wrong_region
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.progress import bar, redraw, say
from emotion.cli.settings import Conflict, setting
from emotion.output import paths
from emotion.sources.source import Source, capture_size, public, wrong_capture_size, wrong_turn
from emotion.view import address

if TYPE_CHECKING:
    from emotion.session import Steps
    from emotion.workers import Job

TITLE = "Emotion Recognition"
PLAIN = {"WORKERS": 1, "CLUSTER": None, "RESUME": 0}
MOST_WORKERS = 61 if sys.platform == "win32" else 512  # what Windows can wait for at once


@dataclass(frozen=True)
class Settings:
    most_people: ClassVar = (
        "device_id", "model_path", "output", "results", "timeline", "crops", "show", "view",
        "mirror", "min_face", "max_faces", "smoothing", "confidence", "reading", "workers",
    )  # fmt: skip

    device_id: str = setting(
        "0", "camera number, stream's URL, clip, picture, folder or glob; - for standard input"
    )
    model_path: Path | None = setting(
        None, ".tflite model; none: the one that ships", check=config.ending(".tflite")
    )
    output: Path | None = setting(None, "annotated picture or clip to write; a folder for a folder")
    results: Path | None = setting(
        None,
        "rows to write: .jsonl, .csv, .parquet, or - for standard output",
        check=paths.no_results,
    )
    timeline: str = setting(
        "0", "1: draw timeline.png beside OUTPUT; or the path of a .png", check=paths.no_timeline
    )
    show: bool = setting(True, "0: open no window")
    view: str = setting(
        "0",
        "8000: a page at that port to watch at; 0.0.0.0:8000: from other machines, too",
        check=address.wrong_view,
    )
    mirror: bool | None = setting(None, "1, 0: mirror the view; none: a camera's in the window")
    rotate: int = setting(0, "90, 180, 270: turn every frame clockwise by that", check=wrong_turn)
    frame_rate: float | None = setting(
        None, "look at so many frames a second; none: all", check=config.above(0, 1000)
    )
    duration: float | None = setting(
        None, "stop after so many seconds of the source", check=config.above(0)
    )
    min_face: float = setting(
        0.04, "smallest face, as a part of the frame's shorter side", check=config.between(0.02, 1)
    )
    smoothing: float = setting(
        0.5, "seconds over which probabilities are smoothed", check=config.between(0, 60)
    )
    confidence: float = setting(
        0.4, "probability below which an emotion is uncertain", check=config.between(0, 1)
    )
    reading: str | None = setting(
        None, "people: what people would say; fer2013: the data set's label; none: people if it can"
    )
    workers: int = setting(
        1,
        "processes that share the files of a folder or glob; 0: one for each core",
        check=config.between(0, MOST_WORKERS),
    )
    cluster: str | None = setting(
        None,
        "tcp://scheduler:8786: the workers of this Dask cluster share the files",
        check=paths.no_cluster,
    )
    resume: bool = setting(
        False, "1: go on with RESULTS: files that it has whole are not done again"
    )
    face_model: Path | None = setting(
        None, "YuNet .onnx to find faces with; none: Haar cascades", check=config.ending(".onnx")
    )
    cropped: bool = setting(False, "1: every picture or frame is a face already: search for none")
    region: tuple[int, ...] = setting(
        (), "x,y,width,height in pixels: the part of each frame to look at", check=wrong_region
    )
    max_faces: int | None = setting(
        None, "1: the largest face only; none: all", check=config.at_least(1)
    )
    crops: Path | None = setting(
        None, "folder for the faces seen, one a second of each, to train on", check=paths.no_crops
    )
    capture_size: str | None = setting(
        None, "ask a camera for this, like 1280x720", check=wrong_capture_size
    )
    capture_rate: float | None = setting(
        None, "ask a camera for this many frames a second", check=config.between(1, 240)
    )
    give_up: float = setting(
        60.0, "seconds to wait for a camera or stream that was lost", check=config.at_least(0)
    )

    @property
    def many(self) -> bool:
        """Whether the files go to others."""
        return self.workers != 1 or self.cluster is not None

    def for_many(self) -> dict[str, str]:
        """The variables set that mean something only where there are many files."""
        given = {"WORKERS": self.workers, "CLUSTER": self.cluster, "RESUME": int(self.resume)}
        return {name: str(value) for name, value in given.items() if value != PLAIN[name]}

    def conflicts(self) -> Iterator[Conflict]:
        """What does not fit together."""
        if self.resume and str(self.results or "-") == "-":
            yield ("resume", "results"), "needs RESULTS, the file to go on with"
        if self.cluster and self.workers != 1:
            yield ("workers", "cluster"), "is for this machine: a CLUSTER has workers of its own"
        if self.many and address.parse(self.view):
            yield ("view", "workers"), "shows what one process does: leave out WORKERS and CLUSTER"


def main(settings: Settings) -> int:
    source = paths.usable_source(
        settings.device_id,
        output=settings.output,
        results=settings.results,
        timeline=settings.timeline,
        view=settings.view,
        models={"MODEL_PATH": settings.model_path, "FACE_MODEL": settings.face_model},
        for_many=settings.for_many(),
    )
    say(config.summary(replace(settings, device_id=public(settings.device_id))))
    with ExitStack() as stack:
        return run(settings, source, stack)


def run(settings: Settings, source: Source, stack: ExitStack) -> int:
    """Recognise all of the source; `stack` closes what that opens."""
    # OpenCV, LiteRT and, for clips, FFmpeg are loaded here, once the settings are known to be good.
    if source.kind == "clip" and sys.platform != "darwin":  # where it talks while it is imported
        Thread(target=load_ffmpeg, daemon=True).start()  # meanwhile: saves half of its 70 ms
    from emotion.output.crops import Crops
    from emotion.output.keeper import Keeper
    from emotion.output.rows import Rows
    from emotion.quiet import silence_opencv
    from emotion.recogniser import EmotionRecogniser
    from emotion.session import Session, opened

    silence_opencv()
    beside = settings.output.parent if settings.output else Path()
    keeper = Keeper(beside.absolute(), notify=say)
    view = None
    if where := address.parse(settings.view):
        from emotion.view.server import View

        view = stack.enter_context(View(where, keeper))
        say(f"to watch: {view.url}")
    stack.enter_context(keeper)
    opening: dict[str, Any] = {
        "size": capture_size(settings.capture_size),
        "rate": settings.capture_rate,
        "give_up": settings.give_up,
        "frame_rate": settings.frame_rate,
        "duration": settings.duration,
        "sound": settings.output is not None,
    }
    recognising: dict[str, Any] = {
        "model": settings.model_path,
        "min_face": settings.min_face,
        "smoothing": settings.smoothing,
        "confidence": settings.confidence,
        "reading": settings.reading,
        "face_model": settings.face_model,
        "region": settings.region or None,
        "max_faces": settings.max_faces,
        "cropped": settings.cropped,
        # A picture's search is long enough for two to help; a video frame's is not.
        "threads": 2 if source.kind == "picture" else 1,
    }
    showing: dict[str, Any] = {
        "mirror": bool(settings.mirror),
        "rotate": settings.rotate,
        "duration": settings.duration,
    }
    recogniser = EmotionRecogniser(**recognising)
    if recogniser.labels_assumed:
        named = ", ".join(recogniser.labels)
        say(f"MODEL_PATH has no labels inside: its outputs are taken for FER-2013's, {named}")
    blind: str | None = "SHOW=0"
    if settings.show and settings.many:
        say(blind := "no window: the files are done by several workers")
    elif settings.show:
        from emotion.output.window import Window, missing_display

        if blind := missing_display():
            say(f"no window: {blind}")
    mirror = source.is_camera if settings.mirror is None else settings.mirror
    listed = not (settings.output or view)  # rows are all that comes out
    results = settings.results or (Path("-") if blind and listed else None)
    if settings.output:
        within = source.kind == "folder"
        stack.enter_context(lock.of(settings.output.absolute(), "OUTPUT", within=within))
    window = None
    if not blind:
        window = Window(TITLE, keeper, mirror=mirror)
        stack.enter_context(window)
    rows: Rows | None = None
    if results:
        rows = Rows(results, recogniser.labels, reading=recogniser.reading)
        stack.enter_context(rows)
    crops = Crops(settings.crops, cropped=settings.cropped) if settings.crops else None
    if crops:
        stack.callback(lambda: say(crops.summary()))
    steps = None
    if settings.many:
        from emotion.workers import Job

        table = None if rows is None else rows.table
        job = Job(recognising, opening, showing, table, settings.crops)
        steps = stack.enter_context(shared(settings, job, len(source.files)))
    session = Session(
        recogniser,
        opened=partial(opened, **opening, notify=say),
        notify=say,
        progress=lambda *done: None if str(results) == "-" else redraw(bar(*done)),
        rows=rows,
        crops=crops,
        window=window,
        view=view.latest if view else None,
        keeper=keeper,
        output=settings.output,
        chart=paths.timeline_path(settings.timeline, settings.output),
        steps=steps,
        resume=settings.resume,
        **showing,
    )
    return 0 if session.run(source) else 1


def shared(settings: Settings, job: "Job", files: int) -> AbstractContextManager["Steps"]:
    """The workers that do the files."""
    if settings.cluster:
        from emotion import cluster

        return cluster.workers(settings.cluster, job, settings.output, say)
    from emotion import workers

    return workers.processes(job, min(settings.workers or workers.cores(), files))


def load_ffmpeg() -> None:
    """Import it; whoever needs it says that it is missing."""
    with suppress(ImportError):
        import av  # noqa: F401


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
