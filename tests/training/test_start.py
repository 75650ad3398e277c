"""Where a run begins."""

import keras
import numpy as np
import pytest
from small import small_recipe

from emotion import model, model_file
from emotion.data import annotator_votes, dataset, folds
from emotion.errors import EmotionError
from emotion.training import start
from emotion.training.distillation import SoftTargets


@pytest.fixture(scope="module")
def data(drawn_folder):
    return dataset.load(drawn_folder, size=24)


@pytest.fixture
def votes(data, tmp_path):
    """Everybody sees anger in the first image of either split."""
    path = tmp_path / "votes.csv"
    first = [data.splits[part].names[0] for part in ("train", "validation")]
    answers = "anger,disgust,fear,happiness,sadness,surprise,neutral,unknown"
    lines = [f"filename,{answers}", *(f"{name},9,0,0,0,0,0,0,1" for name in first)]
    path.write_text("\n".join(lines))
    return annotator_votes.read(path, data.splits["train"].names)


def test_votes_go_with_their_images_and_get_outputs_of_their_own(data, votes, tmp_path):
    run = start.ready(small_recipe(), data, tmp_path / "c.npz", votes=votes)
    assert run.trainer.network.output_shape == (None, 7 + 8)
    assert run.trainer.columns == [0, 1, 2, 3, 4, 5, 6]
    for examples in (run.train, run.validation):
        assert examples.votes[0].tolist() == pytest.approx([0.9, 0, 0, 0, 0, 0, 0, 0.1])
        assert not examples.votes[1:].any()
    assert run.train.targets(7).shape == (len(run.train.labels), 15)


def test_a_run_goes_on_from_its_checkpoint(data, tmp_path):
    first = start.ready(small_recipe(), data, tmp_path / "c.npz")
    row = dict.fromkeys(("epoch", "val_accuracy", "val_loss"), 0.5)
    first.trainer.begin_with([one + 1 for one in first.trainer.weights()])
    first.trainer.finish(row)
    first.save()
    second = start.ready(small_recipe(), data, tmp_path / "c.npz")
    assert second.trainer.state == first.trainer.state
    for one, other in zip(first.trainer.weights(), second.trainer.weights(), strict=True):
        assert np.array_equal(one, other)


def test_going_on_with_other_settings_or_votes_is_refused(data, votes, tmp_path):
    start.ready(small_recipe(), data, tmp_path / "c.npz").save()
    with pytest.raises(EmotionError, match=r"other settings .EPOCHS 4, now 9.: give them again"):
        start.ready(small_recipe(epochs=9), data, tmp_path / "c.npz")


@pytest.fixture(scope="module")
def taught(data, tmp_path_factory):
    """A teacher that saw all but part 2 and says class 1, and one of part 1 that says class 0."""
    folder = tmp_path_factory.mktemp("parts")
    paths = []
    for fold in (2, 1):
        network = model.build(7, width=4, size=24)
        *trunk, kernel, bias = network.get_weights()
        bias[fold - 1] = 50
        network.set_weights([*trunk, 0 * kernel, bias])
        metadata = {"settings": {"folds": 2, "fold": fold}}
        paths.append(folder / f"{fold}.keras")
        model_file.save_keras(network, paths[-1], data.labels, metadata)
    return paths


def test_each_image_of_a_batch_asks_the_teacher_that_has_not_seen_it(data, taught, tmp_path):
    run = start.ready(small_recipe(), data, tmp_path / "c.npz", teachers=taught)
    (soft,) = (one for one in run.trainer.step_model.layers if isinstance(one, SoftTargets))
    batch = run.train.shuffled(0)[:8]
    found = keras.ops.convert_to_numpy(soft(run.train.images[batch][..., None]))
    unseen = folds.of(data.splits["train"].images, 2)[batch]
    assert set(unseen.tolist()) == {0, 1}
    assert found.argmax(axis=1).tolist() == unseen.tolist()


def test_a_batch_that_parts_cannot_share_is_refused(data, taught, tmp_path):
    with pytest.raises(
        EmotionError, match=r"^BATCH_SIZE=9 must be a multiple of 2.*: give 8 or 10"
    ):
        start.ready(small_recipe(batch_size=9), data, tmp_path / "c.npz", teachers=taught)


def test_a_class_that_people_could_not_choose_is_named(data, tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text(f"filename,anger,fear\n{data.splits['train'].names[0]},1,2\n")
    votes = annotator_votes.read(path, data.splits["train"].names)
    with pytest.raises(EmotionError, match=r"has no column for disgust, happy, .* anger, fear; e"):
        start.readings(data.labels, votes)


def test_a_run_is_never_worse_than_what_it_began_with(data, tmp_path):
    first = start.ready(small_recipe(), data, tmp_path / "c.npz").trainer
    path = tmp_path / "a.keras"
    readings = {"readings": model_file.described(start.readings(data.labels, None))}
    model_file.save_keras(first.result(), path, data.labels, readings)
    run = start.ready(small_recipe(seed=3), data, tmp_path / "d.npz", initial_weights=path)
    assert run.began_with == first.score(run.validation)
    begun = [one.copy() for one in run.trainer.weights()]
    row = {"epoch": 1, "val_loss": 9.0, "val_accuracy": run.began_with["val_accuracy"]}
    run.trainer.average.value = [one + 1 for one in begun]
    run.trainer.finish(row)
    assert run.trainer.state.best_epoch == 0
    assert all((one == other).all() for one, other in zip(run.trainer.best, begun, strict=True))
    run.save()
    again = start.ready(small_recipe(seed=3), data, tmp_path / "d.npz", initial_weights=path)
    assert again.began_with is None and again.trainer.state == run.trainer.state
    run.trainer.finish({**row, "val_accuracy": 1.0})
    assert run.trainer.state.best_epoch == 2


def test_what_may_have_seen_the_part_left_out_is_never_the_result(data, tmp_path):
    first = start.ready(small_recipe(), data, tmp_path / "c.npz").trainer
    path = tmp_path / "a.keras"
    readings = {"readings": model_file.described(start.readings(data.labels, None))}
    model_file.save_keras(first.result(), path, data.labels, readings)
    recipe = small_recipe(folds=2, fold=1)
    run = start.ready(recipe, data, tmp_path / "d.npz", initial_weights=path)
    assert run.began_with == first.score(run.validation)
    run.trainer.finish({"epoch": 1, "val_loss": 9.0, "val_accuracy": 0.0})
    assert run.trainer.state.best_epoch == 1
