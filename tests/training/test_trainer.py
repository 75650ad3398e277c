"""The epochs: what is remembered, what ends them, and going on where they stopped."""

import keras
import numpy as np
import pytest

from emotion.errors import EmotionError
from emotion.layers import mirror
from emotion.training import distillation, trainer

RECIPE = {
    "epochs": 4,
    "patience": 0,
    "batch_size": 8,
    "learning_rate": 0.05,
    "weight_decay": 0.005,
    "label_smoothing": 0.0,
    "average": 0.5,
    "augment": 0.5,
    "degrade": 0.5,
    "erase": 0.5,
    "mixup": 0.0,
    "small_first": 0.0,
    "gentle_last": 0.0,
    "votes_weight": 1.0,
    "teachers_weight": 0.7,
    "teachers_in_turn": False,
    "temperature": 2.0,
    "width": 4,
    "symmetric": False,
    "dropout": 0.2,
    "mixed_precision": False,
    "seed": 3,
}


@pytest.fixture(scope="module")
def data():
    """20 images of two classes: dark with a bright half above, or below."""
    rng = np.random.default_rng(0)
    labels = np.arange(20) % 2
    images = rng.integers(0, 60, (20, 24, 24), np.uint8)
    images[labels == 0, :12] += 150
    images[labels == 1, 12:] += 150
    return images, labels


def start(answers=0, teachers=(), compiled=False, **changes):
    """A run of three steps an epoch; compiling its step takes longer than most tests train."""
    recipe = trainer.Recipe(**{**RECIPE, **changes})
    run = trainer.Run(recipe, classes=2, size=24, steps=3, answers=answers, teachers=teachers)
    run.trainer.run_eagerly = not compiled
    return run


def fit(run, data, until=None, votes=None):
    """Train; Ctrl-C comes after `until` epochs."""
    steps = []

    def after_batch(step, loss):
        steps.append((step, loss))
        if run.progress.epoch == until:
            raise KeyboardInterrupt

    why = trainer.fit(
        run, data, data, votes=votes, after_batch=after_batch, after_epoch=lambda row: None
    )
    return why, steps


def test_a_run_learns_and_keeps_its_best_weights(data):
    run = start(epochs=12, augment=0, erase=0, dropout=0)
    why, steps = fit(run, data)
    assert why == "all 12 epochs done"
    assert len(steps) == 12 * 3
    assert run.progress.best == 1.0
    logits = trainer.predict(run.result(), data[0])
    assert (logits.argmax(axis=1) == data[1]).mean() == run.progress.best


def test_a_run_begins_with_the_weights_of_another(data):
    first = start(epochs=2)
    fit(first, data)
    kernel, bias = first.result().get_weights()[-2:]
    second = start(answers=2, seed=4)
    fresh = second.network.get_weights()[-2][:, 0]
    second.begin_with(first.result(), ("no", "yes"), ("maybe", "no"))
    *trunk, second_kernel, second_bias = second.network.get_weights()
    for one, other in zip(first.result().get_weights()[:-2], trunk, strict=True):
        assert (one == other).all()
    assert (second_kernel[:, 1] == kernel[:, 0]).all()
    assert second_bias[1] == bias[0]
    assert (second_kernel[:, 0] == fresh).all()
    assert second_kernel.shape[1] == 4
    for ours in (second.averaged, second.best):
        assert all((one == two).all() for one, two in zip(ours[:-2], trunk, strict=True))


def test_a_symmetric_run_stays_symmetric_and_begins_with_symmetric_weights_only(data):
    first = start(epochs=2, symmetric=True)
    fit(first, data)
    result = first.result()
    assert mirror.symmetric(result.get_weights())
    logits = trainer.predict(result, data[0])
    assert trainer.predict(result, data[0][:, :, ::-1]) == pytest.approx(logits, abs=1e-4)
    second = start(answers=2, seed=4, symmetric=True)
    second.begin_with(result, ("a", "b"), ("a", "b"))
    assert trainer.predict(second.result(), data[0]) == pytest.approx(logits, abs=1e-5)
    changed = result.get_weights()
    changed[0][0, 0] += 0.1
    result.set_weights(changed)
    with pytest.raises(EmotionError, match=r"another .* SYMMETRIC=1: give SYMMETRIC=0"):
        second.begin_with(result, ("a", "b"), ("a", "b"))


def test_a_run_refuses_to_begin_with_another_network():
    with pytest.raises(EmotionError, match=r"8 channels wide, .* 4: give WIDTH=8"):
        start().begin_with(start(width=8).result(), ("a", "b"), ("a", "b"))
    with pytest.raises(EmotionError, match=r"another .* SYMMETRIC=0: give SYMMETRIC=1"):
        start().begin_with(start(symmetric=True).result(), ("a", "b"), ("a", "b"))
    inputs = keras.Input((24, 24, 1))
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(inputs)))
    with pytest.raises(EmotionError, match=r"another network than train\.py makes"):
        start().begin_with(keras.Model(inputs, outputs), ("a", "b"), ("a", "b"))


def test_votes_teach_and_leave_no_trace_in_the_result(data):
    votes = np.eye(3, dtype=np.float32)[data[1]]  # three answers, of which people gave two
    images = data[0], np.zeros_like(data[1])  # labels that say nothing
    run = start(answers=3, epochs=12, augment=0, degrade=0, erase=0, dropout=0, average=0)
    fit(run, images, votes=votes)
    outputs = trainer.predict(run.network, data[0])
    assert outputs.shape == (20, 5)
    assert (outputs[:, 2:].argmax(axis=1) == data[1]).all()
    result = run.result()
    assert result.output_shape == (None, 2)
    assert result.layers[-1].get_weights()[0].shape[1] == 2


def test_teachers_teach_against_the_labels(data):
    class Teacher:
        """Knows that a bright upper half is class 0, and is sure of it."""

        def __call__(self, images, training=None):
            assert training is False
            upper, lower = images[:, :12], images[:, 12:]
            means = [keras.ops.mean(half, axis=(1, 2, 3)) for half in (upper, lower)]
            return keras.ops.stack(means, axis=1)

    wrong = data[0], 1 - data[1]
    options = {
        "epochs": 24,
        "augment": 0,
        "degrade": 0,
        "erase": 0,
        "dropout": 0,
        "average": 0,
        "compiled": True,
    }
    for weight, expected in ((1.0, data[1]), (0.0, wrong[1])):
        run = start(teachers=[Teacher()], teachers_weight=weight, **options)
        fit(run, wrong)
        chosen = trainer.predict(run.network, data[0]).argmax(axis=1)
        assert (chosen == expected).all()


@pytest.mark.parametrize(("augment", "expected"), [(0.5, [1, 0]), (0, [1, 1])])
def test_teachers_see_mirror_images_where_augmentation_makes_them(augment, expected):
    """A teacher that tells a bright left half from a bright right one, asked about the left."""

    def sides(images, training):
        halves = images[:, :, :12], images[:, :, 12:]
        return keras.ops.stack([keras.ops.mean(half, axis=(1, 2, 3)) for half in halves], axis=1)

    run = start(teachers=[sides], augment=augment, temperature=1.0)
    (lesson,) = (layer for layer in run.trainer.layers if isinstance(layer, distillation.Lesson))
    images = np.zeros((2, 24, 24, 1), np.float32)
    images[:, :, :12] = 200
    assert keras.ops.convert_to_numpy(lesson(images))[:, 0] == pytest.approx(expected)


def test_the_loss_is_what_is_written(data):
    run = start(answers=2, teachers_weight=0.25, label_smoothing=0.2, temperature=2.0)
    run.teachers = ["one"]
    logits, voted, taught = [1.0, -1.0], [0.5, 0.0], [0.9, 0.1]

    def log_softmax(values, temperature=1.0):
        powers = np.exp(np.array(values) / temperature)
        return np.log(powers / powers.sum())

    found = run._loss(
        keras.ops.convert_to_tensor([[1.0, 0.0, 0.3, 0.7]]),
        keras.ops.convert_to_tensor([[*logits, *voted, *taught]]),
    )
    label = -np.dot([0.9, 0.1], log_softmax(logits))
    lesson = -np.dot(taught, log_softmax(logits, 2.0)) * 4
    vote = -np.dot([0.3, 0.7], log_softmax(voted))
    expected = 0.75 * label + 0.25 * lesson + vote
    assert float(keras.ops.convert_to_numpy(found)[0]) == pytest.approx(expected, rel=1e-5)


def test_mixup_leaves_each_image_the_larger_part():
    images = np.arange(0, 200, 10, dtype=np.uint8)[:, None, None, None] * np.ones(
        (1, 4, 4, 1), np.uint8
    )
    targets = np.eye(20, dtype=np.float32)
    pixels, mixed = trainer.mixed(images, targets, 1.0, np.random.default_rng(0))
    assert pixels.dtype == np.uint8
    assert mixed.dtype == np.float32
    assert mixed.sum(axis=1) == pytest.approx(np.ones(20))
    assert (np.diagonal(mixed) >= 0.5).all()
    assert ((mixed > 0).sum(axis=1) == 2).sum() >= 15  # the others met themselves
    assert pixels[:, 0, 0, 0] == pytest.approx(mixed @ images[:, 0, 0, 0], abs=0.51)


def test_mixup_changes_what_a_run_learns(data):
    runs = [start(epochs=1, mixup=mixup) for mixup in (0.0, 1.0, 1.0)]
    for run in runs:
        fit(run, data)
    without, one, same = (run.progress.rows[0]["loss"] for run in runs)
    assert one == same
    assert one != without


def test_rows_hold_the_means_over_an_epoch(data):
    run = start(epochs=1)
    _, steps = fit(run, data)
    row = run.progress.rows[0]
    assert row["loss"] == steps[-1][1]
    assert row["accuracy"] * 20 == pytest.approx(round(row["accuracy"] * 20))
    assert set(row) == {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"
    }  # fmt: skip


def test_patience_stops_after_that_many_flat_epochs(data):
    run = start(epochs=50, patience=2, learning_rate=1e-9, average=0, augment=0, erase=0)
    why, _ = fit(run, data)
    assert why == "no better validation accuracy for 2 epochs"
    assert run.progress.epoch == run.progress.best_epoch + 2


def test_without_a_patience_flat_epochs_count_once_the_rate_is_low():
    run = start(epochs=50, patience=None)
    assert 35 < run.low_from < 45  # a cosine passes a tenth at four fifths of its way
    run.progress.best_epoch = 3
    for epoch, ended in ((run.low_from, ""), (run.low_from + 4, "")):
        run.progress.epoch = epoch
        assert run.finished() == ended
    run.progress.epoch = run.low_from + 5
    assert run.finished() == "no better validation accuracy for 5 epochs"


def test_patience_waits_for_the_weaker_augmentation():
    run = start(epochs=100, patience=None, gentle_last=0.05)
    run.progress.best_epoch, run.progress.epoch = 50, 96
    assert run.low_from < 90
    assert run.finished() == ""


def test_a_patience_that_is_asked_for_counts_from_the_start():
    run = start(epochs=50, patience=2)
    run.progress.best_epoch, run.progress.epoch = 1, 3
    assert run.finished() == "no better validation accuracy for 2 epochs"


def test_ctrl_c_drops_the_unfinished_epoch_and_keeps_the_best(data):
    run = start()
    why, _ = fit(run, data, until=2)
    assert why == "stopped by Ctrl-C"
    assert run.progress.interrupted
    assert [row["epoch"] for row in run.progress.rows] == [1, 2]
    assert run.result().output_shape == (None, 2)


def test_a_resumed_run_ends_where_the_uninterrupted_one_does(data, tmp_path):
    path, identity = tmp_path / "state.npz", {"dataset": "d"}
    whole = start(small_first=0.5, compiled=True)

    def after_epoch(row):
        if row["epoch"] == 2:
            whole.save(path, identity)

    trainer.fit(whole, data, data, after_batch=lambda step, loss: None, after_epoch=after_epoch)
    second = start(small_first=0.5, compiled=True)
    second.resume(path, identity)
    assert second.progress.epoch == 2
    fit(second, data)
    assert [row["epoch"] for row in second.progress.rows] == [1, 2, 3, 4]
    for one, other in zip(whole.averaged, second.averaged, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert second.progress.best == whole.progress.best


def test_resuming_with_other_settings_or_data_is_refused(data, tmp_path):
    path = tmp_path / "state.npz"
    start().save(path, {"dataset": "d"})
    with pytest.raises(EmotionError, match=r"other settings .EPOCHS 4, now 9.: give them again"):
        start(epochs=9).resume(path, {"dataset": "d"})
    with pytest.raises(EmotionError, match="DATASET d, now e"):
        start().resume(path, {"dataset": "e"})


def test_a_damaged_checkpoint_is_named(tmp_path):
    path = tmp_path / "state.npz"
    path.write_bytes(b"PK nothing")
    with pytest.raises(EmotionError, match=r"state.npz cannot be read .* RESUME=0 starts anew"):
        start().resume(path, {})


def test_the_rate_warms_up_and_falls_to_zero(data):
    run = start(epochs=10)
    fit(run, data)
    rates = [row["learning_rate"] for row in run.progress.rows]
    assert max(rates) == pytest.approx(0.05, rel=0.1)
    assert rates[-1] == pytest.approx(0, abs=1e-6)


def test_small_images_first_change_the_size_at_the_given_epoch():
    run = start(epochs=4, small_first=0.5)
    sizes = []
    for epoch in range(4):
        run._prepare(epoch)
        sizes.append(run.augment.size)
    assert sizes == [16, 16, 24, 24]


def test_the_last_epochs_are_augmented_less():
    run = start(epochs=4, gentle_last=0.5, augment=1.0, degrade=0.25, erase=0.5)
    seen = []
    for epoch in range(4):
        run._prepare(epoch)
        seen.append((run.augment.strength, run.augment.degrade, run.augment.erase))
    assert seen == [(1.0, 0.25, 0.5)] * 2 + [(0.4, 0.1, 0.0)] * 2


def test_the_last_epochs_do_without_mixup(data, monkeypatch):
    mixed = []

    def note(images, targets, mixup, rng):
        mixed.append(run.progress.epoch)
        return images, targets

    run = start(epochs=4, gentle_last=0.5, mixup=0.2)
    run.trainer.train_on_batch = lambda *batch, **options: {"loss": 0.0, "accuracy": 0.0}
    monkeypatch.setattr(trainer, "mixed", note)
    fit(run, data)
    assert mixed == [0] * run.steps + [1] * run.steps


def test_the_step_follows_the_weaker_augmentation(data):
    """What the network is shown in each epoch, by the loss of one that does not learn."""
    still = {
        "compiled": True,
        "epochs": 2,
        "augment": 0,
        "degrade": 0,
        "dropout": 0,
        "learning_rate": 1e-9,
    }
    runs = [start(**still, erase=1, gentle_last=0.5), start(**still, erase=0)]
    for run in runs:
        fit(run, data)
    gentle, whole = ([row["loss"] for row in run.progress.rows] for run in runs)
    assert gentle[0] != pytest.approx(whole[0], rel=1e-4)
    assert gentle[1] == pytest.approx(whole[1], rel=1e-5)


def test_no_weight_decay_on_normalisation_and_biases(data):
    run = start()
    decayed = [
        variable.path
        for variable in run.trainer.trainable_variables
        if run.trainer.optimizer._use_weight_decay(variable)
    ]
    assert decayed and all(path.endswith("kernel") for path in decayed)


def test_predictions_come_in_the_order_of_the_images(data):
    network = start().network
    images = np.repeat(data[0], 30, axis=0)  # more than one batch
    whole = trainer.predict(network, images)
    alone = keras.ops.convert_to_numpy(network(images[-1:, ..., None]))
    assert whole[-1] == pytest.approx(alone[0], abs=1e-4)


def test_another_pixel_label_or_file_is_another_set_of_data(data, tmp_path):
    class Split:
        def __init__(self, images, targets):
            self.images, self.targets = images, targets

    other = data[0].copy()
    other[0, 0, 0] ^= 1
    same = trainer.identity(Split(*data), Split(*data))
    assert same == trainer.identity(Split(*data), Split(*data))
    assert same != trainer.identity(Split(other, data[1]), Split(*data))
    assert same != trainer.identity(Split(data[0], 1 - data[1]), Split(*data))
    (tmp_path / "a").write_bytes(b"a")
    for name in ("teachers", "initial_weights"):
        assert same != trainer.identity(Split(*data), Split(*data), **{name: [tmp_path / "a"]})
