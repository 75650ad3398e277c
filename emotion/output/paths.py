"""Where OUTPUT, RESULTS, TIMELINE and CROPS go, and whether they can, before anything slow."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from emotion.errors import SettingsError
from emotion.sources import source as sources
from emotion.sources.source import KNOWN, Source, public

WRITABLE_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
WRITABLE_CLIPS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")


def usable_source(
    device: str,
    *,
    output: Path | None,
    results: Path | None,
    timeline: str,
    view: str = "0",
    models: Mapping[str, Path | None],
    for_many: Mapping[str, str] = MappingProxyType({}),
) -> Source:
    """The source that DEVICE_ID names, once everything is known to fit it and to be there.

    `models` are the files of models by the setting that names them, `for_many` what was given for
    settings that only many files have a use for. Raises SettingsError with a
    line for each setting that fits neither what is there nor the others.
    """
    complaints = []

    def complain(name: str, value: object, wrong: str | None) -> None:
        if wrong:
            complaints.append(f"{name}={str(value)!r} {wrong}")

    for name, path in models.items():
        complain(name, path, None if path is None or path.is_file() else "does not exist")
    if results and str(results) != "-":
        complain("RESULTS", results, wrong_place(results))
    source, wrong = None, "is no camera number, no stream's URL and no file that exists"
    try:
        source = sources.find(device)
    except OSError as error:
        wrong = f"cannot be listed: {error.strerror}"
    if source is None:
        complain("DEVICE_ID", device, wrong)
        raise SettingsError(complaints)
    if source.kind == "folder" and not source.files:
        complain("DEVICE_ID", device, f"holds no picture and no clip ({_listed(KNOWN)})")
    elif output:
        complain("OUTPUT", output, wrong_output(source, output))
    for name, value in for_many.items() if source.kind != "folder" else ():
        shown = f"DEVICE_ID={public(source.name)!r} is one {source.kind}"
        complain(name, value, f"is for the files of a folder or a glob: {shown}")
    complain("TIMELINE", timeline, wrong_timeline(source, timeline, output))
    if view != "0" and source.kind == "picture":
        complain(
            "VIEW", view, "is for what goes on: a picture is done before a page opens; set OUTPUT"
        )
    if complaints:
        raise SettingsError(complaints)
    return source


def wrong_output(source: Source, output: Path) -> str | None:
    """Why nothing can be written to `output` for this source, or None."""
    if source.kind == "folder":
        return _wrong_folder(source, output)
    wanted = WRITABLE_PICTURES if source.kind == "picture" else WRITABLE_CLIPS
    if output.suffix.lower() not in wanted:
        what = "a picture" if source.kind == "picture" else "a clip"
        name = public(source.name)
        return f"must end in {_listed(wanted)}: {what} is written for DEVICE_ID={name!r}"
    if any(_same(output, file) for file in source.files):
        return "is the source itself: give another name, nothing is overwritten"
    return wrong_place(output)


def wrong_place(path: Path) -> str | None:
    """Why no file can be written at `path`, or None."""
    if path.is_dir():
        return "is a folder: give the name of a file"
    if not path.parent.is_dir():
        return f"is in a folder that does not exist: create {str(path.parent)!r} first"
    return None


def wrong_timeline(source: Source, timeline: str, output: Path | None) -> str | None:
    """Why no timeline can be drawn as TIMELINE asks, or None."""
    if timeline == "0":
        return None
    if source.kind == "picture":
        return "is for clips: a picture has no time to draw"
    if timeline == "1":
        return None if output else "is drawn beside OUTPUT: set that, or give its path"
    if source.kind == "folder":
        return "must be 1 for a folder: each clip gets its own, beside its copy"
    return wrong_place(Path(timeline).expanduser())


def timeline_path(timeline: str, output: Path | None) -> Path | None:
    """Where the timeline is drawn that TIMELINE asks for: "0", "1" (beside OUTPUT) or a path."""
    if timeline == "0":
        return None
    beside = output.with_name("timeline.png") if output else None
    return beside if timeline == "1" else Path(timeline).expanduser()


def no_timeline(text: str) -> str | None:
    """Why TIMELINE cannot be `text`, whatever the source, or None."""
    known = text in ("0", "1") or text.lower().endswith(".png")
    return None if known else "is neither 1, 0 nor a path that ends in .png"


def no_results(path: Path) -> str | None:
    """Why RESULTS cannot be `path`, whatever the source, or None."""
    if str(path).lower().endswith(".parquet"):
        return None if find_spec("pyarrow") else "needs pyarrow: pip install pyarrow"
    known = str(path) == "-" or str(path).lower().endswith((".jsonl", ".csv"))
    return None if known else "must end in .jsonl, .csv or .parquet"


def no_cluster(address: str) -> str | None:
    """Why CLUSTER cannot be `address`, whatever is there, or None."""
    if not re.fullmatch(r"(tcp|tls)://([^/:]+|\[[0-9a-f:]+\]):\d+", address):
        return "is not like tcp://scheduler:8786"
    return None if find_spec("distributed") else "needs distributed: pip install distributed"


def no_crops(path: Path) -> str | None:
    """Why CROPS cannot be `path`, or None."""
    return "is a file: give the name of a folder" if path.is_file() else None


def copy_name(path: Path) -> str:
    """What the annotated copy of `path` is called: its own name where the format can be written."""
    picture = sources.from_file(path).kind == "picture"
    writable, fallback = (WRITABLE_PICTURES, ".png") if picture else (WRITABLE_CLIPS, ".mp4")
    return path.name if path.suffix.lower() in writable else path.name + fallback


def _wrong_folder(source: Source, output: Path) -> str | None:
    if output.is_file() or output.suffix.lower() in KNOWN:
        return f"must be a folder: DEVICE_ID={source.name!r} is a folder, and each file gets a copy"
    if any(_same(output, file.parent) for file in source.files):
        return "is the folder the files come from: give another one, nothing is overwritten"
    globbed = not Path(source.name).expanduser().is_dir()  # and may reach into folders
    if globbed and any(_same(output, folder) for file in source.files for folder in file.parents):
        return "holds files that DEVICE_ID names: give another folder, or copies are copied again"
    return None


def _same(one: Path, other: Path) -> bool:
    """Whether two paths name one existing file or folder."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _listed(suffixes: tuple[str, ...]) -> str:
    """Suffixes as a person writes them: .png, .jpg or .webp."""
    return f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
