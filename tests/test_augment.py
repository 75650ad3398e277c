"""Augmentation: what it may do to an image, and what it must not."""

import keras
import numpy as np
import pytest

from emotion.augment import Augment


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    smooth = np.linspace(60, 200, 48, dtype=np.float32)
    ramp = np.repeat(smooth[None], 48, axis=0) + rng.uniform(-20, 20, (16, 1, 1))
    return ramp.astype(np.uint8)[..., None]


def augmented(images, **options):
    return keras.ops.convert_to_numpy(Augment(size=48, seed=1, **options)(images))


def test_without_strength_or_erasing_images_stay_as_they_are(images):
    assert np.array_equal(augmented(images, strength=0, erase=0), images.astype(np.float32))


def test_pixels_stay_in_range(images):
    result = augmented(images, strength=2)
    assert result.shape == images.shape
    assert result.min() >= 0 and result.max() <= 255


def test_every_image_draws_its_own_change():
    same = np.repeat(np.random.default_rng(0).integers(0, 255, (1, 48, 48, 1)), 8, axis=0)
    result = augmented(same.astype(np.uint8))
    assert len({image.tobytes() for image in result}) == 8


def test_about_half_of_the_images_are_mirrored(images):
    many = np.repeat(images, 16, axis=0)
    moved = augmented(many, strength=0.01, erase=0)
    rising = (moved[:, :, 40:] > moved[:, :, :8]).mean(axis=(1, 2, 3)) > 0.5
    assert 0.4 < rising.mean() < 0.6


def test_erasing_hides_one_grey_rectangle_within_its_limits():
    black = np.zeros((200, 48, 48, 1), np.uint8)
    result = augmented(black, strength=0, erase=1)
    for image in result[..., 0]:
        grey = np.unique(image[image > 0])
        assert len(grey) <= 1
        assert (image > 0).mean() <= 0.27
    assert (result > 0).any(axis=(1, 2, 3)).mean() > 0.9


def test_the_share_of_erased_images_is_as_asked():
    black = np.zeros((400, 48, 48, 1), np.uint8)
    hidden = (augmented(black, strength=0, erase=0.25) > 0).any(axis=(1, 2, 3)).mean()
    assert 0.15 < hidden < 0.35


def test_a_smaller_size_shrinks_the_images(images):
    layer = Augment(size=32, strength=0, erase=0)
    result = keras.ops.convert_to_numpy(layer(images))
    assert result.shape == (16, 32, 32, 1)
    assert result.mean() == pytest.approx(images.mean(), abs=2)


def test_the_same_seed_draws_the_same_changes(images):
    assert np.array_equal(augmented(images), augmented(images))
