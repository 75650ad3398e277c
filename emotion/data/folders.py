"""Folders and file names -> which picture is of which class and in which part of the data.

Recognised are parts (`train/`, `val/`, `test/`) of class folders, and class folders alone, in any
number of wrapping folders. FER-2013's official split is in its file names: Training_,
PublicTest_ (validation) and PrivateTest_ (test).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from emotion.errors import EmotionError

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"),
    *(".gif", ".jp2", ".heic", ".heif", ".avif"),
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
_PREFIXES = {"training": "train", "publictest": "validation", "privatetest": "test"}

_Path = tuple[str, ...]  # a name's folders and file: tuples are six times faster than pathlib


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


def recognise(source: str, files: Sequence[str], folders: Iterable[str]) -> Layout:
    """The layout behind sorted names of `files` and `folders`; `source` is named in errors.

    Raises EmotionError when there is no picture, or none in a class folder.
    """
    pictures = [_path(name) for name in files if name.lower().endswith(SUFFIXES)]
    if not pictures:
        raise EmotionError(f"{source} holds no pictures and no FER-2013 CSV: {_hint(files)}")
    frame = _frame(source, pictures)
    inside = [path for path in pictures if frame.holds(path)]
    if not inside:
        raise EmotionError(
            f"{source} holds pictures and no class folders: put each picture into a folder named "
            "after its class, as in happy/1.jpg"
        )
    official = any(_prefix(path) for path in inside)
    kind = "Kaggle folder" if frame.has_parts and official else "class folders"
    return Layout(
        words=f"{kind} in {'/'.join(frame.wrapper)}/" if frame.wrapper else kind,
        entries=_entries(frame, inside, official),
        empty=_empty(frame, inside, folders),
        outside=tuple("/".join(path) for path in pictures if not frame.holds(path)),
    )


def part_of(word: str) -> str:
    """The part that a Usage value, or a folder's or file's name, stands for; "" for none."""
    word = word.strip().lower()
    return _PREFIXES.get(word) or _FOLDERS.get(word, "")


@dataclass(frozen=True)
class _Frame:
    """Where in a path the class is: under the wrapping folders, and under a part if there are."""

    wrapper: _Path
    has_parts: bool

    @property
    def level(self) -> int:
        return len(self.wrapper) + self.has_parts

    def holds(self, path: _Path) -> bool:
        """Whether the file lies in a class folder."""
        if len(path) < self.level + 2 or path[: len(self.wrapper)] != self.wrapper:
            return False
        return not self.has_parts or path[self.level - 1].lower() in _FOLDERS

    def folder_part(self, path: _Path) -> str:
        return _FOLDERS[path[self.level - 1].lower()] if self.has_parts else ""


def _frame(source: str, pictures: Sequence[_Path]) -> _Frame:
    holders = {
        path[:level]
        for path in pictures
        for level in range(len(path) - 2)  # a class folder and a file come after the part
        if path[level].lower() in _FOLDERS
    }
    if not holders:
        return _Frame(_shared(pictures), has_parts=False)
    shallow = min(map(len, holders))
    first, *others = sorted(holder for holder in holders if len(holder) == shallow)
    if others:
        raise EmotionError(
            f"{source} holds more than one data set ('{'/'.join(first)}' and "
            f"'{'/'.join(others[0])}'): give the folder of one of them"
        )
    return _Frame(first, has_parts=True)


def _shared(pictures: Sequence[_Path]) -> _Path:
    """The folders around the class folders: each the only one at its level, and holding others."""
    wrapper: _Path = ()
    while True:
        level = len(wrapper)
        within = [path for path in pictures if len(path) > level + 1]
        tops = {path[level] for path in within}
        if len(tops) != 1 or all(len(path) == level + 2 for path in within):
            return wrapper
        wrapper += (tops.pop(),)


def _entries(frame: _Frame, inside: Sequence[_Path], official: bool) -> tuple[Entry, ...]:
    """The folder decides the part; in class folders alone, and in a `test/` that FER-2013's
    PublicTest and PrivateTest share, the file name's prefix does. Beside files that have one, a
    file without is training data in class folders, and test data in `test/`."""
    mixed = all(frame.folder_part(path) != "validation" for path in inside)
    entries = []
    for path in inside:
        part, prefix = frame.folder_part(path), _prefix(path)
        if not frame.has_parts:
            part = prefix or ("train" if official else "")
        elif part == "test" and mixed and prefix == "validation":
            part = "validation"
        name = "/".join(path[len(frame.wrapper) :])
        entries.append(Entry("/".join(path), name, part, path[frame.level]))
    return tuple(entries)


def _empty(
    frame: _Frame, inside: Sequence[_Path], folders: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    full = {path[: frame.level + 1] for path in inside}
    places = [
        path
        for path in map(_path, folders)
        if len(path) == frame.level + 1 and path not in full and frame.holds((*path, ""))
    ]
    return tuple((frame.folder_part(path), path[-1]) for path in places)


def _hint(files: Sequence[str]) -> str:
    for name in files:
        if name.lower().endswith(".zip"):
            return f"give '{name}' in it, if that is the data"
        if name.lower().endswith((".tar", ".gz", ".tgz", ".7z", ".rar")):
            return f"unpack '{name}' and give the folder, if that is the data"
    return (
        "give a folder or .zip with train/<class>/ and test/<class>/, or a CSV with the columns "
        "emotion, Usage, pixels"
    )


def _path(name: str) -> _Path:
    return tuple(name.split("/"))


def _prefix(path: _Path) -> str:
    """The part that a file name such as PublicTest_123.jpg stands for; "" for none."""
    word, mark, _ = path[-1].partition("_")
    return _PREFIXES.get(word.lower(), "") if mark else ""
