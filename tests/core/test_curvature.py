"""Derivatives against torch and the blackboard, kinds of points, and what a gradient step promises."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq, root

from optgui.core.curvature import (
    STATIONARY,
    curvature_at,
    curvatures_at,
    derivatives,
    find_stationary_points,
    largest_decreasing_lr,
    stationary_points,
    taylor,
)
from optgui.core.surface import SURFACES

ROSENBROCK = SURFACES["Rosenbrock"]
HIMMELBLAU = SURFACES["Himmelblau"]
PLACES = np.random.default_rng(1).uniform(-2, 2, (25, 2))


def bowl(condition, angle):
    return lambda xy: SURFACES["Quadratic"](xy, {"condition": condition, "angle": angle})


def saddle(xy):
    return xy[..., 0] ** 2 - xy[..., 1] ** 2


@pytest.mark.parametrize("name", ["Rosenbrock", "Quadratic", "Himmelblau", "Beale"])
def test_batched_derivatives_equal_torchs_own(name):
    values, gradients, hessians = derivatives(SURFACES[name], PLACES)
    for place, value, gradient, hessian in zip(PLACES, values, gradients, hessians, strict=True):
        point = torch.from_numpy(place)
        assert value == pytest.approx(float(SURFACES[name](point)), rel=1e-14)
        theirs = torch.autograd.functional.jacobian(SURFACES[name], point).numpy()
        np.testing.assert_allclose(gradient, theirs, rtol=1e-12, atol=1e-12)
        theirs = torch.autograd.functional.hessian(SURFACES[name], point).numpy()
        np.testing.assert_allclose(hessian, theirs, rtol=1e-12, atol=1e-11)


def test_hessian_of_rosenbrock_is_the_analytic_one():
    for x, y in PLACES:
        analytic = [[2 - 400 * (y - 3 * x**2), -400 * x], [-400 * x, 200]]
        np.testing.assert_allclose(curvature_at(ROSENBROCK, (x, y)).hessian, analytic, rtol=1e-12)


@pytest.mark.parametrize("condition", [1.0, 7.5, 1000.0])
@pytest.mark.parametrize("angle", [-90.0, -33.0, 0.0, 12.0, 90.0])
def test_quadratic_has_eigenvalues_one_and_kappa_at_any_angle(condition, angle):
    at = curvature_at(bowl(condition, angle), (0.7, -1.2))
    np.testing.assert_allclose(at.eigenvalues, [1, condition], rtol=1e-12)
    assert at.condition == pytest.approx(condition, rel=1e-12)
    if condition > 1:
        flat = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
        assert abs(at.eigenvectors[:, 0] @ flat) == pytest.approx(1, abs=1e-12)
        axes, direction = at.ellipse(2.0)
        assert axes == pytest.approx((2, 2 / math.sqrt(condition)), rel=1e-9)
        assert math.sin(math.radians(direction - angle)) == pytest.approx(0, abs=1e-9)  # the same axis


def test_eigenvectors_are_columns_that_rebuild_the_hessian():
    for at in curvatures_at(HIMMELBLAU, PLACES):
        rebuilt = at.eigenvectors @ np.diag(at.eigenvalues) @ at.eigenvectors.T
        np.testing.assert_allclose(rebuilt, at.hessian, atol=1e-10)
        assert at.eigenvalues[0] <= at.eigenvalues[1]


@pytest.mark.parametrize(
    ("function", "point", "kind", "shape"),
    [
        (bowl(10, 30), (0, 0), "minimum", "convex"),
        (lambda xy: -bowl(10, 30)(xy), (0, 0), "maximum", "concave"),
        (saddle, (0, 0), "saddle", "mixed"),
        (lambda xy: xy[..., 0] ** 2, (0, 1), "flat direction", "convex here, straight"),
        (lambda xy: -(xy[..., 0] ** 2), (0, 1), "flat direction", "concave here, straight"),
        (lambda xy: (xy**4).sum(-1), (0, 0), "flat direction", "no curvature"),
        (lambda xy: 2 * xy[..., 0] + xy[..., 1], (3, 4), "slope", "no curvature"),
        (lambda xy: torch.tensor(3.0), (0, 0), "flat direction", "no curvature"),
        (bowl(10, 30), (1, 1), "slope", "convex"),
        (saddle, (1, 1), "slope", "mixed"),
        (lambda xy: 1e-12 * bowl(2, 0)(xy), (1, 1), "slope", "convex"),
        (lambda xy: 1e12 * bowl(2, 0)(xy), (0, 0), "minimum", "convex"),
        (lambda xy: xy.norm(dim=-1).sqrt(), (0, 0), "not finite", "no curvature: "),
        (lambda xy: xy[..., 0].log() + xy[..., 1], (-1, 0), "not finite", "no curvature: "),
        (lambda xy: xy[..., 0].exp(), (800, 0), "not finite", "no curvature: "),
    ],
)
def test_a_point_is_called_what_it_is(function, point, kind, shape):
    at = curvature_at(function, point)
    assert at.kind == kind
    assert at.shape.startswith(shape)


def test_condition_is_infinite_where_the_hessian_is_singular():
    assert curvature_at(lambda xy: xy[..., 0] ** 2, (1, 1)).condition == math.inf
    assert curvature_at(lambda xy: xy.sum(-1), (1, 1)).condition == math.inf


def test_ellipse_of_a_flat_direction_is_a_line_along_it():
    axes, angle = curvature_at(lambda xy: xy[..., 0] ** 2, (0, 0)).ellipse(3.0)
    assert axes == (3.0, 0.0)
    assert abs(angle) == pytest.approx(90)


def test_what_is_handed_out_cannot_be_written():
    at = curvature_at(ROSENBROCK, (0, 0))
    for array in (at.point, at.gradient, at.hessian, at.eigenvalues, at.eigenvectors):
        assert not array.flags.writeable


def test_derivatives_are_there_although_the_caller_switched_autograd_off():
    with torch.no_grad():
        assert curvature_at(ROSENBROCK, (1, 1)).kind == "minimum"


@pytest.mark.parametrize("point", [(0,), (0, math.nan), (math.inf, 0), ((0, 0), (1, 1))])
def test_a_point_that_is_none_is_refused_with_a_sentence(point):
    with pytest.raises(ValueError, match="point: expected two finite numbers, got"):
        curvature_at(ROSENBROCK, point)


def test_ellipse_without_curvature_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="curvature: expected finite"):
        curvature_at(lambda xy: xy[..., 0].log(), (-1, 0)).ellipse()


def test_himmelblau_has_nine_stationary_points():
    found = stationary_points(HIMMELBLAU, HIMMELBLAU.domain)
    kinds = [at.kind for at in found]
    assert [kinds.count(kind) for kind in STATIONARY] == [4, 1, 4, 0]
    assert kinds == ["minimum"] * 4 + ["saddle"] * 4 + ["maximum"]  # lowest first
    for at in found:
        theirs = root(lambda p: derivatives(HIMMELBLAU, [p]).gradients[0], at.point, tol=1e-14)
        np.testing.assert_allclose(at.point, theirs.x, atol=1e-9)
        assert np.hypot(*at.gradient) < 1e-8
    minima = {(round(x, 6), round(y, 6)) for x, y in HIMMELBLAU.minima}
    assert {(round(x, 6), round(y, 6)) for x, y in (at.point for at in found[:4])} == minima


def test_rosenbrock_has_one_stationary_point():
    (found,) = stationary_points(ROSENBROCK, ROSENBROCK.domain)
    assert found.kind == "minimum"
    np.testing.assert_allclose(found.point, [1, 1], atol=1e-9)


def test_every_point_of_an_egg_box_is_found_once():
    found = stationary_points(lambda xy: torch.sin(xy).sum(-1), ((0, 12), (0, 9)))
    grid = [math.pi * (k + 0.5) for k in range(4)]  # 0.5 pi to 3.5 pi
    expected = sorted(itertools.product(grid, grid[:3]))
    assert len(found) == len(expected)
    np.testing.assert_allclose(sorted(tuple(at.point) for at in found), expected, atol=1e-9)
    for at in found:
        up = (np.sin(at.point) < 0).sum()
        assert at.kind == ("maximum", "saddle", "minimum")[up]


def test_only_points_inside_the_domain_are_reported():
    found = stationary_points(HIMMELBLAU, ((2.0, 4.0), (1.0, 3.0)))
    assert [at.point.round(9).tolist() for at in found] == [[3.0, 2.0]]


def test_a_tail_that_flattens_out_is_not_a_stationary_point():
    found = stationary_points(lambda xy: torch.exp(-(xy**2).sum(-1)), ((-6, 6), (-6, 6)))
    assert [at.kind for at in found] == ["maximum"]


def test_a_degenerate_point_is_called_flat():
    (found,) = stationary_points(lambda xy: xy[..., 0] ** 3 + xy[..., 1] ** 2, ((-1, 1), (-1, 1)))
    assert found.kind == "flat direction"
    np.testing.assert_allclose(found.point, 0, atol=1e-6)


def test_a_valley_floor_gives_a_few_flat_points_and_a_half_defined_function_none():
    floor = stationary_points(lambda xy: xy[..., 0] ** 2, ((-1, 1), (-1, 1)))
    assert 1 <= len(floor) <= 40
    assert {at.kind for at in floor} == {"flat direction"}
    assert stationary_points(lambda xy: xy[..., 0].log() + xy[..., 1], ((-1, 1), (-1, 1))) == ()
    assert stationary_points(lambda xy: xy.sum(-1) / 0.0, ((-1, 1), (-1, 1))) == ()


def test_starts_can_be_given_and_decide_what_is_found():
    (found,) = stationary_points(HIMMELBLAU, HIMMELBLAU.domain, seeds=[[3.1, 2.1]])
    np.testing.assert_allclose(found.point, [3, 2], atol=1e-9)


def test_search_in_slices_reports_rising_shares_and_the_same_points():
    shares, found = [], []

    def follow():
        found.extend((yield from find_stationary_points(HIMMELBLAU, HIMMELBLAU.domain)))

    shares.extend(follow())
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] < 1
    again = stationary_points(HIMMELBLAU, HIMMELBLAU.domain)
    assert [at.point.tolist() for at in found] == [at.point.tolist() for at in again]


@pytest.mark.parametrize(
    ("domain", "seeds", "tolerance", "words"),
    [
        (((1, 1), (0, 1)), 9, 1e-8, "domain: expected"),
        (((0, math.inf), (0, 1)), 9, 1e-8, "domain: expected"),
        (((0, 1), (0, 1)), 0, 1e-8, "seeds: expected"),
        (((0, 1), (0, 1)), 9, 0.0, "tolerance: expected"),
        (((0, 1), (0, 1)), [1.0, 2.0], 1e-8, "points: expected"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused_with_a_sentence(domain, seeds, tolerance, words):
    with pytest.raises(ValueError, match=words):
        stationary_points(HIMMELBLAU, domain, seeds, tolerance)


@pytest.mark.parametrize(("order", "power"), [(1, 2), (2, 3)])
def test_taylor_error_falls_by_the_power_after_its_order(order, power):
    at = curvature_at(HIMMELBLAU, (1.3, -0.4))
    direction = np.array([0.6, 0.8])
    errors = []
    for length in (1e-2, 5e-3):
        place = at.point + length * direction
        errors.append(abs(taylor(at, order, place) - float(HIMMELBLAU(torch.from_numpy(place)))))
    assert errors[0] / errors[1] == pytest.approx(2**power, rel=0.05)


def test_second_order_model_of_a_quadratic_is_the_quadratic():
    at = curvature_at(bowl(50, 20), (1, 2))
    grid = np.random.default_rng(0).normal(size=(4, 5, 2))
    np.testing.assert_allclose(taylor(at, 2, grid), bowl(50, 20)(torch.from_numpy(grid)), atol=1e-10)


def test_taylor_refuses_other_orders():
    with pytest.raises(ValueError, match="order: expected 1 or 2, got 3"):
        taylor(curvature_at(saddle, (0, 0)), 3, (0, 0))


@pytest.mark.parametrize("place", range(10))
def test_largest_decreasing_lr_of_a_quadratic_is_the_closed_form(place):
    at = curvature_at(bowl(80, -25), PLACES[place])
    g = at.gradient
    exact = 2 * (g @ g) / (g @ at.hessian @ g)
    assert largest_decreasing_lr(bowl(80, -25), PLACES[place]) == pytest.approx(exact, rel=1e-10)


def test_largest_decreasing_lr_on_rosenbrock_is_scipys_first_root():
    at = curvature_at(ROSENBROCK, (-1.2, 1))
    lr = largest_decreasing_lr(ROSENBROCK, at.point)

    def change(rate):
        return float(ROSENBROCK(torch.from_numpy(at.point - rate * at.gradient))) - at.value

    assert all(change(rate) < 0 for rate in np.linspace(1e-9, lr * (1 - 1e-9), 2000))
    assert brentq(change, lr * 0.999, lr * 1.001, xtol=1e-16) == pytest.approx(lr, rel=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1e3, -1e6])
@pytest.mark.parametrize("distance", [1.0, 1e-3, 1e-9])
def test_largest_decreasing_lr_survives_rounding_beside_a_high_minimum(offset, distance):
    lr = largest_decreasing_lr(lambda xy: offset + 5 * (xy[..., 0] - 1) ** 2, (1 + distance, 0))
    assert lr == pytest.approx(0.2, rel=1e-3)


@pytest.mark.parametrize(
    ("function", "point", "expected"),
    [
        (lambda xy: xy.sum(-1), (0, 0), math.inf),
        (saddle, (0.1, 1.0), math.inf),
        (saddle, (0.0, 0.0), 0.0),  # no gradient, no ray
        (lambda xy: torch.log(xy[..., 0]), (2.0, 0.0), 4.0),  # the edge of the domain
        (lambda xy: xy[..., 0].abs(), (1.0, 0.0), 2.0),
        (lambda xy: xy[..., 0].exp(), (1.0, 0.0), math.inf),
    ],
)
def test_largest_decreasing_lr_where_no_quadratic_helps(function, point, expected):
    assert largest_decreasing_lr(function, point) == pytest.approx(expected, rel=1e-10)


def test_largest_decreasing_lr_where_the_function_is_not_finite_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="point: expected one where the function is finite"):
        largest_decreasing_lr(lambda xy: xy[..., 0].log(), (-1, 0))
