"""Networks that train.py saved, for another run to learn from or to begin with."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import keras

from emotion import labels
from emotion.errors import EmotionError


def load(path: Path, setting: str) -> tuple[keras.Model, tuple[str, ...]]:
    """The network of the `.keras` file at `path`, uncompiled, and the names of its classes.

    Raises EmotionError, with the name of the `setting` that gave the path, when it cannot be read.
    """
    if path.suffix.lower() != ".keras" or not path.is_file():
        why = "does not exist" if path.suffix.lower() == ".keras" else "must end in .keras"
        raise EmotionError(f"{setting}: '{path}' {why}: train.py writes one")
    names = labels.card(path)[0]
    if not names:
        raise EmotionError(
            f"{setting}: '{path}' knows no classes: give an emotion.keras that train.py wrote"
        )
    try:
        return keras.models.load_model(path, compile=False), names
    except (ValueError, OSError, KeyError) as error:
        raise EmotionError(f"{setting}: '{path}' cannot be loaded: {error}") from error


def digest(paths: Sequence[Path]) -> str:
    """What tells one set of files from another: a hash over their bytes; "" for none."""
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()[:12] if paths else ""
