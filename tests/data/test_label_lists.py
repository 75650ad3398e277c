"""Lists of pictures and labels, as RAF-DB, AffectNet, muxspace and Kaggle have them."""

import io

import numpy as np
import pytest

from emotion.data import label_lists
from emotion.data.archive import open_archive
from emotion.data.class_names import AFFECTNET, RAF_DB
from emotion.data.folders import Entry


@pytest.mark.parametrize(
    "text",
    [
        "user.id,image,emotion\n1,1.jpg,HAPPY\n1,2.jpg,sad\n",
        "image,label\n1.jpg,happy\n2.jpg,sad\n",
        ",pth,label,relFCs\n0,1.jpg,happy,0.8\n1,2.jpg,sad,0.7\n",
        "label;path\nhappy;images/1.jpg\nsad;images/2.jpg\n",
        "1.jpg\thappy\n2.jpg\tsad\n",
        "1.jpg happy\n2.jpg sad\n",
        "happy,./images/1.jpg\nsad,./images/2.jpg\n",
        'image,emotion\n"/kaggle/input/x/images/1.jpg",happy\n"C:\\\\x\\\\2.jpg",sad\n',
        "\ufeffImage_Name,Emotion_Label\r\n1,happy\r\n2,sad\r\n",
        "bild,gefühl\n1.jpg,happy\n2.jpg,sad\n",
        "id,target,class\n1,3,happy\n2,4,sad\n",
    ],
    ids=[
        "muxspace",
        "Kaggle",
        "pth and label",
        "semicolons",
        "tabs, no header",
        "blanks, no header",
        "labels first",
        "other machine's paths",
        "no suffixes",
        "other words",
        "numbers and names",
    ],
)
def test_a_list_is_recognised_by_looking(tmp_path, text):
    found = _read(tmp_path, {"data/list.csv": text, "images/1.jpg": "", "images/2.jpg": ""})
    assert [(entry.file, entry.label.lower()) for entry in found.entries] == [
        ("images/1.jpg", "happy"),
        ("images/2.jpg", "sad"),
    ]
    assert (found.wrong, found.unlisted) == ((), ())
    assert found.words == "label list data/list.csv"


@pytest.mark.parametrize(
    "text",
    [
        "filename,constant,exact_group\n1.jpg,0,\n2.jpg,0,7\n",
        "filename,neutral,happiness\n1.jpg,4,6\n2.jpg,9,1\n",
        "emotion,pixels\n3,1 2 3 4\n",
        "About these pictures:\nsee 1.jpg and the others\n",
        "happy\nsad\n",
        "",
    ],
    ids=["duplicates", "votes", "FER-2013", "prose", "names of classes", "nothing"],
)
def test_other_tables_and_texts_are_no_lists(tmp_path, text):
    assert _read(tmp_path, {"a.csv": text, "1.jpg": "", "2.jpg": ""}) is None


def test_raf_db_as_it_is_downloaded(tmp_path):
    names = ["train_00001", "train_00002", "test_0001", "test_0002"]
    rows = [f"{name}.jpg {label}" for name, label in zip(names, (5, 1, 5, 1), strict=True)]
    files = {"EmoLabel/list_patition_label.txt": "\n".join(rows)}
    files |= {f"Image/original/{name}.jpg": "" for name in names}
    files |= {f"faces/aligned/{name}_aligned.jpg": "" for name in names}
    found = _read(tmp_path, files)
    assert [(entry.file, entry.split, entry.label) for entry in found.entries] == [
        ("faces/aligned/train_00001_aligned.jpg", "train", "5"),
        ("faces/aligned/train_00002_aligned.jpg", "train", "1"),
        ("faces/aligned/test_0001_aligned.jpg", "test", "5"),
        ("faces/aligned/test_0002_aligned.jpg", "test", "1"),
    ]
    assert found.numbering is RAF_DB
    assert found.unlisted == ()


def test_affectnet_as_it_is_downloaded(tmp_path):
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression"
    files = {
        "training.csv": f"{head}\n689/a.jpg,1,2,3,4,1;2,1\n689/b.JPG,1,2,3,4,1;2,10\n",
        "validation.csv": f"{head}\n12/a.jpg,1,2,3,4,1;2,6\n",
        "Manually_Annotated_Images/689/a.jpg": "",
        "Manually_Annotated_Images/689/b.JPG": "",
        "Manually_Annotated_Images/12/a.jpg": "",
    }
    found = _read(tmp_path, files)
    assert [(entry.file, entry.split, entry.label) for entry in found.entries] == [
        ("Manually_Annotated_Images/689/a.jpg", "train", "1"),
        ("Manually_Annotated_Images/12/a.jpg", "validation", "6"),
    ]
    assert found.numbering is AFFECTNET
    assert found.remarks == ("1 row of AffectNet without an emotion (8 to 10), left out",)


def test_affectnets_annotations_of_2021(tmp_path):
    files = {}
    for split, number, label in (("train", 0, "3"), ("train", 1, "8"), ("val", 0, "6")):
        files[f"{split}_set/images/{number}.jpg"] = b""
        files[f"{split}_set/annotations/{number}_exp.npy"] = _npy(np.array(label))
        files[f"{split}_set/annotations/{number}_val.npy"] = _npy(np.array("0.5"))
    files["train_set/annotations/9_exp.npy"] = b"\x93NUMPY"
    files["train_set/images/9.jpg"] = b""
    with open_archive(_folder(tmp_path, files)) as archive:
        found = label_lists.annotations(archive)
    assert [(entry.file, entry.split, entry.label) for entry in found.entries] == [
        ("train_set/images/0.jpg", "train", "3"),
        ("val_set/images/0.jpg", "validation", "6"),
    ]
    assert found.wrong[0].startswith("train_set/annotations/9_exp.npy: holds no number")
    assert found.remarks == ("1 row of AffectNet without an emotion (8 to 10), left out",)


def test_an_annotation_that_is_a_pickle_is_not_opened(tmp_path):
    files = {"a/images/0.jpg": b"", "a/annotations/0_exp.npy": _npy(np.array([{}]), pickled=True)}
    with open_archive(_folder(tmp_path, files)) as archive:
        assert "allow_pickle=False" in label_lists.annotations(archive).wrong[0]


def test_of_ferplus_votes_the_majority_is_the_label(tmp_path):
    rows = [
        'fer1.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0',
        'fer2.png,"(0, 0, 48, 48)",0,9,0,1,0,0,0,0,0,0',
        'fer3.png,"(0, 0, 48, 48)",4,0,0,1,4,1,0,0,0,0',
        'fer4.png,"(0, 0, 48, 48)",1,0,0,0,0,0,0,0,0,9',
    ]
    files = {"FER2013Train/label.csv": "\n".join(rows)}
    files |= {f"FER2013Train/fer{number}.png": "" for number in range(1, 5)}
    found = _read(tmp_path, files)
    assert [(entry.split, entry.label) for entry in found.entries] == [
        ("train", "neutral"),
        ("train", "happiness"),
    ]
    assert found.wrong == tuple(
        f"FER2013Train/label.csv row {row}: the label is undecided" for row in (3, 4)
    )
    assert not found.sure


def test_a_one_under_the_class_is_the_label(tmp_path):
    text = "filename, bored, awake\n1.jpg, 1, 0\n2.jpg, 0, 1\n"
    found = _read(tmp_path, {"train/_classes.csv": text, "train/1.jpg": "", "train/2.jpg": ""})
    assert [(entry.split, entry.label) for entry in found.entries] == [
        ("train", "bored"),
        ("train", "awake"),
    ]


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        ({"train.csv": (1, 2), "test.csv": (3,)}, ["test", "train", "train"]),
        ({"train_labels.csv": (1, 2), "val_labels.csv": (3,)}, ["train", "train", "validation"]),
    ],
    ids=["their own names", "longer names"],
)
def test_the_list_a_picture_is_named_by_says_its_split(tmp_path, files, splits):
    texts = {
        name: "image,label\n" + "".join(f"{number}.jpg,sad\n" for number in numbers)
        for name, numbers in files.items()
    }
    found = _read(tmp_path, texts | {f"images/{number}.jpg": "" for number in (1, 2, 3)})
    assert [entry.split for entry in found.entries] == splits


def test_a_column_or_the_folder_says_the_split(tmp_path):
    text = "image,label,Usage\n1.jpg,sad,Training\n2.jpg,sad,PrivateTest\n"
    found = _read(tmp_path / "a", {"a.csv": text, "1.jpg": "", "2.jpg": ""})
    assert [entry.split for entry in found.entries] == ["train", "test"]
    text = "image,label\n1.jpg,sad\n2.jpg,sad\n"
    found = _read(tmp_path / "b", {"a.csv": text, "train/1.jpg": "", "dev/2.jpg": ""})
    assert [entry.split for entry in found.entries] == ["train", "validation"]


def test_of_two_pictures_of_one_name_the_one_of_the_right_part_is_meant(tmp_path):
    files = {"train.csv": "image,label\n1.jpg,sad\n", "test.csv": "image,label\n1.jpg,happy\n"}
    found = _read(tmp_path, files | {"train/1.jpg": "", "test/1.jpg": ""})
    assert [(entry.file, entry.label) for entry in found.entries] == [
        ("test/1.jpg", "happy"),
        ("train/1.jpg", "sad"),
    ]


def test_rows_that_cannot_be_used_are_named(tmp_path):
    rows = [
        "image,label",
        "1.jpg,sad",
        "lost.jpg,sad",
        "2.jpg,",
        '"3.jpg,sad',
        "3.jpg",
        f"3.jpg,{'9' * 5000}",
        "1.jpg,happy",
        "a\x1b[31m.jpg,sad",
        "3.jpg,sad",
    ]
    pictures = {f"{number}.jpg": "" for number in (1, 2, 3, 4)}
    found = _read(tmp_path, {"list.csv": "\n".join(rows) + "\n"} | pictures)
    assert [entry.file for entry in found.entries] == ["1.jpg", "3.jpg"]
    assert found.wrong == (
        "list.csv row 3: no picture is called 'lost.jpg'",
        "list.csv row 4: the label is blank",
        "list.csv row 5: a quotation mark is not closed",
        "list.csv row 6: 1 cells are too few",
        "list.csv row 7: the label has 5,000 characters: 100 are the most",
        "list.csv row 8: 1.jpg is 'sad' already, and 'happy' here",
        r"list.csv row 9: no picture is called 'a\x1b[31m.jpg'",
    )
    assert found.unlisted == ("2.jpg", "4.jpg")


@pytest.mark.parametrize(
    ("folders", "labels", "counts"),
    [
        ("ab", ["a", "b"], False),  # the list says the same
        ("12", ["happy", "sad"], True),  # and has names for numbers
        ("12", ["5", "4"], False),
        ("ab", ["a", "a"], True),  # persons, perhaps
        ("aa", ["a", "b"], True),
    ],
)
def test_a_list_counts_where_class_folders_do_not_say_as_much(folders, labels, counts):
    files = ["1.jpg", "2.jpg"]
    plan = [Entry(file, file, "", folder) for file, folder in zip(files, folders, strict=True)]
    entries = tuple(Entry(f, f, "", label) for f, label in zip(files, labels, strict=True))
    listed = label_lists.Listed("", entries, (), (), sure=True)
    assert label_lists.outweighs(listed, plan) == counts


def test_a_table_beside_each_picture_is_of_another_task(tmp_path):
    files = {f"a/{number}.{kind}": "" for number in range(3) for kind in ("jpg", "txt")}
    with open_archive(_folder(tmp_path, files)) as archive:
        assert label_lists._candidates(archive) == []


def _npy(array, pickled=False):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


def _folder(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        (path / name).write_bytes(data)
    return path


def _read(path, files):
    with open_archive(_folder(path, files)) as archive:
        return label_lists.read("DATASET='x'", archive, label_lists.find(archive))
