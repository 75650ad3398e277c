import pytest

from emotion.data import folders
from emotion.errors import EmotionError


def test_the_kaggle_folder_is_split_by_folder_and_prefix():
    plan = _recognised(
        "test/sad/PrivateTest_3.jpg",
        "test/sad/PublicTest_2.jpg",
        "train/sad/Training_1.jpg",
    )
    assert plan.words == "Kaggle folder"
    assert _placed(plan) == [("test", "sad"), ("validation", "sad"), ("train", "sad")]


def test_a_test_folder_without_prefixes_is_the_test_split():
    plan = _recognised("test/sad/2.jpg", "train/sad/1.jpg")
    assert plan.words == "class folders"
    assert _placed(plan) == [("test", "sad"), ("train", "sad")]


def test_beside_prefixed_files_one_without_is_what_its_folder_says():
    in_test = _recognised("test/sad/2.jpg", "test/sad/PublicTest_3.jpg")
    assert _placed(in_test) == [("test", "sad"), ("validation", "sad")]
    in_class = _recognised("sad/2.jpg", "sad/PublicTest_3.jpg")
    assert _placed(in_class) == [("train", "sad"), ("validation", "sad")]


def test_a_folder_for_validation_outweighs_prefixes_in_test():
    plan = _recognised("test/sad/PublicTest_1.jpg", "val/sad/PublicTest_2.jpg")
    assert _placed(plan) == [("test", "sad"), ("validation", "sad")]


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Validation", "VAL"])
def test_validation_has_several_names(name):
    assert _placed(_recognised(f"{name}/sad/1.jpg", "train/sad/2.jpg"))[0] == ("validation", "sad")


@pytest.mark.parametrize(
    "names",
    [
        ("FER2013Train", "FER2013Valid", "FER2013Test"),
        ("Training", "PublicTest", "PrivateTest"),
        ("train", "dev", "eval"),
        ("TrainSet", "valset", "testset"),
        ("images_train", "images_val", "images_test"),
    ],
)
def test_parts_go_by_many_names(names):
    plan = _recognised(*(f"x/{name}/{label}/1.jpg" for name in names for label in "ab"))
    splits = ("train", "validation", "test")
    assert _placed(plan) == [(split, label) for split in splits for label in "ab"]
    assert plan.outside == ()


def test_parts_may_lie_in_the_class_folders():
    plan = _recognised("sad/train/1.jpg", "sad/test/2.jpg", "happy/train/3.jpg")
    assert _placed(plan) == [("train", "sad"), ("test", "sad"), ("train", "happy")]
    some = _recognised("sad/train/1.jpg", "sad/anna/2.jpg", "happy/3.jpg")
    assert {split for split, _ in _placed(some)} == {""}


def test_file_names_tell_the_class_where_folders_do_not():
    plan = _recognised("jaffe/KA.AN1.39.tiff", "jaffe/KA.HA1.29.tiff", "jaffe/YM.FE1.67.tiff")
    assert plan.words == "file names of JAFFE"
    assert _placed(plan) == [("", "angry"), ("", "happy"), ("", "fear")]
    persons = _recognised("AF01/AF01ANS.JPG", "AM02/AM02HAS.JPG")
    assert _placed(persons) == [("", "angry"), ("", "happy")]
    sorted_in = _recognised("anger/KA.AN1.39.tiff", "joy/KA.HA1.29.tiff")
    assert _placed(sorted_in) == [("", "anger"), ("", "joy")]


@pytest.mark.parametrize(
    ("files", "one", "other", "same"),
    [
        (("a/sad/1.jpg", "a/happy/1.jpg", "b/sad/1.jpg", "b/happy/1.jpg"), "a", "b", "happy sad"),
        (("fold1/x/1.jpg", "fold1/y/1.jpg", "fold2/x/1.jpg", "fold2/y/1.jpg"),
         "fold1", "fold2", "x y"),
        (("a/faces/sad/1.jpg", "a/faces/joy/1.jpg", "b/faces/sad/1.jpg", "b/faces/joy/1.jpg"),
         "a", "b", "joy sad"),
        (("train/sad/1.jpg", "train/happy/1.jpg", "extra/sad/2.jpg", "extra/happy/2.jpg"),
         "train", "extra", "happy sad"),
    ],
    ids=["emotions", "unknown words", "further down", "beside a part"],
)  # fmt: skip
def test_siblings_that_hold_the_same_classes_are_refused_unless_they_are_parts(
    files, one, other, same
):
    with pytest.raises(EmotionError) as error:
        _recognised(*files)
    names = ", ".join(f"'{name}'" for name in same.split())
    assert str(error.value) == (
        f"DATASET='x': '{one}' and '{other}' both hold {names}, so they are parts of the data, or "
        "these are no classes: call parts train, val and test, or put all pictures of a class into "
        "one folder"
    )


@pytest.mark.parametrize(
    "files",
    [
        ("sad/anna/1.jpg", "sad/bert/1.jpg", "happy/anna/1.jpg", "happy/bert/1.jpg"),
        ("bored/anna/1.jpg", "bored/bert/1.jpg", "awake/anna/1.jpg"),
        ("bored/anna/1.jpg", "bored/2.jpg", "awake/anna/1.jpg", "awake/2.jpg"),
    ],
    ids=["emotions", "not all the same", "pictures beside them"],
)
def test_the_same_persons_in_several_classes_are_no_parts(files):
    assert {label for _, label in _placed(_recognised(*files))} == {
        file.split("/")[0] for file in files
    }


def test_parts_that_hold_pictures_without_a_class_are_refused():
    with pytest.raises(EmotionError) as error:
        _recognised("FER2013Train/1.png", "FER2013Valid/2.png")
    assert str(error.value) == (
        "DATASET='x': 'FER2013Train' is a part of the data and holds pictures without a class: put "
        "each into a folder named after its class, or add a .csv of their names and classes"
    )


def test_class_folders_alone_have_no_split():
    assert _placed(_recognised("happy/1.jpg", "sad/2.jpg")) == [("", "happy"), ("", "sad")]


def test_class_folders_with_prefixes_are_split_by_them():
    plan = _recognised("sad/PrivateTest_1.jpg", "sad/PublicTest_1.jpg", "sad/Training_1.jpg")
    assert _placed(plan) == [("test", "sad"), ("validation", "sad"), ("train", "sad")]


@pytest.mark.parametrize("wrapper", ["fer2013", "archive/fer2013", "images/images"])
def test_wrapping_folders_are_looked_through(wrapper):
    found = _recognised(f"{wrapper}/train/sad/1.jpg", f"{wrapper}/val/sad/2.jpg")
    assert [entry.name for entry in found.entries] == ["train/sad/1.jpg", "val/sad/2.jpg"]
    assert found.entries[0].file == f"{wrapper}/train/sad/1.jpg"
    assert found.words == f"class folders in {wrapper}/"
    classes = _recognised(f"{wrapper}/happy/1.jpg", f"{wrapper}/sad/2.jpg")
    assert [entry.name for entry in classes.entries] == ["happy/1.jpg", "sad/2.jpg"]


def test_pictures_deep_in_a_class_folder_are_of_that_class():
    plan = _recognised("train/sad/anna/1.jpg", "train/sad/bert/2.jpg", "train/happy/3.jpg")
    assert _placed(plan) == [("train", "sad"), ("train", "sad"), ("train", "happy")]


def test_a_second_copy_of_the_tree_further_down_is_outside():
    # as one much used download of FER-2013 has it
    plan = _recognised(
        "images/images/train/sad/1.jpg", "images/train/sad/1.jpg", "images/val/sad/2.jpg"
    )
    assert [entry.file for entry in plan.entries] == [
        "images/train/sad/1.jpg",
        "images/val/sad/2.jpg",
    ]
    assert plan.outside == ("images/images/train/sad/1.jpg",)


def test_pictures_beside_the_class_folders_are_outside():
    plan = _recognised("cover.png", "fer/train/sad/1.jpg", "fer/train/plot.png")
    assert [entry.name for entry in plan.entries] == ["train/sad/1.jpg"]
    assert plan.outside == ("cover.png", "fer/train/plot.png")


@pytest.mark.parametrize("suffix", ["JPG", "Jpeg", "png", "BMP", "WEBP", "TIFF", "tif"])
def test_suffixes_count_in_any_case(suffix):
    assert _placed(_recognised(f"sad/1.{suffix}")) == [("", "sad")]


def test_other_files_are_no_pictures():
    plan = _recognised("sad/1.jpg", "sad/Thumbs.db", "votes.csv")
    assert [entry.name for entry in plan.entries] == ["sad/1.jpg"]
    assert plan.outside == ()


def test_a_class_folder_without_a_picture_is_empty():
    inside = ("fer", "fer/train", "fer/train/sad", "fer/train/happy", "fer/docs", "fer/docs/x")
    plan = folders.recognise("DATASET='x'", ("fer/train/sad/1.jpg",), inside)
    assert plan.empty == (("train", "happy"),)
    alone = folders.recognise("DATASET='x'", ("sad/1.jpg",), ("happy", "sad", "sad/anna"))
    assert alone.empty == (("", "happy"),)


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (
            ["README.md"],
            "DATASET='x' holds no pictures and no FER-2013 CSV: give a folder or .zip with "
            "train/<class>/ and test/<class>/, or a CSV with the columns emotion, Usage, pixels",
        ),
        (
            ["archive.zip"],
            "DATASET='x' holds no pictures and no FER-2013 CSV: give 'archive.zip' in it, if that "
            "is the data",
        ),
        (
            ["fer2013.tar.gz"],
            "DATASET='x' holds no pictures and no FER-2013 CSV: unpack 'fer2013.tar.gz' and give "
            "the folder, if that is the data",
        ),
        (
            ["1.jpg", "2.jpg"],
            "DATASET='x' holds pictures and no class folders: put each picture into a folder "
            "named after its class, as in happy/1.jpg, or add a .csv of their names and classes",
        ),
        (
            ["one/train/sad/1.jpg", "two/train/sad/1.jpg"],
            "DATASET='x' holds more than one data set ('one' and 'two'): give the folder of one "
            "of them",
        ),
    ],
    ids=["nothing", "a zip", "a tar", "loose pictures", "two data sets"],
)
def test_what_cannot_be_understood_is_refused(files, complaint):
    with pytest.raises(EmotionError) as error:
        _recognised(*files)
    assert str(error.value) == complaint


def _recognised(*files):
    return folders.recognise("DATASET='x'", files, ())


def _placed(plan):
    return [(entry.split, entry.label) for entry in plan.entries]
