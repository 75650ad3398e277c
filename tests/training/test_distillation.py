"""Teachers: what they say, and which ones are refused."""

import keras
import numpy as np
import pytest

from emotion import model, model_file
from emotion.errors import EmotionError
from emotion.training import distillation

NAMES = ("no", "yes")


def saved(path, *, names=NAMES, size=24, seed=0, answers=(), **settings):
    keras.utils.set_random_seed(seed)
    network = model.build(len(names) + len(answers), width=4, size=size)
    network.save(path)
    asked = [model_file.Reading("labels", names), model_file.Reading("people", answers)]
    metadata = {"readings": model_file.described(asked)} if answers else {}
    model_file.attach(path, names, {**metadata, "settings": settings})
    return network


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Files of three teachers, and their networks."""
    folder = tmp_path_factory.mktemp("teachers")
    paths = [folder / f"{name}.keras" for name in "abc"]
    return paths, [saved(path, seed=number) for number, path in enumerate(paths)]


def softened(network, images, temperature):
    logits = keras.ops.convert_to_numpy(network(images)) / temperature
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def test_their_probabilities_are_averaged_at_the_temperature(three):
    paths, networks = (group[:2] for group in three)
    images = np.random.default_rng(0).uniform(0, 255, (5, 24, 24, 1)).astype(np.float32)
    loaded = distillation.load(paths, NAMES, 24).networks
    found = keras.ops.convert_to_numpy(distillation.SoftTargets(loaded, temperature=3.0)(images))
    one, other = (softened(network, images, 3.0) for network in networks)
    assert not np.allclose(one, other)
    assert found == pytest.approx((one + other) / 2, abs=1e-5)


@pytest.mark.parametrize("count", [2, 5, 6])
def test_in_turn_each_image_asks_another(three, count):
    paths, networks = three
    images = np.random.default_rng(0).uniform(0, 255, (count, 24, 24, 1)).astype(np.float32)
    soft = distillation.SoftTargets(
        distillation.load(paths, NAMES, 24).networks, temperature=3.0, one_per_image=True
    )
    found = keras.ops.convert_to_numpy(soft(images))
    each = [softened(network, images, 3.0) for network in networks]
    assert not np.allclose(each[0], each[1])
    expected = [each[number % 3][number] for number in range(count)]
    assert found == pytest.approx(np.array(expected), abs=1e-5)


@pytest.mark.parametrize("in_turn", [False, True])
def test_every_other_question_is_about_the_mirror_image(three, in_turn):
    paths, networks = three
    count = 1 if in_turn else 3
    images = np.random.default_rng(0).uniform(0, 255, (6, 24, 24, 1)).astype(np.float32)
    loaded = distillation.load(paths[:count], NAMES, 24).networks
    soft = distillation.SoftTargets(loaded, temperature=3.0, one_per_image=in_turn, mirrored=True)
    found = keras.ops.convert_to_numpy(soft(images))
    asked = images.copy()
    asked[1::2] = images[1::2, :, ::-1]
    expected = np.mean([softened(network, asked, 3.0) for network in networks[:count]], axis=0)
    assert found == pytest.approx(expected, abs=1e-5)
    straight = np.mean([softened(network, images, 3.0) for network in networks[:count]], axis=0)
    assert not np.allclose(expected[1], straight[1])


def test_in_turn_each_teacher_is_asked_about_mirror_images(three):
    paths, networks = three
    images = np.random.default_rng(0).uniform(0, 255, (6, 24, 24, 1)).astype(np.float32)
    soft = distillation.SoftTargets(
        distillation.load(paths, NAMES, 24).networks,
        temperature=3.0,
        one_per_image=True,
        mirrored=True,
    )
    found = keras.ops.convert_to_numpy(soft(images))
    plain = [softened(networks[number % 3], images, 3.0)[number] for number in range(6)]
    mirror = [
        softened(networks[number % 3], images[:, :, ::-1], 3.0)[number] for number in range(6)
    ]
    assert found == pytest.approx(np.array(plain[:3] + mirror[3:]), abs=1e-5)


def test_they_do_not_learn(three):
    (teacher,) = distillation.load(three[0][:1], NAMES, 24).networks
    assert teacher.trainable_variables == []


def test_several_fit_into_one_graph_beside_the_student(three):
    paths, (student, *_) = three
    loaded = distillation.load(paths[:1] * 2, NAMES, 24).networks
    inputs = keras.Input((24, 24, 1))
    layers = [
        distillation.SoftTargets(loaded, temperature=1.0, one_per_image=turns)
        for turns in (False, True)
    ]
    both = keras.Model(inputs, [student(inputs), *(soft(inputs) for soft in layers)])
    assert both.output_shape == [(None, 2)] * 3


@pytest.mark.parametrize("in_turn", [False, True])
def test_they_answer_as_in_use_while_the_student_trains(three, in_turn):
    soft = distillation.SoftTargets(
        distillation.load(three[0], NAMES, 24).networks, temperature=1.0, one_per_image=in_turn
    )
    inputs = keras.Input((24, 24, 1))
    graph = keras.Model(inputs, soft(inputs))
    images = np.random.default_rng(0).uniform(0, 255, (6, 24, 24, 1)).astype(np.float32)
    asked = [keras.ops.convert_to_numpy(graph(images, training=mode)) for mode in (False, True)]
    assert asked[1] == pytest.approx(asked[0])


def test_no_weight_shares_its_name_with_another(three):
    """PyTorch's gradients are cleared by these names."""
    paths, (student, *_) = three
    loaded = distillation.load(paths, NAMES, 24).networks
    names = [weight.path for network in (student, *loaded) for weight in network.weights]
    assert len(set(names)) == len(names)


def test_unusable_ones_are_refused_in_one_line(tmp_path):
    path = tmp_path / "a.keras"
    with pytest.raises(EmotionError, match=r"^TEACHERS=.* does not exist"):
        distillation.load([path], NAMES, 24)
    saved(path)
    with pytest.raises(EmotionError, match="knows no, yes, the data has maybe, no: a teacher must"):
        distillation.load([path], ("maybe", "no"), 24)
    with pytest.raises(EmotionError, match="takes images of 24 pixels, the data has 48"):
        distillation.load([path], NAMES, 48)


def test_only_a_teachers_classes_are_asked(tmp_path):
    network = model.build(5, width=4, size=24)
    network.save(tmp_path / "a.keras")
    both = (model_file.Reading("labels", NAMES), model_file.Reading("people", ("yes", "no", "?")))
    model_file.attach(tmp_path / "a.keras", NAMES, {"readings": model_file.described(both)})
    (loaded,) = distillation.load([tmp_path / "a.keras"], NAMES, 24).networks
    images = np.random.default_rng(0).uniform(0, 255, (3, 24, 24, 1)).astype(np.float32)
    answers = [keras.ops.convert_to_numpy(one(images)) for one in (network, loaded)]
    assert answers[1] == pytest.approx(answers[0][:, :2], abs=1e-5)


def test_they_teach_what_people_would_answer_where_all_of_them_know_every_answer(tmp_path):
    images = np.random.default_rng(0).uniform(0, 255, (3, 24, 24, 1)).astype(np.float32)
    network = saved(tmp_path / "a.keras", answers=("never", "no", "yes"))
    saved(tmp_path / "b.keras")
    wanted = ("yes", "never")
    taught = distillation.load([tmp_path / "a.keras"], NAMES, 24, answers=wanted)
    assert taught.votes
    soft = distillation.SoftTargets(taught.networks, temperature=1.0, readings=(2, 2))
    found = keras.ops.convert_to_numpy(soft(images))
    powers = np.exp(keras.ops.convert_to_numpy(network(images)))
    assert found[:, :2] == pytest.approx(
        powers[:, :2] / powers[:, :2].sum(axis=1, keepdims=True), abs=1e-5
    )
    told = powers[:, [4, 2]]
    assert found[:, 2:] == pytest.approx(told / told.sum(axis=1, keepdims=True), abs=1e-5)
    both = [tmp_path / "a.keras", tmp_path / "b.keras"]
    assert not distillation.load(both, NAMES, 24, answers=wanted).votes
    assert not distillation.load(both[:1], NAMES, 24, answers=("perhaps",)).votes
    assert not distillation.load(both[:1], NAMES, 24).votes


def test_those_that_have_not_seen_a_part_come_in_the_order_of_the_parts(tmp_path):
    images = np.random.default_rng(0).uniform(0, 255, (2, 24, 24, 1)).astype(np.float32)
    paths, networks = [], {}
    for number, fold in enumerate((2, 1, 1, 2)):
        paths.append(tmp_path / f"{number}.keras")
        networks[number] = saved(paths[-1], seed=number, folds=2, fold=fold)
    taught = distillation.load(paths, NAMES, 24)
    assert taught.folds == 2
    for loaded, number in zip(taught.networks, (1, 0, 2, 3), strict=True):
        expected = keras.ops.convert_to_numpy(networks[number](images))
        assert keras.ops.convert_to_numpy(loaded(images)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("parts", [((3, 1), (3, 2)), ((2, 1), (2, 2), (0, 0)), ((2, 1), (3, 2))])
def test_without_one_for_each_part_they_are_refused(tmp_path, parts):
    paths = [tmp_path / f"{number}.keras" for number in range(len(parts))]
    for path, (folds, fold) in zip(paths, parts, strict=True):
        saved(path, folds=folds, fold=fold)
    with pytest.raises(EmotionError, match=r"give one of each FOLD, 1 to [23], or none") as refused:
        distillation.load(paths, NAMES, 24)
    assert str(paths[0]) in str(refused.value)


@pytest.mark.parametrize("settings", [[], {"folds": "5", "fold": 1}, {"folds": 2, "fold": 3}])
def test_a_file_that_says_nothing_useful_of_its_part_has_seen_all_images(tmp_path, settings):
    path = tmp_path / "a.keras"
    model.build(2, width=4, size=24).save(path)
    model_file.attach(path, NAMES, {"settings": settings})
    assert distillation.load([path], NAMES, 24).folds == 0
