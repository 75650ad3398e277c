"""Folders and file names -> which picture is of which class and in which split of the data.

Recognised are splits (`train/`, `val/`, `test/`, and other names of `data/parts.py`) of class
folders, class folders with splits in them, and class folders alone, in any number of wrapping
folders. FER-2013's official split is in its file names: Training_, PublicTest_ (validation) and
PrivateTest_ (test). Other data sets have the class in their file names (`data/file_names.py`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from emotion.data import file_names, parts
from emotion.errors import EmotionError
from emotion.model_file import is_emotion
from emotion.pictures import DECODABLE

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

    Raises EmotionError when there is no picture, or none in a class folder, and when it cannot be
    told which folders are the classes.
    """
    pictures = pictures_in(files)
    if not pictures:
        raise EmotionError(f"{source} holds no pictures and no FER-2013 CSV: {_hint(files)}")
    if by_name := _by_file_names(pictures):
        return by_name
    nesting = _nesting(source, pictures)
    inside = [path for path in pictures if nesting.holds(path)]
    if not inside:
        raise EmotionError(
            f"{source} holds pictures and no class folders: put each picture into a folder named "
            "after its class, as in happy/1.jpg, or add a .csv of their names and classes"
        )
    outside = [path for path in pictures if not nesting.holds(path)]
    _check_siblings(source, nesting, inside, outside)
    official = any(parts.prefix(path[-1]) for path in inside)
    kind = "Kaggle folder" if nesting.parts and official else "class folders"
    return ClassFolders(
        words=f"{kind} in {'/'.join(nesting.wrapper)}/" if nesting.wrapper else kind,
        entries=_entries(nesting, inside, official),
        empty=_empty(nesting, inside, folders),
        outside=tuple(map("/".join, outside)),
    )


def pictures_in(files: Iterable[str]) -> list[_Path]:
    """Those of `files` that are pictures by their suffix, as tuples of folders and file."""
    return [_path(name) for name in files if name.lower().endswith(DECODABLE)]


@dataclass(frozen=True)
class _Nesting:
    """Where in a path the class is: under the wrapping folders, and under a part if there are.

    `parts` are the folders at that level that are parts, with their splits.
    """

    wrapper: _Path
    parts: Mapping[str, str]

    @property
    def level(self) -> int:
        return len(self.wrapper) + bool(self.parts)

    def holds(self, path: _Path) -> bool:
        """Whether the file lies in a class folder."""
        if len(path) < self.level + 2 or path[: len(self.wrapper)] != self.wrapper:
            return False
        return not self.parts or path[self.level - 1] in self.parts

    def folder_split(self, path: _Path) -> str:
        return self.parts[path[self.level - 1]] if self.parts else ""


def _nesting(source: str, pictures: Sequence[_Path]) -> _Nesting:
    folders = {path[:-2] for path in pictures}  # a class folder and a file come after the part
    children: dict[_Path, set[str]] = {}
    for folder in folders:
        for level, name in enumerate(folder):
            children.setdefault(folder[:level], set()).add(name)
    holders = {
        holder: found for holder, names in children.items() if (found := parts.of_folders(names))
    }
    if not holders:
        return _Nesting(_shared(pictures), {})
    shallow = min(map(len, holders))
    first, *others = sorted(holder for holder in holders if len(holder) == shallow)
    if others:
        raise EmotionError(
            f"{source} holds more than one data set ('{'/'.join(first)}' and "
            f"'{'/'.join(others[0])}'): give the folder of one of them"
        )
    return _Nesting(first, holders[first])


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


def _check_siblings(
    source: str, nesting: _Nesting, inside: Sequence[_Path], outside: Sequence[_Path]
) -> None:
    """Refuse folders that hold the same classes and are no parts that have a usual name."""
    level = nesting.level
    if nesting.parts:
        classes = {path[level] for path in inside}
        for name, found in _folders_below(outside, level - 1, nesting.wrapper).items():
            if name not in nesting.parts and len(found & classes) >= min(2, len(classes)):
                _refuse(source, min(nesting.parts), name, found & classes)
    below = _folders_below(inside, level)
    if not nesting.parts and "train" in (known := parts.of_folders(below)).values():
        raise EmotionError(
            f"{source}: '{min(known)}' is a part of the data and holds pictures without a class: "
            "put each into a folder named after its class, or add a .csv of their names and classes"
        )
    if all(map(is_emotion, below)):
        return
    anywhere = _folders_below(inside, level, deep=True)
    emotions = {name for name in _in_several(anywhere) if is_emotion(name)}
    if len(emotions) > 1:
        one, other, *_ = (name for name in sorted(anywhere) if anywhere[name] & emotions)
        _refuse(source, one, other, emotions)
    twice = _in_several(below)
    alike = len(twice) > 1 and all(found == twice for found in below.values())
    direct = any(len(path) == level + 2 for path in inside)  # pictures right in a class folder
    if alike and not direct and not any(map(is_emotion, below)):
        one, other, *_ = sorted(below)
        _refuse(source, one, other, twice)


def _folders_below(
    paths: Iterable[_Path], level: int, wrapper: _Path = (), *, deep: bool = False
) -> dict[str, set[str]]:
    """For each folder at `level` the names of the folders right in it, or anywhere below it."""
    found: dict[str, set[str]] = {}
    for folder in {path[:-1] for path in paths}:
        if len(folder) > level and folder[: len(wrapper)] == wrapper:
            names = folder[level + 1 :]
            found.setdefault(folder[level], set()).update(names if deep else names[:1])
    return found


def _in_several(below: Mapping[str, set[str]]) -> set[str]:
    """The names that lie below more than one folder."""
    counts = Counter(name for found in below.values() for name in found)
    return {name for name, count in counts.items() if count > 1}


def _refuse(source: str, one: str, other: str, same: Iterable[str]) -> None:
    names = ", ".join(f"'{name}'" for name in sorted(same)[:3])
    raise EmotionError(
        f"{source}: '{one}' and '{other}' both hold {names}, so they are parts of the data, or "
        "these are no classes: call parts train, val and test, or put all pictures of a class into "
        "one folder"
    )


def _entries(nesting: _Nesting, inside: Sequence[_Path], official: bool) -> tuple[Entry, ...]:
    """The folder decides the split; in class folders alone, and in a `test/` that FER-2013's
    PublicTest and PrivateTest share, the file name's prefix does. Beside files that have one, a
    file without is training data in class folders, and test data in `test/`."""
    mixed = all(nesting.folder_split(path) != "validation" for path in inside)
    inner = {} if nesting.parts else _inner_parts(nesting, inside)
    entries = []
    for path in inside:
        split, prefix = nesting.folder_split(path), parts.prefix(path[-1])
        if inner:
            split = inner[path[nesting.level + 1]]
        elif not nesting.parts:
            split = prefix or ("train" if official else "")
        elif split == "test" and mixed and prefix == "validation":
            split = "validation"
        name = "/".join(path[len(nesting.wrapper) :])
        entries.append(Entry("/".join(path), name, split, path[nesting.level].strip()))
    return tuple(entries)


def _inner_parts(nesting: _Nesting, inside: Sequence[_Path]) -> Mapping[str, str]:
    """Parts inside the class folders, as in happy/train/1.jpg, where every picture is in one."""
    at = nesting.level + 1
    names = {path[at] for path in inside if len(path) > at + 1}
    found = parts.of_folders(names)
    whole = "train" in found.values() and all(len(path) > at + 1 for path in inside)
    return found if whole and set(found) == names else {}


def _by_file_names(pictures: Sequence[_Path]) -> ClassFolders | None:
    """The classes that the file names of a known data set tell, unless its folders tell them."""
    names = [path[-1] for path in pictures]
    convention = file_names.telling_emotions(names)
    if not convention or all(len(path) > 1 and is_emotion(path[-2]) for path in pictures):
        return None
    entries, outside = [], []
    for path, name in zip(pictures, names, strict=True):
        whole = "/".join(path)
        if label := convention.label(name):
            entries.append(Entry(whole, whole, "", label))
        else:
            outside.append(whole)
    return ClassFolders(f"file names of {convention.name}", tuple(entries), (), tuple(outside))


def _empty(
    nesting: _Nesting, inside: Sequence[_Path], folders: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    full = {path[: nesting.level + 1] for path in inside}
    places = [
        path
        for path in map(_path, folders)
        if len(path) == nesting.level + 1 and path not in full and nesting.holds((*path, ""))
    ]
    return tuple((nesting.folder_split(path), path[-1].strip()) for path in places)


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
