"""Augmentation: what it may do to an image, and what it must not."""

import keras
import numpy as np
import pytest

from emotion.augment import Augment, _sampled


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    smooth = np.linspace(60, 200, 48, dtype=np.float32)
    ramp = np.repeat(smooth[None], 48, axis=0) + rng.uniform(-20, 20, (16, 1, 1))
    return ramp.astype(np.uint8)[..., None]


def augmented(images, **options):
    layer = Augment(**{"seed": 1, "blur_noise": 0, **options})
    return keras.ops.convert_to_numpy(layer(images))


def test_without_strength_or_erasing_images_stay_as_they_are(images):
    assert np.array_equal(
        augmented(images, strength=0, random_erasing=0), images.astype(np.float32)
    )


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
    moved = augmented(many, strength=0.01, random_erasing=0)
    rising = (moved[:, :, 40:] > moved[:, :, :8]).mean(axis=(1, 2, 3)) > 0.5
    assert 0.4 < rising.mean() < 0.6


def test_erasing_hides_one_grey_rectangle_within_its_limits():
    black = np.zeros((200, 48, 48, 1), np.uint8)
    result = augmented(black, strength=0, random_erasing=1)
    for image in result[..., 0]:
        grey = np.unique(image[image > 0])
        assert len(grey) <= 1
        assert (image > 0).mean() <= 0.27
    assert (result > 0).any(axis=(1, 2, 3)).mean() > 0.9


def test_the_share_of_erased_images_is_as_asked():
    black = np.zeros((400, 48, 48, 1), np.uint8)
    hidden = (augmented(black, strength=0, random_erasing=0.25) > 0).any(axis=(1, 2, 3)).mean()
    assert 0.15 < hidden < 0.35


def test_the_same_seed_draws_the_same_changes(images):
    assert np.array_equal(augmented(images), augmented(images))


def test_the_share_of_degraded_images_is_as_asked():
    dots = np.zeros((400, 48, 48, 1), np.uint8)
    dots[:, 8::16, 8::16] = 255
    result = augmented(dots, strength=0, random_erasing=0, blur_noise=0.25)
    blurred = result[:, 8, 8, 0] < 200  # noise alone cannot take that much from a white dot
    noisy = result[:, ::16, ::16].std(axis=(1, 2, 3)) > 0.5  # far from any dot
    assert 0.1 < blurred.mean() < 0.25  # some are blurred by next to nothing
    assert 0.15 < noisy.mean() < 0.3
    assert 0.01 < (blurred & noisy).mean() < 0.12  # chosen one by one


def test_amounts_change_without_a_new_step_unless_one_was_left_out():
    black = np.zeros((400, 48, 48, 1), np.uint8)
    layer = Augment(strength=0, blur_noise=0, random_erasing=1, seed=0)

    def hidden():
        return (keras.ops.convert_to_numpy(layer(black)) > 0).any(axis=(1, 2, 3)).mean()

    assert hidden() > 0.9
    assert not layer.change(strength=0, blur_noise=0, random_erasing=0.25)
    assert 0.15 < hidden() < 0.35
    assert not layer.change(strength=0, blur_noise=0, random_erasing=0)
    assert hidden() == 0
    assert layer.change(strength=1, blur_noise=0, random_erasing=0)


def test_blur_keeps_the_mean_and_noise_adds_none():
    grey = np.full((64, 48, 48, 1), 100, np.uint8)
    grey[:, :, 20:28] = 140
    result = augmented(grey, strength=0, random_erasing=0, blur_noise=1)
    assert result.mean() == pytest.approx(grey.mean(), abs=0.5)


def test_what_lies_beyond_the_edge_is_the_mirror_picture():
    ramp = np.arange(6, dtype=np.float32).reshape(1, 1, 6).repeat(6, axis=1)[..., None] * 10
    x = np.array([-1.5, -0.5, 0.0, 2.25, 5.0, 6.5], np.float32).reshape(1, 1, 6).repeat(6, axis=1)
    y = np.zeros((1, 6, 6), np.float32)
    tensors = (keras.ops.convert_to_tensor(part) for part in (ramp, x, y))
    found = keras.ops.convert_to_numpy(_sampled(*tensors))
    assert found[0, 0, :, 0] == pytest.approx([5, 0, 0, 22.5, 50, 45])


def test_a_picture_is_turned_by_15_degrees_at_most():
    bar = np.zeros((200, 48, 48, 1), np.uint8)
    bar[:, :, 22:26] = 255
    result = augmented(bar, random_erasing=0, blur_noise=0)[..., 0]
    rows, columns = np.mgrid[:48, :48]
    slopes = []
    for picture in result:
        weight = picture * (picture > picture.max() / 2)
        top, low = ((weight * part) for part in (rows < 16, rows >= 32))
        middles = [(half * columns).sum() / half.sum() for half in (top, low)]
        slopes.append(np.degrees(np.arctan((middles[1] - middles[0]) / 32)))
    assert 12 < np.abs(slopes).max() < 19  # 15, and what stretching the picture adds
    assert 5 < np.std(slopes) < 11


def test_brightness_is_shifted_as_well_as_scaled():
    black = np.zeros((200, 48, 48, 1), np.uint8)
    result = augmented(black, random_erasing=0, blur_noise=0).max(axis=(1, 2, 3))
    assert 0.4 < (result > 0).mean() < 0.6  # a factor alone leaves black as it is
    assert 25 < result.max() < 45  # a tenth of the range, times the factor
