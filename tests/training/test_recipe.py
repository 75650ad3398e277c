"""The recipe: its limits, and the files that hold recipes."""

import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path

import pytest

import train
from emotion.cli import settings as config
from emotion.errors import SettingsError
from emotion.training.recipe import Recipe, for_few_images

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "recipes").glob("*.toml"))


def test_reading_it_loads_nothing_slow():
    code = "import sys, emotion.training.recipe; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"keras", "tensorflow", "torch", "jax", "numpy", "cv2"}
    assert not {name for name in done.stdout.split() if name.startswith("emotion.cli")}


def test_the_defaults_pass_their_own_checks():
    checks = {item.name: item.metadata["check"] for item in fields(Recipe)}
    for name, value in asdict(Recipe()).items():
        if checks[name] and value is not None:
            assert checks[name](value) is None, name
    assert list(Recipe().conflicts()) == []


def test_bfloat16_is_a_policy_of_keras():
    assert Recipe().dtype == "float32"
    assert Recipe(mixed_precision=True).dtype == "mixed_bfloat16"


def test_a_symmetric_network_has_an_even_width():
    assert list(Recipe(width=9).conflicts()) == [
        (("width", "symmetric"), "must be even: give another, or SYMMETRIC=0")
    ]
    assert list(Recipe(width=9, symmetric=False).conflicts()) == []


def test_a_run_that_leaves_a_part_out_keeps_nothing_of_other_weights():
    (conflict,) = Recipe(fold=1, folds=5, initial_weights_share=0.5).conflicts()
    assert conflict[0] == ("initial_weights_share", "fold")
    assert list(Recipe(fold=1, folds=5).conflicts()) == []
    assert list(Recipe(initial_weights_share=0.5).conflicts()) == []


def complaints(**environ):
    with pytest.raises(SettingsError) as caught:
        config.read(train.Settings, {"DATASET": str(ROOT), **environ})
    return caught.value.complaints


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("EPOCHS", "99999999999"),
        ("EPOCHS", "0"),
        ("patience", "-1"),
        ("BATCH_SIZE", "1"),
        ("BATCH_SIZE", "1000000000"),
        ("LEARNING_RATE", "1e308"),
        ("LEARNING_RATE", "0"),
        ("LEARNING_RATE", "inf"),
        ("AUGMENT", "3"),
        ("SEED", "4294967296"),
        ("ANNOTATOR_VOTES_WEIGHT", "1e300"),
        ("TEMPERATURE", "1e-300"),
        ("WEIGHT_DECAY", "2"),
        ("EMA_HALF_LIFE", "1e300"),
        ("WIDTH", "1000000"),
        ("WIDTH", "33"),
        ("WIDTH", "2"),
    ],
)
def test_what_cannot_work_is_refused_by_name(name, text):
    (line,) = complaints(**{name: text})
    assert line.startswith(f"{name}='{text}' ")


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    missing = str(tmp_path / "none")
    found = complaints(
        DATASET=missing,
        TEACHERS=f"{missing}.keras",
        ANNOTATOR_VOTES=f"{missing}.csv",
        INITIAL_WEIGHTS=f"{missing}.keras",
        MODEL_EXPORT_PATH="~nosuchuser/run",
        WIDTH="33",
        EPOCHS="٣",
    )
    assert sorted(line.partition("=")[0] for line in found) == [
        "ANNOTATOR_VOTES", "DATASET", "EPOCHS", "INITIAL_WEIGHTS", "MODEL_EXPORT_PATH", "TEACHERS",
        "WIDTH",
    ]  # fmt: skip
    assert f"DATASET='{missing}' does not exist" in found


@pytest.mark.parametrize(
    ("old", "new", "text", "value"),
    [
        ("GENTLE_LAST", "LOW_AUGMENTATION_LAST", "0.2", 0.2),
        ("DEGRADE", "BLUR_NOISE", "0.15", 0.15),
        ("ERASE", "RANDOM_ERASING", "0", 0.0),
        ("AVERAGE", "EMA_HALF_LIFE", "2", 2.0),
        ("TEACHERS_IN_TURN", "ONE_TEACHER_PER_IMAGE", "1", True),
        ("VOTES_WEIGHT", "ANNOTATOR_VOTES_WEIGHT", "0.5", 0.5),
    ],
)
def test_a_name_of_before_is_still_read_and_its_new_name_said(old, new, text, value):
    notes = []
    found = config.read(train.Settings, {"DATASET": str(ROOT), old: text}, note=notes.append)
    assert getattr(found.recipe, new.lower()) == value
    assert notes == [f"{old} is now {new}: the old name still works"]


def test_votes_are_now_annotator_votes(tmp_path):
    path = tmp_path / "a.csv"
    path.touch()
    found = config.read(train.Settings, {"DATASET": str(ROOT), "VOTES": str(path)})
    assert found.annotator_votes == path


@pytest.mark.parametrize("name", ["MIXUP", "SMALL_FIRST"])
def test_a_setting_that_is_gone_is_said_to_do_nothing(name):
    notes = []
    config.read(train.Settings, {"DATASET": str(ROOT), name: "0.2"}, note=notes.append)
    assert notes == [f"{name} is a setting no more, and does nothing"]


def test_the_twelve_that_most_people_need_come_first():
    assert [line.split("`")[1] for line in _table(config.MOST_PEOPLE)] == [
        "DATASET", "MODEL_EXPORT_PATH", "OPTIMISE", "EPOCHS", "PATIENCE, patience", "BATCH_SIZE",
        "LEARNING_RATE", "AUGMENT", "INITIAL_WEIGHTS", "VALIDATION_SPLIT", "SEED", "RESUME",
    ]  # fmt: skip
    rest = _table(config.REST)
    assert len(rest) == len(set(rest)) == 23
    assert not set(rest) & set(_table(config.MOST_PEOPLE))


def _table(group):
    return config.markdown(train.Settings, group).splitlines()[2:]


def test_a_recipe_for_every_training_of_the_documents():
    assert {path.stem for path in FILES} == {
        "labels", "votes", "taught", "three", "wide", "calm", "partner", "even", "long", "again",
        "last", "last2", "people", "part", "blend",
    }  # fmt: skip


@pytest.fixture
def all_there(monkeypatch, tmp_path):
    """A current folder that holds all that the recipes name."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    other = [f"runs/{one.stem}/emotion.keras" for one in FILES]
    other += [f"runs/part{number}/emotion.keras" for number in range(1, 6)]
    for name in [*other, "../shared/fer2013/ferplus_votes.csv"]:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def test_a_share_of_initial_weights_needs_them(tmp_path):
    settings = {"DATASET": str(tmp_path), "INITIAL_WEIGHTS_SHARE": "0.5"}
    with pytest.raises(SettingsError) as caught:
        config.read(train.Settings, settings)
    assert caught.value.complaints == [
        "INITIAL_WEIGHTS='none' must be a file, of which INITIAL_WEIGHTS_SHARE keeps a part"
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recipes_file_says_all_that_its_run_needs_but_the_data(path, all_there):
    notes = []
    found = config.read(train.Settings, {"RECIPE": str(path), "DATASET": "runs"}, note=notes.append)
    assert notes == []
    assert found.model_export_path == Path("runs") / path.stem
    assert found.recipe.mixed_precision is (path.stem != "people")
    assert found.origins["epochs"] == str(path)
    assert path.read_text("utf-8").startswith("# ")


def test_the_recipe_of_the_model_that_ships(all_there):
    path = ROOT / "recipes" / "blend.toml"
    found = config.read(train.Settings, {"RECIPE": str(path), "DATASET": "runs"})
    assert found.recipe == Recipe(
        epochs=7,
        patience=0,
        seed=61,
        batch_size=125,
        learning_rate=0.03,
        augment=0.4,
        random_erasing=0.0,
        blur_noise=0.1,
        initial_weights_share=0.75,
        mixed_precision=True,
    )
    assert found.teachers == tuple(Path(f"runs/part{n}/emotion.keras") for n in range(1, 6))
    assert found.initial_weights == Path("runs/people/emotion.keras")
    assert found.annotator_votes == Path("../shared/fer2013/ferplus_votes.csv")


def test_the_recipe_of_its_teachers_makes_one_of_each_part(all_there):
    path = ROOT / "recipes" / "part.toml"
    environ = {"RECIPE": str(path), "DATASET": "runs", "FOLD": "3", "SEED": "3"}
    found = config.read(train.Settings, {**environ, "MODEL_EXPORT_PATH": "runs/part3"})
    assert found.recipe == Recipe(
        epochs=8,
        patience=0,
        seed=3,
        blur_noise=0.15,
        low_augmentation_last=0.3,
        folds=5,
        fold=3,
        mixed_precision=True,
    )
    assert found.model_export_path == Path("runs/part3")


def test_few_images_and_other_weights_get_defaults_of_their_own(capsys, tmp_path):
    weights = tmp_path / "a.keras"
    weights.touch()
    environ = {"DATASET": str(tmp_path), "INITIAL_WEIGHTS": str(weights), "EPOCHS": "7"}
    settings = config.read(train.Settings, environ)
    found = train.suited(settings, 144).recipe
    assert (found.epochs, found.learning_rate) == (7, Recipe().learning_rate / 100)
    said = capsys.readouterr().err
    assert said.startswith("defaults for 144 training images and INITIAL_WEIGHTS: BATCH_SIZE=")
    assert "LEARNING_RATE=0.001" in said and "EPOCHS" not in said
    assert train.suited(settings, 28_698) == settings
    del environ["INITIAL_WEIGHTS"]
    without = config.read(train.Settings, environ)
    assert train.suited(without, 144) == without
    assert capsys.readouterr().err == ""


def test_the_defaults_for_few_images_pass_the_checks():
    found, words = for_few_images(Recipe(), ())
    for item in fields(Recipe):
        value = getattr(found, item.name)
        if item.metadata["check"] and value is not None:
            assert item.metadata["check"](value) is None
    assert set(words.split()) == {
        f"{name.upper()}={getattr(found, name):g}"
        for name in asdict(found)
        if getattr(found, name) != getattr(Recipe(), name)
    }
