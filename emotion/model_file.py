"""Class names in order, and the card that travels inside a model file.

A `.tflite` is a flatbuffer, whose readers ignore bytes behind its end. So the card is a zip
appended to the model: one file to copy, and `unzip -p model.tflite labels.txt` reads it. A
`.keras` file is a zip already and gets the same two entries.
"""

import json
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from emotion.errors import EmotionError

FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER-2013's seven emotions; the position of a name is its number in the data set's CSV."""

_LABELS, _CARD = "labels.txt", "model.json"


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in class order: FER-2013's own seven in its order, any others alphabetically."""
    unique = set(names)
    return FER2013 if unique == set(FER2013) else tuple(sorted(unique))


def attach(path: Path | str, labels: Sequence[str], card: dict[str, Any]) -> None:
    """Put the labels and the card into the model at `path`; those of a `.tflite` are replaced.

    `card` is anything JSON can hold: input size, scores, settings, versions. A `.keras` file takes
    a card once, right after it was saved.
    """
    path = Path(path)
    whole = path.read_bytes()
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(whole[: _model_end(path) or len(whole)])
    with zipfile.ZipFile(temporary, "a") as archive:
        archive.writestr(_LABELS, "".join(f"{label}\n" for label in labels))
        archive.writestr(_CARD, json.dumps(card, indent=1) + "\n")
    temporary.replace(path)


def card(path: Path | str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Labels and card of the model at `path`; `((), {})` when it carries none.

    Raises EmotionError when a card is there but cannot be read.
    """
    if not zipfile.is_zipfile(path):
        return (), {}
    try:
        with zipfile.ZipFile(path) as archive:
            inside = set(archive.namelist())
            names = archive.read(_LABELS).decode() if _LABELS in inside else ""
            details = json.loads(archive.read(_CARD)) if _CARD in inside else {}
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise EmotionError(
            f"{path}: the labels inside cannot be read ({error}); export the model again"
        ) from error
    return tuple(line.strip() for line in names.splitlines() if line.strip()), details


def _model_end(path: Path) -> int:
    """Where the model ends and an appended zip begins; 0 when there is none, or nothing else."""
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as archive:
        return min((entry.header_offset for entry in archive.infolist()), default=0)
