"""The epochs: what is remembered, what ends them, and going on where they stopped."""

import keras
import numpy as np
import pytest
from small import small_recipe

from emotion import model
from emotion.errors import EmotionError
from emotion.training import step, trainer
from emotion.training.distillation import SoftTargets, Teachers
from emotion.training.schedule import Reason, Stop
from emotion.training.trainer import Examples


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
    recipe = small_recipe(**changes)
    columns = range(2) if answers else ()
    taught = Teachers(tuple(teachers))
    options = {"answers": answers, "columns": columns, "teachers": taught}
    run = trainer.Trainer(recipe, classes=2, size=24, steps=3, **options)
    run.step_model.run_eagerly = not compiled
    return run


def fit(run, data, until=None, votes=None):
    """Train; Ctrl-C comes after `until` epochs."""
    steps = []

    def after_batch(step, loss):
        steps.append((step, loss))
        if run.state.epoch == until:
            raise KeyboardInterrupt

    examples = Examples(*data, votes)
    stop = trainer.fit(
        run, examples, examples, after_batch=after_batch, after_epoch=lambda row: None
    )
    return stop, steps


def test_a_run_learns_and_keeps_its_best_weights(data):
    run = start(epochs=12, augment=0, random_erasing=0, dropout=0)
    stop, steps = fit(run, data)
    assert stop == Stop(Reason.ALL_EPOCHS, 12)
    assert len(steps) == 12 * 3
    assert run.state.best == 1.0
    logits = model.predict(run.result(), data[0])
    assert (logits.argmax(axis=1) == data[1]).mean() == run.state.best


def test_votes_teach_outputs_of_their_own(data):
    votes = np.eye(3, dtype=np.float32)[data[1]]  # three answers, of which people gave two
    images = data[0], np.zeros_like(data[1])  # labels that say nothing
    run = start(
        answers=3, epochs=12, augment=0, blur_noise=0, random_erasing=0, dropout=0, ema_half_life=0
    )
    fit(run, images, votes=votes)
    outputs = model.predict(run.network, data[0])
    assert outputs.shape == (20, 5)
    assert (outputs[:, 2:].argmax(axis=1) == data[1]).all()
    assert run.result().output_shape == (None, 5)
    assert run.state.rows[-1]["val_agreement"] == 1.0


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
        "blur_noise": 0,
        "random_erasing": 0,
        "dropout": 0,
        "ema_half_life": 0,
        "compiled": True,
    }
    for weight, expected in ((1.0, data[1]), (0.0, wrong[1])):
        run = start(teachers=[Teacher()], teachers_weight=weight, **options)
        fit(run, wrong)
        chosen = model.predict(run.network, data[0]).argmax(axis=1)
        assert (chosen == expected).all()


@pytest.mark.parametrize(("augment", "expected"), [(0.5, [1, 0]), (0, [1, 1])])
def test_teachers_see_mirror_images_where_augmentation_makes_them(augment, expected):
    """A teacher that tells a bright left half from a bright right one, asked about the left."""

    def sides(images, training):
        halves = images[:, :, :12], images[:, :, 12:]
        return keras.ops.stack([keras.ops.mean(half, axis=(1, 2, 3)) for half in halves], axis=1)

    run = start(teachers=[sides], augment=augment, temperature=1.0)
    (soft,) = (one for one in run.step_model.layers if isinstance(one, SoftTargets))
    images = np.zeros((2, 24, 24, 1), np.float32)
    images[:, :, :12] = 200
    assert keras.ops.convert_to_numpy(soft(images))[:, 0] == pytest.approx(expected)


def test_rows_hold_the_means_over_an_epoch(data):
    run = start(epochs=1)
    _, steps = fit(run, data)
    row = run.state.rows[0]
    assert row["loss"] == steps[-1][1]
    assert row["accuracy"] * 20 == pytest.approx(round(row["accuracy"] * 20))
    assert set(row) == {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"
    }  # fmt: skip


def test_ctrl_c_drops_the_unfinished_epoch_and_keeps_the_best(data):
    run = start()
    stop, _ = fit(run, data, until=2)
    assert stop == Stop(Reason.INTERRUPTED, 2)
    assert [row["epoch"] for row in run.state.rows] == [1, 2]
    assert run.result().output_shape == (None, 2)


def test_a_resumed_run_ends_where_the_uninterrupted_one_does(data, tmp_path):
    path, identity = tmp_path / "state.npz", {"dataset": "d"}
    whole = start(low_augmentation_last=0.5, compiled=True)

    def after_epoch(row):
        if row["epoch"] == 2:
            whole.save(path, identity)

    examples = Examples(*data)
    trainer.fit(
        whole, examples, examples, after_batch=lambda step, loss: None, after_epoch=after_epoch
    )
    second = start(low_augmentation_last=0.5, compiled=True)
    second.resume(path, identity)
    assert second.state.epoch == 2
    fit(second, data)
    assert [row["epoch"] for row in second.state.rows] == [1, 2, 3, 4]
    for one, other in zip(whole.average.value, second.average.value, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert second.state.best == whole.state.best


def test_resuming_with_other_settings_or_data_is_refused(data, tmp_path):
    path = tmp_path / "state.npz"
    start().save(path, {"dataset": "d"})
    with pytest.raises(EmotionError, match=r"other settings .EPOCHS 4, now 9.: give them again"):
        start(epochs=9).resume(path, {"dataset": "d"})
    with pytest.raises(EmotionError, match="DATASET d, now e"):
        start().resume(path, {"dataset": "e"})


def test_the_rate_warms_up_and_falls_to_zero(data):
    run = start(epochs=10)
    fit(run, data)
    rates = [row["learning_rate"] for row in run.state.rows]
    assert max(rates) == pytest.approx(0.05, rel=0.1)
    assert rates[-1] == pytest.approx(0, abs=1e-6)


def test_the_last_epochs_are_augmented_less():
    run = start(
        epochs=4, low_augmentation_last=0.5, augment=1.0, blur_noise=0.25, random_erasing=0.5
    )
    seen = []
    for epoch in range(4):
        run._prepare(epoch)
        seen.append((run.augment.strength, run.augment.blur_noise, run.augment.random_erasing))
    assert seen == [(1.0, 0.25, 0.5)] * 2 + [(0.4, 0.1, 0.0)] * 2


def test_the_step_follows_the_weaker_augmentation(data):
    """What the network is shown in each epoch, by the loss of one that does not learn."""
    still = {
        "compiled": True,
        "epochs": 2,
        "augment": 0,
        "blur_noise": 0,
        "dropout": 0,
        "learning_rate": 1e-9,
    }
    runs = [
        start(**still, random_erasing=1, low_augmentation_last=0.5),
        start(**still, random_erasing=0),
    ]
    for run in runs:
        fit(run, data)
    weak, plain = ([row["loss"] for row in run.state.rows] for run in runs)
    assert weak[0] != pytest.approx(plain[0], rel=1e-4)
    assert weak[1] == pytest.approx(plain[1], rel=1e-5)


def test_no_weight_decay_on_normalisation_and_biases(data):
    run = start()
    decayed = [
        variable.path
        for variable in run.step_model.trainable_variables
        if run.step_model.optimizer._use_weight_decay(variable)
    ]
    assert decayed and all(path.endswith("kernel") for path in decayed)


def test_of_two_equal_epochs_the_first_is_the_best():
    run = start()
    row = {"val_accuracy": 0.5, "val_loss": 1.0}
    run.finish({**row, "epoch": 1})
    best, run.average.value = run.best, [weights + 1 for weights in run.average.value]
    run.finish({**row, "epoch": 2})
    assert run.state.best_epoch == 1 and run.best is best


def test_both_readings_choose_the_best_epoch():
    run = start(answers=3)
    run.finish({"val_accuracy": 0.7, "val_agreement": 0.6})
    run.finish({"val_accuracy": 0.6, "val_agreement": 0.8})
    run.finish({"val_accuracy": 0.69, "val_agreement": 0.7})
    assert (run.state.best_epoch, run.state.best) == (2, pytest.approx(0.7))


def test_a_share_of_the_first_weights_stays_in_those_that_are_kept(data, tmp_path):
    run = start(epochs=2, initial_weights_share=0.25)
    first = [np.random.default_rng(0).uniform(0.5, 1, one.shape) for one in run.weights()]
    run.begin_with(first)
    fit(run, data)
    *_, last = run.state.rows
    run.best = run._kept()
    kept = run.result().get_weights()
    for one, before, now in zip(kept, first, run.average.value, strict=True):
        assert one == pytest.approx(0.25 * before + 0.75 * now, rel=1e-5)
    assert run.score(Examples(*data))["val_loss"] == pytest.approx(last["val_loss"])
    path = tmp_path / "checkpoint.npz"
    run.save(path, {})
    again = start(epochs=2, initial_weights_share=0.25)
    again.resume(path, {})
    for one, other in zip(again._kept(), run._kept(), strict=True):
        assert one == pytest.approx(other)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_epochs_before(data):
    run = start(epochs=6)
    learn = run._learn

    def spoilt(*batch):
        loss, accuracy = learn(*batch)
        return (np.nan if run.state.epoch == 2 else loss), accuracy

    run._learn = spoilt
    stop, _ = fit(run, data)
    assert stop == Stop(Reason.DIVERGED, 2)
    assert [row["epoch"] for row in run.state.rows] == [1, 2]


def test_a_run_with_an_impossible_rate_ends_as_diverged(data):
    run = start(epochs=3, learning_rate=1e30, augment=0, random_erasing=0, blur_noise=0)
    assert fit(run, data)[0].reason is Reason.DIVERGED


def test_the_gradient_is_clipped_to_a_norm_of_five():
    assert start().step_model.optimizer.global_clipnorm == 5.0


def test_dropout_drops_in_training_alone(data):
    images = data[0][:, :, :, None].astype(np.float32)
    for dropout, differs in ((0.5, True), (0.0, False)):
        run = start(dropout=dropout)
        run.network.set_weights([weights + 0.1 for weights in run.weights()])
        one, other = (
            keras.ops.convert_to_numpy(run.network(images, training=True)) for _ in range(2)
        )
        assert np.allclose(one, other) is not differs
        run.step_model.trainable = False


def test_a_validation_loss_that_is_no_number_ends_the_run_too(data):
    run = start(epochs=6)
    honest = run.score
    lost = {"val_loss": float("nan"), "val_accuracy": 0.5}
    run.score = lambda examples: lost if run.state.epoch == 1 else honest(examples)
    assert fit(run, data)[0] == Stop(Reason.DIVERGED, 1)


def test_where_there_are_parts_they_take_turns_and_every_image_comes_up():
    folds = np.array([0] * 5 + [1] * 4 + [2] * 7)
    examples = Examples(np.zeros((16, 24, 24), np.uint8), np.zeros(16, np.int64), folds=folds)
    seen = set()
    for epoch in range(20):
        order = examples.shuffled(1, epoch)
        assert len(order) == len(set(order.tolist())) == 3 * 4
        assert folds[order].tolist() == [0, 1, 2] * 4
        seen |= set(order.tolist())
    assert seen == set(range(16))
    assert (examples.shuffled(1, 3) == examples.shuffled(1, 3)).all()
    assert (examples.shuffled(1, 3) != examples.shuffled(1, 4)).any()


def test_people_s_answers_are_learnt_from_teachers_too():
    recipe = small_recipe(teachers_weight=1, temperature=2, label_smoothing=0)
    targets = np.array([[1, 0, 1, 0, 0]], np.float32)
    logits = np.array([[0.5, 1, 2, 0, -1]], np.float32)
    taught = np.array([[0.5, 0.5, 0.2, 0.2, 0.6]], np.float32)

    def loss(taught):
        outputs = keras.ops.convert_to_tensor(np.concatenate([logits, taught], axis=1))
        found = step.combined_loss(recipe, targets, outputs, classes=2, every=5)
        return float(keras.ops.convert_to_numpy(found)[0])

    def cross_entropy(logits, shares):
        return -float((shares * (logits - np.log(np.exp(logits).sum()))).sum())

    labels = 4 * cross_entropy(logits[0, :2] / 2, taught[0, :2])
    told = 4 * cross_entropy(logits[0, 2:] / 2, taught[0, 2:])
    assert loss(taught) == pytest.approx(labels + told, abs=1e-5)
    votes = cross_entropy(logits[0, 2:], targets[0, 2:])
    assert loss(taught[:, :2]) == pytest.approx(labels + votes, abs=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="KERAS_BACKEND=jax runs it")
def test_under_jax_the_steps_learn_what_keras_own_would(data):
    runs = [start(epochs=3, learning_rate=0.01, compiled=True) for _ in range(2)]
    runs[1].jax_step = None
    for run in runs:
        assert fit(run, data)[0].reason is Reason.ALL_EPOCHS
    for one, other in zip(*(run.weights() for run in runs), strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    mine, keras_own = (run.state.rows[-1] for run in runs)
    assert mine["loss"] == pytest.approx(keras_own["loss"], abs=1e-3)
    assert mine["accuracy"] == pytest.approx(keras_own["accuracy"])
