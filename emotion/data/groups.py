"""Who, or which sequence, a picture shows: pictures of one group belong on one side of a split."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from emotion.data import file_names
from emotion.errors import EmotionError


@dataclass(frozen=True)
class Groups:
    """The group of each picture, "" for none, and in words how they were found."""

    of: tuple[str, ...]
    words: str = ""


def grouped(given: str, names: Sequence[str], pattern: str | None) -> Groups:
    """The groups of the pictures `names`, which are files with their folders.

    `pattern` (GROUP) is looked for in the file's name, or with the folders where it has a slash;
    its first group in brackets counts, or else all that it fits. Without one, the names of CK+,
    JAFFE, KDEF and RaFD tell the person. Raises EmotionError, which begins with `given`, for a
    pattern that fits no name, and one that tells no two apart.
    """
    files = [name.rpartition("/")[2] for name in names]
    if pattern is None:
        convention = file_names.telling_persons(files)
        if convention is None:
            return Groups(("",) * len(names))
        found = tuple(map(convention.person, files))
        count = len(set(found) - {""})
        return Groups(found, f"{count:,} persons by the file names of {convention.name}")
    fitted = re.compile(pattern)
    looked_at = names if "/" in pattern else files
    found = tuple(_group(fitted.search(name)) for name in looked_at)
    counts = Counter(found)
    if set(counts) == {""}:
        raise EmotionError(f"{given}: GROUP='{pattern}' fits no name, as '{looked_at[0]}'")
    if len(counts) == 1:
        raise EmotionError(f"{given}: GROUP='{pattern}' finds one group only, '{found[0]}'")
    without = f", {counts['']:,} pictures in none" if counts[""] else ""
    return Groups(found, f"{len(set(found) - {''}):,} groups by GROUP{without}")


def _group(match: re.Match[str] | None) -> str:
    if match is None:
        return ""
    return (match[1] or "") if match.re.groups else match[0]
