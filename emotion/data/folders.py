"""Folders and file names -> which picture is of which class and in which split of the data.

Recognised are splits (`train/`, `val/`, `test/`) of class folders, and class folders alone, in any
number of wrapping folders. FER-2013's official split is in its file names: Training_,
PublicTest_ (validation) and PrivateTest_ (test).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from emotion.errors import EmotionError
from emotion.pictures import DECODABLE

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
    """One picture: its file in the archive, its name in the data set, its split ("" for none)."""

    file: str
    name: str
    split: str
    label: str


@dataclass(frozen=True)
class ClassFolders:
    """What the names say, and in `words` what was recognised.

    `empty` are class folders without a picture, as (split, class), `outside` pictures that lie in
    no class folder.
    """

    words: str
    entries: tuple[Entry, ...]
    empty: tuple[tuple[str, str], ...]
    outside: tuple[str, ...]


def recognise(source: str, files: Sequence[str], folders: Iterable[str]) -> ClassFolders:
    """The class folders behind sorted names of `files` and `folders`; `source` is named in errors.

    Raises EmotionError when there is no picture, or none in a class folder.
    """
    pictures = [_path(name) for name in files if name.lower().endswith(DECODABLE)]
    if not pictures:
        raise EmotionError(f"{source} holds no pictures and no FER-2013 CSV: {_hint(files)}")
    nesting = _nesting(source, pictures)
    inside = [path for path in pictures if nesting.holds(path)]
    if not inside:
        raise EmotionError(
            f"{source} holds pictures and no class folders: put each picture into a folder named "
            "after its class, as in happy/1.jpg"
        )
    official = any(_prefix(path) for path in inside)
    kind = "Kaggle folder" if nesting.has_splits and official else "class folders"
    return ClassFolders(
        words=f"{kind} in {'/'.join(nesting.wrapper)}/" if nesting.wrapper else kind,
        entries=_entries(nesting, inside, official),
        empty=_empty(nesting, inside, folders),
        outside=tuple("/".join(path) for path in pictures if not nesting.holds(path)),
    )


def split_of(word: str) -> str:
    """The split that a Usage value, or a folder's or file's name, stands for; "" for none."""
    word = word.strip().lower()
    return _PREFIXES.get(word) or _FOLDERS.get(word, "")


@dataclass(frozen=True)
class _Nesting:
    """Where in a path the class is: under the wrapping folders, and under a split if there are."""

    wrapper: _Path
    has_splits: bool

    @property
    def level(self) -> int:
        return len(self.wrapper) + self.has_splits

    def holds(self, path: _Path) -> bool:
        """Whether the file lies in a class folder."""
        if len(path) < self.level + 2 or path[: len(self.wrapper)] != self.wrapper:
            return False
        return not self.has_splits or path[self.level - 1].lower() in _FOLDERS

    def folder_split(self, path: _Path) -> str:
        return _FOLDERS[path[self.level - 1].lower()] if self.has_splits else ""


def _nesting(source: str, pictures: Sequence[_Path]) -> _Nesting:
    holders = {
        path[:level]
        for path in pictures
        for level in range(len(path) - 2)  # a class folder and a file come after the split
        if path[level].lower() in _FOLDERS
    }
    if not holders:
        return _Nesting(_shared(pictures), has_splits=False)
    shallow = min(map(len, holders))
    first, *others = sorted(holder for holder in holders if len(holder) == shallow)
    if others:
        raise EmotionError(
            f"{source} holds more than one data set ('{'/'.join(first)}' and "
            f"'{'/'.join(others[0])}'): give the folder of one of them"
        )
    return _Nesting(first, has_splits=True)


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


def _entries(nesting: _Nesting, inside: Sequence[_Path], official: bool) -> tuple[Entry, ...]:
    """The folder decides the split; in class folders alone, and in a `test/` that FER-2013's
    PublicTest and PrivateTest share, the file name's prefix does. Beside files that have one, a
    file without is training data in class folders, and test data in `test/`."""
    mixed = all(nesting.folder_split(path) != "validation" for path in inside)
    entries = []
    for path in inside:
        split, prefix = nesting.folder_split(path), _prefix(path)
        if not nesting.has_splits:
            split = prefix or ("train" if official else "")
        elif split == "test" and mixed and prefix == "validation":
            split = "validation"
        name = "/".join(path[len(nesting.wrapper) :])
        entries.append(Entry("/".join(path), name, split, path[nesting.level]))
    return tuple(entries)


def _empty(
    nesting: _Nesting, inside: Sequence[_Path], folders: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    full = {path[: nesting.level + 1] for path in inside}
    places = [
        path
        for path in map(_path, folders)
        if len(path) == nesting.level + 1 and path not in full and nesting.holds((*path, ""))
    ]
    return tuple((nesting.folder_split(path), path[-1]) for path in places)


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
    """The split that a file name such as PublicTest_123.jpg stands for; "" for none."""
    word, mark, _ = path[-1].partition("_")
    return _PREFIXES.get(word.lower(), "") if mark else ""
