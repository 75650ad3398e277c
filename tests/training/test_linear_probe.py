"""A last layer fitted to features."""

import numpy as np
import pytest

from emotion.probabilities import softmax
from emotion.training import linear_probe


def test_it_finds_the_shares_that_made_the_data():
    rng = np.random.default_rng(0)
    features = rng.normal(3, 2, (4000, 5))
    kernel, bias = rng.normal(0, 0.3, (5, 3)), np.array([0.5, 0, -0.5])
    shares = softmax(features @ kernel + bias)
    found = softmax(features @ (fit := linear_probe.fit(features, shares))[0] + fit[1])
    assert np.abs(found - shares).mean() < 0.01
    again = linear_probe.fit(features, shares)
    assert all((one == other).all() for one, other in zip(fit, again, strict=True))


def test_rows_of_zeros_and_features_that_never_change_do_no_harm():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(0, 1, (300, 2)), np.ones((300, 1))], axis=1)
    shares = np.eye(2)[(features[:, 0] > 0).astype(int)]
    alone = linear_probe.fit(features, shares)
    more = np.concatenate([features, rng.normal(50, 9, (100, 3))])
    unasked = np.concatenate([shares, np.zeros((100, 2))])
    for one, other in zip(alone, linear_probe.fit(more, unasked), strict=True):
        assert np.isfinite(one).all() and one == pytest.approx(other)


def test_few_examples_of_noise_are_not_believed():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(0, 1, (30, 90)), rng.integers(0, 2, 30)
    kernel, bias = linear_probe.fit(features, np.eye(2)[labels])
    fresh = softmax(rng.normal(0, 1, (500, 90)) @ kernel + bias)
    assert fresh.max(axis=1).mean() < 0.8  # without a prior it would be sure of nearly all
