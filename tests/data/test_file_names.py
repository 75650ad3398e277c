import pytest

from emotion.data import file_names


@pytest.mark.parametrize(
    ("files", "name", "persons"),
    [
        (["S010_004_00000017.png", "S999_001_00000018.png"], "CK+", ["S010", "S999"]),
        (["KA.AN1.39.tiff", "YM.SU2.20.tiff"], "JAFFE", ["KA", "YM"]),
        (["AF01ANS.JPG", "BM33SUFR.JPG"], "KDEF", ["F01", "M33"]),
        (["Rafd090_01_Caucasian_female_angry_frontal.jpg"], "RaFD", ["01"]),
    ],
    ids=["CK+", "JAFFE", "KDEF", "RaFD"],
)
def test_the_names_of_known_data_sets_tell_the_person(files, name, persons):
    found = file_names.telling_persons(files)
    assert found.name == name
    assert [found.person(file) for file in files] == persons


@pytest.mark.parametrize(
    ("file", "label"),
    [
        ("KA.DI2.43.tiff", "disgust"),
        ("KM.NE1.1.tiff", "neutral"),
        ("AF01AFHL.JPG", "fear"),
        ("BM33SAS.JPG", "sad"),
        ("Rafd045_12_Moroccan_male_contemptuous_left.jpg", "contempt"),
    ],
)
def test_some_tell_the_emotion(file, label):
    assert file_names.telling_emotions([file]).label(file) == label


def test_most_of_the_files_have_to_be_named_so():
    jaffe = ["KA.AN1.39.tiff"] * 9
    assert file_names.telling_emotions([*jaffe, "README.png"])
    assert file_names.telling_emotions([*jaffe, "a.png", "b.png"]) is None
    assert file_names.telling_emotions(["S010_004_00000017.png"]) is None
    assert file_names.telling_persons([]) is None
