"""Parts of the training images, for networks that each do not see one of them."""

import numpy as np
import pytest

from emotion.data import folds
from emotion.data.dataset import Split
from emotion.errors import EmotionError


def split(images, targets):
    names = tuple(f"{number}.png" for number in range(len(images)))
    return Split(images, np.asarray(targets), names, np.zeros(len(images), bool))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (103, 8, 8), np.uint8)


def test_parts_are_of_like_size_and_do_not_depend_on_the_order(images):
    found = folds.of(images, 5)
    assert sorted(np.bincount(found).tolist()) == [20, 20, 21, 21, 21]
    order = np.random.default_rng(1).permutation(len(images))
    assert (folds.of(images[order], 5) == found[order]).all()
    assert len(set(found[:20].tolist())) > 1


def test_copies_of_an_image_are_in_one_part(images):
    found = folds.of(np.concatenate([images, images[:40]]), 5)
    assert (found[103:] == found[:40]).all()


def test_each_image_is_left_out_once(images):
    targets = np.arange(103) % 3
    whole = split(images, targets)
    seen = []
    for fold in range(1, 6):
        learnt, left_out = folds.parted(whole, fold, 5)
        assert [whole.names.index(name) for name in learnt.names] == sorted(
            whole.names.index(name) for name in learnt.names
        )
        kept = np.isin(whole.names, learnt.names)
        assert (learnt.images == images[kept]).all()
        assert (learnt.targets == targets[kept]).all()
        assert (left_out.images == images[~kept]).all()
        assert (left_out.targets == targets[~kept]).all()
        assert left_out.names == tuple(np.array(whole.names)[~kept])
        seen += np.flatnonzero(~kept).tolist()
    assert sorted(seen) == list(range(103))


def test_a_class_that_would_be_lost_is_said(images):
    whole = split(images[:4], [0, 0, 0, 1])
    lost = int(folds.of(images[:4], 2)[3]) + 1
    with pytest.raises(EmotionError, match=f"FOLD={lost} of FOLDS=2 leaves no image of 1 of the"):
        folds.parted(whole, lost, 2)
