"""Names that are nearly the name of a setting."""

import functools
from collections.abc import Iterable

# Two slips in a long name, one in a shorter one. In a name of four letters one slip makes another
# word, and a shell's variables have many of those.
_LONG, _SHORT = 10, 5


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Which of `known` was probably meant by `name`, or None when it is another name.

    Case and underscores do not count. A slip is a letter too many, one missing, one wrong, or two
    in the wrong order.
    """
    given, letters, most = _folded(name)
    best, least = None, most + 1
    for candidate in known:
        wanted, others, allowed = _folded(candidate)
        limit = min(most, allowed, least - 1)
        if abs(len(given) - len(wanted)) > limit or len(letters ^ others) > 2 * limit:
            continue  # most names end here, which keeps the start quick
        if (slips := _slips(given, wanted)) <= limit:
            best, least = candidate, slips
    return best


@functools.cache
def _folded(name: str) -> tuple[str, frozenset[str], int]:
    """The name without what does not count, its letters, and how many slips it may have."""
    bare = name.upper().replace("_", "").replace("-", "")
    return bare, frozenset(bare), 2 if len(bare) >= _LONG else int(len(bare) >= _SHORT)


def _slips(one: str, other: str) -> int:
    """The Damerau-Levenshtein distance (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        before, last, row = row, before, [i + 1]
        for j, wanted in enumerate(other):
            found = min(before[j + 1] + 1, row[j] + 1, before[j] + (letter != wanted))
            if i and j and letter == other[j - 1] and one[i - 1] == wanted:
                found = min(found, last[j - 1] + 1)
            row.append(found)
    return row[-1]
