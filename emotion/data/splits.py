"""The splits of a data set: whether training can use them, and how missing ones are drawn."""

import hashlib
from collections.abc import Iterable, Sequence, Set
from typing import Protocol, TypeVar

from emotion.data import group_splits
from emotion.errors import EmotionError
from emotion.model_file import same_emotion

SPLITS = ("train", "validation", "test")
LARGEST = 1 / 3
"""The largest share that one drawn split may get: the rest is what training learns from."""

Places = Set[tuple[str, str]]
"""Pairs of split ("" before it is drawn) and class."""


class Sample(Protocol):
    """What splitting needs to know of a picture; `key` is a hash of the bytes it came as."""

    @property
    def split(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def key(self) -> bytes: ...


S = TypeVar("S", bound=Sample)


def check(path: object, present: Places, wanted: Places) -> None:
    """Refuse what cannot be trained on; `present` are classes with pictures, `wanted` all that
    ought to have some. Raises EmotionError naming the data set at `path`.
    """
    given = f"DATASET='{path}'"
    splits = {split for split, _ in present}
    learnt = "" if "" in splits else "train"
    if learnt not in splits:
        raise EmotionError(
            f"{given} has no training split, only {_listed(splits)}: training needs "
            "train/<class>/ folders, or rows whose Usage is Training"
        )
    for split, label in sorted(wanted - present):
        raise EmotionError(
            f"{given}: class '{label}'{_within(split)} has no picture that can be used: add some, "
            "or take the class out of every split"
        )
    known = {label for split, label in present if split == learnt}
    if len(known) < 2:
        raise EmotionError(
            f"{given} has one class only, '{min(known)}': training needs two or more"
        )
    for split in sorted(splits - {learnt}):
        labels = {label for other, label in present if other == split}
        if strange := labels - known:
            raise EmotionError(
                f"{given}: class {_listed(strange)} is in the {split} split and not in the "
                f"training split{_same(min(strange), known - labels)}: add it there, or take it "
                "out here"
            )
        if missing := known - labels:
            raise EmotionError(
                f"{given}: class {_listed(missing)} is missing from the {split} split: add "
                "pictures of it there, or take the split out and let VALIDATION_SPLIT draw one"
            )


def given(samples: Iterable[S]) -> dict[str, list[S]]:
    """Samples by the split they came in; those that came in none are the test split."""
    splits: dict[str, list[S]] = {split: [] for split in SPLITS}
    for sample in samples:
        splits[sample.split or "test"].append(sample)
    return {split: inside for split, inside in splits.items() if inside}


def completed(
    path: object,
    samples: Sequence[S],
    *,
    fraction: float,
    seed: int,
    groups: Sequence[str] = (),
) -> tuple[dict[str, list[S]], tuple[str, ...]]:
    """Samples by split for training, and which splits were drawn from the training split.

    `fraction` of each class, and at least one picture, goes into each split drawn: validation
    where there is none, and test as well where training is all there is. Order is kept. `groups`
    has the group of each sample, "" for none; a drawn split never parts a group.

    Raises EmotionError when a class is too small, or of too few groups, to be drawn from.
    """
    splits: dict[str, list[S]] = {split: [] for split in SPLITS}
    learnt_groups = []
    for sample, group in zip(samples, groups or [""] * len(samples), strict=True):
        splits[sample.split or "train"].append(sample)
        if sample.split in ("", "train"):
            learnt_groups.append(group)
    if splits["validation"]:
        drawn: tuple[str, ...] = ()
    else:
        drawn = ("validation",) if splits["test"] else ("validation", "test")
        if any(learnt_groups):
            labels = [sample.label for sample in splits["train"]]
            keys = [
                group or sample.key.hex()  # copies of one picture are a group
                for group, sample in zip(learnt_groups, splits["train"], strict=True)
            ]
            places = group_splits.drawn(path, labels, keys, drawn, fraction=fraction, seed=seed)
        else:
            places = _drawn(path, splits["train"], drawn, fraction, seed)
        learnt, splits["train"] = splits["train"], []
        for sample, split in zip(learnt, places, strict=True):
            splits[split].append(sample)
    return {split: inside for split, inside in splits.items() if inside}, drawn


def _drawn(
    path: object, samples: Sequence[Sample], drawn: Sequence[str], fraction: float, seed: int
) -> list[str]:
    """The split for each sample. Within a class the order by hash is the lottery."""
    places = ["train"] * len(samples)
    keys = [hashlib.sha256(f"{seed}:".encode() + sample.key).digest() for sample in samples]
    for label in sorted({sample.label for sample in samples}):
        numbers = [n for n, sample in enumerate(samples) if sample.label == label]
        if len(numbers) <= len(drawn):
            raise EmotionError(
                f"DATASET='{path}': class '{label}' has too few usable pictures ({len(numbers)}) "
                f"to draw {_listed(drawn)} from: add some, it needs {len(drawn) + 1} or more"
            )
        numbers.sort(key=lambda n: keys[n])
        share, start = max(1, round(fraction * len(numbers))), 0
        for split in drawn:
            end = _past_copies([keys[n] for n in numbers], start + share, share)
            for n in numbers[start:end]:
                places[n] = split
            start = end
    return places


def _past_copies(keys: Sequence[bytes], end: int, share: int) -> int:
    """`end`, moved behind copies of the picture before it, unless they are a split's worth."""
    moved = end
    while moved < len(keys) - 1 and keys[moved] == keys[end - 1]:
        moved += 1
    return moved if moved - end < share else end


def _same(strange: str, others: Iterable[str]) -> str:
    """A word on what the class may be called elsewhere."""
    for other in others:
        if same_emotion(other) == same_emotion(strange):
            return f", where '{other}' may be meant by the same"
    return ""


def _within(split: str) -> str:
    return f" in the {split} split" if split else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))
