"""Networks that train.py saved: to export, to learn from, to begin with."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion import model_file
from emotion.errors import EmotionError

if TYPE_CHECKING:
    import keras


def load(path: Path, setting: str) -> "tuple[tuple[str, ...], dict[str, Any], keras.Model]":
    """Labels, card and network of the `.keras` file that the variable `setting` names.

    Raises EmotionError when the file is missing, is no Keras model, or carries no labels.
    """
    if path.suffix.lower() != ".keras":
        raise EmotionError(f"{setting}='{path}' must end in .keras: train.py writes one")
    if not path.is_file():
        raise EmotionError(f"{setting}='{path}' does not exist: train.py writes one")
    names, card = model_file.card(path)
    if not names:
        raise EmotionError(f"{setting}='{path}' has no labels inside: needed is one of train.py's")
    import keras

    try:
        return names, card, keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError) as error:
        raise EmotionError(f"{setting}='{path}' cannot be loaded: {error}") from error


def digest(paths: Sequence[Path]) -> str:
    """What tells one set of files from another: a hash over their bytes; "" for none."""
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()[:12] if paths else ""
