"""Every surface of the registry: exact gradients, true minima, a start worth a race."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime, minimize

from optgui.core.params import params_of
from optgui.core.surface import SURFACES, DescentConfig, DescentEngine, SurfaceConfig, sample

NAMES = list(SURFACES)
SETTINGS = [pytest.param(SurfaceConfig(name=name), id=name) for name in NAMES] + [
    pytest.param(
        SurfaceConfig.parse({"name": "Quadratic", "condition": 700, "angle": -71}), id="Quadratic-700"
    )
]


def points_in(domain, count, seed=0):
    (x0, x1), (y0, y1) = domain
    unit = torch.rand(count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return unit * torch.tensor([x1 - x0, y1 - y0]) + torch.tensor([x0, y0])


def gradient(function, points):
    points = points.clone().requires_grad_()
    return torch.autograd.grad(function(points).sum(), points)[0]


@pytest.mark.parametrize("config", SETTINGS)
def test_gradient_equals_central_differences_in_float64(config):
    points = points_in(config.entry.domain, 20).requires_grad_()
    assert torch.autograd.gradcheck(config.evaluate, (points,), eps=1e-6, atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize("config", SETTINGS)
def test_gradient_agrees_with_scipy(config):
    point = points_in(config.entry.domain, 1, seed=1)[0]
    theirs = approx_fprime(point.numpy(), lambda xy: config.evaluate(torch.from_numpy(xy)).item(), 1e-8)
    np.testing.assert_allclose(gradient(config.evaluate, point).numpy(), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", SETTINGS)
def test_listed_minima_are_stationary_with_a_positive_hessian(config):
    for minimum in config.entry.minima:
        point = torch.tensor(minimum, dtype=torch.float64)
        assert gradient(config.evaluate, point).abs().max() < 1e-8
        hessian = torch.autograd.functional.hessian(config.evaluate, point)
        assert torch.linalg.eigvalsh(hessian).min() > 0


@pytest.mark.parametrize("config", SETTINGS)
def test_no_grid_point_lies_below_the_minima_and_the_lowest_lies_beside_one(config):
    grid = sample(config, 301, 301)
    values = config.evaluate(torch.tensor(config.entry.minima, dtype=torch.float64))
    torch.testing.assert_close(values, values[:1].expand_as(values), rtol=0, atol=1e-12)
    assert grid.z.min() >= values.min().item() - 1e-12
    row, column = np.unravel_index(grid.z.argmin(), grid.z.shape)
    lowest = (grid.x[column], grid.y[row])
    assert min(math.dist(lowest, minimum) for minimum in config.entry.minima) < 0.2


@pytest.mark.parametrize("name", NAMES)
def test_scipy_descends_from_the_start_to_a_listed_minimum(name):
    surface = SURFACES[name]
    found = minimize(lambda xy: surface(torch.from_numpy(xy)).item(), surface.start, method="Nelder-Mead",
                     options={"xatol": 1e-9, "fatol": 1e-14, "maxiter": 2000})  # fmt: skip
    assert min(math.dist(found.x, minimum) for minimum in surface.minima) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_some_rate_of_a_ladder_lowers_the_surface_from_its_start(name):
    racers = [{"optimizer": {"name": "SGD", "lr": 10.0**-power}} for power in range(6)]
    engine = DescentEngine(DescentConfig.parse({"surface": name, "steps": 200, "racers": racers}))
    while not engine.done:
        engine.step()
    losses = engine.frame().losses
    assert losses[:, -1].min() < 0.2 * losses[0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_start_and_minima_lie_in_the_domain(name):
    surface = SURFACES[name]
    (x0, x1), (y0, y1) = surface.domain
    assert all(x0 <= x <= x1 and y0 <= y <= y1 for x, y in (surface.start, *surface.minima))


@pytest.mark.parametrize("name", NAMES)
def test_words_say_what_the_surface_is(name):
    surface = SURFACES[name]
    assert all((surface.label, surface.help, surface.formula, surface.reference))
    assert all(spec.title and spec.help for spec in params_of(surface.params))


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_any_shape_equals_its_points_bit_for_bit(name):
    points = points_in(SURFACES[name].domain, 24)
    batch = SURFACES[name](points)
    alone = torch.stack([SURFACES[name](point) for point in points])
    assert batch.shape == (24,)
    assert torch.equal(batch, alone)
    assert torch.equal(SURFACES[name](points.view(2, 3, 4, 2)), alone.view(2, 3, 4))
    assert batch.dtype == torch.float64


@pytest.mark.parametrize("shape", [(), (3,), (2, 1)])
def test_points_that_are_no_pairs_are_refused(shape):
    with pytest.raises(ValueError, match=r"xy: expected a tensor of shape \(\.\.\., 2\), got"):
        SURFACES["Beale"](torch.zeros(shape))


@pytest.mark.parametrize("condition", [1.0, 3.7, 1000.0])
@pytest.mark.parametrize("angle", [-90.0, 0.0, 30.0, 77.0])
def test_quadratic_has_eigenvalues_one_and_condition_along_the_angle(condition, angle):
    config = SurfaceConfig.parse({"name": "Quadratic", "condition": condition, "angle": angle})
    hessian = torch.autograd.functional.hessian(
        config.evaluate, torch.tensor([0.3, -1.1], dtype=torch.float64)
    )
    expected = torch.tensor([1.0, condition], dtype=torch.float64)
    torch.testing.assert_close(torch.linalg.eigvalsh(hessian), expected, rtol=1e-12, atol=1e-12)
    radians = math.radians(angle)
    flat = torch.tensor([math.cos(radians), math.sin(radians)], dtype=torch.float64)
    torch.testing.assert_close(hessian @ flat, flat, rtol=0, atol=1e-10)


def test_parameters_that_are_not_named_take_their_defaults():
    point = torch.tensor([0.5, 2.0], dtype=torch.float64)
    surface = SURFACES["Quadratic"]
    assert surface(point) == surface(point, {"condition": 10.0, "angle": 30.0})
    assert surface(point, {"condition": 50.0}) == surface(point, {"condition": 50.0, "angle": 30.0})
    assert surface(point, {"condition": 50.0}) > surface(point)
