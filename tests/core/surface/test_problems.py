"""Every surface of the registry: published formula, exact gradients, true minima, a start worth a race."""

import math
from math import pi

import numpy as np
import pytest
import scipy.optimize
import torch

from optgui.core.params import params_of
from optgui.core.surface import SURFACES, DescentConfig, DescentEngine, SurfaceConfig, sample
from optgui.core.surface.entry import root

NAMES = list(SURFACES)
FREE = [name for name in NAMES if SURFACES[name].feasible is None]  # of a set that the minima must lie in
SMOOTH = [name for name in NAMES if not SURFACES[name].kinks]
SETTINGS = [pytest.param(SurfaceConfig(name=name), id=name) for name in NAMES] + [
    pytest.param(
        SurfaceConfig.parse({"name": "Quadratic", "condition": 700, "angle": -71}), id="Quadratic-700"
    )
]


def levy(x, y):
    """As in the library of Surjanovic and Bingham, for d dimensions."""
    w = 1 + (np.array([x, y]) - 1) / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * pi * w[-1]) ** 2)
    return np.sin(pi * w[0]) ** 2 + middle.sum(0) + last


def goldstein_price(x, y):
    """The published polynomial, multiplied out by numpy instead of being nested."""
    a, b = x + y + 1, 2 * x - 3 * y
    return (1 + a**2 * (3 * a**2 - 20 * a + 36)) * (30 + b**2 * (3 * b**2 - 16 * b + 18))


def quadratic(x, y):
    flat = np.array([math.cos(pi / 6), math.sin(pi / 6)])
    steep = np.array([-flat[1], flat[0]])
    hessian = np.outer(flat, flat) + 10 * np.outer(steep, steep)
    return np.einsum("in,ij,jn->n", [x, y], hessian, [x, y]) / 2


def linear_regression(x, y):
    u, v = np.array(SURFACES["LinearRegression"].defaults["points"]).T
    design = np.stack([u, np.ones_like(u)], axis=1)
    return np.linalg.norm(design @ np.array([x, y]) - v[:, None], axis=0) ** 2


def logistic_regression(x, y):
    data = np.array(SURFACES["LogisticRegression"].defaults["points"])
    margins = data[:, 2:] * (data[:, :2] @ np.array([x, y]))
    return np.log1p(np.exp(-margins)).sum(0) + 0.1 / 2 * (x**2 + y**2)


# What the sources print, in numpy.
PUBLISHED = {
    "Quadratic": quadratic,
    "Ravine": lambda x, y: np.hypot(1, (x + y) / 2**0.5) - 1 + 25 * (x - y) ** 2,
    "Plateau": lambda x, y: 1 - np.exp(-0.5 * np.hypot(x, y) ** 2),
    "Saddle": lambda x, y: (x + y) * (x - y) / 2,
    "MonkeySaddle": lambda x, y: ((x + 1j * y) ** 3).real,
    "Booth": lambda x, y: 5 * x**2 + 8 * x * y + 5 * y**2 - 34 * x - 38 * y + 74,
    "Matyas": lambda x, y: 0.26 * (x**2 + y**2) - 0.48 * x * y,
    "Rosenbrock": lambda x, y: scipy.optimize.rosen(np.array([x, y])),
    "Beale": lambda x, y: sum((c - x * (1 - y**n)) ** 2 for n, c in ((1, 1.5), (2, 2.25), (3, 2.625))),
    "Himmelblau": lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
    "ThreeHumpCamel": lambda x, y: 2 * x**2 - 1.05 * x**4 + x**6 / 6 + x * y + y**2,
    "SixHumpCamel": lambda x, y: 4 * x**2 - 2.1 * x**4 + x**6 / 3 + x * y - 4 * y**2 + 4 * y**4,
    "McCormick": lambda x, y: np.sin(x + y) + (x - y) ** 2 - 1.5 * x + 2.5 * y + 1,
    "StyblinskiTang": lambda x, y: sum(v**4 - 16 * v**2 + 5 * v for v in (x, y)) / 2,
    "GoldsteinPrice": goldstein_price,
    "Griewank": lambda x, y: 1 + (x**2 + y**2) / 4000 - np.cos(x) * np.cos(y / np.sqrt(2)),
    "Rastrigin": lambda x, y: 20 + sum(v**2 - 10 * np.cos(2 * pi * v) for v in (x, y)),
    "Ackley": lambda x, y: -20 * np.exp(-0.2 * np.sqrt((x**2 + y**2) / 2))
    - np.exp((np.cos(2 * pi * x) + np.cos(2 * pi * y)) / 2) + np.e + 20,
    "Levy": levy,
    "Easom": lambda x, y: -np.cos(x) * np.cos(y) * np.exp(-((x - pi) ** 2 + (y - pi) ** 2)),
    "BukinN6": lambda x, y: 100 * np.sqrt(np.abs(y - 0.01 * x**2)) + 0.01 * np.abs(x + 10),
    "ConvexBowl": lambda x, y: np.cosh(x) - 1,
    "DoubleWell": lambda x, y: np.polyval([1 / 4, 0, -1, 0.3, 0], x),
    "Wavy": lambda x, y: x**2 / 8 + np.sin(4 * x),
    "LinearRegression": linear_regression,
    "LogisticRegression": logistic_regression,
    "SVM": lambda x, y: np.linalg.norm([x, y], axis=0) ** 2,
    "LinearProgram": lambda x, y: x / 2 + 3**0.5 / 2 * y,
    "Formula": lambda x, y: x**2 + 10 * np.sin(y),
}  # fmt: skip

# Lowest values as the surveys print them.
LOWEST = {"SixHumpCamel": -1.0316, "McCormick": -1.9133, "StyblinskiTang": -78.3323, "GoldsteinPrice": 3,
          "Easom": -1}  # fmt: skip


def points_in(domain, count, seed=0):
    (x0, x1), (y0, y1) = domain
    unit = torch.rand(count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return unit * torch.tensor([x1 - x0, y1 - y0]) + torch.tensor([x0, y0])


def gradient(function, points):
    points = points.clone().requires_grad_()
    return torch.autograd.grad(function(points).sum(), points)[0]


def pairs(points):
    return torch.tensor(points, dtype=torch.float64).reshape(-1, 2)


def minima_of(config):
    entry = config.entry
    return entry.find_minima(config.values) if entry.find_minima else entry.minima


def axes_of(config):
    """The axes along which a surface is not the same everywhere."""
    return slice(config.entry.dimension)


def pits(config, count):
    """The `count` lowest pits of a grid, each followed by scipy to its local minimum: (x, y, value)."""
    if config.entry.dimension == 1:
        return pits_along_x(config)[:count]
    grid = sample(config, 201, 201)
    z, middle = grid.z, grid.z[1:-1, 1:-1]
    shifts = [(r, c) for r in (0, 1, 2) for c in (0, 1, 2) if (r, c) != (1, 1)]
    pit = np.all([middle < z[r : r + 199, c : c + 199] for r, c in shifts], axis=0)
    rows, columns = np.nonzero(pit)
    order = np.argsort(middle[rows, columns])[:count]

    def value_and_slope(xy):
        point = torch.from_numpy(xy)
        return config.evaluate(point).item(), gradient(config.evaluate, point).numpy()

    found = []
    for row, column in zip(rows[order], columns[order], strict=True):
        start = (grid.x[column + 1], grid.y[row + 1])
        end = scipy.optimize.minimize(value_and_slope, start, jac=True, tol=1e-9)
        hessian = torch.autograd.functional.hessian(config.evaluate, torch.from_numpy(end.x))
        if torch.linalg.eigvalsh(hessian).min() > 0:  # a search may end on a saddle point
            found.append((*end.x, end.fun))
    return found


def pits_along_x(config):
    grid = sample(config, 2001, 2)
    assert np.array_equal(grid.z[0], grid.z[1])
    z, found = grid.z[0], []
    for place in 1 + np.flatnonzero((z[1:-1] < z[:-2]) & (z[1:-1] < z[2:])):
        bracket = tuple(grid.x[place - 1 : place + 2])
        end = scipy.optimize.minimize_scalar(lambda x: config.value(x, 0.0), bracket, tol=1e-12)
        found.append((end.x, 0.0, end.fun))
    return sorted(found, key=lambda pit: pit[2])


def test_there_are_at_least_twenty_surfaces_and_each_has_a_published_form_here():
    assert len(SURFACES) >= 20
    assert set(PUBLISHED) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_the_published_formula(name):
    points = points_in(SURFACES[name].domain, 200, seed=3)
    expected = PUBLISHED[name](*points.numpy().T)
    np.testing.assert_allclose(SURFACES[name](points).numpy(), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("config", SETTINGS)
def test_gradient_equals_central_differences_in_float64(config):
    points = points_in(config.entry.domain, 20).requires_grad_()
    assert torch.autograd.gradcheck(config.evaluate, (points,), eps=1e-6, atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize("config", [case for case in SETTINGS if case.values[0].name in {*SMOOTH} & {*FREE}])
def test_listed_minima_are_stationary_with_a_positive_hessian(config):
    axes = axes_of(config)
    for minimum in minima_of(config) + config.entry.local_minima:
        point = torch.tensor(minimum, dtype=torch.float64)
        assert gradient(config.evaluate, point).abs().max() < 1e-8
        hessian = torch.autograd.functional.hessian(config.evaluate, point)
        assert torch.linalg.eigvalsh(hessian[axes, axes]).min() > 0


@pytest.mark.parametrize("name", [name for name in NAMES if SURFACES[name].kinks])
def test_minima_at_kinks_have_a_finite_subgradient_and_lie_below_all_neighbours(name):
    surface = SURFACES[name]
    assert surface.minima
    for minimum in pairs(surface.minima):
        assert gradient(surface, minimum).isfinite().all()
        angles = torch.linspace(0, 2 * pi, 65, dtype=torch.float64)
        ring = torch.stack([angles.cos(), angles.sin()], dim=1)
        for radius in (1e-9, 1e-5, 0.02):
            assert (surface(minimum + radius * ring) > surface(minimum)).all()


def test_the_slope_of_a_kink_does_not_vanish_beside_it():
    near = gradient(SURFACES["Ackley"], pairs([(1e-9, 0.0), (0.0, -1e-9)]))
    torch.testing.assert_close(near, pairs([(8**0.5, 0.0), (0.0, -(8**0.5))]), rtol=1e-6, atol=1e-6)


def test_root_is_the_square_root_with_slope_zero_at_zero():
    values = torch.tensor([4.0, 0.0, 1e-300, -1.0, torch.nan, torch.inf], dtype=torch.float64)
    expected = torch.tensor([2.0, 0.0, 1e-150, torch.nan, torch.nan, torch.inf], dtype=torch.float64)
    torch.testing.assert_close(root(values), expected, rtol=1e-15, atol=0, equal_nan=True)
    slopes = gradient(root, values)
    torch.testing.assert_close(slopes[:3], torch.tensor([0.25, 0, 5e149], dtype=torch.float64))


@pytest.mark.parametrize(
    "config", [case for case in SETTINGS if case.values[0].name in FREE and minima_of(case.values[0])]
)
def test_no_grid_point_lies_below_the_minima_and_the_lowest_lies_beside_one(config):
    grid = sample(config, 301, 301)
    values = config.evaluate(pairs(minima_of(config)))
    torch.testing.assert_close(values, values[:1].expand_as(values), rtol=0, atol=1e-12)
    assert grid.z.min() >= values.min().item() - 1e-12
    row, column = np.unravel_index(grid.z.argmin(), grid.z.shape)
    lowest = (grid.x[column], grid.y[row])
    axes = axes_of(config)
    assert min(math.dist(lowest[axes], minimum[axes]) for minimum in minima_of(config)) < 0.2


@pytest.mark.parametrize("name", [name for name in SMOOTH if SURFACES[name].minima])
def test_the_lowest_minima_that_scipy_finds_are_the_global_ones(name):
    surface = SURFACES[name]
    lowest = surface(pairs(surface.minima)).min().item()
    found = [(x, y) for x, y, value in pits(SurfaceConfig(name=name), 8) if value < lowest + 1e-6]
    assert found
    for point in found:
        assert min(math.dist(point, minimum) for minimum in surface.minima) < 1e-4


@pytest.mark.parametrize("name", [name for name in NAMES if SURFACES[name].local_minima])
def test_where_local_minima_are_listed_scipy_finds_them_all_and_no_others(name):
    surface = SURFACES[name]
    listed = surface.minima + surface.local_minima
    (x0, x1), (y0, y1) = surface.domain
    found = [(x, y) for x, y, _ in pits(SurfaceConfig(name=name), 100) if x0 < x < x1 and y0 < y < y1]
    for point in found:
        assert min(math.dist(point, minimum) for minimum in listed) < 1e-4
    for minimum in listed:
        assert min(math.dist(point, minimum) for point in found) < 1e-4


@pytest.mark.parametrize("name", [name for name in NAMES if SURFACES[name].local_minima])
def test_local_minima_lie_above_the_global_ones(name):
    surface = SURFACES[name]
    assert surface(pairs(surface.local_minima)).min() > surface(pairs(surface.minima)).max() + 0.1


@pytest.mark.parametrize(("name", "value"), LOWEST.items())
def test_the_lowest_value_is_the_published_one(name, value):
    assert SURFACES[name](pairs(SURFACES[name].minima))[0].item() == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in NAMES
        if not SURFACES[name].minima and not SURFACES[name].find_minima and name != "Formula"
    ],
)
def test_a_surface_without_minima_has_a_critical_point_and_goes_down_on_both_sides_of_it(name):
    origin, beside = pairs([(0, 0)]), pairs([(0, 0.01), (-0.01, 0.0), (0.01, 0.015)])
    assert (gradient(SURFACES[name], origin) == 0).all()
    assert SURFACES[name](beside).min() < SURFACES[name](origin) < SURFACES[name](-beside).max()


@pytest.mark.parametrize("name", NAMES)
def test_some_rate_of_a_ladder_lowers_the_surface_from_its_start(name):
    racers = [{"optimizer": {"name": "SGD", "lr": 10.0**power}} for power in range(2, -6, -1)]
    engine = DescentEngine(DescentConfig.parse({"surface": name, "steps": 200, "racers": racers}))
    while not engine.done:
        engine.step()
    losses = engine.frame().losses
    height = losses[0, 0] - np.nanmin(sample(SurfaceConfig(name=name), 101, 101).z)
    assert losses[:, -1].min() < losses[0, 0] - 0.2 * height


@pytest.mark.parametrize("name", NAMES)
def test_start_and_minima_lie_in_the_domain_and_the_start_has_a_slope(name):
    surface = SURFACES[name]
    (x0, x1), (y0, y1) = surface.domain
    points = (surface.start, *minima_of(SurfaceConfig(name=name)), *surface.local_minima)
    assert all(x0 <= x <= x1 and y0 <= y <= y1 for x, y in points)
    assert 1e-4 < gradient(surface, pairs([surface.start])).norm() < 1e4


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
    assert SURFACES[name](points.float()).dtype == torch.float32


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
