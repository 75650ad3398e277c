"""What the classes of a data set are called: numbers get names, and no two names are nearly one."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from emotion.data.archive import plain_name
from emotion.errors import EmotionError
from emotion.model_file import CONTEMPT, FER2013

Numbering = Mapping[int, str]

FER2013_CSV: Numbering = dict(enumerate((*FER2013, CONTEMPT)))
"""FER-2013's, and ckextended.csv's, which has one more."""
RAF_DB: Numbering = dict(
    enumerate(("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"), start=1)
)
"""Of list_patition_label.txt (Li et al. 2017)."""
AFFECTNET: Numbering = dict(
    enumerate(("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", CONTEMPT))
)
"""Of the tables that AffectNet comes with (Mollahosseini et al. 2017)."""
AFFECTNET_NO_EMOTION = ("8", "9", "10")  # none, uncertain, no face

LONGEST = 100  # characters in a name
_NUMBER = re.compile(r"(?:class|label|emotion|expression)?[ _-]?0*(\d{1,4})(?:\.0*)?", re.I)


@dataclass(frozen=True)
class Naming:
    """What each label of the data is called, and in words what was taken for what."""

    called: Mapping[str, str]
    remarks: tuple[str, ...] = ()


def usable(label: str) -> str:
    """`label` as text that a terminal, a CSV and a model file can hold.

    Raises ValueError with what is wrong with one that cannot be a class's name.
    """
    label = plain_name(label.strip())
    if not label:
        raise ValueError("is blank")
    if len(label) > LONGEST:
        raise ValueError(f"has {len(label):,} characters: {LONGEST} are the most")
    if "\\" in label:
        raise ValueError(f"'{label}' is not plain text: give it another name")
    return label


def naming(
    given: str,
    labels: Iterable[str],
    asked: Sequence[str] = (),
    numbering: Numbering | None = None,
) -> Naming:
    """What `labels` are called: as `asked` (CLASSES), else by the `numbering` of a known data set.

    `asked` are counted from 0 where the data has a class 0, else from 1. Raises EmotionError,
    which begins with `given`, when they do not fit the labels.
    """
    found = sorted(set(labels))
    numbers = {label: int(n[1]) for label in found if (n := _NUMBER.fullmatch(label))}
    if asked:
        return _asked(given, found, numbers, asked)
    if not found or len(numbers) < len(found):
        return Naming({label: label for label in found})
    if numbering and set(numbers.values()) <= set(numbering):
        eighth = numbering is FER2013_CSV and max(numbers.values()) == len(FER2013)
        remarks = (f"class {len(FER2013)} is taken for {CONTEMPT}",) if eighth else ()
        return Naming({label: numbering[number] for label, number in numbers.items()}, remarks)
    return Naming({label: label for label in found}, (_hint(numbers),))


def _hint(numbers: Mapping[str, int]) -> str:
    """Numbers stay numbers, as nothing says what they stand for; who knows can say."""
    listed = ", ".join(sorted(numbers)[:10])
    known = [
        f"{name}'s are CLASSES={','.join(numbering.values())}"
        for name, numbering in (("RAF-DB", RAF_DB), ("AffectNet", AFFECTNET))
        if set(numbers.values()) <= set(numbering)
    ]
    hint = f"the classes are numbers ({listed}): CLASSES=one,two,... names them"
    return "; ".join([hint, *known])


def _asked(
    given: str, found: Sequence[str], numbers: Mapping[str, int], asked: Sequence[str]
) -> Naming:
    names = ",".join(asked)
    if len(set(asked)) < len(asked):
        raise EmotionError(f"{given}: CLASSES={names} names one class twice")
    for name in asked:
        try:
            usable(name)
        except ValueError as error:
            raise EmotionError(f"{given}: a name in CLASSES {error}") from error
    if strange := [label for label in found if label not in numbers]:
        if set(strange) <= set(asked):
            return Naming({label: label for label in found})
        raise EmotionError(
            f"{given}: CLASSES names numbered classes, and one here is called '{strange[0]}': "
            "leave CLASSES out"
        )
    first = 0 if 0 in numbers.values() else 1
    most = max(numbers.values(), default=0)
    if most - first >= len(asked):
        raise EmotionError(
            f"{given}: CLASSES={names} has {len(asked)} names, and the data a class {most}: "
            f"counted from {first}, {most - first + 1} are needed"
        )
    called = {label: asked[number - first] for label, number in numbers.items()}
    pairs = ", ".join(f"{number} {called[label]}" for label, number in _by_number(numbers))
    return Naming(called, (f"classes named by CLASSES, counted from {first}: {pairs}",))


def _by_number(numbers: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(numbers.items(), key=lambda pair: pair[1])


def one_case(labels: Iterable[str]) -> Naming:
    """Labels that differ in letter case only are one class, in lower case: HAPPY and happy."""
    spellings: dict[str, set[str]] = {}
    for label in set(labels):
        spellings.setdefault(label.casefold(), set()).add(label)
    several = {name: sorted(found) for name, found in spellings.items() if len(found) > 1}
    called = {
        label: name if name in several else label
        for name, found in spellings.items()
        for label in found
    }
    words = "; ".join(" and ".join(found) for _, found in sorted(several.items()))
    return Naming(called, (f"one class, in whatever letter case: {words}",) if several else ())


def check_case(given: str, labels: Iterable[str]) -> None:
    """Refuse class folders that differ in letter case only. Raises EmotionError."""
    seen: dict[str, str] = {}
    for label in sorted(set(labels)):
        other = seen.setdefault(label.casefold(), label)
        if other != label:
            raise EmotionError(
                f"{given}: classes '{other}' and '{label}' differ in letter case only: give their "
                "folders one name"
            )


def shown(text: str) -> str:
    """Anything from a file as a complaint can show it: escaped, and not longer than a line."""
    text = plain_name(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
