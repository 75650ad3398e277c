import zipfile

import numpy as np
import pytest

from emotion.data import fer2013_csv
from emotion.data.archive import open_archive
from emotion.errors import EmotionError, UnreadableError


def test_rows_give_split_label_and_pixels(tmp_path):
    rows = _rows(
        tmp_path,
        "emotion,pixels,Usage\n3,1 2 3 4,Training\n4,5 6 7 8,PublicTest\n0,9 9 9 0,PrivateTest\n",
    )
    assert [(row.name, row.split, row.label) for row in rows] == [
        ("row 2", "train", "3"),
        ("row 3", "validation", "4"),
        ("row 4", "test", "0"),
    ]
    image = rows[0].image()
    assert image.dtype == np.uint8
    assert image.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "emotion, Usage, pixels\n3, Training, 1 2 3 4\n",
        "pixels,Usage,emotion\n1 2 3 4,Training,3\n",
        "\ufeffemotion,Usage,pixels\r\n3,Training,1 2 3 4\r\n",
        'Usage ,id, PIXELS,Emotion\nTraining,7,"1 2 3 4 ",3\n',
        "emotion,Usage,pixels\n\n3,training,1 2 3 4\n\n",
        "emotion,Usage,pixels\n3.0,Training,1  2 3 4\n",
    ],
    ids=["stray spaces", "other order", "BOM and CRLF", "more columns", "blank lines", "pandas"],
)
def test_columns_are_found_by_name_in_any_order(tmp_path, text):
    (row,) = _rows(tmp_path, text)
    assert (row.split, row.label, row.image().tolist()) == ("train", "3", [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("3,Training", "2 cells where 3 are needed"),
        (",Training,1 2 3 4", "the emotion is blank"),
        ("3,Holiday,1 2 3 4", "Usage 'Holiday' is none of Training, PublicTest, PrivateTest"),
        ("3,,1 2 3 4", "Usage '' is none of Training, PublicTest, PrivateTest"),
        ("3,Training,1 2 3", "3 pixels make no square; FER-2013 has 2304"),
        ("3,Training,", "0 pixels make no square; FER-2013 has 2304"),
        ("3,Training,1 2 x 4", "the pixels are not all whole numbers"),
        ("3,Training,1 2 3.5 4", "the pixels are not all whole numbers"),
        ("3,Training,1 2 3 256", "pixels from 1 to 256 are not in 0..255"),
        ("3,Training,1 2 3 -1", "pixels from -1 to 3 are not in 0..255"),
    ],
)
def test_a_malformed_row_says_why_and_the_next_is_read(tmp_path, row, why):
    bad, good = _rows(tmp_path, f"emotion,Usage,pixels\n{row}\n3,Training,1 2 3 4\n")
    assert bad.name == "row 2"
    with pytest.raises(UnreadableError) as error:
        bad.image()
    assert str(error.value) == why
    assert (good.name, good.image().tolist()) == ("row 3", [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ('"' + "1 " * 70_000 + '"', "field larger than field limit"),
        ("1 " * 1_500_000, "a line of more than 1,000,000 characters"),
    ],
    ids=["quoted", "long line"],
)
def test_a_row_that_csv_cannot_read_says_why_and_the_next_is_read(tmp_path, cell, why):
    text = f"emotion,Usage,pixels\n3,Training,{cell}\n3,Training,1 2 3 4\n"
    bad, good = _rows(tmp_path, text)
    with pytest.raises(UnreadableError, match=why):
        bad.image()
    assert good.image().tolist() == [[1, 2], [3, 4]]


def test_the_table_with_usage_stands_for_the_whole_download(tmp_path):
    # the Kaggle challenge: the same rows twice, and test rows without their emotion
    found = _found(
        tmp_path,
        {
            "fer2013.csv": "emotion,pixels,Usage\n",
            "icml_face_data.csv": "emotion, Usage, pixels\n",
            "test.csv": "pixels\n",
            "train.csv": "emotion,pixels\n",
        },
    )
    assert [one.name for one in found] == ["fer2013.csv"]


def test_csvs_named_after_splits_belong_together(tmp_path):
    files = {
        "train.csv": "emotion,pixels\n1,1 2 3 4\n",
        "test.csv": "emotion,pixels\n2,1 2 3 4\n",
        "notes.csv": "emotion,remark\n",
        "more.csv": "emotion,pixels\n3,1 2 3 4\n",
    }
    with open_archive(_folder(tmp_path, files)) as archive:
        rows = list(fer2013_csv.rows(archive, fer2013_csv.find(archive)))
    assert [(row.name, row.split) for row in rows] == [
        ("test.csv row 2", "test"),
        ("train.csv row 2", "train"),
    ]


def test_a_csv_of_another_name_without_usage_has_no_split(tmp_path):
    (row,) = _rows(tmp_path, "emotion,pixels\n1,1 2 3 4\n")
    assert row.split == ""


@pytest.mark.parametrize("name", ["fer2013", "fer2013.data", "fer2013.txt"])
def test_a_table_standing_alone_is_known_without_its_suffix(tmp_path, name):
    (tmp_path / name).write_text("emotion,Usage,pixels\n3,Training,1 2 3 4\n")
    with open_archive(tmp_path / name) as archive:
        assert [one.name for one in fer2013_csv.find(archive)] == [name]


def test_in_a_folder_a_table_may_lack_its_suffix(tmp_path):
    files = {"fer2013": "emotion,Usage,pixels\n", "README": "FER-2013\n"}
    assert [one.name for one in _found(tmp_path, files)] == ["fer2013"]


def test_a_quotation_mark_left_open_spoils_one_row_only(tmp_path):
    text = 'emotion,Usage,pixels\n3,Training,"1 2 3 4\n4,Training,5 6 7 8\n'
    bad, good = _rows(tmp_path, text)
    with pytest.raises(UnreadableError, match="a quotation mark is not closed"):
        bad.image()
    assert (bad.name, good.name, good.label) == ("row 2", "row 3", "4")


@pytest.mark.parametrize("label", ["7" * 5000, "x" * 5000])
def test_a_label_of_thousands_of_characters_is_refused_in_few(tmp_path, label):
    (bad,) = _rows(tmp_path, f"emotion,Usage,pixels\n{label},Training,1 2 3 4\n")
    with pytest.raises(UnreadableError, match="the emotion has 5,000 characters: 100 are the most"):
        bad.image()


@pytest.mark.parametrize("content", ["", "filename,emotion\n", "\x00\x01\xff", "emotion;pixels\n"])
def test_other_tables_are_passed_over(tmp_path, content):
    assert _found(tmp_path, {"votes.csv": content}) == ()


def test_a_table_damaged_inside_a_zip_is_refused(tmp_path):
    path = tmp_path / "data.zip"
    text = "emotion,Usage,pixels\n" + "3,Training,1 2 3 4\n" * 9
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fer2013.csv", text)
    path.write_bytes(path.read_bytes().replace(b"4\n3,Training", b"5\n3,Training", 1))
    with (
        open_archive(path) as archive,
        pytest.raises(EmotionError, match=r"^DATASET: 'fer2013.csv' cannot be read to its end"),
    ):
        list(fer2013_csv.rows(archive, (fer2013_csv.CsvFile("fer2013.csv", 0, 2, 1),)))


def _folder(path, files):
    path = path / "data"
    path.mkdir()
    for name, text in files.items():
        (path / name).write_bytes(text.encode())
    return path


def _found(path, files):
    with open_archive(_folder(path, files)) as archive:
        return fer2013_csv.find(archive)


def _rows(path, text):
    with open_archive(_folder(path, {"fer2013.csv": text})) as archive:
        return list(fer2013_csv.rows(archive, fer2013_csv.find(archive)))
