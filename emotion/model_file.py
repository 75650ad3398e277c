"""Class names in order, and the metadata that travels inside a model file.

A `.tflite` is a flatbuffer, whose readers ignore bytes behind its end. So the metadata is a zip
appended to the model: one file to copy, and `unzip -p model.tflite labels.txt` reads it. A
`.keras` file is a zip already and gets the same two entries. In a `.tflite` the converter's own
description, of fifteen characters, makes room for the length of the whole file: one
that was cut at its end, and so lost its labels, is not taken for one without any.

What a file says is checked before it is believed: it may come from anybody.
"""

import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.errors import EmotionError
from emotion.files import replacing
from emotion.printable import printable
from emotion.quiet import silent_keras

if TYPE_CHECKING:
    import keras

FER2013 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER-2013's seven emotions; the position of a name is its number in the data set's CSV."""

PEOPLE = "people"
"""The reading that says how many of ten people would give each answer."""

_LABELS, _METADATA = "labels.txt", "model.json"
_MOST_LABELS, _MOST_METADATA = 1_000_000, 4_000_000  # bytes, unpacked
_MOST_UNPACKED = 2_000_000_000  # bytes of a whole .keras file; train.py's widest have 0.4
_CONVERTER = b"MLIR Converted."  # every file's description; as long as what replaces it
_STATED = re.compile(rb" *(\d+) bytes")

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
        """The answer's place for each of `labels`, by its name, else by a synonym; -1 for none.

        Its own name first: a model may tell joy from happy.
        """
        own = {answer: place for place, answer in reversed(list(enumerate(self.answers)))}
        usual = {same_emotion(answer): own[answer] for answer in reversed(self.answers)}
        return [own.get(label, usual.get(same_emotion(label), -1)) for label in labels]


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


def outputs(known: Sequence[Reading], wanted: Reading) -> list[int]:
    """The output of a model with the readings `known` for each answer of `wanted`; -1 for none."""
    start = 0
    for one in known:
        if (one.name == PEOPLE) == (wanted.name == PEOPLE):
            return [place if place < 0 else start + place for place in one.columns(wanted.answers)]
        start += len(one.answers)
    return [-1] * len(wanted.answers)


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
            archive.writestr(_dateless(_LABELS), "".join(f"{label}\n" for label in labels))
            archive.writestr(_dateless(_METADATA), json.dumps(metadata, indent=1) + "\n")
        _state_length(part)


def read(path: Path | str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Labels and metadata of the model at `path`; `((), {})` when it carries none.

    Raises EmotionError when they are there but cannot be read or are not what `attach` writes, and
    when the file was cut at its end.
    """
    path = Path(path)
    _check_length(path)
    if not zipfile.is_zipfile(path):
        return (), {}
    try:
        with zipfile.ZipFile(path) as archive:
            inside = set(archive.namelist())
            names = _entry(archive, _LABELS, _MOST_LABELS) if _LABELS in inside else b""
            stored = _entry(archive, _METADATA, _MOST_METADATA) if _METADATA in inside else b"{}"
        labels = tuple(line.strip() for line in names.decode().splitlines() if line.strip())
        details = json.loads(stored)
        _check_metadata(details)
    except _UNREADABLE as error:
        raise EmotionError(
            f"{path}: the labels inside cannot be read ({error or type(error).__name__}); export "
            "the model again"
        ) from error
    return tuple(map(printable, labels)), details


def load_keras(path: Path, setting: str) -> "tuple[tuple[str, ...], dict[str, Any], keras.Model]":
    """Labels, metadata and network of the `.keras` file that the variable `setting` names.

    Raises EmotionError when the file is missing or damaged, carries no labels, or is no network
    from square crops to logits.
    """
    if path.suffix.lower() != ".keras":
        raise EmotionError(f"{setting}='{path}' must end in .keras: train.py writes one")
    if not path.is_file():
        raise EmotionError(f"{setting}='{path}' does not exist: train.py writes one")
    if not zipfile.is_zipfile(path):
        raise EmotionError(f"{setting}='{path}' is damaged or no Keras model: train.py writes one")
    names, metadata = read(path)
    if not names:
        raise EmotionError(f"{setting}='{path}' has no labels inside: needed is one of train.py's")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
                raise ValueError(f"it unpacks to more than {_MOST_UNPACKED:,} bytes")
        with silent_keras():
            import keras

            network = keras.models.load_model(path, compile=False)
    except Exception as error:  # whatever Keras stumbles over in a file that it did not write
        reason = printable(str(error).strip().partition("\n")[0] or type(error).__name__)
        raise EmotionError(f"{setting}='{path}' cannot be loaded: {reason}") from error
    _check_network(network, f"{setting}='{path}'", readings(names, metadata))
    return names, metadata, network


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


_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    KeyError,
    EOFError,
    OSError,
    NotImplementedError,  # a kind of compression that zipfile does not know
    RecursionError,
    RuntimeError,  # encrypted
)


def _dateless(name: str) -> zipfile.ZipInfo:
    """An entry to write: the same model is the same file whenever it was exported."""
    entry = zipfile.ZipInfo(name)  # the first day that a zip can name
    entry.external_attr = 0o644 << 16
    return entry


def _entry(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """An entry of the zip, unpacked. Raises ValueError when it has more than `most` bytes."""
    with archive.open(name) as file:
        found = file.read(most + 1)  # whatever size it states
    if len(found) > most:
        raise ValueError(f"{name} has more than {most:,} bytes")
    return found


def _check_metadata(details: Any) -> None:
    """Raises ValueError where what is used of the metadata is not what `attach` was given."""
    if not isinstance(details, dict):
        raise ValueError(f"{_METADATA} is no object")
    _check_temperature(details.get("temperature", 1.0))
    pixels = details.get("pixels", [0, 1])
    if not (isinstance(pixels, list) and len(pixels) == 2 and all(map(_is_number, pixels))):
        raise ValueError("pixels are no two numbers")
    if not isinstance(found := details.get("readings", []), list):
        raise ValueError("readings are no list")
    for one in found:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise ValueError("a reading has no name")
        answers = one.get("answers")
        if not (isinstance(answers, list) and answers and all(map(_is_text, answers))):
            raise ValueError(f"reading {printable(one['name'])!r} has no answers")
        _check_temperature(one.get("temperature", 1.0))


def _check_temperature(value: Any) -> None:
    if not _is_number(value) or value <= 0:
        raise ValueError("a temperature is no number above 0")


def _is_number(value: Any) -> bool:
    """Whether it is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _check_network(network: "keras.Model", named: str, found: Sequence[Reading]) -> None:
    """Refuse another network than one from a square grey crop to a logit for every answer."""
    import keras

    answers = sum(len(one.answers) for one in found)
    shapes = getattr(network, "input_shape", None), getattr(network, "output_shape", None)
    wanted = f"needed is [size, size, 1] to {answers}, as train.py makes them"
    match shapes:
        case (None, int(height), int(width), 1), (None, int(outputs)):
            fits = height == width and outputs == answers
        case _:
            fits = False
    if not fits:
        raise EmotionError(f"{named} goes from {shapes[0]} to {shapes[1]}: {wanted}")
    last = network.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.activation is not keras.activations.linear:
        ending = getattr(getattr(last, "activation", None), "__name__", type(last).__name__)
        raise EmotionError(
            f"{named} ends in {ending}: needed is a dense layer of logits, as train.py makes it"
        )


def _state_length(path: Path) -> None:
    """Write the file's length over the converter's description, if it has that of TensorFlow's."""
    content = path.read_bytes()
    at, text = _description(content)
    if text == _CONVERTER or _STATED.fullmatch(text):
        with path.open("rb+") as file:
            file.seek(at)
            file.write(b"%*d bytes" % (len(_CONVERTER) - len(b" bytes"), len(content)))


def _check_length(path: Path) -> None:
    """Raises EmotionError when the `.tflite` is shorter than it says it is."""
    if path.suffix.lower() != ".tflite":
        return
    content = path.read_bytes()
    stated = _STATED.fullmatch(_description(content)[1])
    if stated and len(content) < int(stated[1]):
        raise EmotionError(
            f"{path} is cut off: it has {len(content):,} of {int(stated[1]):,} bytes; copy it again"
        )


def _description(content: bytes) -> tuple[int, bytes]:
    """Where the description in a `.tflite` begins, and what it says; `(0, b"")` without one.

    A flatbuffer: the root table at its first number, which names its fields' places behind it.
    """
    try:
        (root,) = struct.unpack_from("<I", content, 0)
        fields = root - struct.unpack_from("<i", content, root)[0]
        (length,) = struct.unpack_from("<H", content, fields)
        place = struct.unpack_from("<H", content, fields + _FOURTH)[0] if length > _FOURTH else 0
        if content[4:8] != b"TFL3" or not place or fields < 0:
            return 0, b""
        text = root + place + struct.unpack_from("<I", content, root + place)[0]
        (size,) = struct.unpack_from("<I", content, text)
    except struct.error:
        return 0, b""
    return text + 4, content[text + 4 :][: min(size, len(_CONVERTER))]


_FOURTH = 4 + 2 * 3  # version, operator_codes, subgraphs, description


def _model_end(path: Path) -> int:
    """Where the model ends and an appended zip begins; 0 when there is none, or nothing else."""
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as archive:
        return min((entry.header_offset for entry in archive.infolist()), default=0)
