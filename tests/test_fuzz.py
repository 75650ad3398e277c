"""Whatever is given, the answer is right or one line: examples that nobody thought of."""

import io
import json
import math
import struct
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emotion import model_file, picture_size, pictures
from emotion import recogniser as module
from emotion.cli import values
from emotion.data import annotator_votes, csv_rows, dataset
from emotion.errors import EmotionError, UnreadableError

quick = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,  # a suite that is green stays so
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
rubbish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def one_line(error):
    assert "\n" not in str(error) and str(error).isprintable() and len(str(error)) < 2000


# Settings


@quick
@given(text=texts.filter(str.strip), kind=st.sampled_from([bool, int, float, Path, str]))
@example(text="9" * 5000, kind=int)
@example(text="1e400", kind=float)
def test_a_setting_is_a_value_of_its_type_or_a_valueerror(text, kind):
    try:
        value = values.from_text(text, kind)
    except ValueError as error:
        one_line(error)
    else:
        assert isinstance(value, kind)
        assert kind is not float or math.isfinite(value)


# What models carry

METADATA = ("readings", "temperature", "pixels", "scores", "input_size")


@quick
@given(
    metadata=rubbish | st.dictionaries(st.sampled_from(METADATA), rubbish),
    labels=st.lists(texts, max_size=4),
)
def test_metadata_of_any_kind_is_read_or_refused_in_one_line(tmp_path, metadata, labels):
    path = tmp_path / "a.tflite"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("labels.txt", "\n".join(labels))
        archive.writestr("metadata.json", json.dumps(metadata))
    try:
        names, details = model_file.read(path)
        found = model_file.readings(names, details)
    except EmotionError as error:
        one_line(error)
    else:
        assert all(name.isprintable() for name in names)
        assert all(math.isfinite(one.temperature) and one.temperature > 0 for one in found)


@quick
@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_in_the_zip_of_a_model_is_no_traceback(tmp_path, place, value):
    path = tmp_path / "a.tflite"
    path.write_bytes(b"")
    model_file.attach(path, ("no", "yes"), {"temperature": 2.0})
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content)
    try:
        names, _ = model_file.read(path)
    except EmotionError as error:
        one_line(error)
    else:
        assert names in ((), ("no", "yes")) or len(names) == 2


# Data


@quick
@given(text=texts, delimiter=st.sampled_from(",;\t"))
def test_every_line_of_a_table_is_a_row_by_its_number(text, delimiter):
    rows = list(csv_rows.read(io.StringIO(text, newline="\n"), delimiter))
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == text.count("\n") + bool(text and not text.endswith("\n"))


@quick
@given(table=st.lists(st.lists(texts, max_size=5), max_size=4), head=st.integers(0, 2))
def test_a_table_of_anything_is_data_or_one_line(tmp_path, table, head):
    heads = [["emotion", "pixels", "Usage"], ["filename", "anger", "happiness"], []]
    lines = [",".join(row) for row in [heads[head], *table]]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    for read in (lambda: dataset.load(path), lambda: annotator_votes.read(path, ["a.png"])):
        with pytest.raises(EmotionError) as error:
            read()
        one_line(error.value)


HEADS = b"""|\xff\xd8\xff|\x89PNG\r\n\x1a\n|BM|II*\0|MM\0*|II+\0\x08\0\0\0|RIFF____WEBPVP8 |\
RIFF____WEBPVP8X|RIFF____WEBPVP8L|P5 |P7\n|GIF89a|\0\0\0\x18ftypheic|#?RADIANCE\n""".split(b"|")


@quick
@given(
    head=st.sampled_from(HEADS),
    rest=st.binary(max_size=60),
    sizes=st.lists(st.integers(0, 2**32 - 1)),
)
def test_the_first_bytes_of_a_picture_state_a_size_or_nothing(tmp_path, head, rest, sizes):
    data = head + rest + struct.pack(f"<{len(sizes)}I", *sizes)
    assert all(side >= 0 for side in picture_size.stated(data))
    path = tmp_path / "a.webp"
    path.write_bytes(data)
    assert pictures.is_animated(path) in (True, False)
    try:
        pictures.decode(data)
    except UnreadableError as error:
        one_line(error)


# Frames and times


class Even:
    labels, size = ("no", "yes"), 48
    reading = SimpleNamespace(name="people")

    def __init__(self, path, **_):
        pass

    def __call__(self, crops):
        return np.full((len(crops), 2), 0.5, np.float32)


frames = st.builds(
    lambda height, width, channels, kind: np.zeros((height, width, *channels), kind),
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from([(), (1,), (2,), (3,), (4,), (3, 1)]),
    st.sampled_from([np.uint8, np.uint8, np.uint8, np.uint16, np.float32, bool]),
)
times = st.none() | st.floats() | st.integers() | st.text(max_size=3)
boxes = st.none() | st.lists(st.lists(st.floats() | st.integers(), max_size=5), max_size=3)


@quick
@given(calls=st.lists(st.tuples(frames | rubbish, times, boxes), max_size=5))
def test_any_frame_at_any_time_has_faces_or_is_refused_in_one_line(calls):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Classifier", Even)
        recogniser = module.EmotionRecogniser("any.tflite")
        for frame, time, given_boxes in calls:
            try:
                found = recogniser(frame, time, boxes=given_boxes)
            except EmotionError as error:
                one_line(error)
            else:
                assert isinstance(found, list)


@quick
@given(smoothing=times, confidence=times, max_faces=times, min_face=times, region=boxes | rubbish)
def test_any_option_is_taken_or_refused_in_one_line(**options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Classifier", Even)
        try:
            module.EmotionRecogniser("any.tflite", **options)
        except EmotionError as error:
            one_line(error)
