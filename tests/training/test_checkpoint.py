"""The file that a run goes on from."""

import numpy as np
import pytest

from emotion.errors import EmotionError
from emotion.training import checkpoint


def test_what_was_saved_comes_back_in_its_groups(tmp_path):
    groups = {"network": [np.arange(3.0), np.ones((2, 2))], "best": [np.zeros(1)]}
    checkpoint.save(tmp_path / "state.npz", {"epoch": 3}, groups)
    about, found = checkpoint.load(tmp_path / "state.npz", groups)
    assert about == {"epoch": 3}
    assert {name: [one.tolist() for one in group] for name, group in found.items()} == {
        "network": [[0, 1, 2], [[1, 1], [1, 1]]],
        "best": [[0]],
    }
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def test_a_damaged_checkpoint_is_named(tmp_path):
    path = tmp_path / "state.npz"
    path.write_bytes(b"PK nothing")
    with pytest.raises(EmotionError, match=r"state.npz cannot be read .* RESUME=0 starts anew"):
        checkpoint.load(path, {})


def test_differences_are_named_with_both_values():
    old, new = {"epochs": 4, "seed": 1}, {"epochs": 9, "seed": 1, "width": 8}
    assert checkpoint.differences(old, new) == "EPOCHS 4, now 9, WIDTH None, now 8"
    assert checkpoint.differences(old, old) == ""


def test_another_pixel_label_vote_or_file_is_another_set_of_data(tmp_path):
    images, labels = np.zeros((2, 3, 3), np.uint8), np.array([0, 1])
    data = images, labels

    class Split:
        def __init__(self, images, targets):
            self.images, self.targets = images, targets

    other = images.copy()
    other[0, 0, 0] ^= 1
    same = checkpoint.identity([Split(*data)] * 2)
    assert same == checkpoint.identity([Split(*data)] * 2)
    assert same != checkpoint.identity([Split(other, labels), Split(*data)])
    assert same != checkpoint.identity([Split(images, 1 - labels), Split(*data)])
    votes = [np.ones((2, 3), np.float32)]
    assert same != checkpoint.identity([Split(*data)] * 2, votes)
    (tmp_path / "a").write_bytes(b"a")
    for name in ("teachers", "initial_weights"):
        assert same != checkpoint.identity([Split(*data)] * 2, **{name: [tmp_path / "a"]})
