"""What every norm promises; the authorities of single ones stand in the other files."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from optgui.core.attack.norms import NORMS, NormConfig, norm_of

RADII = (0.0, 0.1, 1.0, 7.0, 25.0, 1e6)
SIZES = {
    "L2": lambda x: np.linalg.norm(x),
    "Linf": lambda x: np.linalg.norm(x, np.inf),
    "L1": lambda x: np.linalg.norm(x, 1),
    "L0": lambda x: np.linalg.norm(x, 0),
    "Subspace": lambda x: np.linalg.norm(x),
    "HalfSpace": lambda x: max(0.0, x.sum() / math.sqrt(x.size)),
}
UNIT = {**SIZES, "L0": SIZES["Linf"], "HalfSpace": SIZES["L2"]}  # by what a direction has size 1


def points(scale=1.0, count=24):
    """Perturbations of very different lengths, some of them zero in places or altogether."""
    generator = torch.Generator().manual_seed(0)
    delta = scale * torch.randn((count, 1, 28, 28), generator=generator)
    delta *= torch.logspace(-3, 1, count).reshape(-1, 1, 1, 1)
    delta[0] = 0
    delta[1, :, 5:] = 0
    return delta


def boxes(count=24):
    """What may be added to images of black background, grey and white."""
    generator = torch.Generator().manual_seed(3)
    kind, grey = torch.rand((2, count, 1, 28, 28), generator=generator)
    images = torch.where(kind < 0.6, 0.0, torch.where(kind < 0.8, 1.0, grey))
    return -images, 1 - images


def close(norm, name, epsilon):
    return 1e-6 if epsilon == 0 or name == "HalfSpace" else 1e-6 * epsilon


@pytest.fixture(params=list(NORMS))
def name(request):
    return request.param


@pytest.fixture
def norm(name):
    return norm_of(name)


def test_a_name_alone_is_a_config_with_the_defaults(name):
    config = NormConfig.parse(name)
    assert NormConfig.parse(config.model_dump(mode="json")) == config
    assert type(norm_of(config)) is type(norm_of(name))


def test_every_entry_has_words(name):
    entry = NORMS[name]
    assert entry.label
    assert entry.help
    assert entry.formula


def test_a_parameter_out_of_its_range_is_refused_by_name():
    with pytest.raises(ValueError, match="frequencies: "):
        NormConfig.parse({"name": "Subspace", "frequencies": 29})
    with pytest.raises(ValueError, match="share: "):
        NormConfig.parse({"name": "L1", "share": 0.0})


def test_norm_is_that_of_numpy_image_by_image(norm, name):
    expected = [SIZES[name](one.double().numpy().ravel()) for one in points()]
    np.testing.assert_allclose(norm.norm(points()), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("epsilon", RADII)
def test_projection_lies_in_the_ball(norm, name, epsilon):
    projected = norm.project(points(), epsilon).double()
    assert norm.norm(projected).max() <= epsilon + close(norm, name, epsilon)


@pytest.mark.parametrize("epsilon", RADII)
def test_projecting_twice_is_projecting_once(norm, epsilon):
    once = norm.project(points(), epsilon)
    torch.testing.assert_close(norm.project(once, epsilon), once, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("epsilon", RADII)
def test_projection_leaves_what_is_inside(norm, name, epsilon):
    inside = norm.random((24, 1, 28, 28), 0.9 * epsilon, torch.Generator().manual_seed(0))
    atol = 1e-6 * max(1, inside.abs().max().item()) if name == "Subspace" else 0
    torch.testing.assert_close(norm.project(inside, epsilon), inside, rtol=0, atol=atol)


@pytest.mark.parametrize("epsilon", RADII)
def test_projection_in_the_box_lies_in_both(norm, name, epsilon):
    low, high = boxes()
    for scale in (0.1, 1.0, 100.0):
        delta = points(scale)
        projected = norm.project_in_box(delta, epsilon, low, high)
        assert ((projected >= low) & (projected <= high)).all()
        assert norm.norm(projected.double()).max() <= epsilon + close(norm, name, epsilon)
        images = -low + projected
        assert images.min() >= 0
        assert images.max() <= 1 + 1e-6


@pytest.mark.parametrize("epsilon", RADII)
def test_projecting_in_the_box_twice_is_projecting_once(norm, epsilon):
    low, high = boxes()
    once = norm.project_in_box(points(), epsilon, low, high)
    torch.testing.assert_close(norm.project_in_box(once, epsilon, low, high), once, rtol=0, atol=3e-5)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 7.0])
def test_projections_are_the_nearest_points(norm, epsilon):
    """The variational inequality: <z - P(z), y - P(z)> <= 0 for every y of the set."""
    if not norm.convex:
        pytest.skip("only of convex sets")
    low, high = boxes()
    generator = torch.Generator().manual_seed(1)
    for scale in (0.1, 1.0, 30.0):
        delta = points(scale)
        plain, both = norm.project(delta, epsilon), norm.project_in_box(delta, epsilon, low, high)
        for _ in range(3):
            random = norm.random(tuple(delta.shape), epsilon, generator)
            for projected, others in (
                (plain, (random, norm.project(delta + random, epsilon))),
                (
                    both,
                    (
                        norm.project_in_box(random, epsilon, low, high),
                        norm.project_in_box(delta + random, epsilon, low, high),
                    ),
                ),
            ):
                for y in others:
                    away, onward = (delta - projected).flatten(1), (y - projected).flatten(1)
                    product = (away.double() * onward.double()).sum(1)
                    rounding = 3e-7 * delta.flatten(1).norm(dim=1)
                    slack = 3e-5 * (0.1 * epsilon + onward.norm(dim=1)) + rounding
                    assert (product <= away.norm(dim=1) * slack + 1e-9).all()


@pytest.mark.parametrize("boxed", [False, True])
def test_every_image_may_have_a_radius_of_its_own(norm, boxed):
    delta, (low, high) = points(count=6), boxes(6)
    epsilons = torch.tensor([1.0, 0.0, 0.3, 2.5, 30.0, 1e6])

    def project(rows, epsilon):
        if boxed:
            return norm.project_in_box(delta[rows], epsilon, low[rows], high[rows])
        return norm.project(delta[rows], epsilon)

    together = project(slice(None), epsilons)
    for row, epsilon in enumerate(epsilons.tolist()):
        alone = project(slice(row, row + 1), epsilon)
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-5, atol=1e-5)
    start = norm.random((6, 1, 28, 28), epsilons, torch.Generator().manual_seed(0))
    assert (norm.norm(start.double()) <= epsilons * (1 + 1e-6) + 1e-6).all()


@pytest.mark.parametrize("epsilon", RADII)
def test_random_start_lies_in_the_ball(norm, name, epsilon):
    start = norm.random((50, 1, 28, 28), epsilon, torch.Generator().manual_seed(0))
    assert start.shape == (50, 1, 28, 28)
    assert start.dtype is torch.float32
    assert norm.norm(start.double()).max() <= epsilon + close(norm, name, epsilon)


@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("name", ["L2", "Linf", "L1"])
def test_random_start_is_uniform_in_the_ball(name, dimensions):
    """A ball r times as large has r**d times the volume, whatever the norm; and no side is preferred."""
    norm = norm_of(name)
    start = norm.random((4000, dimensions), 0.5, torch.Generator().manual_seed(0))
    share = (norm.norm(start) / 0.5) ** dimensions
    assert scipy.stats.kstest(share.numpy(), "uniform").pvalue > 0.01
    for coordinate in start.T:
        assert scipy.stats.ttest_1samp(coordinate.numpy(), 0).pvalue > 0.01


def test_random_start_is_that_of_its_generator(norm):
    first, again, other = (
        norm.random((3, 1, 28, 28), 2.0, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e-30])
def test_ascent_has_size_one_however_small_the_gradient(norm, name, scale):
    for direction in norm.ascent(points(scale)[1:]):
        assert UNIT[name](direction.double().numpy().ravel()) == pytest.approx(1, rel=1e-5)


def test_ascent_climbs(norm):
    gradient = points()[1:]
    assert ((gradient * norm.ascent(gradient)).flatten(1).sum(1) > 0).all()


def test_ascent_of_a_zero_gradient_is_zero(norm):
    assert torch.equal(norm.ascent(torch.zeros(2, 1, 28, 28)), torch.zeros(2, 1, 28, 28))


@pytest.mark.parametrize("name", ["L2", "Linf"])
def test_ascent_gains_more_than_any_other_step_of_its_length(name):
    norm, gradient = norm_of(name), points()
    gain = (gradient * norm.ascent(gradient)).flatten(1).sum(1)
    generator = torch.Generator().manual_seed(2)
    for _ in range(20):
        other = norm.ascent(gradient + norm.random(tuple(gradient.shape), 1.0, generator))
        assert ((gradient * other).flatten(1).sum(1) <= gain * (1 + 1e-5)).all()
