"""What several test modules need: drawn data, and the real data where a checkout has it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import drawn
import pytest

from emotion import pictures

_HERE = Path(__file__).parent
_ROOT = _HERE.parent
_SAMPLES = _ROOT / "samples"
_SHARED = _ROOT / ".." / "shared"

# A suite that a script starts in the background inherits an ignored SIGINT, and the programs that
# it interrupts would inherit it in turn.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What `pytest --recognition` leaves alone: the training half and all that needs Keras, TensorFlow,
# scikit-learn or matplotlib. tests/test_package.py sees to it that every name here exists.
TRAINING_HALF = (
    "evaluation",
    "layers",
    "training",
    "test_augment.py",
    "test_classifier.py",
    "test_export.py",
    "test_fuzz.py",
    "test_model.py",
    "test_model_file.py",
    "test_peers.py",
    "test_report.py",
    "test_train.py",
)


def pytest_addoption(parser):
    parser.addoption(
        "--recognition",
        action="store_true",
        help="only the tests that requirements-recognition.txt and pytest are enough for",
    )


def pytest_ignore_collect(collection_path, config):
    """None leaves the decision to pytest: False would undo its own exclusions."""
    left_alone = {_HERE / name for name in TRAINING_HALF}
    return True if config.getoption("recognition") and collection_path in left_alone else None


@pytest.fixture(scope="session")
def drawn_folder(tmp_path_factory):
    """A small drawn FER folder in the Kaggle layout: 7 classes, 12 + 4 + 4 crops in each."""
    return drawn.write_folder(tmp_path_factory.mktemp("drawn"), per_class=12)


@pytest.fixture(scope="session")
def people_clip():
    """The clip that ships, 52 frames of 320x240 at 15 a second: one person, then two as well.

    She is there in every frame, on the right at the end; her mirror image comes in from the left
    edge about second 2 and stays.
    """
    return _SAMPLES / "people.mp4"


@pytest.fixture(scope="session")
def two_people():
    """The picture of two that ships, BGR (360, 480, 3): boxes about 30, 45, 82 and 368, 47, 80."""
    return pictures.read(_SAMPLES / "two.jpg")


@pytest.fixture(scope="session")
def nobody():
    """The drawn room that ships, BGR (360, 480, 3), without a face in it."""
    return pictures.read(_SAMPLES / "nobody.jpg")


@pytest.fixture(scope="session")
def fer2013():
    """The real FER-2013 without PrivateTest; skips where it is not there."""
    path = _SHARED / "fer2013"
    if not path.is_dir():
        pytest.skip("../shared/fer2013 is not here: FER-2013 is no part of the project")
    return path


@pytest.fixture(scope="session")
def sealed():
    """What to put before a command: it sees no network, and the checkout cannot be written."""
    root = _ROOT.resolve()
    script = f'mount --bind "{root}" "{root}" && mount -o remount,ro,bind "{root}" && exec "$@"'
    prefix = ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c", script, "sh"]
    try:
        tried = [*prefix, "sh", "-c", f'! touch "{root}/tests/a"']
        subprocess.run(tried, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system gives no file system and network of one's own")
    return prefix


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """train.py run once on drawn faces: `folder` it left, `data` it saw, `done` as it ended."""
    data = drawn.write_folder(tmp_path_factory.mktemp("faces"), per_class=60)
    folder = tmp_path_factory.mktemp("trained")
    settings = {
        "DATASET": data,
        "MODEL_EXPORT_PATH": folder,
        "EPOCHS": 24,
        "WIDTH": 8,
        "BATCH_SIZE": 32,
        "LEARNING_RATE": 0.05,
        "LABEL_SMOOTHING": 0,
        "AUGMENT": 0.2,
        "RANDOM_ERASING": 0,
        "DROPOUT": 0,
        "EMA_HALF_LIFE": 0,
    }
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=_ROOT,
        env={**os.environ, **{name: str(value) for name, value in settings.items()}},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return SimpleNamespace(folder=folder, data=data, done=done)
