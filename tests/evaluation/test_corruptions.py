"""Corruptions: each does what its name says, to the pixel where that can be said."""

import numpy as np
import pytest

from emotion.evaluation import corruptions


@pytest.fixture(scope="module")
def face():
    """A grey ramp with a white square, upper left, and a black one, lower right."""
    image = np.linspace(80, 160, 48).astype(np.uint8)[None].repeat(48, axis=0)
    image[8:16, 8:16], image[32:40, 32:40] = 255, 0
    return image


def corrupted(face, kind, variant=0):
    return corruptions.apply(face[None], corruptions.KINDS[kind][variant])[0]


@pytest.mark.parametrize("kind", corruptions.KINDS)
def test_every_variant_changes_the_image_and_keeps_its_form(kind, face):
    results = [corrupted(face, kind, n) for n in range(len(corruptions.KINDS[kind]))]
    for result in results:
        assert result.shape == face.shape and result.dtype == np.uint8
        assert (result != face).mean() > 0.05
    assert len({result.tobytes() for result in results}) == len(results)


def test_brightness_is_a_factor_that_saturates(face):
    dim, bright = corrupted(face, "brightness x0.5"), corrupted(face, "brightness x1.5")
    assert np.array_equal(dim, np.rint(face * 0.5).astype(np.uint8))
    assert bright.max() == 255
    assert np.array_equal(bright[0, :20], np.rint(face[0, :20] * 1.5).astype(np.uint8))


def test_noise_has_its_sigma_and_is_the_same_in_every_call():
    grey = np.full((2, 48, 48), 128, np.uint8)
    (noise,) = corruptions.KINDS["noise, sigma 15"]
    first = corruptions.apply(grey, noise)
    assert (first - 128.0).std() == pytest.approx(15, rel=0.05)
    assert not np.array_equal(first[0], first[1])
    assert np.array_equal(first, corruptions.apply(grey, noise))


def test_shifts_go_every_way_by_a_tenth_of_the_side(face):
    rows, columns = np.nonzero(face == 255)
    moved = set()
    for number in range(4):
        bright = corrupted(face, "shift by 10 %", number) > 200
        down, right = (np.nonzero(bright)[axis].mean() for axis in (0, 1))
        moved.add((round(down - rows.mean()), round(right - columns.mean())))
    assert moved == {(0, -5), (0, 5), (-5, 0), (5, 0)}


def test_a_tighter_crop_enlarges_and_a_looser_one_shrinks(face):
    sizes = [
        (corrupted(face, kind) < 60).sum() for kind in ("crop 10 % tighter", "crop 10 % looser")
    ]
    assert sizes[0] == pytest.approx(64 / 0.81, rel=0.2)
    assert sizes[1] == pytest.approx(64 / 1.21, rel=0.2)


def test_rotation_goes_both_ways(face):
    one, other = (corrupted(face, "rotation by 15 degrees", n) for n in (0, 1))
    rows = [np.nonzero(image > 220)[0].mean() for image in (one, other)]
    assert abs(rows[0] - rows[1]) > 5


def test_what_is_small_or_blurred_loses_its_edges(face):
    def edges(image):
        return np.abs(np.diff(image.astype(int), axis=1)).max()

    for kind in ("blur, sigma 1 px", "24x24 pixels"):
        assert edges(corrupted(face, kind)) < 0.8 * edges(face)
