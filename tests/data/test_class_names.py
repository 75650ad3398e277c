import pytest

from emotion.data import class_names
from emotion.data.class_names import AFFECTNET, FER2013_CSV, RAF_DB, naming
from emotion.errors import EmotionError


@pytest.mark.parametrize(
    ("labels", "numbering", "called"),
    [
        (["0", "3", "6"], FER2013_CSV, {"0": "angry", "3": "happy", "6": "neutral"}),
        (["0", "7"], FER2013_CSV, {"0": "angry", "7": "contempt"}),
        (["0", "8"], FER2013_CSV, {"0": "0", "8": "8"}),
        (["happy", "3"], FER2013_CSV, {"happy": "happy", "3": "3"}),
        (["1", "7"], RAF_DB, {"1": "surprise", "7": "neutral"}),
        (["0", "7"], AFFECTNET, {"0": "neutral", "7": "contempt"}),
        (["0", "1"], None, {"0": "0", "1": "1"}),
    ],
    ids=["FER-2013", "contempt", "other numbers", "names", "RAF-DB", "AffectNet", "unknown"],
)
def test_numbers_get_the_names_of_the_data_set_they_are_from(labels, numbering, called):
    assert naming("x", labels, numbering=numbering).called == called


def test_what_a_number_stands_for_is_said_or_asked():
    assert naming("x", ["0", "7"], numbering=FER2013_CSV).remarks == (
        "class 7 is taken for contempt",
    )
    assert naming("x", ["0", "6"], numbering=FER2013_CSV).remarks == ()
    (hint,) = naming("x", map(str, range(1, 8))).remarks
    assert hint == (
        "the classes are numbers (1, 2, 3, 4, 5, 6, 7): CLASSES=one,two,... names them; RAF-DB's "
        "are CLASSES=surprise,fear,disgust,happiness,sadness,anger,neutral; AffectNet's are "
        "CLASSES=neutral,happy,sad,surprise,fear,disgust,anger,contempt"
    )


@pytest.mark.parametrize(
    ("labels", "called", "words"),
    [
        (["0", "1"], {"0": "calm", "1": "tense"}, "counted from 0: 0 calm, 1 tense"),
        (["1", "2"], {"1": "calm", "2": "tense"}, "counted from 1: 1 calm, 2 tense"),
        (["01", "class002"], {"01": "calm", "class002": "tense"}, "from 1: 1 calm, 2 tense"),
        (["1.0", "2.0"], {"1.0": "calm", "2.0": "tense"}, "counted from 1: 1 calm, 2 tense"),
    ],
    ids=["from 0", "from 1", "zeros and words", "pandas"],
)
def test_classes_names_numbers_and_says_what_was_taken(labels, called, words):
    found = naming("x", labels, ("calm", "tense"))
    assert found.called == called
    assert found.remarks[0].endswith(words)


@pytest.mark.parametrize(
    ("labels", "asked", "complaint"),
    [
        (
            ["0", "1", "2"],
            ("calm", "tense"),
            "x: CLASSES=calm,tense has 2 names, and the data a class 2: counted from 0, 3 are "
            "needed",
        ),
        (
            ["happy", "sad"],
            ("calm", "tense"),
            "x: CLASSES names numbered classes, and one here is called 'happy': leave CLASSES out",
        ),
        (["0", "1"], ("calm", "calm"), "x: CLASSES=calm,calm names one class twice"),
        (["0", "1"], ("calm", "t\nse"), r"x: a name in CLASSES 't\nse' is not plain text"),
    ],
    ids=["too few", "names", "twice", "no text"],
)
def test_names_that_do_not_fit_are_refused(labels, asked, complaint):
    with pytest.raises(EmotionError) as error:
        naming("x", labels, asked)
    assert str(error.value).startswith(complaint)


def test_data_that_has_the_names_already_is_left_alone():
    assert naming("x", ["calm", "tense"], ("calm", "tense")).called["calm"] == "calm"


def test_classes_that_differ_in_letter_case_only_are_one_or_refused():
    found = class_names.one_case(["HAPPY", "happy", "Sad"])
    assert found.called == {"HAPPY": "happy", "happy": "happy", "Sad": "Sad"}
    assert found.remarks == ("one class, in whatever letter case: HAPPY and happy",)
    with pytest.raises(EmotionError, match="'Happy' and 'happy' differ in letter case only"):
        class_names.check_case("x", ["happy", "Happy"])


@pytest.mark.parametrize(
    ("label", "wrong"),
    [
        (" ", "is blank"),
        ("7" * 5000, "has 5,000 characters: 100 are the most"),
        ("sa\nd", r"'sa\nd' is not plain text"),
        ("\x1b[31mred", r"'\x1b[31mred' is not plain text"),
        ("fr\udcf6h", r"'fr\xf6h' is not plain text"),
        ("a\u2028b", r"'a\u2028b' is not plain text"),
        ("a\u202eb", r"'a\u202eb' is not plain text"),
    ],
)
def test_a_name_that_a_model_file_cannot_hold_is_refused(label, wrong):
    with pytest.raises(ValueError) as error:
        class_names.usable(label)
    assert str(error.value).startswith(wrong)


@pytest.mark.parametrize("label", ["froh", "fröhlich", "嬉しい", "می\u200cخندد", "two words"])
def test_a_name_of_any_language_can_be_used(label):
    assert class_names.usable(f" {label} ") == label
