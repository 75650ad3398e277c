"""Class names in order, and the metadata that travels inside a model file.

A `.tflite` is a flatbuffer, whose readers ignore bytes behind its end. So the metadata is a zip
appended to the model: one file to copy, and `unzip -p model.tflite labels.txt` reads it. A
`.keras` file is a zip already and gets the same two entries.
"""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.errors import EmotionError
from emotion.files import replacing
from emotion.quiet import silent_keras

if TYPE_CHECKING:
    import keras

FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER-2013's seven emotions; the position of a name is its number in the data set's CSV."""

PEOPLE = "people"
"""The reading that says how many of ten people would give each answer."""

_LABELS, _METADATA = "labels.txt", "model.json"

CONTEMPT = "contempt"
"""The eighth emotion of CK+, FER+ and AffectNet."""

# The words that data sets and annotators use for those eight.
_SYNONYMS = {
    "anger": "angry",
    "contemptuous": CONTEMPT,
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "scared": "fear",
    "happiness": "happy",
    "joy": "happy",
    "neutrality": "neutral",
    "sadness": "sad",
    "surprised": "surprise",
    "suprise": "surprise",
}


@dataclass(frozen=True)
class Reading:
    """One question that a model answers: what is asked, and the answers in the outputs' order.

    `temperature` evens out the logits of the `.keras` file; in a `.tflite` it is folded in.
    """

    name: str
    answers: tuple[str, ...]
    temperature: float = 1.0

    def columns(self, labels: Sequence[str]) -> list[int]:
        """The answer's place for each of `labels`, by name or by a synonym; -1 where none is."""
        known = [same_emotion(answer) for answer in self.answers]
        wanted = [same_emotion(label) for label in labels]
        return [known.index(label) if label in known else -1 for label in wanted]


def same_emotion(name: str) -> str:
    """One word for an emotion that goes by several: Happiness is happy, ANGER is angry."""
    word = name.strip().casefold()
    return _SYNONYMS.get(word, word)


def is_emotion(name: str) -> bool:
    """Whether the name is a usual one of the eight emotions that data sets have."""
    return same_emotion(name) in (*FER2013, CONTEMPT)


def readings(labels: Sequence[str], metadata: Mapping[str, Any]) -> tuple[Reading, ...]:
    """The questions that a model with these labels and this metadata answers, the labels' first."""
    found = [
        Reading(one["name"], tuple(one["answers"]), float(one.get("temperature", 1.0)))
        for one in metadata.get("readings", ())
    ]
    plain = Reading(labels_reading(labels), tuple(labels), metadata.get("temperature", 1.0))
    return tuple(found) or (plain,)


def labels_reading(labels: Sequence[str]) -> str:
    """What the reading of the data set's own labels is called."""
    return "fer2013" if tuple(labels) == FER2013 else "labels"


def described(found: Iterable[Reading]) -> list[dict[str, Any]]:
    """Readings as the metadata holds them."""
    return [asdict(one) for one in found]


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in class order: FER-2013's own seven in its order, any others alphabetically."""
    unique = set(names)
    return FER2013 if unique == set(FER2013) else tuple(sorted(unique))


def attach(path: Path | str, labels: Sequence[str], metadata: Mapping[str, Any]) -> None:
    """Put labels and metadata into the model at `path`; those of a `.tflite` are replaced.

    `metadata` is anything JSON can hold: input size, scores, settings, versions. A `.keras` file
    takes it once, right after it was saved.
    """
    path = Path(path)
    content = path.read_bytes()
    with replacing(path) as part:
        part.write_bytes(content[: _model_end(path) or len(content)])
        with zipfile.ZipFile(part, "a") as archive:
            archive.writestr(_LABELS, "".join(f"{label}\n" for label in labels))
            archive.writestr(_METADATA, json.dumps(metadata, indent=1) + "\n")


def read(path: Path | str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Labels and metadata of the model at `path`; `((), {})` when it carries none.

    Raises EmotionError when they are there but cannot be read.
    """
    if not zipfile.is_zipfile(path):
        return (), {}
    try:
        with zipfile.ZipFile(path) as archive:
            inside = set(archive.namelist())
            names = archive.read(_LABELS).decode() if _LABELS in inside else ""
            details = json.loads(archive.read(_METADATA)) if _METADATA in inside else {}
    except (zipfile.BadZipFile, ValueError, KeyError) as error:
        raise EmotionError(
            f"{path}: the labels inside cannot be read ({error}); export the model again"
        ) from error
    return tuple(line.strip() for line in names.splitlines() if line.strip()), details


def load_keras(path: Path, setting: str) -> "tuple[tuple[str, ...], dict[str, Any], keras.Model]":
    """Labels, metadata and network of the `.keras` file that the variable `setting` names.

    Raises EmotionError when the file is missing, is no Keras model, or carries no labels.
    """
    if path.suffix.lower() != ".keras":
        raise EmotionError(f"{setting}='{path}' must end in .keras: train.py writes one")
    if not path.is_file():
        raise EmotionError(f"{setting}='{path}' does not exist: train.py writes one")
    names, metadata = read(path)
    if not names:
        raise EmotionError(f"{setting}='{path}' has no labels inside: needed is one of train.py's")
    try:
        with silent_keras():
            import keras

            return names, metadata, keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError) as error:
        raise EmotionError(f"{setting}='{path}' cannot be loaded: {error}") from error


def save_keras(
    network: "keras.Model", path: Path, labels: Sequence[str], metadata: Mapping[str, Any]
) -> None:
    """The network with its labels and metadata as a `.keras` file that is whole or absent."""
    with replacing(path) as part:
        network.save(part)
        attach(part, labels, metadata)


def digest(paths: Sequence[Path]) -> str:
    """What tells one set of files from another: a hash over their bytes; "" for none."""
    import hashlib  # 3 ms that recognition does without

    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()[:12] if paths else ""


def _model_end(path: Path) -> int:
    """Where the model ends and an appended zip begins; 0 when there is none, or nothing else."""
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as archive:
        return min((entry.header_offset for entry in archive.infolist()), default=0)
