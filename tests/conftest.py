"""What several test modules need: drawn data, and the real data where a checkout has it."""

from pathlib import Path

import drawn
import pytest

_SHARED = Path(__file__).parents[1] / ".." / "shared"


@pytest.fixture(scope="session")
def drawn_folder(tmp_path_factory):
    """A small drawn FER folder in the Kaggle layout: 7 classes, 12 + 4 + 4 crops in each."""
    return drawn.write_folder(tmp_path_factory.mktemp("drawn"), per_class=12)


@pytest.fixture(scope="session")
def fer2013():
    """The real FER-2013 without PrivateTest; skips where it is not there."""
    path = _SHARED / "fer2013"
    if not path.is_dir():
        pytest.skip("../shared/fer2013 is not here: FER-2013 is no part of the project")
    return path
