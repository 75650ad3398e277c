"""The recipe that the tests of training change as they need."""

import pytest
from small import small_recipe


@pytest.fixture(scope="session")
def recipe():
    """Makes a small recipe with the changes that are asked for."""
    return small_recipe
