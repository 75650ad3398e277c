"""One file that a run can go on from, and what tells one run from another."""

import hashlib
import io
import json
import zipfile
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

_DIGEST = hashlib.sha256().digest_size
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def save(path: Path, about: Mapping[str, Any], groups: Groups) -> None:
    """`about`, anything JSON can hold, and the named groups of arrays as one whole file.

    The file before it is kept as `previous(path)`.
    """
    arrays: dict[str, Any] = {
        f"{group}{index}": array
        for group, arrays in groups.items()
        for index, array in enumerate(arrays)
    }
    content = io.BytesIO()
    np.savez(content, about=json.dumps(about), **arrays)
    with replacing(path) as part:
        with part.open("wb") as file:
            file.write(content.getbuffer())
            file.write(hashlib.sha256(content.getbuffer()).digest())
        if path.exists():
            path.replace(previous(path))


def load(path: Path, groups: Groups) -> tuple[dict[str, Any], Groups, str]:
    """What `save` wrote last, or what it wrote before where that is damaged or missing.

    The arrays come in the same groups as `groups` has; the third value says in one line what is
    damaged, "" for nothing. Raises EmotionError when neither file can be used.
    """
    damage: list[str] = []
    for file in (path, previous(path)):
        if not file.exists():
            continue
        try:
            said = f"{damage[0]}: going on from {file.name}" if damage else ""
            return *_read(file, groups), said
        except _UNREADABLE as error:
            damage.append(f"{file} is damaged ({error or type(error).__name__})")
    raise EmotionError(f"{'; '.join(damage)}: RESUME=0 starts anew")


def previous(path: Path) -> Path:
    """Where the checkpoint before the one at `path` is."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def exists(path: Path) -> bool:
    """Whether there is a checkpoint at `path`, or the one before it."""
    return path.exists() or previous(path).exists()


def remove(path: Path) -> None:
    """Remove the checkpoint at `path` and the one before it."""
    previous(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


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


def _read(path: Path, groups: Groups) -> tuple[dict[str, Any], Groups]:
    whole = path.read_bytes()
    content, digest = whole[:-_DIGEST], whole[-_DIGEST:]
    if hashlib.sha256(content).digest() != digest:
        raise ValueError("its checksum is wrong")
    with np.load(io.BytesIO(content)) as file:
        stored = {name: file[name] for name in file.files}
    found = {
        group: [stored[f"{group}{index}"] for index in range(len(arrays))]
        for group, arrays in groups.items()
    }
    return json.loads(str(stored["about"])), found
