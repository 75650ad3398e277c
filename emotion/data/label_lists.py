"""A table of pictures and labels beside the pictures -> which picture is of which class and split.

As RAF-DB, AffectNet, muxspace/facial_expressions and many data sets on Kaggle have it: with a
header or without, in any order of columns, with names or numbers.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np

from emotion.data import class_names, csv_rows, parts
from emotion.data.archive import DAMAGE, Archive
from emotion.data.class_names import Numbering
from emotion.data.folders import Entry, pictures_in
from emotion.errors import EmotionError, UnreadableError
from emotion.model_file import is_emotion
from emotion.pictures import DECODABLE

_SUFFIXES = (".csv", ".txt", ".tsv", ".lst", ".list")
_PICTURE_HEADS = (
    *("image", "img", "images", "path", "pth", "imagepath", "imgpath", "filepath", "file"),
    *("filename", "imagename", "imgname", "imagefile", "imageid", "imgid", "id", "name", "picture"),
    *("photo", "pic", "relativepath", "subdirectoryfilepath"),
)
_LABEL_HEADS = (
    *("label", "labels", "emotion", "emotions", "expression", "expressions", "class", "classname"),
    *("category", "target", "emotionlabel", "labelname", "facialexpression", "classlabel", "y"),
    *("exp", "expr", "classid", "labelid"),
)
_SPLIT_HEADS = ("usage", "split", "part", "set", "subset", "partition", "dataset", "type")
_AFFECTNET_HEAD = "subdirectoryfilepath"
_RAF_LIST = "list_patition_label.txt"  # so spelt
_RAF_ALIGNED = "_aligned"  # RAF-DB's face crops beside its photographs
_ANNOTATION = "_exp.npy"  # AffectNet of 2021: a file for each picture
_FILES = 50  # that are looked into
_LINES = 200  # that a list is recognised by
_MOSTLY = 0.9
_FERPLUS = (  # label.csv of FER+'s own folders, behind the file and its box
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "NF"),
)
_NO_ANSWERS = ("unknown", "NF")
_FEWEST_ANSWERS = 3  # emotions that make columns of votes
_LEADS = re.compile(r"^([a-z]:)?(\.?/)*", re.IGNORECASE)
_FILE_PART = re.compile(r"(train|test|val|valid|validation)[_-]", re.IGNORECASE)


@dataclass(frozen=True)
class LabelList:
    """A list in an archive, and which column holds what; `sure` if its header says so."""

    name: str
    delimiter: str  # "" for blanks
    first: int  # row with which the data begins, from 1
    picture: int
    label: int
    split: int | None
    sure: bool
    numbering: Numbering | None = None
    answers: tuple[str, ...] = ()  # what the columns from `label` on count, where they are votes

    def label_of(self, cells: Sequence[str]) -> str:
        """What a row calls its picture: a cell, or the answer that most votes are for.

        Raises ValueError with what is wrong.
        """
        if not self.answers:
            return class_names.usable(cells[self.label])
        counts = [float(cell) for cell in cells[self.label :][: len(self.answers)]]
        answer = self.answers[counts.index(max(counts))]
        if counts.count(max(counts)) > 1 or answer in _NO_ANSWERS:
            raise ValueError("is undecided")
        return class_names.usable(answer)


@dataclass(frozen=True)
class Listed:
    """What lists say: the pictures they name, rows that cannot be used, what was taken for what.

    `unlisted` are pictures that no list names.
    """

    words: str
    entries: tuple[Entry, ...]
    wrong: tuple[str, ...]
    unlisted: tuple[str, ...]
    sure: bool
    numbering: Numbering | None = None
    remarks: tuple[str, ...] = ()


@dataclass
class _Found:
    """What the rows gave so far: each picture's split and label, and where it was said."""

    entries: dict[str, Entry] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    no_emotion: int = 0

    @property
    def remarks(self) -> tuple[str, ...]:
        if not self.no_emotion:
            return ()
        rows = "row" if self.no_emotion == 1 else "rows"
        return (f"{self.no_emotion:,} {rows} of AffectNet without an emotion (8 to 10), left out",)


def find(archive: Archive, only: str = "") -> tuple[LabelList, ...]:
    """The lists of pictures and labels in `archive`, or the one called `only`."""
    names = [only] if only else _candidates(archive)
    found = [one for name in names if (one := _recognised(archive, name))]
    return tuple(one for one in found if "submission" not in one.name.lower()) or tuple(found)


def read(given: str, archive: Archive, lists: Sequence[LabelList]) -> Listed | None:
    """What `lists` say of the pictures in `archive`; None when they name none of them.

    Raises EmotionError when a list cannot be read to its end.
    """
    pictures = _Pictures(archive)
    found, found_in = _Found(), []
    for one in lists:
        before = len(found.entries)
        for row in _rows(given, archive, one):
            _take(found, one, row, pictures)
        if len(found.entries) > before:
            found_in.append(one)
    if not found_in:
        return None
    listed = pictures.taken(found.entries)
    return Listed(
        words="label list " + " and ".join(one.name for one in found_in),
        entries=tuple(_split_by_prefix(list(found.entries.values()))),
        wrong=tuple(found.wrong),
        unlisted=tuple(sorted(pictures.all - listed)),
        sure=all(one.sure for one in found_in),
        numbering=found_in[0].numbering,
        remarks=found.remarks,
    )


def annotations(archive: Archive) -> Listed | None:
    """AffectNet's form of 2021, annotations/12_exp.npy for images/12.jpg; None where it is not."""
    files = [name for name in archive.files if name.endswith(_ANNOTATION)]
    if not files:
        return None
    pictures, found = _Pictures(archive), _Found()
    for name in files:
        folder = PurePosixPath(name).parent.parent
        stem = PurePosixPath(name).name.removesuffix(_ANNOTATION)
        picture = pictures.called(f"{folder}/images/{stem}", name)
        if not picture:
            found.wrong.append(f"{name}: no picture images/{stem} belongs to it")
            continue
        try:
            value = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
            label = str(int(value.reshape(-1)[0]))
        except (UnreadableError, ValueError, IndexError, EOFError) as error:
            found.wrong.append(f"{name}: holds no number ({error})")
            continue
        if label in class_names.AFFECTNET_NO_EMOTION:
            found.no_emotion += 1
        else:
            found.entries[picture] = Entry(picture, picture, _split_of_folders(picture), label)
    return Listed(
        "AffectNet's annotations (.npy)",
        tuple(found.entries.values()),
        tuple(found.wrong),
        tuple(sorted(pictures.all - set(found.entries))),
        sure=True,
        numbering=class_names.AFFECTNET,
        remarks=found.remarks,
    )


def outweighs(listed: Listed, entries: Sequence[Entry]) -> bool:
    """Whether a list counts, and not the class folders that the same pictures lie in.

    It does where the folders tell no two classes apart. Elsewhere it has to be a list for sure, to
    name half of the pictures, and to say other than the folders, or names where they have numbers.
    """
    folders = {entry.file: entry.label for entry in entries}
    if len(set(folders.values())) < 2:
        return True
    if not listed.sure or 2 * len(listed.entries) < len(folders):
        return False
    pairs = {(folders.get(entry.file), entry.label) for entry in listed.entries}
    labels = {label for _, label in pairs}
    same = len(pairs) == len({folder for folder, _ in pairs}) == len(labels)
    return not same or (_numbers(folders.values()) and not _numbers(labels))


def _numbers(labels: Iterable[str]) -> bool:
    return all(label.isdecimal() for label in labels)


class _Pictures:
    """The pictures of an archive, found by what a list calls them."""

    def __init__(self, archive: Archive) -> None:
        paths = pictures_in(archive.files)
        self.all = {"/".join(path) for path in paths}
        self._called: dict[str, list[str]] = {}
        for name in sorted(self.all):
            file = PurePosixPath(name)
            stem = file.stem.removesuffix(_RAF_ALIGNED).lower()
            self._called.setdefault(stem, []).append(name)

    def called(self, path: str, beside: str, split: str = "") -> str:
        """The picture that the list `beside` calls `path`, with or without suffix; "" for none.

        Of several of that name it is the one with most of the path's folders, then one of the
        same `split`, then RAF-DB's aligned crop, then one nearest to the list.
        """
        wanted = PurePosixPath(_LEADS.sub("", path.replace("\\", "/")))
        suffix = wanted.suffix.lower() if wanted.suffix.lower() in DECODABLE else ""
        stem = wanted.name.lower().removesuffix(suffix).removesuffix(_RAF_ALIGNED)
        named = self._called.get(stem, [])
        same = [name for name in named if not suffix or name.lower().endswith(suffix)] or named
        split = split or _split_of_folders(str(wanted))
        if split:
            same = [name for name in same if _split_of_folders(name) in ("", split)]

        def fitness(name: str) -> tuple[int, bool, bool, int]:
            return (
                _common(reversed(PurePosixPath(name).parts[:-1]), reversed(wanted.parts[:-1])),
                bool(split) and _split_of_folders(name) == split,
                PurePosixPath(name).stem.endswith(_RAF_ALIGNED),
                _common(name.split("/"), beside.split("/")),
            )

        return max(same, key=fitness) if len(same) > 1 else same[0] if same else ""

    def taken(self, entries: Iterable[str]) -> set[str]:
        """The pictures in `entries`, and those that are other crops of the same photograph."""
        stems = {PurePosixPath(e).stem.removesuffix(_RAF_ALIGNED).lower() for e in entries}
        aligned = any(PurePosixPath(e).stem.endswith(_RAF_ALIGNED) for e in entries)
        taken = set(entries)
        if aligned:
            taken |= {name for stem in stems for name in self._called[stem]}
        return taken


def _common(one: Iterable[str], other: Iterable[str]) -> int:
    """How many parts agree before the first that does not."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a.lower() != b.lower():
            break
        count += 1
    return count


def _candidates(archive: Archive) -> list[str]:
    """Tables and texts, but not one beside each picture, as other tasks have them."""
    stems = {name.rpartition(".")[0] for name in archive.files if _is_picture(name)}
    tables = [name for name in archive.files if name.lower().endswith(_SUFFIXES)]
    return [name for name in tables if name.rpartition(".")[0] not in stems][:_FILES]


def _recognised(archive: Archive, name: str) -> LabelList | None:
    try:
        with archive.open(name) as stream:
            head = stream.read(100_000)
        lines = head.decode("utf-8-sig", "replace").splitlines()
    except (UnreadableError, *DAMAGE):
        return None
    whole = lines if len(head) < 100_000 else lines[:-1]
    lines = [line for line in whole[:_LINES] if line.strip()]
    for delimiter in (",", ";", "\t", "|", ""):
        rows = [cells for line in lines if (cells := _cells(line, delimiter))]
        if rows and (one := _columns(name, delimiter, rows)):
            return one
    return None


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in csv_rows.split(line, delimiter)]
    except csv.Error:
        return []


def _columns(name: str, delimiter: str, rows: Sequence[Sequence[str]]) -> LabelList | None:
    """Which column is what, by the header or, where there is none, by what the cells are."""
    width = len(rows[0])
    heads = [re.sub(r"[^a-z]", "", cell.lower()) for cell in rows[0]]
    has_header = not any(_is_picture(cell) for cell in rows[0])
    data = [row for row in rows[has_header:] if len(row) == width]
    if width < 2 or not data or "pixels" in heads:
        return None
    columns = list(zip(*data, strict=True))
    picture = _best(
        [n for n in range(width) if _mostly(_is_picture, columns[n])],
        [n for n in range(width) if has_header and heads[n] in _PICTURE_HEADS],
    )
    if picture is None:
        return None
    others = [n for n in range(width) if n != picture]
    headed = [n for n in others if has_header and heads[n] in _LABEL_HEADS]
    words = [n for n in others if _mostly(is_emotion, columns[n])]
    label = _best([n for n in headed if n in words], headed, words, others if width == 2 else [])
    if label is None:
        answers = rows[0] if has_header else ["", "", *_FERPLUS][:width]
        return _of_votes(name, delimiter, answers, columns, picture, first=1 + has_header)
    split = next(
        (n for n in others if has_header and n != label and heads[n] in _SPLIT_HEADS
         and all(map(parts.split_of, columns[n]))),
        None,
    )  # fmt: skip
    numbering = class_names.AFFECTNET if heads[picture] == _AFFECTNET_HEAD else None
    if PurePosixPath(name).name.lower() == _RAF_LIST:
        numbering = class_names.RAF_DB
    return LabelList(
        name=name,
        delimiter=delimiter,
        first=1 + has_header,
        picture=picture,
        label=label,
        split=split,
        sure=label in headed or label in words or numbering is not None,
        numbering=numbering,
    )


def _of_votes(
    name: str,
    delimiter: str,
    heads: Sequence[str],
    columns: Sequence[Sequence[str]],
    picture: int,
    *,
    first: int,
) -> LabelList | None:
    """Columns of counts, one for each answer: people's votes, or a 1 under the class."""
    start = next((n for n, cells in enumerate(columns) if n > picture and _counts(cells)), 0)
    end = next((n for n in range(start, len(columns)) if not _counts(columns[n])), len(columns))
    answers = tuple(head.strip() for head in heads[start:end])
    ones = {sum(map(float, row)) for row in zip(*columns[start:end], strict=True)} == {1.0}
    if not start or len(answers) < end - start or len(answers) < 2 or not all(answers):
        return None
    if sum(map(is_emotion, answers)) < _FEWEST_ANSWERS and not ones:
        return None
    return LabelList(name, delimiter, first, picture, start, None, sure=False, answers=answers)


def _counts(cells: Sequence[str]) -> bool:
    return all(cell.replace(".", "", 1).isdecimal() for cell in cells)


def _best(*choices: Sequence[int]) -> int | None:
    return next((numbers[0] for numbers in choices if numbers), None)


def _is_picture(cell: str) -> bool:
    return cell.lower().endswith(DECODABLE)


def _mostly(is_one: Callable[[str], bool], cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and sum(map(is_one, filled)) >= _MOSTLY * len(filled)


def _rows(given: str, archive: Archive, one: LabelList) -> Iterator[csv_rows.Row]:
    """The list's rows behind its header, stripped."""
    try:
        with (
            archive.open(one.name) as stream,
            io.TextIOWrapper(stream, "utf-8-sig", "replace") as text,
        ):
            for row in csv_rows.read(text, one.delimiter):
                cells = [cell.strip() for cell in row.cells]
                if (any(cells) or row.wrong) and row.number >= one.first:
                    yield csv_rows.Row(row.number, cells, row.wrong)
    except (UnreadableError, *DAMAGE) as error:
        raise EmotionError(
            f"{given}: '{one.name}' cannot be read to its end ({error}): download it again"
        ) from error


def _take(found: _Found, one: LabelList, row: csv_rows.Row, pictures: _Pictures) -> None:
    """Enter what a row says, or what is wrong with it."""
    where = f"{one.name} row {row.number}"
    if row.wrong or len(row.cells) <= max(one.picture, one.label, one.split or 0):
        found.wrong.append(f"{where}: {row.wrong or f'{len(row.cells)} cells are too few'}")
        return
    path, cell = row.cells[one.picture], row.cells[one.label]
    if one.numbering is class_names.AFFECTNET and cell in class_names.AFFECTNET_NO_EMOTION:
        found.no_emotion += 1
        return
    try:
        label = one.label_of(row.cells)
    except ValueError as error:
        found.wrong.append(f"{where}: the label {error}")
        return
    split = parts.split_of(row.cells[one.split]) if one.split is not None else ""
    split = split or parts.split_in(PurePosixPath(one.name).stem)
    file = pictures.called(path, one.name, split)
    if not file:
        found.wrong.append(f"{where}: no picture is called '{class_names.shown(path)}'")
        return
    split = split or _split_of_folders(file)
    other = found.entries.setdefault(file, Entry(file, file, split, label))
    if other.label != label:
        found.wrong.append(f"{where}: {file} is '{other.label}' already, and '{label}' here")


def _split_of_folders(name: str) -> str:
    """The split that one of the folders of a file stands for; the innermost counts."""
    return next(
        (split for folder in reversed(name.split("/")[:-1]) if (split := parts.split_in(folder))),
        "",
    )


def _split_by_prefix(entries: Sequence[Entry]) -> Iterable[Entry]:
    """RAF-DB's train_00001.jpg and test_0001.jpg, where nothing else says the split."""
    if any(entry.split for entry in entries):
        return entries
    prefixes = [_FILE_PART.match(PurePosixPath(entry.file).name) for entry in entries]
    splits = [parts.split_of(match[1]) if match else "" for match in prefixes]
    counts = Counter(splits)
    if "" in counts or "train" not in counts or len(counts) < 2:
        return entries
    return [
        Entry(entry.file, entry.name, split, entry.label)
        for entry, split in zip(entries, splits, strict=True)
    ]
