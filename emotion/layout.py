"""Folders and file names -> which picture is of which class and in which part of the data.

Recognised are parts (`train/`, `val/`, `test/`) of class folders, and class folders alone, in any
number of wrapping folders. FER-2013's official split is in its file names: Training_,
PublicTest_ (validation) and PrivateTest_ (test).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from emotion.errors import EmotionError

SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"]
    + [".gif", ".jp2", ".heic", ".heif", ".avif"]
)
"""What counts as a picture. Some builds of OpenCV cannot read the last ones; then they are named
among the unreadable files instead of being overlooked."""

_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_USAGES = {"training": "train", "publictest": "validation", "privatetest": "test"}


@dataclass(frozen=True)
class Entry:
    """One picture: its file in the archive, its name in the data set, its part ("" for none)."""

    file: str
    name: str
    part: str
    label: str


@dataclass(frozen=True)
class Layout:
    """What the names say, and in `words` what was recognised.

    `empty` are class folders without a picture, as (part, class), `outside` pictures that lie in
    no class folder.
    """

    words: str
    entries: tuple[Entry, ...]
    empty: tuple[tuple[str, str], ...]
    outside: tuple[str, ...]


def recognise(source: str, files: Iterable[str], folders: Iterable[str]) -> Layout:
    """The layout behind sorted names of `files` and `folders`; `source` is named in errors.

    Raises EmotionError when there is no picture, or none in a class folder.
    """
    pictures = [PurePosixPath(name) for name in files if _is_picture(name)]
    if not pictures:
        raise EmotionError(
            f"{source} holds no pictures and no FER-2013 CSV: give a folder or .zip with "
            "train/<class>/ and test/<class>/, or a CSV with the columns emotion, Usage, pixels"
        )
    wrapper, has_parts = _wrapper(source, pictures)
    level = len(wrapper.parts) + has_parts
    inside = [p for p in pictures if _below(p, wrapper, level, has_parts)]
    if not inside:
        raise EmotionError(
            f"{source} holds {len(pictures)} pictures and no class folders: put each picture into "
            "a folder named after its class, train/happy/1.jpg"
        )
    official = any(_prefix(p) for p in inside)
    has_validation = any(_folder_part(p, level) == "validation" for p in inside)
    entries = tuple(
        Entry(
            str(p),
            str(p.relative_to(wrapper)),
            _part(p, level, has_parts, official, has_validation),
            p.parts[level],
        )
        for p in inside
    )
    kept = set(inside)
    return Layout(
        words=_words(wrapper, has_parts, official),
        entries=entries,
        empty=_empty(folders, entries, wrapper, level, has_parts),
        outside=tuple(str(p) for p in pictures if p not in kept),
    )


def part_of(usage: str) -> str:
    """The part that a Usage value or a folder's or table's name stands for; "" for none."""
    word = usage.strip().lower()
    return _USAGES.get(word) or _FOLDERS.get(word, "")


def _words(wrapper: PurePosixPath, has_parts: bool, official: bool) -> str:
    kind = "Kaggle folder" if has_parts and official else "class folders"
    where = f" in {wrapper}/" if wrapper.parts else ""
    return f"{kind}{where}"


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _wrapper(source: str, pictures: Sequence[PurePosixPath]) -> tuple[PurePosixPath, bool]:
    """The folder that holds the parts or the classes, and whether it holds parts."""
    holders = {
        PurePosixPath(*p.parts[:level])
        for p in pictures
        for level in range(len(p.parts) - 2)  # a class folder and a file come after the part
        if p.parts[level].lower() in _FOLDERS
    }
    if holders:
        shallow = min(len(holder.parts) for holder in holders)
        first, *others = sorted(h for h in holders if len(h.parts) == shallow)
        if others:
            raise EmotionError(
                f"{source} holds more than one data set ('{first}' and '{others[0]}'): give the "
                "folder of one of them"
            )
        return first, True
    wrapper = PurePosixPath()
    while True:
        level = len(wrapper.parts)
        within = [p.parts for p in pictures if len(p.parts) > level + 1]
        tops = {parts[level] for parts in within}
        if len(tops) != 1 or all(len(parts) == level + 2 for parts in within):
            return wrapper, False
        wrapper /= tops.pop()


def _below(p: PurePosixPath, wrapper: PurePosixPath, level: int, has_parts: bool) -> bool:
    """Whether the picture lies in a class folder of this layout."""
    if p.parts[: len(wrapper.parts)] != wrapper.parts or len(p.parts) < level + 2:
        return False
    return not has_parts or bool(_folder_part(p, level))


def _folder_part(p: PurePosixPath, level: int) -> str:
    return _FOLDERS.get(p.parts[level - 1].lower(), "") if level else ""


def _part(
    p: PurePosixPath, level: int, has_parts: bool, official: bool, has_validation: bool
) -> str:
    """The folder decides; in class folders alone, and in a `test/` that FER-2013's PublicTest and
    PrivateTest share, the file name's prefix does. A file without one is then training data, or
    test data in `test/`."""
    if not has_parts:
        return _prefix(p) or ("train" if official else "")
    folder = _folder_part(p, level)
    if folder == "test" and not has_validation and _prefix(p) == "validation":
        return "validation"
    return folder


def _prefix(p: PurePosixPath) -> str:
    word, mark, _ = p.name.partition("_")
    return _USAGES.get(word.lower(), "") if mark else ""


def _empty(
    folders: Iterable[str],
    entries: Sequence[Entry],
    wrapper: PurePosixPath,
    level: int,
    has_parts: bool,
) -> tuple[tuple[str, str], ...]:
    full = {PurePosixPath(entry.file).parts[: level + 1] for entry in entries}
    empty = []
    for folder in map(PurePosixPath, folders):
        if len(folder.parts) != level + 1 or folder.parts in full:
            continue
        if _below(folder / "x", wrapper, level, has_parts):
            empty.append((_folder_part(folder, level) if has_parts else "", folder.parts[level]))
    return tuple(empty)
