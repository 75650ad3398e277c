"""Coverage-guided fuzzing of what reads files from anybody: metadata, tables, pictures' headers.

    pip install atheris
    python tests/guided_fuzz.py metadata -max_total_time=600

`metadata`, `tables` or `headers`; the rest goes to libFuzzer. It stops at the first input that
gives anything but an answer or an error of one line, and writes that input to a file.
"""

import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["emotion"]):
    from emotion import model_file, picture_size
    from emotion.data import annotator_votes, csv_rows
    from emotion.errors import EmotionError

PLACE = Path(tempfile.mkdtemp())
READING = {"name": "people", "answers": ["no", "yes"], "temperature": 1.5}
SEEDS = {  # where the search begins
    "metadata": b"\0no\nyes\0" + json.dumps({"pixels": [0, 1], "readings": [READING]}).encode(),
    "tables": b'a.png,1,0,3\n"b,""c.png",nan,2,-1\n',
    "headers": b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x3d\0\0\0",
}


def metadata(data: bytes) -> None:
    """The labels and metadata inside a model; every other input is the zip itself."""
    path = PLACE / "a.tflite"
    if data[:1] < b"\x80":
        labels, _, details = data[1:].partition(b"\0")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("labels.txt", labels)
            archive.writestr("metadata.json", details)
    else:
        path.write_bytes(data[1:])
    try:
        model_file.readings(*model_file.read(path))
    except EmotionError as error:
        _one_line(error)


def tables(data: bytes) -> None:
    """A table as rows, and as what people answered."""
    text = data.decode("utf-8", "surrogateescape")
    for _ in csv_rows.read(io.StringIO(text)):
        pass
    path = PLACE / "votes.csv"
    path.write_bytes(b"filename,anger,happiness,neutral\n" + data)
    try:
        annotator_votes.read(path, ["a.png"])
    except EmotionError as error:
        _one_line(error)


def headers(data: bytes) -> None:
    """The size that the first bytes of a picture state."""
    assert min(picture_size.stated(data)) >= 0


def _one_line(error: EmotionError) -> None:
    assert "\n" not in str(error), str(error)


if __name__ == "__main__":
    targets = {one.__name__: one for one in (metadata, tables, headers)}
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        sys.exit(__doc__)
    corpus = PLACE / "corpus"
    corpus.mkdir()
    (corpus / "seed").write_bytes(SEEDS[sys.argv[1]])
    atheris.Setup([sys.argv[0], *sys.argv[2:], str(corpus)], targets[sys.argv[1]])
    atheris.Fuzz()
