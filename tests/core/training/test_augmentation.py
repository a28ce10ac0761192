"""Moved images: torchvision's own numbers, black at the border, seeded, and off without a draw."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from optgui.core.training.augmentation import AUGMENTATIONS, AugmentationConfig
from optgui.core.training.models import Normalize

BLACK = Normalize()(torch.tensor(0.0)).item()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=8):
    """A blurred blob in each image, normalized, black at every border."""
    pixels = torch.zeros(count, 1, 28, 28)
    pixels[:, :, 9:19, 10:17] = torch.rand(count, 1, 10, 7, generator=generator(1))
    blurred = ndimage.gaussian_filter(pixels.numpy(), sigma=(0, 0, 1.5, 1.5))
    return Normalize()(torch.tensor(blurred))


def moved(data, seed=0, batch=None):
    return AugmentationConfig.parse(data).apply(images() if batch is None else batch, generator(seed))


def test_none_gives_the_same_images_and_draws_nothing():
    batch, draws = images(), generator()
    before = draws.get_state()
    assert AugmentationConfig.parse("None").apply(batch, draws) is batch
    assert torch.equal(draws.get_state(), before)


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "None"])
def test_draws_come_from_the_generator_alone_and_the_batch_stays(name):
    state, batch = torch.get_rng_state(), images()
    one, again, other = (moved(name, seed, batch) for seed in (0, 0, 1))
    assert one.shape == batch.shape
    assert one.dtype == torch.float32
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(batch, images())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_shift_is_a_roll_of_an_image_with_a_black_border():
    batch, seen = images(), set()
    for seed in range(200):
        result = moved({"name": "Shift", "pixels": 2}, seed, batch)
        ways = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if torch.allclose(result, batch.roll((down, right), (2, 3)), atol=1e-3)
        ]
        assert len(ways) == 1
        seen.add(ways[0])
    assert len(seen) == 25


def test_what_a_shift_brings_in_is_black():
    white = Normalize()(torch.ones(1, 1, 28, 28))
    for seed in range(20):
        result = moved({"name": "Shift", "pixels": 9}, seed, white)
        assert set(result.unique().tolist()) <= {BLACK, white[0, 0, 0, 0].item()}


@pytest.mark.parametrize("name", ["Shift", "Affine"])
def test_black_images_stay_black(name):
    black = Normalize()(torch.zeros(3, 1, 28, 28))
    torch.testing.assert_close(moved(name, batch=black), black)


def test_an_affine_map_of_no_size_changes_nothing():
    still = {"name": "Affine", "degrees": 0, "shift": 0, "scale": 0, "shear": 0}
    torch.testing.assert_close(moved(still), images(), atol=1e-4, rtol=0)


def turned_by_scipy(batch, degrees):
    return ndimage.rotate(batch.numpy(), degrees, axes=(2, 3), reshape=False, order=1, cval=BLACK)


def test_a_rotation_is_scipys_and_within_its_bound():
    batch, angles = images(), []
    for seed in range(12):
        turn = {"name": "Affine", "degrees": 20, "shift": 0, "scale": 0, "shear": 0}
        result = moved(turn, seed, batch).numpy()
        ladder = np.arange(-20, 20.01, 0.5)
        errors = [np.abs(turned_by_scipy(batch, angle) - result).max() for angle in ladder]
        assert min(errors) < 0.05
        angles.append(ladder[np.argmin(errors)])
    assert max(angles) > 8
    assert min(angles) < -8


def spread(batch):
    """Sum of squared distances of light from its centre, per unit of light, over the whole batch."""
    light = (batch - BLACK).sum((0, 1)).double()
    grid = torch.arange(28, dtype=torch.float64)
    total = light.sum()
    rows, columns = light.sum(1), light.sum(0)
    centre = (rows @ grid / total, columns @ grid / total)
    return sum(
        (axis @ (grid - middle) ** 2 / total).item()
        for axis, middle in zip((rows, columns), centre, strict=True)
    )


def test_scale_grows_and_shrinks_within_its_bound():
    only = {"name": "Affine", "degrees": 0, "shift": 0, "scale": 0.2, "shear": 0}
    sizes = [(spread(moved(only, seed)) / spread(images())) ** 0.5 for seed in range(40)]
    assert 0.78 < min(sizes) < 0.87
    assert 1.13 < max(sizes) < 1.22


def test_all_images_of_a_batch_move_alike():
    batch = images()[:1].expand(5, 1, 28, 28)
    result = moved("Affine", batch=batch)
    torch.testing.assert_close(result, result[:1].expand(5, 1, 28, 28))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "Shift", "pixels": 15}, "pixels: expected a whole number from 0 to 14, got 15"),
        ({"name": "Affine", "scale": 1.0}, "scale: expected a number from 0 to 0.9, got 1.0"),
        ({"name": "Mixup"}, "name: expected one of None, Shift, Affine, Noise, got 'Mixup'"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(data, sentence):
    with pytest.raises(ValueError, match=sentence):
        AugmentationConfig.parse(data)


def test_noise_is_normal_with_its_deviation_in_pixels():
    batch = torch.zeros(50, 1, 28, 28)
    added = 0.3081 * moved({"name": "Noise", "deviation": 0.25}, batch=batch)
    expected = 0.25 * torch.randn(50, 1, 28, 28, generator=generator())
    torch.testing.assert_close(added, expected)
    assert added.std().item() == pytest.approx(0.25, rel=0.02)


def test_no_deviation_is_no_noise():
    torch.testing.assert_close(moved({"name": "Noise", "deviation": 0.0}), images())
