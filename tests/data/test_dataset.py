"""Small data sets of noise: picture number n is the same 48 x 48 noise everywhere in this file."""

import csv
import os
import zipfile
from collections import Counter

import cv2
import drawn
import numpy as np
import pytest

from emotion.data import dataset
from emotion.errors import EmotionError
from emotion.model_file import FER2013

OFFICIAL = {
    "train/happy/Training_1.png": 1,
    "train/sad/Training_2.png": 2,
    "test/happy/PublicTest_3.png": 3,
    "test/sad/PublicTest_4.png": 4,
    "test/happy/PrivateTest_5.png": 5,
    "test/sad/PrivateTest_6.png": 6,
}


def test_the_kaggle_folder_keeps_its_official_split(tmp_path):
    data = dataset.load(_folder(tmp_path, OFFICIAL))
    assert data.labels == ("happy", "sad")
    assert data.source == "Kaggle folder, split as it came"
    assert list(data.splits) == ["train", "validation", "test"]
    assert data.splits["validation"].names == (
        "test/happy/PublicTest_3.png",
        "test/sad/PublicTest_4.png",
    )
    assert _numbers(data) == {"train": [1, 2], "validation": [3, 4], "test": [5, 6]}
    assert data.splits["test"].targets.tolist() == [0, 1]


def test_arrays_have_the_promised_types(tmp_path):
    split = dataset.load(_folder(tmp_path, OFFICIAL)).splits["train"]
    assert (split.images.dtype, split.images.shape) == (np.uint8, (2, 48, 48))
    assert (split.targets.dtype, split.targets.shape) == (np.int64, (2,))
    assert (split.duplicate_of_train.dtype, split.duplicate_of_train.tolist()) == (
        np.bool_,
        [False, False],
    )


def test_train_and_val_folders_need_no_test_split(tmp_path):
    files = {"train/a/1.png": 1, "train/b/2.png": 2, "val/a/3.png": 3, "val/b/4.png": 4}
    data = dataset.load(_folder(tmp_path, files))
    assert _numbers(data) == {"train": [1, 2], "validation": [3, 4]}
    assert data.source == "class folders, split as it came"


def test_train_and_test_folders_get_a_validation_split_from_train(tmp_path):
    files = {f"train/{n % 2}/{n}.png": n for n in range(40)}
    files |= {f"test/{n % 2}/{n}.png": n for n in range(40, 44)}
    data = dataset.load(_folder(tmp_path, files), seed=7)
    counts = {name: np.bincount(split.targets).tolist() for name, split in data.splits.items()}
    assert counts == {"train": [18, 18], "validation": [2, 2], "test": [2, 2]}
    assert data.source == "class folders, validation drawn with seed 7"


def test_class_folders_are_split_in_three_by_content_and_not_by_name(tmp_path):
    plain = dataset.load(_folder(tmp_path / "1", {f"{n % 2}/{n}.png": n for n in range(60)}))
    renamed = {f"{n % 2}/{99 - n}.png": n for n in reversed(range(60))}
    other = dataset.load(_folder(tmp_path / "2", renamed))
    sizes = {name: len(split.names) for name, split in plain.splits.items()}
    assert sizes == {"train": 48, "validation": 6, "test": 6}
    for name in plain.splits:
        assert sorted(_numbers(plain)[name]) == sorted(_numbers(other)[name])
    assert plain.source == "class folders, validation and test drawn with seed 0"


def test_the_seed_and_the_share_decide_what_is_drawn(tmp_path):
    folder = _folder(tmp_path, {f"{n % 2}/{n}.png": n for n in range(60)})
    one = dataset.load(folder, seed=1, validation_split=0.2)
    two = dataset.load(folder, seed=2, validation_split=0.2)
    assert len(one.splits["validation"].names) == len(two.splits["validation"].names) == 12
    assert one.splits["validation"].names != two.splits["validation"].names


def test_a_zip_as_downloaded_equals_the_folder(tmp_path):
    folder = _folder(tmp_path / "fer2013", OFFICIAL)
    (tmp_path / "fer2013" / ".DS_Store").write_bytes(b"x")
    packed = tmp_path / "archive.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(tmp_path.rglob("*"), reverse=True):
            if path.is_file() and path != packed:
                archive.write(path, path.relative_to(tmp_path))
        archive.writestr("__MACOSX/fer2013/train/happy/._Training_1.png", b"x")
    one, other = dataset.load(folder), dataset.load(packed)
    _same(one, other)
    assert other.unreadable == other.outside == ()
    assert other.source == "zip of Kaggle folder in fer2013/, split as it came"


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zip"])
def test_a_csv_equals_the_folder(tmp_path, packed):
    path = _csv(tmp_path / "fer2013.csv", OFFICIAL)
    if packed:
        path = _zip(tmp_path / "archive.zip", {"some/fer2013.csv": path})
    data = dataset.load(path)
    folder = dataset.load(_folder(tmp_path, OFFICIAL))
    assert data.labels == folder.labels
    for name, split in folder.splits.items():
        np.testing.assert_array_equal(data.splits[name].images, split.images)
        np.testing.assert_array_equal(data.splits[name].targets, split.targets)
    assert data.splits["test"].names == ("row 6", "row 7")
    words = "zip of CSV some/fer2013.csv" if packed else "CSV fer2013.csv"
    assert data.source == f"{words}, split as it came"


def test_a_folder_that_holds_the_csv_is_enough(tmp_path):
    _csv(tmp_path / "fer2013.csv", OFFICIAL)
    assert _numbers(dataset.load(tmp_path))["test"] == [5, 6]


def test_fer2013s_seven_keep_its_order_and_other_classes_are_alphabetical(tmp_path):
    seven = {f"{label}/{n}.png": 10 * k + n for k, label in enumerate(FER2013) for n in range(3)}
    assert dataset.load(_folder(tmp_path / "7", seven)).labels == FER2013
    some = {f"{label}/{n}.png": n for label in ("zornig", "Glück", "ängstlich") for n in range(3)}
    assert dataset.load(_folder(tmp_path / "3", some)).labels == ("Glück", "zornig", "ängstlich")


def test_a_csv_with_other_numbers_keeps_them_as_names(tmp_path):
    path = tmp_path / "other.csv"
    rows = [f"{n % 2 + 7},{_pixels(n)}" for n in range(6)]
    path.write_text("\n".join(["emotion,pixels", *rows]) + "\n")
    assert dataset.load(path).labels == ("7", "8")


def test_copies_of_training_images_are_marked(tmp_path):
    files = OFFICIAL | {
        "test/happy/PublicTest_7.png": 1,
        "test/sad/PrivateTest_8.png": 1,  # of another class: still a copy
        "train/happy/Training_9.png": 1,
    }
    data = dataset.load(_folder(tmp_path, files))
    assert data.splits["train"].duplicate_of_train.tolist() == [False, False, False]
    assert data.splits["validation"].duplicate_of_train.tolist() == [False, True, False]
    assert data.splits["test"].duplicate_of_train.tolist() == [False, False, True]


def test_copies_are_judged_by_pixels_and_not_by_files(tmp_path):
    folder = _folder(tmp_path, OFFICIAL)
    (folder / "test/sad/PublicTest_7.bmp").write_bytes(cv2.imencode(".bmp", _noise(1))[1].tobytes())
    data = dataset.load(folder)
    assert data.splits["validation"].duplicate_of_train.tolist() == [False, False, True]


def test_blank_and_unreadable_pictures_are_named_and_left_out(tmp_path, capfd):
    folder = _folder(tmp_path, OFFICIAL)
    (folder / "train/sad/blank.png").write_bytes(_png(np.full((48, 48), 7, np.uint8)))
    (folder / "train/sad/cut.bmp").write_bytes(cv2.imencode(".bmp", _noise(9))[1][:2000].tobytes())
    (folder / "train/sad/empty.jpg").write_bytes(b"")
    (folder / "train/sad/letter.jpg").write_text("Dear Sir or Madam")
    (folder / "train/sad/lost.jpg").symlink_to(folder / "nowhere.jpg")
    data = dataset.load(folder)
    assert _numbers(data) == {"train": [1, 2], "validation": [3, 4], "test": [5, 6]}
    assert data.blank == ("train/sad/blank.png",)
    assert data.unreadable == (
        "train/sad/cut.bmp: no picture that OpenCV can read, or a damaged one",
        "train/sad/empty.jpg: the file is empty",
        "train/sad/letter.jpg: no picture that OpenCV can read, or a damaged one",
        "train/sad/lost.jpg: No such file or directory",
    )
    assert capfd.readouterr() == ("", "")


def test_bad_rows_are_named_and_left_out(tmp_path):
    path = _csv(tmp_path / "fer2013.csv", OFFICIAL)
    path.write_text(path.read_text() + "3,Training,1 2 3\n,Training,\n9,Holiday,1 2 3 4\n")
    data = dataset.load(path)
    assert data.labels == ("happy", "sad")
    assert data.unreadable == (
        "row 8: 3 pixels make no square; FER-2013 has 2304",
        "row 9: the emotion is blank",
        "row 10: Usage 'Holiday' is none of Training, PublicTest, PrivateTest",
    )


def test_photographs_are_cropped_or_used_whole_and_counted(tmp_path):
    rng = np.random.default_rng(0)
    folder = _folder(tmp_path, OFFICIAL)
    face, wall = drawn.scene("happy", rng), rng.integers(0, 256, (300, 400, 3), np.uint8)
    (folder / "train/happy/photo.jpg").write_bytes(cv2.imencode(".jpg", face)[1].tobytes())
    (folder / "train/sad/wall.JPG").write_bytes(cv2.imencode(".jpg", wall)[1].tobytes())
    data = dataset.load(folder)
    assert data.cropped == 1
    assert data.no_face_found == ("train/sad/wall.JPG",)
    assert data.splits["train"].images.shape == (4, 48, 48)


def test_a_label_list_beside_the_pictures_is_read_plain_zipped_or_given_itself(tmp_path):
    labels = ["HAPPY", "sad", "happy", "SAD", "happy", "sad"]
    rows = [f"{number}.png,{label}" for number, label in enumerate(labels)]
    folder = _folder(tmp_path / "set", {f"images/{number}.png": number for number in range(6)})
    (folder / "data").mkdir()
    (folder / "data/legend.csv").write_text("\n".join(["image,emotion", *rows]) + "\n")
    files = {path.relative_to(folder): path for path in folder.rglob("*.*")}
    packed = _zip(tmp_path / "set.zip", files)
    one, zipped, alone = map(dataset.load, (folder, packed, folder / "data/legend.csv"))
    assert one.labels == ("happy", "sad")
    assert one.source == "label list data/legend.csv, validation and test drawn with seed 0"
    assert one.remarks[0] == "one class, in whatever letter case: HAPPY and happy; SAD and sad"
    assert sum(len(split.names) for split in one.splits.values()) == 6
    _same(one, zipped)
    _same(one, alone)


def test_a_label_list_whose_pictures_are_elsewhere_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "legend.csv"
    path.write_text("image,emotion\n1.png,happy\n2.png,sad\n")
    with pytest.raises(EmotionError, match="lie neither beside it nor in a folder beside its own"):
        dataset.load(path)


def test_a_list_that_says_other_than_the_folders_counts_and_that_is_said(tmp_path):
    folder = _folder(tmp_path, {f"{('happy', 'sad')[n % 2]}/{n}.png": n for n in range(8)})
    rows = [f"{('happy', 'sad')[n % 2 ^ (n > 5)]},{n}.png" for n in range(8)]
    (folder / "labels.csv").write_text("\n".join(["emotion,image", *rows]) + "\n")
    data = dataset.load(folder)
    assert data.source.startswith("label list labels.csv")
    assert data.remarks == ("2 pictures lie in folders of other classes: the list counts",)


def test_a_table_of_votes_beside_class_folders_is_not_even_read(tmp_path, monkeypatch):
    monkeypatch.setattr("emotion.data.label_lists.read", lambda *_: pytest.fail("it was read"))
    folder = _folder(tmp_path, OFFICIAL)
    names = "\n".join(f"{name},4,3,3" for name in OFFICIAL)
    (folder / "votes.csv").write_text(f"filename,happiness,sadness,anger\n{names}\n")
    assert dataset.load(folder).source == "Kaggle folder, split as it came"


def test_numbered_folders_are_named_by_classes(tmp_path):
    folder = _folder(tmp_path, {f"{n % 2 + 1}/{n}.png": n for n in range(8)})
    data = dataset.load(folder, classes=("tense", "calm"))
    assert data.labels == ("calm", "tense")
    assert data.splits["train"].targets.tolist().count(1) == 2
    assert data.remarks == ("classes named by CLASSES, counted from 1: 1 tense, 2 calm",)
    assert dataset.load(folder).remarks[0].startswith("the classes are numbers (1, 2): CLASSES=")
    scored = dataset.load(folder, classes=("tense", "calm"), for_training=False)
    assert scored.labels == ("calm", "tense")


def test_an_eighth_class_in_fer2013s_columns_is_contempt(tmp_path):
    path = tmp_path / "ckextended.csv"
    parts = ("Training", "PublicTest", "PrivateTest")
    rows = [f"{n},{_pixels(8 * k + n)},{part}" for n in range(8) for k, part in enumerate(parts)]
    path.write_text("\n".join(["emotion,pixels,Usage", *rows]) + "\n")
    data = dataset.load(path)
    assert data.labels == tuple(sorted((*FER2013, "contempt")))
    assert data.remarks == ("class 7 is taken for contempt",)


def test_the_frames_of_a_sequence_stay_on_one_side(tmp_path):
    names = [
        f"{label}/S{person:03}_{sequence:03}_{frame:08}.png"
        for sequence, label in ((1, "angry"), (2, "fear"))
        for person in range(6)
        for frame in range(3)
    ]
    data = dataset.load(_folder(tmp_path, {name: n for n, name in enumerate(names)}))
    persons = [{name.split("/")[1][:4] for name in s.names} for s in data.splits.values()]
    assert sum(map(len, persons)) == len(set.union(*persons)) == 6
    assert data.remarks == ("6 persons by the file names of CK+",)
    by_sequence = dataset.load(tmp_path, group=r"S\d+_\d+")
    assert by_sequence.remarks == ("12 groups by GROUP",)


def test_persons_and_near_copies_on_both_sides_of_a_split_are_counted(tmp_path):
    rng = np.random.default_rng(0)
    files = {}
    for n, label in enumerate(("a", "b")):
        face = drawn.draw(("happy", "sad")[n], 48, rng)
        for part, darker in (("train", 0), ("val", 3)):
            files[f"{part}/{label}/anna-{n}.png"] = _png(face - np.minimum(face, darker))
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(data)
    assert dataset.load(tmp_path).remarks == (
        "2 of 2 (100.0%) validation images are nearly a training image",
    )
    assert dataset.load(tmp_path, group="[a-z]+-[0-9]").remarks == (
        "2 groups by GROUP",
        "2 of 2 (100.0%) validation images are of persons or groups that training has, too",
        "2 of 2 (100.0%) validation images are nearly a training image",
    )


def test_near_copies_that_were_drawn_apart_are_counted_with_what_to_do(tmp_path):
    rng = np.random.default_rng(0)
    for n, label in enumerate(("a", "b")):
        face = drawn.draw(("happy", "sad")[n], 48, rng)
        (tmp_path / label).mkdir()
        for number in range(6):
            picture = face - np.minimum(face, number)
            (tmp_path / label / f"{number}.png").write_bytes(_png(picture))
    assert dataset.load(tmp_path).remarks[0] == (
        "2 of 2 (100.0%) validation images are nearly a training image: GROUP can keep a person or "
        "sequence on one side"
    )


def test_class_folders_that_differ_in_case_only_are_named_as_such(tmp_path):
    files = {"train/Happy/1.png": 1, "train/sad/2.png": 2, "val/happy/3.png": 3, "val/sad/4.png": 4}
    with pytest.raises(EmotionError, match="'Happy' and 'happy' differ in letter case only: give"):
        dataset.load(_folder(tmp_path, files))


def test_another_name_of_a_class_in_another_split_is_pointed_at(tmp_path):
    files = {"train/anger/1.png": 1, "train/sad/2.png": 2, "val/angry/3.png": 3, "val/sad/4.png": 4}
    with pytest.raises(EmotionError, match="training split, where 'anger' may be meant by the sa"):
        dataset.load(_folder(tmp_path, files))


@pytest.mark.parametrize("name", ["sa\nd", "\x1b[31msad", os.fsdecode(b"fr\xf6h")])
def test_a_class_folder_whose_name_is_no_text_is_refused_before_anything_is_read(
    tmp_path, name, monkeypatch
):
    monkeypatch.setattr(dataset, "_gather", lambda *_: pytest.fail("pictures were read"))
    try:
        folder = _folder(tmp_path, {"happy/1.png": 1, f"{name}/2.png": 2})
    except OSError:
        pytest.skip("this file system refuses such names")
    with pytest.raises(
        EmotionError, match=r"the name of a class folder '.+' is not plain text: give"
    ):
        dataset.load(folder)


def test_pictures_whose_names_are_no_text_are_used_and_shown_escaped(tmp_path):
    files = {f"{n % 2}/{n}\n\x1b[1m.png": n for n in range(8)}
    data = dataset.load(_folder(tmp_path, files))
    assert all(name.isprintable() for split in data.splits.values() for name in split.names)
    (tmp_path / "0" / "bad\n.png").write_bytes(b"")
    assert dataset.load(tmp_path).unreadable == (r"0/bad\n.png: the file is empty",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_a_class_folder_is_named_and_does_not_hang(tmp_path):
    folder = _folder(tmp_path, OFFICIAL)
    os.mkfifo(folder / "train/sad/pipe.png")
    (folder / "train/sad/round").symlink_to(folder / "train/sad/round")
    data = dataset.load(folder)
    assert data.unreadable == (
        "train/sad/pipe.png: a pipe, no file",
        "train/sad/round: a link in a circle, no file",
    )


def test_progress_is_told_after_each_picture(tmp_path):
    told = []
    dataset.load(_folder(tmp_path, OFFICIAL), progress=told.append)
    assert told == [1, 2, 3, 4, 5, 6]


def test_pictures_outside_the_class_folders_are_named(tmp_path):
    data = dataset.load(_folder(tmp_path, OFFICIAL | {"cover.png": 7}))
    assert data.outside == ("cover.png",)


def test_another_size_scales_every_picture(tmp_path):
    data = dataset.load(_folder(tmp_path, OFFICIAL), size=32)
    assert data.splits["test"].images.shape == (2, 32, 32)
    assert (data.no_face_found, data.cropped) == ((), 0)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"happy/1.png": 1, "sad/2.png": 2}, {"test": [1, 2]}),
        ({"happy/1.png": 1}, {"test": [1]}),
        ({"test/happy/1.png": 1, "test/sad/PublicTest_2.png": 2}, {"validation": [2], "test": [1]}),
        ({"train/happy/1.png": 1, "train/sad/2.png": 2}, {"train": [1, 2]}),
        ({"train/happy/1.png": 1, "val/sad/2.png": 2}, {"train": [1], "validation": [2]}),
    ],
    ids=["class folders", "one class", "test alone", "train alone", "other classes"],
)
def test_scoring_takes_what_is_there_and_splits_nothing(tmp_path, files, expected):
    data = dataset.load(_folder(tmp_path, files), for_training=False)
    assert _numbers(data) == expected
    assert data.source.endswith(", split as it came")


def test_an_empty_class_folder_is_refused_before_anything_is_read(tmp_path, monkeypatch):
    folder = _folder(tmp_path, OFFICIAL)
    (folder / "train" / "angry").mkdir()
    monkeypatch.setattr(dataset, "_gather", lambda *_: pytest.fail("pictures were read"))
    with pytest.raises(EmotionError, match="class 'angry' in the train split has no picture"):
        dataset.load(folder)


def test_a_class_of_nothing_but_unusable_pictures_is_refused(tmp_path):
    folder = _folder(tmp_path, OFFICIAL)
    (folder / "train/sad/Training_2.png").write_bytes(b"")
    with pytest.raises(
        EmotionError, match="class 'sad' in the train split has no picture that can"
    ):
        dataset.load(folder)
    path = _csv(tmp_path / "fer2013.csv", {k: n for k, n in OFFICIAL.items() if n != 2})
    path.write_text(path.read_text() + "4,Training,1 2 3\n")
    with pytest.raises(
        EmotionError, match="class 'sad' in the train split has no picture that can"
    ):
        dataset.load(path)


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, r"holds no pictures and no FER-2013 CSV: give a folder or \.zip with train/<class>/"),
        ({"happy/1.png": 1}, r"has one class only, 'happy': training needs two or more$"),
        ({"val/a/1.png": 1, "val/b/2.png": 2}, r"has no training split, only 'validation'"),
        (OFFICIAL | {"test/odd/PublicTest_7.png": 7}, r"class 'odd' is in the validation split"),
        (OFFICIAL | {"train/odd/Training_7.png": 7}, r"class 'odd' is missing from the test split"),
        ({"a/1.png": 1, "b/2.png": 2}, r"class 'a' has too few usable pictures"),
    ],
    ids=["nothing", "one class", "no training", "unknown class", "missing class", "too few"],
)
def test_a_folder_that_cannot_be_trained_on_is_refused(tmp_path, files, complaint):
    folder = _folder(tmp_path, files)
    with pytest.raises(EmotionError, match=complaint) as error:
        dataset.load(folder)
    assert str(error.value).startswith(f"DATASET='{folder}'")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "starts with the columns nothing; needed are emotion and pixels, and Usage for the"),
        ("file,mood\n1,2\n", "starts with the columns file, mood; needed are emotion and pixels"),
        ("emotion,Usage,pixels\n", "holds a header and no rows: download fer2013.csv again"),
        (
            "emotion,Usage,pixels\n3,Training,1 2 3\n4,Training,x\n",
            "no picture in it can be used, of 2 tried. The first is row 2: 3 pixels make no "
            "square; FER-2013 has 2304. Download the data again",
        ),
        (
            "emotion,Usage,pixels\n3,Training,5 5 5 5\n",
            "no picture in it can be used, of 1 tried. The first is row 2: one grey all over",
        ),
    ],
    ids=["empty", "other columns", "no rows", "bad rows", "blank rows"],
)
def test_a_csv_that_cannot_be_used_is_refused(tmp_path, text, complaint):
    path = tmp_path / "fer2013.csv"
    path.write_text(text)
    with pytest.raises(EmotionError) as error:
        dataset.load(path)
    assert str(error.value).startswith(f"DATASET='{path}'")
    assert complaint in str(error.value)


@pytest.mark.parametrize("share", [0, -0.1, 0.4, 1])
def test_a_share_that_leaves_nothing_to_learn_or_to_check_is_refused(tmp_path, share):
    with pytest.raises(EmotionError, match=r"VALIDATION_SPLIT=.+ must be above 0, at most 1/3"):
        dataset.load(tmp_path, validation_split=share)


def test_the_preflight_shows_a_table_and_everything_left_out(tmp_path):
    files = OFFICIAL | {"test/happy/PublicTest_7.png": 1, "cover.png": 8}
    folder = _folder(tmp_path, files)
    for number in range(7):
        (folder / f"train/sad/broken_{number}.jpg").write_bytes(b"")
    (folder / "train/sad/blank.png").write_bytes(_png(np.full((48, 48), 7, np.uint8)))
    (folder / "train/sad/wall.png").write_bytes(_png(np.tile(_noise(9), (2, 3))))
    assert dataset.preflight(dataset.load(folder)).splitlines() == [
        "Kaggle folder, split as it came",
        "class       train  validation        test",
        "happy           1           2           1",
        "sad             2           1           1",
        "total           3           3           2",
        "7 pictures that could not be read, left out: "
        + "; ".join(f"train/sad/broken_{n}.jpg: the file is empty" for n in range(5))
        + ", and 2 more",
        "1 picture of one grey all over, left out: train/sad/blank.png",
        "1 picture in no class folder, left out: cover.png",
        "1 of 3 (33.3%) validation images have the same pixels as a training image",
        "0 photographs cropped to the largest face",
        "1 picture with no face found, centre used: train/sad/wall.png",
    ]


def test_the_preflight_of_clean_data_is_the_table_alone(tmp_path):
    shown = dataset.preflight(dataset.load(_folder(tmp_path, OFFICIAL)))
    assert shown.splitlines()[-1] == "total           2           2           2"


def test_the_real_fer2013_is_as_its_description_says(fer2013):
    data = dataset.load(fer2013)
    with (fer2013 / "duplicates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    blank = {row["filename"] for row in rows if row["constant"] == "1"}
    assert data.labels == FER2013
    assert set(data.blank) == blank
    assert len(blank) == 12
    assert (data.unreadable, data.no_face_found, data.cropped, data.outside) == ((), (), 0, ())
    sizes = (28_709, 3_589)
    for split, size, folder in zip(data.splits.values(), sizes, ("train", "test"), strict=True):
        assert len(split.names) == size - sum(name.startswith(folder) for name in blank)
    groups = {row["filename"]: row["exact_group"] for row in rows if row["exact_group"]}
    learnt = {groups[name] for name in groups if name.startswith("train") and name not in blank}
    held = data.splits["validation"]
    expected = [groups.get(name) in learnt for name in held.names]
    assert held.duplicate_of_train.tolist() == expected
    assert Counter(expected)[True] == 279


def _noise(number):
    return np.random.default_rng(number).integers(0, 256, (48, 48), np.uint8)


def _png(image):
    return cv2.imencode(".png", image)[1].tobytes()


def _folder(path, files):
    """`files` are names and the numbers of the noise they hold."""
    path.mkdir(exist_ok=True)
    for name, number in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(_png(_noise(number)))
    return path


def _pixels(number):
    return " ".join(map(str, _noise(number).ravel()))


def _csv(path, files):
    """The same pictures as FER-2013's CSV has them; class and Usage are read off the names."""
    rows = ["emotion,Usage,pixels"]
    for name, number in files.items():
        _, label, file = name.split("/")
        rows.append(f"{FER2013.index(label)},{file.split('_')[0]},{_pixels(number)}")
    path.write_text("\n".join(rows) + "\n")
    return path


def _zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            archive.write(file, name)
    return path


def _numbers(data):
    """Which noise is in each split, in order; every image must be one unchanged."""
    known = {_noise(number).tobytes(): number for number in range(100)}
    return {
        name: [known[image.tobytes()] for image in split.images]
        for name, split in data.splits.items()
    }


def _same(one, other):
    assert one.labels == other.labels
    assert one.splits.keys() == other.splits.keys()
    for name, split in one.splits.items():
        assert other.splits[name].names == split.names
        np.testing.assert_array_equal(other.splits[name].images, split.images)
        np.testing.assert_array_equal(other.splits[name].targets, split.targets)
        np.testing.assert_array_equal(
            other.splits[name].duplicate_of_train, split.duplicate_of_train
        )
