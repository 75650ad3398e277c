import pytest

from emotion.data import parts


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("TRAIN", "train"),
        (" Training", "train"),
        ("dev", "validation"),
        ("Valid", "validation"),
        ("PublicTest", "validation"),
        ("private_test", "test"),
        ("eval", "test"),
        ("happy", ""),
        ("FER2013Train", ""),
    ],
)
def test_a_whole_word_is_a_part_in_any_letter_case(word, split):
    assert parts.split_of(word) == split


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("FER2013Train", "train"),
        ("FER2013Valid", "validation"),
        ("FER2013Test", "test"),
        ("fer2013_PublicTest", "validation"),
        ("train_images", "train"),
        ("TrainSet", "train"),
        ("trainset", "train"),
        ("images-test", "test"),
        ("affectnet_val_2020", "validation"),
        ("train_class", "train"),
        ("contrast", ""),
        ("Detest", ""),
        ("train or test", ""),
    ],
)
def test_a_longer_name_speaks_of_a_part(name, split):
    assert parts.split_in(name) == split


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["train", "dev", "eval"], ["train", "validation", "test"]),
        (["train", "eval", "test"], ["train", "validation", "test"]),
        (["Training", "PublicTest", "PrivateTest"], ["train", "validation", "test"]),
        (["FER2013Train", "FER2013Valid", "notes"], ["train", "validation"]),
        (["test_a", "test_b"], []),
        (["train_me", "happy"], []),
        (["test", "happy"], ["test"]),
    ],
)
def test_siblings_are_parts_together(names, found):
    assert list(parts.of_folders(names).values()) == [
        split for name, split in sorted(zip(names, found, strict=False))
    ]
