from collections import Counter
from dataclasses import dataclass

import pytest

from emotion.data import splits
from emotion.errors import EmotionError


@dataclass(frozen=True)
class Sample:
    split: str
    label: str
    key: bytes


def test_an_official_split_is_kept():
    samples = [Sample("train", "a", b"1"), Sample("validation", "a", b"2")]
    drawn_up, drawn = splits.completed("x", samples, fraction=0.1, seed=0)
    assert drawn_up == {"train": [samples[0]], "validation": [samples[1]]}
    assert drawn == ()


def test_a_tenth_of_each_class_goes_into_each_split_drawn():
    samples = _samples("", a=40, b=20, c=3)
    drawn_up, drawn = splits.completed("x", samples, fraction=0.1, seed=0)
    assert drawn == ("validation", "test")
    assert _classes(drawn_up["train"]) == {"a": 32, "b": 16, "c": 1}
    assert _classes(drawn_up["validation"]) == {"a": 4, "b": 2, "c": 1}
    assert _classes(drawn_up["test"]) == {"a": 4, "b": 2, "c": 1}
    everything = [sample for inside in drawn_up.values() for sample in inside]
    assert sorted(everything, key=samples.index) == samples


def test_only_validation_is_drawn_where_there_is_a_test_split():
    samples = [*_samples("train", a=10, b=10), *_samples("test", a=5, b=5)]
    drawn_up, drawn = splits.completed("x", samples, fraction=0.2, seed=0)
    assert drawn == ("validation",)
    assert {split: len(inside) for split, inside in drawn_up.items()} == {
        "train": 16,
        "validation": 4,
        "test": 10,
    }
    assert all(sample.split == "train" for sample in drawn_up["validation"])


def test_the_split_does_not_depend_on_the_order():
    samples = _samples("", a=30, b=30)
    one, _ = splits.completed("x", samples, fraction=0.2, seed=5)
    other, _ = splits.completed("x", samples[::-1], fraction=0.2, seed=5)
    assert {split: set(inside) for split, inside in one.items()} == {
        split: set(inside) for split, inside in other.items()
    }


def test_the_split_is_the_same_on_every_machine():
    drawn_up, _ = splits.completed("x", _samples("", a=12, b=12), fraction=0.1, seed=0)
    assert [sample.key for sample in drawn_up["validation"]] == [b"a4", b"b1"]


def test_another_seed_draws_another_split():
    samples = _samples("", a=30, b=30)
    one, _ = splits.completed("x", samples, fraction=0.2, seed=0)
    other, _ = splits.completed("x", samples, fraction=0.2, seed=1)
    assert set(one["validation"]) != set(other["validation"])


def test_copies_of_a_picture_fall_on_one_side():
    for seed in range(20):
        samples = [Sample("", "a", b"%d" % (n // 4)) for n in range(60)]  # a tenth: 6 of them
        samples += _samples("", b=60)
        drawn_up, _ = splits.completed("x", samples, fraction=0.1, seed=seed)
        sides = [{s.key for s in inside if s.label == "a"} for inside in drawn_up.values()]
        assert sum(map(len, sides)) == 15


def test_a_class_of_copies_alone_is_still_split():
    samples = [*(Sample("", "a", b"same") for _ in range(20)), *_samples("", b=20)]
    drawn_up, _ = splits.completed("x", samples, fraction=0.1, seed=0)
    assert {split: _classes(inside)["a"] for split, inside in drawn_up.items()} == {
        "train": 16,
        "validation": 2,
        "test": 2,
    }


def test_for_scoring_what_came_in_no_split_is_the_test_split():
    samples = [Sample("", "a", b"1"), Sample("", "b", b"2")]
    assert splits.given(samples) == {"test": samples}
    assert splits.given([Sample("validation", "a", b"1")]).keys() == {"validation"}


@pytest.mark.parametrize(("split", "count", "needed"), [("", 2, 3), ("train", 1, 2)])
def test_a_class_too_small_to_draw_from_is_refused(split, count, needed):
    samples = _samples(split, a=10, b=count)
    if split:
        samples += _samples("test", a=1, b=1)
    names = "'test', 'validation'" if needed == 3 else "'validation'"
    with pytest.raises(EmotionError) as error:
        splits.completed("x", samples, fraction=0.1, seed=0)
    assert str(error.value) == (
        f"DATASET='x': class 'b' has too few usable pictures ({count}) to draw {names} from: add "
        f"some, it needs {needed} or more"
    )


FINE = {("train", "a"), ("train", "b"), ("validation", "a"), ("validation", "b")}


@pytest.mark.parametrize("present", [FINE, {("", "a"), ("", "b")}], ids=["splits", "no splits"])
def test_complete_splits_pass(present):
    splits.check("x", present, present)


@pytest.mark.parametrize(
    ("present", "also_wanted", "complaint"),
    [
        (
            {("test", "a"), ("test", "b"), ("validation", "a")},
            set(),
            "DATASET='x' has no training split, only 'test', 'validation': training needs "
            "train/<class>/ folders, or rows whose Usage is Training",
        ),
        ({("", "a")}, set(), "DATASET='x' has one class only, 'a': training needs two or more"),
        (
            FINE,
            {("train", "c")},
            "DATASET='x': class 'c' in the train split has no picture that can be used: add some, "
            "or take the class out of every split",
        ),
        (
            {("", "a"), ("", "b")},
            {("", "c")},
            "DATASET='x': class 'c' has no picture that can be used: add some, or take the class "
            "out of every split",
        ),
        (
            FINE | {("test", "a"), ("test", "b"), ("test", "z")},
            set(),
            "DATASET='x': class 'z' is in the test split and not in the training split: add it "
            "there, or take it out here",
        ),
        (
            FINE - {("validation", "b")},
            set(),
            "DATASET='x': class 'b' is missing from the validation split: add pictures of it "
            "there, or take the split out and let VALIDATION_SPLIT draw one",
        ),
    ],
    ids=["no training", "one class", "empty class", "empty, no splits", "unknown", "missing"],
)
def test_what_cannot_be_trained_on_is_refused(present, also_wanted, complaint):
    with pytest.raises(EmotionError) as error:
        splits.check("x", present, present | also_wanted)
    assert str(error.value) == complaint


def _samples(split, **counts):
    return [
        Sample(split, label, f"{label}{n}".encode())
        for label, count in counts.items()
        for n in range(count)
    ]


def _classes(samples):
    return Counter(sample.label for sample in samples)
