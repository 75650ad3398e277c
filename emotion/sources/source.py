"""What DEVICE_ID names, told apart by looking, before anything slow is imported."""

import glob
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from emotion.pictures import CLIPS, PICTURES, is_animated

KNOWN = PICTURES + CLIPS

Kind = Literal["camera", "picamera", "stream", "clip", "picture", "folder"]


@dataclass(frozen=True)
class Source:
    """One source: its kind, its name as given, and the files it consists of.

    `files` is empty for a live source and for a clip that is read from a URL or standard input.
    `passed_over` says what else a folder holds, and is empty where that is nothing.
    """

    kind: Kind
    name: str
    files: tuple[Path, ...] = ()
    passed_over: str = ""

    @property
    def is_camera(self) -> bool:
        """Whether it looks at who sits at the screen: people know their mirror image best."""
        return self.kind in ("camera", "picamera")


def find(device: str) -> Source | None:
    """The source that `device` names, or None when there is nothing of that name.

    A number or /dev/videoN is a camera, `picamera` a Raspberry Pi's own one, `-` a clip that comes
    through standard input. A URL is a live
    stream, unless its path ends like a clip's. A folder or a glob gives the pictures and clips in
    it, in natural order; it may turn out to hold none. Raises OSError when a folder cannot be
    listed.
    """
    if re.fullmatch(r"\d+|/dev/video\d+", device):
        return Source("camera", device)
    if re.fullmatch(r"picamera\d*", device):
        return Source("picamera", device)
    if re.match(r"[a-z][a-z0-9+.-]+://", device, re.IGNORECASE):
        return _from_url(device)
    if device == "-":
        return Source("clip", device)
    path = Path(device).expanduser()
    if path.is_dir():
        return _folder(device, path.iterdir())
    if path.exists():
        return from_file(path, device)
    if any(mark in device for mark in "*?["):
        found = glob.glob(str(path), recursive=True)  # noqa: PTH207 (Path.glob takes no "/a/*")
        return _folder(device, map(Path, found))
    return None


def from_file(path: Path, name: str = "") -> Source:
    """One file: a picture by its suffix, unless it moves; otherwise a clip."""
    still = path.suffix.lower() in PICTURES and not is_animated(path)
    kind: Kind = "picture" if still else "clip"
    return Source(kind, name or str(path), (path,))


def public(name: str) -> str:
    """A source's name without the user and password that a URL may hold: logs are shown around."""
    return re.sub(r"^([a-z][a-z0-9+.-]*://)[^/@]*@", r"\1", name, flags=re.IGNORECASE)


def wrong_capture_size(text: str) -> str | None:
    """Why `text` is no width and height in pixels, or None."""
    return None if re.fullmatch(r"[1-9]\d*x[1-9]\d*", text) else "is not like 1280x720"


def wrong_turn(degrees: int) -> str | None:
    """Why a picture cannot be turned by `degrees`, or None."""
    return None if degrees in (0, 90, 180, 270) else "is not 90, 180 or 270; 0 turns nothing"


def capture_size(text: str | None) -> tuple[int, int] | None:
    """Width and height in a text like 1280x720; None of None."""
    width, _, height = (text or "").partition("x")
    return (int(width), int(height)) if height else None


def _from_url(device: str) -> Source:
    url = urlsplit(device)
    if url.scheme.lower() == "file":
        return from_file(Path(unquote(url.path)), device)
    clip = url.path.lower().endswith(CLIPS)
    return Source("clip" if clip else "stream", device)


def _folder(name: str, paths: Iterable[Path]) -> Source:
    """Pictures and clips among `paths`, 2.jpg before 10.jpg, and what else there is."""
    known, others, folders = [], Counter[str](), 0
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            folders += 1
        elif path.suffix.lower() in KNOWN and path.is_file():
            known.append(path)
        else:
            others[path.suffix.lower() or "without suffix"] += 1
    parts = [f"{count} {suffix}" for suffix, count in sorted(others.items())]
    if folders:
        parts.append("1 folder" if folders == 1 else f"{folders} folders")
    return Source("folder", name, tuple(sorted(known, key=_natural)), ", ".join(parts))


def _natural(path: Path) -> list[tuple[int, str]]:
    pieces = re.split(r"(\d+)", str(path).lower())
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]
