"""What DEVICE_ID and OUTPUT name, told apart by looking, before anything slow is imported."""

import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

PICTURES = (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".avif")
CLIPS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".gif")
KNOWN = PICTURES + CLIPS
WRITABLE_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
WRITABLE_CLIPS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")

Kind = Literal["camera", "picamera", "stream", "clip", "picture", "folder"]


@dataclass(frozen=True)
class Media:
    """One source: its kind, its name as given, and the files it consists of.

    `files` is empty for a live source and for a clip that is read from a URL.
    """

    kind: Kind
    name: str
    files: tuple[Path, ...] = ()

    @property
    def live(self) -> bool:
        """Whether it goes on by itself, so that old frames have to be dropped."""
        return self.kind in ("camera", "picamera", "stream")


def find(device: str) -> Media | None:
    """The source that `device` names, or None when there is nothing of that name.

    A number or /dev/videoN is a camera, `picamera` a Raspberry Pi's own one. A URL is a live
    stream, unless its path ends like a clip's. A folder or a glob gives the pictures and clips in
    it, in natural order; it may turn out to hold none.
    """
    if re.fullmatch(r"\d+|/dev/video\d+", device):
        return Media("camera", device)
    if re.fullmatch(r"picamera\d*", device):
        return Media("picamera", device)
    if re.match(r"[a-z][a-z0-9+.-]+://", device, re.IGNORECASE):
        return _from_url(device)
    path = Path(device).expanduser()
    if path.is_dir():
        return Media("folder", device, _sorted(path.iterdir()))
    if path.exists():
        return file(path, device)
    if any(mark in device for mark in "*?["):
        found = glob.glob(str(path), recursive=True)  # noqa: PTH207 (Path.glob takes no "/a/*")
        return Media("folder", device, _sorted(map(Path, found)))
    return None


def file(path: Path, name: str = "") -> Media:
    """One file: a picture by its suffix, otherwise a clip."""
    kind: Kind = "picture" if path.suffix.lower() in PICTURES else "clip"
    return Media(kind, name or str(path), (path,))


def wrong_output(media: Media, output: Path) -> str | None:
    """Why nothing can be written to `output` for this source, or None."""
    if media.kind == "folder":
        return _wrong_folder(media, output)
    wanted = WRITABLE_PICTURES if media.kind == "picture" else WRITABLE_CLIPS
    if output.suffix.lower() not in wanted:
        what = "a picture" if media.kind == "picture" else "a clip"
        name = public(media.name)
        return f"must end in {listed(wanted)}: {what} is written for DEVICE_ID={name!r}"
    if any(same(output, source) for source in media.files):
        return "is the source itself: give another name, nothing is overwritten"
    return wrong_place(output)


def wrong_place(path: Path) -> str | None:
    """Why no file can be written at `path`, or None."""
    if path.is_dir():
        return "is a folder: give the name of a file"
    if not path.parent.is_dir():
        return f"is in a folder that does not exist: create {str(path.parent)!r} first"
    return None


def chart(timeline: str, output: Path | None) -> Path | None:
    """Where the timeline is drawn that TIMELINE asks for: "0", "1" (beside OUTPUT) or a path."""
    if timeline == "0":
        return None
    beside = output.with_name("timeline.png") if output else None
    return beside if timeline == "1" else Path(timeline).expanduser()


def wrong_chart(source: Media, timeline: str, output: Path | None) -> str | None:
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


def copy_name(path: Path) -> str:
    """What the annotated copy of `path` is called: its own name where the format can be written."""
    kind = file(path).kind
    writable, fallback = {"picture": (WRITABLE_PICTURES, ".png")}.get(
        kind, (WRITABLE_CLIPS, ".mp4")
    )
    return path.name if path.suffix.lower() in writable else path.name + fallback


def same(one: Path, other: Path) -> bool:
    """Whether two paths name one existing file or folder."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _from_url(device: str) -> Media:
    parts = urlsplit(device)
    if parts.scheme.lower() == "file":
        path = Path(unquote(parts.path))
        return file(path, device)
    clip = parts.path.lower().endswith(CLIPS)
    return Media("clip" if clip else "stream", device)


def _wrong_folder(media: Media, output: Path) -> str | None:
    if output.is_file() or output.suffix.lower() in KNOWN:
        return f"must be a folder: DEVICE_ID={media.name!r} is a folder, and each file gets a copy"
    if any(same(output, source.parent) for source in media.files):
        return "is the folder the files come from: give another one, nothing is overwritten"
    globbed = not Path(media.name).expanduser().is_dir()  # and may reach into folders
    if globbed and any(same(output, folder) for file in media.files for folder in file.parents):
        return "holds files that DEVICE_ID names: give another folder, or copies are copied again"
    return None


def _sorted(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Pictures and clips among `paths`, 2.jpg before 10.jpg."""
    known = (
        path for path in paths if path.suffix.lower() in KNOWN and not path.name.startswith(".")
    )
    return tuple(sorted((path for path in known if path.is_file()), key=_natural))


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", str(path).lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def public(name: str) -> str:
    """A source's name without the user and password that a URL may hold: logs are shown around."""
    return re.sub(r"^([a-z][a-z0-9+.-]*://)[^/@]*@", r"\1", name, flags=re.IGNORECASE)


def listed(suffixes: tuple[str, ...]) -> str:
    """Suffixes as a person writes them: .png, .jpg or .webp."""
    return f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
