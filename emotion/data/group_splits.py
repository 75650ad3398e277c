"""Drawing splits that never part the pictures of one person or sequence."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from emotion.errors import EmotionError


def drawn(
    path: object,
    labels: Sequence[str],
    groups: Sequence[str],
    splits: Sequence[str],
    *,
    fraction: float,
    seed: int,
) -> list[str]:
    """The split of each picture, "train" or one of `splits`, by its label and its group.

    Each split gets about `fraction` of each class, and at least one picture. The order of groups is
    the lottery: by a hash of the seed and the group. Raises EmotionError, naming the data set at
    `path`, for a class of too few groups.
    """
    held = {group: Counter[str]() for group in groups}
    for label, group in zip(labels, groups, strict=True):
        held[group][label] += 1
    free = sorted(held, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    sizes, places = Counter(labels), {}
    for number, split in enumerate(splits, start=1):
        wanted = {label: max(1, round(fraction * size)) for label, size in sizes.items()}
        chosen = _chosen(held, free, wanted, spared=len(splits) + 1 - number)
        for label, size in wanted.items():
            if not any(held[group][label] for group in chosen):
                raise EmotionError(
                    f"DATASET='{path}': class '{label}' is of too few groups or persons "
                    f"({_count(held, held, label)}) to draw {size} pictures for {split} from "
                    "without parting one: add some, or make validation and test folders"
                )
        places.update(dict.fromkeys(chosen, split))
        free = [group for group in free if group not in chosen]
    return [places.get(group, "train") for group in groups]


def _chosen(
    held: Mapping[str, Counter[str]], free: Sequence[str], wanted: Mapping[str, int], *, spared: int
) -> set[str]:
    """The groups of one split, in the order of `free`; `spared` of each class are left for others.

    Classes of few groups choose first, and take those that overshoot only for want of smaller ones.
    """
    left = {label: _count(held, free, label) for label in wanted}
    chosen: set[str] = set()
    for label in sorted(wanted, key=lambda label: (left[label], label)):
        need = wanted[label] - sum(held[group][label] for group in chosen)
        holding = [group for group in free if held[group][label]]
        fitting = [group for group in holding if held[group][label] <= need]
        for group in [*fitting, *holding]:
            if need <= 0:
                break
            if group not in chosen and all(left[other] > spared for other in held[group]):
                chosen.add(group)
                need -= held[group][label]
                for other in held[group]:
                    left[other] -= 1
    return chosen


def _count(held: Mapping[str, Counter[str]], groups: Sequence[str] | Mapping, label: str) -> int:
    return sum(bool(held[group][label]) for group in groups)
