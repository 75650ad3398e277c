"""Finds the faces in a camera, stream, clip or picture and shows each one's emotion.

DEVICE_ID=samples/astronaut.png OUTPUT=annotated.png python recognition.py
"""

import contextlib
import re
import signal
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.errors import SettingsError
from emotion.sources import source as media
from emotion.sources.source import Media

if TYPE_CHECKING:  # OpenCV and LiteRT are loaded in main, once the settings are known to be good
    from emotion.output.window import Window


def _size(text: str) -> str | None:
    return None if re.fullmatch(r"[1-9]\d*x[1-9]\d*", text) else "is not like 1280x720"


def _rows(path: Path) -> str | None:
    return None if str(path) == "-" else config.ending(".jsonl", ".csv")(path)


def _timeline(text: str) -> str | None:
    known = text in ("0", "1") or text.lower().endswith(".png")
    return None if known else "is neither 1, 0 nor a path that ends in .png"


@dataclass(frozen=True)
class Settings:
    device_id: str = setting("0", "camera number, stream's URL, clip, picture, folder or glob")
    model_path: Path | None = setting(
        None, ".tflite model; none: the one that ships", check=config.ending(".tflite")
    )
    output: Path | None = setting(None, "annotated picture or clip to write; a folder for a folder")
    results: Path | None = setting(
        None, "rows to write: .jsonl, .csv, or - for standard output", check=_rows
    )
    timeline: str = setting(
        "0", "1: draw timeline.png beside OUTPUT; or the path of a .png", check=_timeline
    )
    show: bool = setting(True, "0: open no window")
    mirror: bool | None = setting(None, "1, 0: mirror the view; none: a camera's in the window")
    min_face: float = setting(
        0.04, "smallest face, as a part of the frame's shorter side", check=config.between(0.02, 1)
    )
    smoothing: float = setting(
        0.5, "seconds over which probabilities are smoothed", check=config.between(0, 60)
    )
    confidence: float = setting(
        0.4, "probability below which an emotion is uncertain", check=config.between(0, 1)
    )
    face_model: Path | None = setting(
        None, "YuNet .onnx to find faces with; none: Haar cascades", check=config.ending(".onnx")
    )
    capture_size: str | None = setting(None, "ask a camera for this, like 1280x720", check=_size)
    capture_rate: float | None = setting(
        None, "ask a camera for this many frames a second", check=config.between(1, 240)
    )
    give_up: float = setting(
        60.0, "seconds to wait for a camera or stream that was lost", check=config.at_least(0)
    )


def main(settings: Settings) -> int:
    source = usable(settings)
    say(config.summary(replace(settings, device_id=media.public(settings.device_id))))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # files are finished then, too
    from emotion import session
    from emotion.output import window
    from emotion.output.rows import Rows
    from emotion.recogniser import EmotionRecogniser
    from emotion.sources import files

    files.quieten()
    recogniser = EmotionRecogniser(
        settings.model_path,
        min_face=settings.min_face,
        smoothing=settings.smoothing,
        confidence=settings.confidence,
        face_model=settings.face_model,
    )
    blind = window.missing_display() if settings.show else "SHOW=0"
    if blind and settings.show:
        say(f"no window: {blind}")
    alone = blind and not settings.output and not settings.results
    where = Path("-") if alone else settings.results
    with contextlib.ExitStack() as stack:
        run = session.Session(
            recogniser,
            opened=partial(
                session.opened,
                size=capture_size(settings),
                rate=settings.capture_rate,
                give_up=settings.give_up,
                say=say,
            ),
            say=say,
            bar=bar if sys.stderr.isatty() and str(where) != "-" else lambda _: None,
            rows=stack.enter_context(Rows(where, recogniser.labels)) if where else None,
            window=None if blind else stack.enter_context(opened_window(source, settings)),
            output=settings.output,
            chart=media.chart(settings.timeline, settings.output),
            mirror=bool(settings.mirror),
        )
        return 0 if run.run(source) else 1


def usable(settings: Settings) -> Media:
    """The source that DEVICE_ID names; SettingsError if settings do not fit it or each other."""
    complaints = []

    def complain(name: str, wrong: str | None) -> None:
        if wrong:
            value = getattr(settings, name)
            complaints.append(f"{name.upper()}={str(value)!r} {wrong}")

    for name in ("model_path", "face_model"):
        path = getattr(settings, name)
        complain(name, None if path is None or path.is_file() else "does not exist")
    if settings.results and str(settings.results) != "-":
        complain("results", media.wrong_place(settings.results))
    try:
        source = media.find(settings.device_id)
    except OSError as error:
        complain("device_id", f"cannot be listed: {error.strerror}")
        raise SettingsError(complaints) from error
    if source is None:
        complain("device_id", "is no camera number, no stream's URL and no file that exists")
        raise SettingsError(complaints)
    if source.kind == "folder" and not source.files:
        complain("device_id", f"holds no picture and no clip ({media.listed(media.KNOWN)})")
    elif settings.output:
        complain("output", media.wrong_output(source, settings.output))
    complain("timeline", media.wrong_chart(source, settings.timeline, settings.output))
    if complaints:
        raise SettingsError(complaints)
    return source


def capture_size(settings: Settings) -> tuple[int, int] | None:
    width, _, height = (settings.capture_size or "").partition("x")
    return (int(width), int(height)) if height else None


def opened_window(source: Media, settings: Settings) -> "Window":
    from emotion.output.window import Window

    own = source.kind in ("camera", "picamera")  # people know their mirror image best
    mirror = own if settings.mirror is None else settings.mirror
    beside = settings.output.parent if settings.output else Path()
    return Window("Emotion Recognition", mirror=mirror, folder=beside.absolute(), say=say)


def say(text: str) -> None:
    print(f"\r{'':79}\r{text}" if sys.stderr.isatty() else text, file=sys.stderr, flush=True)


def bar(text: str) -> None:
    print(f"\r{text:<79}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))
