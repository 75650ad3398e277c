"""The file that a run goes on from."""

import numpy as np
import pytest

from emotion import files
from emotion.errors import EmotionError
from emotion.training import checkpoint


def test_what_was_saved_comes_back_in_its_groups(tmp_path):
    groups = {"network": [np.arange(3.0), np.ones((2, 2))], "best": [np.zeros(1)]}
    checkpoint.save(tmp_path / "state.npz", {"epoch": 3}, groups)
    about, found, damage = checkpoint.load(tmp_path / "state.npz", groups)
    assert about == {"epoch": 3} and damage == ""
    assert {name: [one.tolist() for one in group] for name, group in found.items()} == {
        "network": [[0, 1, 2], [[1, 1], [1, 1]]],
        "best": [[0]],
    }
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def late(content):
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


@pytest.mark.parametrize(
    "damage", [flipped, late, lambda content: b"", lambda content: content[:-1000]]
)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(tmp_path, damage):
    path, groups = tmp_path / "state.npz", {"best": [np.zeros(400)]}
    for epoch in (1, 2, 3):
        checkpoint.save(path, {"epoch": epoch}, groups)
    assert {one.name for one in tmp_path.iterdir()} == {"state.npz", "state.previous.npz"}
    path.write_bytes(damage(path.read_bytes()))
    about, _, said = checkpoint.load(path, groups)
    assert about == {"epoch": 2}
    assert said.startswith(f"{path} is damaged (") and said.endswith("from state.previous.npz")
    before = checkpoint.previous(path)
    before.write_bytes(damage(before.read_bytes()))
    with pytest.raises(EmotionError, match=r"state.npz is damaged .* RESUME=0 starts anew"):
        checkpoint.load(path, groups)


def test_every_flipped_bit_is_noticed(tmp_path):
    path, groups = tmp_path / "state.npz", {"best": [np.arange(40.0)]}
    for epoch in (1, 2):
        checkpoint.save(path, {"epoch": epoch}, groups)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(
            whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        )
        about, found, damage = checkpoint.load(path, groups)
        assert damage and about == {"epoch": 1}, place
        assert found["best"][0].tolist() == list(range(40)), place


def test_a_kill_between_the_renames_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path, groups = tmp_path / "state.npz", {"best": [np.zeros(3)]}
    checkpoint.save(path, {"epoch": 1}, groups)
    monkeypatch.setattr(files, "publish", lambda part, path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        checkpoint.save(path, {"epoch": 2}, groups)
    assert not path.exists() and checkpoint.exists(path)
    assert checkpoint.load(path, groups)[0] == {"epoch": 1}
    checkpoint.remove(path)
    assert list(tmp_path.iterdir()) == [] and not checkpoint.exists(path)


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
