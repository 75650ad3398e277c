"""The names that people give to the parts of a data set: train, validation, test."""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

_WORDS = {
    "train": "train",
    "training": "train",
    "trainval": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "development": "validation",
    "publictest": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "privatetest": "test",
}
_EITHER = ("eval", "evaluation")  # tests beside a dev, and validates beside a test
_OFFICIAL = {"training": "train", "publictest": "validation", "privatetest": "test"}
_ADDED = "(?:set|data|images|imgs|faces)"  # as in trainset, test_images
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def split_of(word: str) -> str:
    """The split that a whole word stands for, in any letter case; "" for none."""
    return _WORDS.get(re.sub(r"[\s_-]", "", word.lower()), "")


def split_in(name: str) -> str:
    """The split that a longer name speaks of, as FER2013Valid or train_images do; "" for none.

    A name that speaks of two has none.
    """
    tokens = [re.sub(f"{_ADDED}$", "", t.lower()) or t.lower() for t in _TOKEN.findall(name)]
    pairs = [_WORDS[word] for word in map("".join, pairwise(tokens)) if word in _WORDS]
    found = set(pairs or (_WORDS[token] for token in tokens if token in _WORDS))
    return found.pop() if len(found) == 1 else ""


def prefix(file: str) -> str:
    """The split that a file name of FER-2013's such as PublicTest_123.jpg stands for, or ""."""
    word, mark, _ = file.partition("_")
    return _OFFICIAL.get(word.lower(), "") if mark else ""


def of_folders(names: Iterable[str]) -> Mapping[str, str]:
    """Which of the sibling folders `names` are parts: name -> split.

    A whole word counts alone; a longer name does where a training part is there, and another part.
    """
    longer = {name: split for name in sorted(names) if (split := split_in(name))}
    whole = {name: split for name in longer if (split := split_of(name))}
    found = longer if "train" in longer.values() and len(set(longer.values())) > 1 else whole
    splits = set(found.values())
    if "validation" not in splits and any(_is_either(name) for name in found):
        others = {split for name, split in found.items() if not _is_either(name)}
        if "test" in others:
            return {n: "validation" if _is_either(n) else split for n, split in found.items()}
    return found


def _is_either(name: str) -> bool:
    return any(token.lower() in _EITHER for token in _TOKEN.findall(name))
