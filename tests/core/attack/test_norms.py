import numpy as np
import pytest
import scipy.stats
import torch

from optgui.core.attack import NORMS

ORDERS = {"L2": 2, "Linf": np.inf}  # numpy's names of them
RADII = (0.0, 0.1, 1.0, 7.0, 25.0)


def points(scale=1.0, count=64):
    """Perturbations of very different lengths, some of them zero in places or altogether."""
    generator = torch.Generator().manual_seed(0)
    delta = scale * torch.randn((count, 1, 28, 28), generator=generator)
    delta *= torch.logspace(-3, 1, count).reshape(-1, 1, 1, 1)
    delta[0] = 0
    delta[1, :, 5:] = 0
    return delta


@pytest.fixture(params=list(NORMS))
def norm(request):
    return NORMS[request.param]


def test_norm_is_that_of_numpy_image_by_image(norm):
    delta = points()
    expected = [np.linalg.norm(one.double().numpy().ravel(), ORDERS[norm.name]) for one in delta]
    np.testing.assert_allclose(norm.norm(delta), expected, rtol=1e-6)


@pytest.mark.parametrize("epsilon", RADII)
def test_projection_lies_in_the_ball(norm, epsilon):
    projected = norm.project(points(), epsilon).double()
    assert norm.norm(projected).max() <= float(np.float32(epsilon))


@pytest.mark.parametrize("epsilon", RADII)
def test_projecting_twice_is_projecting_once(norm, epsilon):
    once = norm.project(points(), epsilon)
    torch.testing.assert_close(norm.project(once, epsilon), once, rtol=0, atol=0)


@pytest.mark.parametrize("epsilon", RADII)
def test_projection_leaves_what_is_inside(norm, epsilon):
    delta = points()
    inside = norm.norm(delta) <= epsilon
    assert inside.any()
    assert not inside.all()
    torch.testing.assert_close(norm.project(delta, epsilon)[inside], delta[inside], rtol=0, atol=0)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 7.0])
def test_projection_is_the_nearest_point_of_the_ball(norm, epsilon):
    """The variational inequality: <x - P(x), q - P(x)> <= 0 for every q of the ball."""
    delta = points()
    projected = norm.project(delta, epsilon)
    away = (delta - projected).flatten(1)
    corners = epsilon * norm.ascent(away.reshape(delta.shape))  # the q for which the product is largest
    generator = torch.Generator().manual_seed(1)
    for q in [corners, *(norm.random(tuple(delta.shape), epsilon, generator) for _ in range(20))]:
        onward = (q - projected).flatten(1)
        product = (away * onward).sum(1)
        assert (product <= 1e-5 * away.norm(dim=1) * (1 + onward.norm(dim=1))).all()


@pytest.mark.parametrize("epsilon", RADII)
def test_random_start_lies_in_the_ball(norm, epsilon):
    start = norm.random((200, 1, 28, 28), epsilon, torch.Generator().manual_seed(0))
    assert start.shape == (200, 1, 28, 28)
    assert norm.norm(start.double()).max() <= float(np.float32(epsilon))


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_random_start_is_uniform_in_the_ball(norm, dimensions):
    """A ball r times as large has r**d times the volume, whatever the norm; and no side is preferred."""
    start = norm.random((4000, dimensions), 0.5, torch.Generator().manual_seed(0))
    share = (norm.norm(start) / 0.5) ** dimensions
    assert scipy.stats.kstest(share.numpy(), "uniform").pvalue > 0.01
    for coordinate in start.T:
        assert scipy.stats.ttest_1samp(coordinate.numpy(), 0).pvalue > 0.01


def test_random_start_is_that_of_its_generator(norm):
    first, again, other = (
        norm.random((3, 1, 28, 28), 1.0, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e-30])
def test_ascent_has_norm_one_however_small_the_gradient(norm, scale):
    direction = norm.ascent(points(scale)[1:])
    torch.testing.assert_close(norm.norm(direction), torch.ones(63), rtol=1e-6, atol=0)


def test_ascent_gains_more_than_any_other_step_of_its_length(norm):
    gradient = points()
    gain = (gradient * norm.ascent(gradient)).flatten(1).sum(1)
    generator = torch.Generator().manual_seed(2)
    for _ in range(20):
        other = norm.ascent(gradient + norm.random(tuple(gradient.shape), 1.0, generator))
        assert ((gradient * other).flatten(1).sum(1) <= gain * (1 + 1e-5)).all()


def test_ascent_of_a_zero_gradient_is_zero(norm):
    assert torch.equal(norm.ascent(torch.zeros(2, 1, 28, 28)), torch.zeros(2, 1, 28, 28))
