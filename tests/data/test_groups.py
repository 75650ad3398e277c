from collections import Counter

import pytest

from emotion.data import group_splits, groups
from emotion.errors import EmotionError

NAMES = ("happy/anna-1.png", "happy/bert-1.png", "sad/anna-2.png")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"[a-z]+(?=-)", ("anna", "bert", "anna")),
        (r"([a-z])[a-z]+-", ("a", "b", "a")),
        (r"([a-z]+)/", ("happy", "happy", "sad")),
        (r"anna|bert-(9)?", ("anna", "", "anna")),
    ],
    ids=["all of it", "its brackets", "with folders", "not in all"],
)
def test_a_pattern_names_the_group(pattern, found):
    if "9" in pattern:
        pattern = "(anna)|bert"
    assert groups.grouped("x", NAMES, pattern).of == found


def test_the_names_of_known_data_sets_group_by_person():
    names = ("a/S010_004_00000017.png", "a/S010_004_00000018.png", "b/S011_001_00000009.png")
    found = groups.grouped("x", names, None)
    assert found.of == ("S010", "S010", "S011")
    assert found.words == "2 persons by the file names of CK+"
    assert groups.grouped("x", NAMES, None) == groups.Groups(("", "", ""))


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [("zoe", "x: GROUP='zoe' fits no name, as 'anna-1.png'"), ("n", "finds one group only, 'n'")],
)
def test_a_pattern_that_groups_nothing_is_refused(pattern, complaint):
    with pytest.raises(EmotionError) as error:
        groups.grouped("x", ("anna-1.png", "nora-2.png"), pattern)
    assert complaint in str(error.value)


def test_no_group_is_parted_and_every_split_gets_every_class():
    labels = [label for label in "ab" for _ in range(60)]
    people = [f"person{number % 12}" for number in range(120)]
    places = _drawn(labels, people)
    assert len({*zip(people, places, strict=True)}) == 12
    for split in ("train", "validation", "test"):
        assert {label for label, place in zip(labels, places, strict=True) if place == split} == {
            "a",
            "b",
        }
    counts = Counter(places)
    assert counts == {"train": 80, "validation": 20, "test": 20}  # two persons of ten each


def test_smaller_groups_are_taken_before_those_that_overshoot():
    labels = ["a"] * 50 + ["b"] * 50
    people = (["large"] * 30 + [f"small{number}" for number in range(20)]) * 2
    assert Counter(_drawn(labels, people))["validation"] == 10
    assert {p for p, s in zip(people, _drawn(labels, people), strict=True) if s != "train"} <= {
        f"small{number}" for number in range(20)
    }


def test_the_seed_decides_and_order_does_not():
    labels, people = ["a", "b"] * 30, [f"p{number // 2}" for number in range(60)]
    one = dict(zip(people, _drawn(labels, people), strict=True))
    other = dict(zip(people[::-1], _drawn(labels[::-1], people[::-1]), strict=True))
    assert one == other
    assert one != dict(zip(people, _drawn(labels, people, seed=1), strict=True))


def test_a_class_of_too_few_persons_is_refused():
    with pytest.raises(EmotionError) as error:
        _drawn(["a"] * 9 + ["b"] * 9, ["p", "q", "r"] * 3 + ["p"] * 9)
    assert str(error.value) == (
        "DATASET='x': class 'b' is of too few groups or persons (1) to draw 1 pictures for "
        "validation from without parting one: add some, or make validation and test folders"
    )


def _drawn(labels, people, seed=0):
    return group_splits.drawn("x", labels, people, ("validation", "test"), fraction=0.1, seed=seed)
