"""Which form a data set has, found by looking -> its pictures with class and split, yet unread.

Forms are FER-2013 as a CSV, label lists beside pictures, and folders named after parts and classes.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion import pictures
from emotion.data import class_names, fer2013_csv, folders, label_lists
from emotion.data.archive import Archive, open_archive
from emotion.data.folders import ClassFolders, Entry
from emotion.data.label_lists import Listed
from emotion.data.splits import Places
from emotion.errors import EmotionError
from emotion.model_file import is_emotion, same_emotion


@dataclass(frozen=True)
class Item:
    """A labelled picture before it is read; `read` gives pixels and a hash of what they came as.

    It raises UnreadableError.
    """

    name: str
    split: str
    label: str
    read: Callable[[], tuple[NDArray[np.uint8], bytes]]


@dataclass(frozen=True)
class Form:
    """What was recognised, in words, the pictures in it, and what was left out of it.

    `places` are splits and classes with pictures, `empty` those without; both are empty where only
    reading tells, and `named` is False where the classes get their names after that.
    """

    words: str
    items: Iterable[Item]
    places: Places = frozenset()
    empty: Places = frozenset()
    outside: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    named: bool = True


@contextmanager
def opened(path: Path) -> Iterator[tuple[Archive, str]]:
    """The archive at `path`, and the one label list in it that counts, "" for any.

    A label list that is given by itself is of the pictures beside it, or in a folder beside its
    own. Raises EmotionError when there are none.
    """
    with open_archive(path) as archive:
        alone = path.is_file() and not archive.packed and not fer2013_csv.find(archive)
        lists = label_lists.find(archive) if alone else ()
        if not lists:
            yield archive, ""
            return
    folder, sure = path.resolve().parent, any(one.sure for one in lists)
    places = [(folder, path.name), (folder.parent, f"{folder.name}/{path.name}")]
    for above, only in places if sure else places[:1]:
        with open_archive(above) as archive:
            found = label_lists.find(archive, only) if only in archive.files else ()
            listed = label_lists.read(f"DATASET='{path}'", archive, found)
            if listed and len(listed.entries) >= len(listed.wrong):
                yield archive, only
                return
    if sure:
        raise EmotionError(
            f"DATASET='{path}' names pictures that lie neither beside it nor in a folder beside "
            "its own: give the folder that holds both"
        )
    with open_archive(path) as archive:
        yield archive, ""


def recognised(given: str, archive: Archive, only: str = "", classes: Sequence[str] = ()) -> Form:
    """The form of the data in `archive`; `only` is the one label list that counts.

    `classes` are names for classes that are numbers. Raises EmotionError, which begins with
    `given`, when no form is known or when it cannot be told what the classes are.
    """
    if not only and (csvs := fer2013_csv.find(archive)):
        words = "CSV " + " and ".join(found.name for found in csvs)
        form = Form(words, _from_csvs(archive, csvs), named=False)
    else:
        form = _of_pictures(given, archive, only, classes)
    words = f"zip of {form.words}" if archive.packed else form.words
    return replace(form, words=words, unreadable=(*archive.troubles, *form.unreadable))


def _of_pictures(given: str, archive: Archive, only: str, classes: Sequence[str]) -> Form:
    lists = label_lists.find(archive, only)
    if len(archive.files) == 1 and archive.files[0].lower().endswith(".csv"):
        heads = class_names.shown(", ".join(fer2013_csv.columns(archive, archive.files[0])))
        raise EmotionError(
            f"{given} starts with the columns {heads or 'nothing'}; needed are emotion and pixels, "
            "and Usage for the official split, as in fer2013.csv"
        )
    plan, refused = None, None
    try:
        plan = folders.recognise(given, archive.files, archive.folders)
    except EmotionError as error:
        refused = error
    several = plan is not None and len(_labels(plan.entries)) > 1
    if only or not several or any(one.sure for one in lists):
        listed = label_lists.read(given, archive, lists) or label_lists.annotations(archive)
        if listed and (only or not plan or label_lists.outweighs(listed, plan.entries)):
            return _from_list(given, archive, listed, plan, classes)
    if plan is None:
        assert refused is not None
        raise refused
    return _from_folders(given, archive, plan, classes)


def _from_list(
    given: str, archive: Archive, listed: Listed, plan: ClassFolders | None, classes: Sequence[str]
) -> Form:
    naming = class_names.naming(given, _labels(listed.entries), classes, listed.numbering)
    named = _renamed(listed.entries, naming.called)
    cases = class_names.one_case(_labels(named))
    entries = _renamed(named, cases.called)
    return Form(
        listed.words,
        _from_files(archive, entries),
        places=_places(entries),
        unlisted=listed.unlisted,
        unreadable=listed.wrong,
        remarks=(*listed.remarks, *_contradicted(entries, plan), *naming.remarks, *cases.remarks),
    )


def _from_folders(given: str, archive: Archive, plan: ClassFolders, classes: Sequence[str]) -> Form:
    labels = _labels(plan.entries) | {label for _, label in plan.empty}
    for label in sorted(labels):
        try:
            class_names.usable(label)
        except ValueError as error:
            raise EmotionError(f"{given}: the name of a class folder {error}") from error
    class_names.check_case(given, labels)
    naming = class_names.naming(given, labels, classes)
    entries = _renamed(plan.entries, naming.called)
    return Form(
        plan.words,
        _from_files(archive, entries),
        places=_places(entries),
        empty=frozenset((split, naming.called[label]) for split, label in plan.empty),
        outside=plan.outside,
        remarks=naming.remarks,
    )


def _contradicted(entries: Sequence[Entry], plan: ClassFolders | None) -> list[str]:
    """A word on pictures that a list calls otherwise than the folders that they lie in."""
    folders_say = {entry.file: entry.label for entry in plan.entries} if plan else {}
    if not all(map(is_emotion, folders_say.values())):
        return []
    other = [
        entry.file
        for entry in entries
        if entry.file in folders_say
        and same_emotion(folders_say[entry.file]) != same_emotion(entry.label)
    ]
    if not other:
        return []
    return [f"{len(other):,} pictures lie in folders of other classes: the list counts"]


def _labels(entries: Iterable[Entry]) -> set[str]:
    return {entry.label for entry in entries}


def _places(entries: Iterable[Entry]) -> Places:
    return frozenset((entry.split, entry.label) for entry in entries)


def _renamed(entries: Sequence[Entry], called: Mapping[str, str]) -> Sequence[Entry]:
    if all(label == name for label, name in called.items()):
        return entries  # tens of thousands of copies less
    return [replace(entry, label=called[entry.label]) for entry in entries]


def _from_files(archive: Archive, entries: Iterable[Entry]) -> Iterator[Item]:
    for entry in entries:
        yield Item(entry.name, entry.split, entry.label, partial(_picture, archive, entry.file))


def _picture(archive: Archive, file: str) -> tuple[NDArray[np.uint8], bytes]:
    data = archive.read(file)
    return pictures.decode(data), hashlib.sha256(data).digest()


def _from_csvs(archive: Archive, csvs: Sequence[fer2013_csv.CsvFile]) -> Iterator[Item]:
    for row in fer2013_csv.rows(archive, csvs):
        yield Item(row.name, row.split, row.label, partial(_row, row))


def _row(row: fer2013_csv.Row) -> tuple[NDArray[np.uint8], bytes]:
    image = row.image()
    return image, hashlib.sha256(image.tobytes()).digest()
