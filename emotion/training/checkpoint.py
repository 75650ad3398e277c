"""One file that a run can go on from, and what tells one run from another."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emotion import model_file
from emotion.errors import EmotionError
from emotion.files import replacing

if TYPE_CHECKING:
    from emotion.data.dataset import Split

Groups = dict[str, list[NDArray]]


def save(path: Path, about: Mapping[str, Any], groups: Groups) -> None:
    """`about`, anything JSON can hold, and the named groups of arrays as one whole file."""
    arrays: dict[str, Any] = {
        f"{group}{index}": array
        for group, arrays in groups.items()
        for index, array in enumerate(arrays)
    }
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, about=json.dumps(about), **arrays)


def load(path: Path, groups: Groups) -> tuple[dict[str, Any], Groups]:
    """What `save` wrote, its arrays in the same groups as `groups` has.

    Raises EmotionError when the file cannot be read.
    """
    try:
        with np.load(path) as file:
            stored = {name: file[name] for name in file.files}
        about = json.loads(str(stored["about"]))
        found = {
            group: [stored[f"{group}{index}"] for index in range(len(arrays))]
            for group, arrays in groups.items()
        }
    except (OSError, ValueError, KeyError) as error:
        raise EmotionError(f"{path} cannot be read ({error}): RESUME=0 starts anew") from error
    return about, found


def identity(
    splits: Sequence["Split"],
    votes: Sequence[NDArray[np.float32]] = (),
    teachers: Sequence[Path] = (),
    initial_weights: Sequence[Path] = (),
) -> dict[str, str]:
    """What tells one set of data from another: hashes over pixels, labels and votes, and files.

    `votes` (N, answers) as `annotator_votes.read` makes them; `teachers` and `initial_weights` are
    the files of trained networks.
    """
    digest = hashlib.sha256()
    for split in splits:
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.targets).data)
    for shares in votes:
        digest.update(np.ascontiguousarray(shares).data)
    return {
        "dataset": digest.hexdigest()[:12],
        "teachers": model_file.digest(teachers),
        "initial_weights": model_file.digest(initial_weights),
    }


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What two runs do not have in common, in words; "" for the same."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(f"{name.upper()} {old.get(name)}, now {new.get(name)}" for name in names)
