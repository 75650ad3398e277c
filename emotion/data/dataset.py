"""A folder, zip or CSV -> images and labels in three splits: train, validation, test.

An official split is kept: by folder, by FER-2013's file names, by a CSV's Usage column. Where
training has no validation split, that is drawn from the training split, and a test split as well
where that is missing too. Drawing is for each class by a hash of the seed and the file's bytes: it
does not depend on file names, their order or the machine, and copies of a picture fall on one side.
Where names tell who or which sequence is seen, all pictures of one do.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion import model_file
from emotion.data import class_names, face_crops, forms, groups, near_copies, splits
from emotion.data.forms import Form, Item
from emotion.errors import EmotionError, UnreadableError

Progress = Callable[[int], object]

_SHOWN = 5  # names listed in the preflight before "and 7 more"


@dataclass(frozen=True)
class Split:
    """One split of the data.

    `names` are file names inside the data set, or "row 123". `duplicate_of_train` marks images
    with the same pixels as a training image, compared by hash as the network sees them (size x
    size, grey).
    """

    images: NDArray[np.uint8]  # (N, size, size)
    targets: NDArray[np.int64]  # (N,) class numbers
    names: tuple[str, ...]
    duplicate_of_train: NDArray[np.bool_]  # (N,), all False for the training split


@dataclass(frozen=True)
class Dataset:
    """What `load` found; `splits` has "train", "validation", "test" as far as they are there.

    The lists name files, `unreadable` ones with the reason after a colon: `blank` ones (one grey
    all over) are left out, of `no_face_found` ones, photographs, the centre is used, `outside` ones
    lie in no class folder and `unlisted` ones in no label list, and are left out. `source` says in
    words what was recognised, `remarks` what was taken for what and what to know of the splits.
    """

    labels: tuple[str, ...]
    splits: dict[str, Split]
    unreadable: tuple[str, ...]
    blank: tuple[str, ...]
    no_face_found: tuple[str, ...]
    cropped: int
    source: str
    outside: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Picture:
    name: str
    split: str
    label: str
    image: NDArray[np.uint8]
    key: bytes


@dataclass
class _Gathered:
    """`wanted` has split and class of every picture, the unusable ones too."""

    pictures: list[_Picture] = field(default_factory=list)
    wanted: set[tuple[str, str]] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)
    no_face_found: list[str] = field(default_factory=list)
    cropped: int = 0


def load(
    path: Path | str,
    *,
    size: int = 48,
    validation_split: float = 0.1,
    seed: int = 0,
    classes: Sequence[str] = (),
    group: str | None = None,
    for_training: bool = True,
    progress: Progress = lambda done: None,
) -> Dataset:
    """The data set at `path`, its pictures made grey crops of `size` x `size`.

    For scoring a model, `for_training=False`, nothing is split and anything may be missing:
    class folders alone are one split, "test".

    `classes` are the names of classes that are numbers in the data, in the numbers' order. `group`
    is a pattern on the pictures' names for who or what is seen: a drawn split never parts a group.

    FER-2013 takes seconds, a photograph about a twentieth of one; `progress` is called after each
    picture with the number done.

    Raises EmotionError when nothing usable is there and, for training, when a split or a class is
    empty or missing.
    """
    path = Path(path)
    if not 0 < validation_split <= splits.LARGEST:
        raise EmotionError(f"VALIDATION_SPLIT={validation_split:g} must be above 0, at most 1/3")
    given = f"DATASET='{path}'"
    with forms.opened(path) as (archive, only):
        form = forms.recognised(given, archive, only, classes)
        if for_training and form.places:
            splits.check(path, form.places, form.places | form.empty)
        found = _gather(form.items, face_crops.Preparer(size), progress)
    found.unreadable[:0] = form.unreadable
    if not found.pictures:
        raise EmotionError(_nothing(path, found))
    remarks = list(form.remarks if form.named else _name_classes(given, found, classes))
    grouped = groups.grouped(given, [item.name for item in found.pictures], group)
    remarks += [grouped.words] * bool(grouped.words)
    if for_training:
        splits.check(path, {(item.split, item.label) for item in found.pictures}, found.wanted)
        chosen, drawn = splits.completed(
            path, found.pictures, fraction=validation_split, seed=seed, groups=grouped.of
        )
    else:
        chosen, drawn = splits.given(found.pictures), ()
    labels = model_file.ordered(item.label for item in found.pictures)
    made = _splits(chosen, labels)
    if for_training:
        group_of = dict(zip((item.name for item in found.pictures), grouped.of, strict=True))
        remarks += _leaks(made, group_of, drawn)
    return Dataset(
        labels=labels,
        splits=made,
        unreadable=tuple(found.unreadable),
        blank=tuple(found.blank),
        no_face_found=tuple(found.no_face_found),
        cropped=found.cropped,
        source=_source(form, drawn, seed),
        outside=form.outside,
        unlisted=form.unlisted,
        remarks=tuple(remarks),
    )


def preflight(dataset: Dataset) -> str:
    """A table of classes and counts, and a line on everything that is not as it should be."""
    heads = ("class", *dataset.labels, "total")
    columns = [_column(name, split, len(dataset.labels)) for name, split in dataset.splits.items()]
    rows = zip(heads, *columns, strict=True)
    wide = max(map(len, heads))
    lines = [f"{head:<{wide}}" + "".join(f"{cell:>12}" for cell in row) for head, *row in rows]
    return "\n".join([dataset.source, *lines, *_remarks(dataset)])


def _column(name: str, split: Split, classes: int) -> list[str]:
    counts = np.bincount(split.targets, minlength=classes)
    return [name, *(f"{count:,}" for count in counts), f"{counts.sum():,}"]


def _remarks(dataset: Dataset) -> list[str]:
    lines = [
        _counted(dataset.unreadable, "that could not be read,", "left out"),
        _counted(dataset.blank, "of one grey all over,", "left out"),
        _counted(dataset.outside, "in no class folder,", "left out"),
        _counted(dataset.unlisted, "in no label list,", "left out"),
    ]
    for name, split in dataset.splits.items():
        if copies := int(split.duplicate_of_train.sum()):
            share = _share(copies, split)
            lines.append(f"{share} {name} images have the same pixels as a training image")
    if dataset.cropped or dataset.no_face_found:
        lines.append(f"{dataset.cropped:,} photographs cropped to the largest face")
        lines.append(_counted(dataset.no_face_found, "with no face found,", "centre used"))
    return [line for line in [*lines, *dataset.remarks] if line]


def _counted(names: Sequence[str], what: str, done: str) -> str:
    if not names:
        return ""
    more = f", and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    pictures = "picture" if len(names) == 1 else "pictures"
    return f"{len(names):,} {pictures} {what} {done}: {'; '.join(names[:_SHOWN])}{more}"


def _gather(items: Iterable[Item], prepare: face_crops.Preparer, progress: Progress) -> _Gathered:
    """Read every picture; what cannot be read or is blank is put down and left out.

    One thread: two decoded FER-2013's small files half as fast, photographs a fifth faster.
    """
    found = _Gathered()
    for done, item in enumerate(items, start=1):
        found.wanted.add((item.split, item.label))
        try:
            image, key = item.read()
        except UnreadableError as why:
            found.unreadable.append(f"{item.name}: {why}")
        else:
            _take(found, item, prepare(image), key)
        progress(done)
    return found


def _take(found: _Gathered, item: Item, crop: face_crops.Crop, key: bytes) -> None:
    if crop.image.min() == crop.image.max():
        found.blank.append(item.name)
        return
    found.pictures.append(_Picture(item.name, item.split, item.label, crop.image, key))
    if crop.how == "face":
        found.cropped += 1
    elif crop.how == "no face found":
        found.no_face_found.append(item.name)


def _name_classes(given: str, found: _Gathered, classes: Sequence[str]) -> tuple[str, ...]:
    """Give a CSV's numbered classes their names; answers with what was taken for what."""
    labels = [item.label for item in found.pictures]
    naming = class_names.naming(given, labels, classes, class_names.FER2013_CSV)
    called = naming.called
    found.pictures = [replace(item, label=called[item.label]) for item in found.pictures]
    found.wanted = {(split, called[label]) for split, label in found.wanted if label in called}
    return naming.remarks


def _nothing(path: Path, found: _Gathered) -> str:
    bad = [*found.unreadable, *(f"{name}: one grey all over" for name in found.blank)]
    if not bad:
        return f"DATASET='{path}' holds a header and no rows: download fer2013.csv again"
    return (
        f"DATASET='{path}': no picture in it can be used, of {len(bad):,} tried. The first is "
        f"{bad[0]}. Download the data again"
    )


def _source(form: Form, drawn: Sequence[str], seed: int) -> str:
    how = f"{' and '.join(drawn)} drawn with seed {seed}" if drawn else "split as it came"
    return f"{form.words}, {how}"


def _splits(chosen: Mapping[str, Sequence[_Picture]], labels: Sequence[str]) -> dict[str, Split]:
    numbers = {label: number for number, label in enumerate(labels)}
    learnt = {_digest(item) for item in chosen.get("train", ())}
    return {
        name: Split(
            images=np.stack([item.image for item in inside]),
            targets=np.array([numbers[item.label] for item in inside], np.int64),
            names=tuple(item.name for item in inside),
            duplicate_of_train=np.array(
                [name != "train" and _digest(item) in learnt for item in inside]
            ),
        )
        for name, inside in chosen.items()
    }


def _leaks(
    made: Mapping[str, Split], group_of: Mapping[str, str], drawn: Sequence[str]
) -> list[str]:
    """Lines on held-out pictures that training has seen the like of."""
    lines = []
    train = made["train"]
    learnt = {group_of[name] for name in train.names} - {""}
    for name, split in made.items():
        if name == "train":
            continue
        if seen := sum(group_of[one] in learnt for one in split.names):
            share = _share(seen, split)
            lines.append(f"{share} {name} images are of persons or groups that training has, too")
        near = near_copies.near(split.images, train.images) & ~split.duplicate_of_train
        if near.any():
            hint = ": GROUP can keep a person or sequence on one side" if name in drawn else ""
            lines.append(
                f"{_share(int(near.sum()), split)} {name} images are nearly a training image"
                + (hint if not learnt else "")
            )
    return lines


def _share(count: int, split: Split) -> str:
    return f"{count:,} of {len(split.names):,} ({count / len(split.names):.1%})"


def _digest(item: _Picture) -> bytes:
    return hashlib.sha256(item.image.tobytes()).digest()
