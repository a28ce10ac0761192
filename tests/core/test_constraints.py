"""Convex sets: projections against scipy and brute force, multipliers, outlines, and refusals in words."""

import itertools
import json
import math
import pickle

import numpy as np
import pytest
import torch
from scipy import optimize, spatial

from optgui.core.constraints import (
    CONSTRAINTS,
    Ball,
    Box,
    ConstraintConfig,
    HalfSpace,
    Intersection,
    Line,
    Polygon,
    Simplex,
    WholeSpace,
    projected_gradient_measure,
)
from optgui.core.constraints.multipliers import nonnegative_least_squares

DOMAIN = ((-3.0, 3.0), (-2.0, 2.5))
PENTAGON = ((-1.0, -0.5), (1.0, -1.0), (2.0, 0.5), (0.5, 1.5), (-0.8, 1.0))
OBLIQUE = (1.0, -2.0, 0.5, 0.3, -0.7, 2.0, 0.1, -1.1)
PLANE = ((1.0, 0.2, -0.5, 0.0, 0.3, 1.0, 0.0, 0.7), (0.0, 1.0, 1.0, -2.0, 0.1, 0.0, 0.4, 0.2))


def in_dimension(n):
    """Every kind of set that exists in n dimensions, by a readable name."""
    sets = {
        **{name: CONSTRAINTS[name]() for name in CONSTRAINTS if name != "Polygon"},
        "Ball off center": Ball(OBLIQUE[:n], 0.7),
        "Box of its own sides": Box(tuple(-1.0 - k for k in range(n)), tuple(0.5 * k for k in range(n))),
        "Box that is flat": Box(tuple(min(0.5, k) for k in range(n)), 0.5),
        "HalfSpace oblique": HalfSpace(OBLIQUE[:n], -0.5),
        "Line oblique": Line(OBLIQUE[::-1][:n], OBLIQUE[:n]),
        "Simplex large": Simplex(3.5),
        "Intersection of round sets": Intersection(
            (Ball(), Ball(OBLIQUE[:n], math.hypot(*OBLIQUE[:n]) - 0.4))
        ),
        "Intersection of three": Intersection((Ball(0.1, 1.2), Box(-0.5, 1.0), HalfSpace(OBLIQUE[:n], 0.1))),
    }
    if n == 2:
        sets["Polygon"] = CONSTRAINTS["Polygon"]()
        sets["Polygon of five corners"] = Polygon(PENTAGON)
        sets["Polygon that is a segment"] = Polygon(((0.0, 0.0), (2.0, 1.0), (1.0, 0.5)))
        sets["Polygon that is a point"] = Polygon(((0.3, -0.2), (0.3, -0.2)))
        sets["Intersection of an edge"] = Intersection((Polygon(PENTAGON), Line((0.0, 0.2), (2.0, 1.0))))
    if n > 2:
        sets["Line of two directions"] = Line(0.25, tuple(row[:n] for row in PLANE))
    return sets


def degenerate(constraint):
    """A polygon without an inside, which scipy's hull refuses."""
    return isinstance(constraint, Polygon) and len(constraint.corners) < 3


SETS = [
    pytest.param(made, n, id=f"{name}-{n}") for n in (1, 2, 3, 8) for name, made in in_dimension(n).items()
]
every_set = pytest.mark.parametrize(("constraint", "n"), SETS)


def scatter(n, count=40, seed=0):
    """Points near and far, (count, n)."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, n, generator=generator, dtype=torch.float64)
    return points * torch.logspace(-1, 1, count, dtype=torch.float64)[:, None]


def members(constraint, n, count=200):
    """Points (m, n) of a set, made without its projection; for an intersection, those that all sets hold."""
    rng = np.random.default_rng(1)
    match constraint:
        case WholeSpace():
            found = rng.normal(size=(count, n))
        case Ball():
            away = rng.normal(size=(count, n))
            away *= constraint.radius * rng.uniform(0, 1, (count, 1)) / np.linalg.norm(away, axis=1)[:, None]
            found = constraint.center + away
        case Box():
            found = rng.uniform(np.broadcast_to(constraint.low, n), constraint.high, (count, n))
        case HalfSpace():
            a = np.broadcast_to(constraint.normal, n)
            found = rng.normal(size=(count, n)) * 2
            found -= np.outer(np.maximum(found @ a - constraint.offset, 0) * rng.uniform(1, 2, count), a) / (
                a @ a
            )
        case Line():
            rows = np.atleast_2d(
                np.broadcast_to(constraint.direction, n)
                if np.ndim(constraint.direction) == 0
                else constraint.direction
            )
            found = constraint.point + rng.normal(size=(count, len(rows))) @ rows
        case Simplex():
            found = constraint.total * rng.dirichlet(np.full(n, 0.5), count)
        case Polygon():
            corners = np.array(constraint.vertices)
            found = rng.dirichlet(np.full(len(corners), 0.5), count) @ corners
        case Intersection():
            # of a ball of full dimension with others: keep what all of them hold, else what lies on a line
            thin = [s for s in constraint.sets if isinstance(s, Line)]
            found = members(thin[0] if thin else constraint.sets[0], n, 20 * count).numpy()
            for other in constraint.sets:
                found = found[holds(other, found)]
            assert len(found) > 5
    return torch.tensor(found)


def holds(constraint, points):
    """Which points (m, n) satisfy the definition of the set."""
    n = points.shape[1]
    points = np.asarray(points)
    match constraint:
        case Ball():
            return np.linalg.norm(points - constraint.center, axis=1) <= constraint.radius
        case Box():
            return ((points >= constraint.low) & (points <= constraint.high)).all(axis=1)
        case HalfSpace():
            return points @ np.broadcast_to(constraint.normal, n) <= constraint.offset
        case Polygon():
            return spatial.Delaunay(np.array(constraint.vertices)).find_simplex(points) >= 0
        case Line():
            return np.ones(len(points), dtype=bool)
    raise AssertionError(constraint)


def inequalities(constraint, n):
    """(equations, inequalities) f(z) = 0 and f(z) >= 0 that describe a set to scipy."""
    match constraint:
        case WholeSpace():
            return [], []
        case Ball():
            return [], [lambda z: constraint.radius**2 - ((z - constraint.center) ** 2).sum()]
        case Box():
            return [], [lambda z: z - np.broadcast_to(constraint.low, n), lambda z: constraint.high - z]
        case HalfSpace():
            return [], [lambda z: constraint.offset - z @ np.broadcast_to(constraint.normal, n)]
        case Line():
            rows = np.atleast_2d(
                np.broadcast_to(constraint.direction, n)
                if np.ndim(constraint.direction) == 0
                else constraint.direction
            )
            across = np.linalg.svd(rows)[2][np.linalg.matrix_rank(rows) :]
            return ([lambda z: across @ (z - constraint.point)] if len(across) else []), []
        case Simplex():
            return [lambda z: z.sum() - constraint.total], [lambda z: z]
        case Polygon():
            hull = spatial.ConvexHull(np.array(constraint.vertices))
            return [], [lambda z: -(hull.equations[:, :2] @ z + hull.equations[:, 2])]
        case Intersection():
            parts = [inequalities(part, n) for part in constraint.sets]
            return [f for part in parts for f in part[0]], [f for part in parts for f in part[1]]
    raise AssertionError(constraint)


def scipys_minimizer(objective, slope, constraint, start):
    equations, bounds = inequalities(constraint, len(start))
    rules = [{"type": "eq", "fun": f} for f in equations] + [{"type": "ineq", "fun": f} for f in bounds]
    found = optimize.minimize(
        objective,
        start,
        jac=slope,
        constraints=rules,
        method="SLSQP",
        options={"ftol": 1e-16, "maxiter": 500},
    )
    return found.x


# --- projections -----------------------------------------------------------------------------------------


@every_set
def test_a_projection_lies_in_the_set_and_projecting_again_changes_nothing(constraint, n):
    points = constraint.project(scatter(n))
    assert points.dtype == torch.float64
    assert constraint.contains(points).all()
    assert (constraint.project(points) - points).abs().max() <= 1e-9
    for equation in inequalities(constraint, n)[0] if not degenerate(constraint) else []:
        assert max(np.abs(equation(p)).max() for p in points.numpy()) <= 1e-8
    for inequality in inequalities(constraint, n)[1] if not degenerate(constraint) else []:
        assert min(np.min(inequality(p)) for p in points.numpy()) >= -1e-8


@every_set
def test_points_of_the_set_stay_where_they_are(constraint, n):
    inside = members(constraint, n)
    assert (constraint.project(inside) - inside).abs().max() <= 1e-9
    assert constraint.contains(inside).all()
    assert (constraint.distance(inside) <= 1e-9).all()


@every_set
def test_the_way_to_the_projection_makes_no_acute_angle_with_the_way_into_the_set(constraint, n):
    x, y = scatter(n), members(constraint, n)
    p = constraint.project(x)
    products = ((x - p)[:, None] * (y[None] - p[:, None])).sum(-1)
    assert products.max() <= 1e-8


@every_set
def test_a_batch_is_its_points_one_by_one(constraint, n):
    x = scatter(n, 12)
    one_by_one = torch.stack([constraint.project(point) for point in x])
    assert torch.allclose(constraint.project(x), one_by_one, rtol=0, atol=1e-14)
    assert torch.equal(constraint.project(x.reshape(3, 4, n)).reshape(12, n), constraint.project(x))
    assert constraint.project(x[:0]).shape == (0, n)
    assert constraint.distance(x.reshape(3, 4, n)).shape == (3, 4)


@every_set
def test_float32_gives_the_projection_rounded_to_float32(constraint, n):
    x = scatter(n).float()
    points = constraint.project(x)
    assert points.dtype == torch.float32
    assert torch.equal(points, constraint.project(x.double()).float())
    assert constraint.contains(points).all()
    assert constraint.distance(x).dtype == torch.float32


@pytest.mark.parametrize(("constraint", "n"), [case for case in SETS if not degenerate(case.values[0])])
def test_the_projection_is_the_nearest_point_that_scipy_finds(constraint, n):
    start = members(constraint, n)[0].numpy()
    for x in scatter(n, 4, seed=3).clamp(-20, 20):
        goal = x.numpy()
        found = scipys_minimizer(
            lambda z, goal=goal: ((z - goal) ** 2).sum() / 2, lambda z, goal=goal: z - goal, constraint, start
        )
        assert constraint.project(x).numpy() == pytest.approx(found, abs=2e-6)


@every_set
def test_a_point_that_is_not_finite_spoils_no_other(constraint, n):
    x = scatter(n, 3)
    x[1] = math.nan
    points = constraint.project(x)
    assert torch.equal(points[[0, 2]], constraint.project(x[[0, 2]]))
    assert points[1].isnan().any()


@pytest.mark.parametrize("total", [1.0, 0.01, 40.0])
def test_the_simplex_projection_is_the_best_over_all_supports(total):
    simplex = Simplex(total)
    for x in scatter(6, 25, seed=5):
        best, nearest = math.inf, None
        for size in range(1, 7):
            for support in map(list, itertools.combinations(range(6), size)):
                z = torch.zeros(6, dtype=torch.float64)
                z[support] = x[support] - (x[support].sum() - total) / size
                if (z >= 0).all() and (z - x).norm() < best:
                    best, nearest = float((z - x).norm()), z
        assert torch.allclose(simplex.project(x), nearest, rtol=0, atol=1e-12)


def test_the_simplex_projection_of_huge_numbers_keeps_the_sum():
    x = torch.tensor([1e12 + 0.25, 1e12, -1e12], dtype=torch.float64)
    assert Simplex().project(x).tolist() == [0.625, 0.375, 0.0]


def test_the_ball_projection_of_huge_numbers_stays_on_the_sphere():
    points = Ball(radius=2.0).project(torch.tensor([[3e200, 4e200], [-1e300, 0]], dtype=torch.float64))
    assert points.tolist() == [pytest.approx([1.2, 1.6]), pytest.approx([-2.0, 0.0])]


# --- polygons --------------------------------------------------------------------------------------------


def test_corners_are_those_of_scipys_hull():
    for seed in range(20):
        points = np.random.default_rng(seed).normal(size=(30, 2))
        hull = points[spatial.ConvexHull(points).vertices]
        assert {tuple(p) for p in hull} == set(Polygon(points).corners)


def test_points_on_an_edge_and_inside_are_no_corners():
    square = ((0, 0), (1, 0), (1, 1), (0, 1))
    extra = ((0.5, 0), (1, 0.25), (1, 0.5), (0.3, 0.3), (0, 0), (0.1, 1), (0.7, 1))
    assert Polygon(square + extra).corners == square
    assert Polygon(tuple(number for pair in square for number in pair)).corners == square


@pytest.mark.parametrize(
    "vertices", [((0.1, 0.3), (0.4, 0.9), (0.2, 0.5), (0.3, 0.7)), (0.1, 0.3, 0.4, 0.9), (0.4, 0.9, 0.1, 0.3)]
)
def test_points_of_one_line_make_a_segment(vertices):
    segment = Polygon(vertices)
    assert segment.corners == ((0.1, 0.3), (0.4, 0.9))
    x = torch.tensor([[-5.0, 0.0], [5.0, 5.0], [0.25 + 2, 0.6 - 1]], dtype=torch.float64)
    expected = torch.tensor([[0.1, 0.3], [0.4, 0.9], [0.25, 0.6]], dtype=torch.float64)
    assert torch.allclose(segment.project(x), expected, rtol=0, atol=1e-12)


def test_points_that_only_rounding_takes_off_a_line_make_a_segment():
    rng = np.random.default_rng(3)
    for _ in range(20):
        (start, along), shares = rng.normal(size=(2, 2)), np.append(rng.uniform(0, 1, 20), (0, 1))
        points = start + shares[:, None] * along
        assert len({*Polygon(points).corners}) == 2
        assert set(Polygon(points).corners) <= {tuple(p) for p in points[-2:]}


def test_dykstra_agrees_with_the_direct_projection_of_the_same_polygon():
    polygon = Polygon(PENTAGON)
    planes = polygon.half_planes()
    pieces = Intersection(tuple(HalfSpace(a, b) for a, b in zip(*planes, strict=True)))
    x = scatter(2, 60)
    assert (pieces.project(x) - polygon.project(x)).abs().max() <= 1e-8


# --- intersections ---------------------------------------------------------------------------------------


def test_a_report_tells_sweeps_and_residual_of_each_point():
    lens = Intersection((Ball(0.0, 1.0), Ball((1.0, 0.0), 1.0)))
    x = torch.tensor([[0.5, 0.1], [0.5, 3.0], [-4.0, 1.0]], dtype=torch.float64)
    report = lens.project_report(x)
    assert torch.equal(report.point, lens.project(x))
    assert report.sweeps[0] == 1
    assert report.residual[0] == 0
    assert (report.sweeps[1:] > 1).all()
    assert (report.residual <= 1e-10 * x.norm(dim=-1).clamp(min=1)).all()
    assert report.point[1].tolist() == pytest.approx([0.5, math.sqrt(0.75)], abs=1e-9)


def test_sets_whose_projection_is_a_formula_report_no_sweeps():
    report = Ball().project_report(scatter(2, 5))
    assert torch.equal(report.point, Ball().project(scatter(2, 5)))
    assert not report.sweeps.any()
    assert not report.residual.any()


def test_dykstra_is_not_stopped_by_iterates_that_stand_still():
    # From here x stands still at the corner (0, 1) of the box for some 25 sweeps.
    box, line = Box((0.0, 0.0), (1.0, 1.0)), HalfSpace((-1.0, -1.0), -1.75)
    x = torch.tensor([-49.0, 50.0], dtype=torch.float64)
    report = Intersection((box, line)).project_report(x)
    assert report.point.tolist() == pytest.approx([0.75, 1.0], abs=1e-9)


@pytest.mark.parametrize("distance", [3.0, 1e2, 1e4, 1e6])
def test_a_projection_from_far_away_is_as_exact_as_one_from_nearby(distance):
    corner = np.array([0.5, math.sqrt(0.75)])  # of the lens, where the normals of both balls bound a cone
    lens = Intersection((Ball(0.0, 1.0), Ball((1.0, 0.0), 1.0)))
    cut = Intersection((Box((-1.0, -1.0), (1.0, 1.0)), HalfSpace((1.0, 1.0), 0.5), Polygon(PENTAGON)))
    for share in (0.2, 0.5, 0.9):
        outward = share * corner + (1 - share) * (corner - (1.0, 0.0))
        report = lens.project_report(torch.from_numpy(corner + distance * outward))
        assert report.point.numpy() == pytest.approx(corner, abs=1e-9)
        assert report.sweeps < 1000
    for x in scatter(2, 8, seed=6):
        goal = distance * x / x.norm()
        report = cut.project_report(goal)
        gradient = (report.point - goal).numpy()
        assert cut.multipliers(report.point, gradient / distance, 1e-9).residual <= 1e-9
        assert report.sweeps < 1000


def test_nested_intersections_are_one():
    parts = (Ball((0.0, 0.0), 1.0), HalfSpace((1.0, 1.0), 0.5), Box(-0.8, 0.9))
    nested = Intersection((Intersection(parts[:2]), WholeSpace(), parts[2]))
    assert nested.members == parts
    assert torch.equal(nested.project(scatter(2)), Intersection(parts).project(scatter(2)))


def test_an_intersection_of_nothing_but_the_whole_space_is_the_whole_space():
    everything = Intersection((WholeSpace(), WholeSpace()))
    assert torch.equal(everything.project(scatter(3)), scatter(3))
    assert everything.outline(DOMAIN) is None


@pytest.mark.parametrize(
    ("sets", "gap"),
    [
        ((Ball((0.0, 0.0), 1.0), Ball((3.0, 4.0), 1.5)), 2.5),
        ((Ball((0.0, 0.0), 1.0), HalfSpace((0.0, -2.0), -3.0)), 0.5),
        ((Box((0.0, 0.0), (1.0, 1.0)), Box((2.0, 3.0), (4.0, 4.0))), math.sqrt(5)),
        ((HalfSpace((1.0, 1.0), 0.0), HalfSpace((-1.0, -1.0), -0.002)), 0.002 / math.sqrt(2)),
        ((Line((0.0, 0.0), (1.0, 2.0)), Line((0.0, 1.0), (1.0, 2.0))), 1 / math.sqrt(5)),
        ((Polygon(PENTAGON), Ball((3.0, 0.5), 0.9)), 0.1),
        ((Polygon((0.0, 0.0)), Polygon((0.0, 1e-6))), 1e-6),
        ((Simplex(), HalfSpace((1.0, 1.0), 0.5)), 0.5 / math.sqrt(2)),
        ((Box(0.0, 1e6), Ball((-3e5, -4e5), 499999.0)), 1.0),
        ((WholeSpace(), Ball((0.0, 0.0, 0.0), 1.0), Ball((0.0, 3.0, 0.0), 1.0)), 1.0),
    ],
)
def test_sets_that_do_not_meet_are_refused_with_their_distance(sets, gap):
    empty = Intersection(sets)
    assert empty.is_empty
    assert empty.gap() == pytest.approx(gap, rel=1e-5)
    sentence = rf"^sets: expected sets that meet, got an empty intersection \(distance {gap:.3g}\)$"
    with pytest.raises(ValueError, match=sentence):
        CONSTRAINTS["Intersection"](sets=sets)
    with pytest.raises(ValueError, match=sentence):
        empty.project(scatter(empty.dimension, 1))


def test_three_sets_of_which_any_two_meet_may_still_be_empty():
    sides = tuple(HalfSpace((math.cos(t), math.sin(t)), -0.1) for t in (0.3, 0.3 + 2, 0.3 + 4))
    assert Intersection(sides).is_empty
    assert not any(Intersection(pair).is_empty for pair in itertools.combinations(sides, 2))


@pytest.mark.parametrize(
    ("sets", "point"),
    [
        ((Ball((0.0, 0.0), 1.0), Ball((3.0, 0.0), 2.0)), (1.0, 0.0)),
        ((Ball((0.0, 0.0), 1.0), HalfSpace((0.0, -1.0), -1.0)), (0.0, 1.0)),
        ((Box((0.0, 0.0), (1.0, 1.0)), Box((1.0, 1.0), (4.0, 4.0))), (1.0, 1.0)),
        ((HalfSpace((1.0, 0.0), 0.5), HalfSpace((-1.0, 0.0), -0.5), Line(0.0, (1.0, 2.0))), (0.5, 1.0)),
    ],
)
def test_sets_that_only_touch_are_not_empty(sets, point):
    touching = Intersection(sets)
    assert not touching.is_empty
    report = touching.project_report(torch.tensor([0.5, 0.2], dtype=torch.float64))
    # of round sets that touch, Dykstra's sweeps run out: the error falls like 1 / sqrt(sweeps)
    assert report.point.tolist() == pytest.approx(point, abs=0.05)
    assert (report.residual <= 1e-10) | (report.sweeps == 10_000)


def test_whether_sets_of_any_dimension_meet_depends_on_the_dimension():
    far = Intersection((Ball(0.0, 1.0), Box(0.6, 1.0)))
    assert [far.gap(n) > 0 for n in (1, 2, 3)] == [False, False, True]
    assert CONSTRAINTS["Intersection"](sets=far.sets) == far
    with pytest.raises(ValueError, match="empty intersection"):
        far.project(scatter(3, 1))


def test_random_boxes_and_balls_meet_where_scipy_says_so():
    rng = np.random.default_rng(4)
    answers = set()
    for _ in range(40):
        low = rng.normal(size=3)
        box, ball = Box(low, low + rng.uniform(0, 1, 3)), Ball(rng.normal(size=3), rng.uniform(0.2, 1.5))
        bounds = list(zip(box.low, box.high, strict=True))
        nearest = optimize.lsq_linear(
            np.eye(3), np.array(ball.center), bounds=list(zip(*bounds, strict=True))
        ).x
        gap = max(0.0, float(np.linalg.norm(nearest - ball.center)) - ball.radius)
        assert Intersection((box, ball)).gap() == pytest.approx(gap, abs=1e-7)
        answers.add(gap > 0)
    assert answers == {True, False}


# --- multipliers -----------------------------------------------------------------------------------------


def bowl(n, seed):
    """A random strictly convex quadratic: its Hessian and its free minimizer, well away from 0."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n))
    return root @ root.T / n + np.eye(n), 3 * rng.normal(size=n)


def constrained_minimizer(constraint, hessian, center):
    """By projected gradient steps of the largest curvature's inverse, which converge linearly."""
    x = constraint.project(torch.zeros(len(center), dtype=torch.float64))
    for _ in range(300):
        slope = hessian @ (x.numpy() - center)
        following = constraint.project(x - torch.from_numpy(slope) / np.linalg.eigvalsh(hessian)[-1])
        if (following - x).abs().max() < 1e-13:
            break
        x = following
    return x


@pytest.mark.parametrize(("constraint", "n"), [case for case in SETS if case.values[1] in (2, 3)])
def test_multipliers_balance_the_gradient_exactly_at_the_constrained_minimizer(constraint, n):
    for seed in (7, 8):
        hessian, center = bowl(n, seed)
        x = constrained_minimizer(constraint, hessian, center)
        gradient = hessian @ (x.numpy() - center)
        found = constraint.multipliers(x, gradient)
        assert (found.values >= 0).all()
        assert np.linalg.norm(found.normals, axis=1) == pytest.approx(np.ones(len(found.normals)))
        assert found.residual <= 1e-6
        assert found.values @ found.normals == pytest.approx(-gradient, abs=1e-6)
        if not degenerate(constraint):
            start = members(constraint, n)[0].numpy()
            scipys = scipys_minimizer(
                lambda z, h=hessian, c=center: (z - c) @ h @ (z - c) / 2,
                lambda z, h=hessian, c=center: h @ (z - c),
                constraint,
                start,
            )
            assert x.numpy() == pytest.approx(scipys, abs=1e-5)
        for other in constraint.project(scatter(n, 15, seed)):
            if (other - x).norm() > 0.05:
                slope = hessian @ (other.numpy() - center)
                elsewhere = constraint.multipliers(other, slope)
                assert (elsewhere.values >= 0).all()
                assert elsewhere.residual > 1e-3


def test_multipliers_at_a_corner_are_known():
    found = Box((0.0, 0.0), (1.0, 1.0)).multipliers((1.0, 0.0), (-3.0, 2.0))
    assert found.normals.tolist() == [[1, 0], [0, -1]]
    assert found.values == pytest.approx([3, 2])
    assert found.residual == pytest.approx(0, abs=1e-12)
    away = Box((0.0, 0.0), (1.0, 1.0)).multipliers((1.0, 0.0), (-3.0, -2.0))
    assert away.values == pytest.approx([3, 0])
    assert away.residual == pytest.approx(2)


def test_inside_nothing_is_active_and_the_residual_is_the_gradients_length():
    found = Ball().multipliers((0.1, 0.2), torch.tensor([3.0, 4.0]))
    assert found.normals.shape == (0, 2)
    assert found.residual == pytest.approx(5)


def test_multipliers_cannot_be_written_to():
    found = Ball().multipliers((1.0, 0.0), (-1.0, 0.0))
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 2


def test_the_cone_solver_agrees_with_scipys():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n, k = rng.integers(1, 9, 2)
        matrix, target = rng.normal(size=(n, k)), rng.normal(size=n)
        if rng.uniform() < 0.3:
            matrix[:, -1] = -matrix[:, 0]
        ours = nonnegative_least_squares(matrix, target)
        assert (ours >= 0).all()
        assert np.linalg.norm(matrix @ ours - target) == pytest.approx(
            optimize.nnls(matrix, target)[1], abs=1e-10
        )


@every_set
def test_the_projected_gradient_measure_is_zero_at_the_minimizer_only(constraint, n):
    hessian, center = bowl(n, 11)
    x = constrained_minimizer(constraint, hessian, center)
    steps = torch.stack([x, *constraint.project(scatter(n, 6, 2))])
    slopes = (steps - torch.from_numpy(center)) @ torch.from_numpy(hessian)
    measures = projected_gradient_measure(constraint, steps, slopes, 0.1)
    assert measures[0] <= 1e-7
    apart = (steps - x).norm(dim=-1) > 0.05
    assert (measures[apart] > 1e-3).all()


def test_the_projected_gradient_measure_is_the_gradients_length_inside():
    gradient = torch.tensor([0.3, -0.4], dtype=torch.float64)
    assert projected_gradient_measure(Ball(), torch.zeros(2).double(), gradient, 0.01) == pytest.approx(0.5)


# --- outlines --------------------------------------------------------------------------------------------


PLANAR = [case for case in SETS if case.values[1] == 2]


@pytest.mark.parametrize(("constraint", "n"), PLANAR)
def test_an_outline_reaches_as_far_as_the_set_does_in_the_domain(constraint, n):
    outline = constraint.outline(DOMAIN, 2000)
    if isinstance(constraint, WholeSpace):
        assert outline is None
        return
    view = Intersection((constraint, Box(*zip(*DOMAIN, strict=True))))
    assert (outline[0] == outline[-1]).all()
    assert view.contains(torch.from_numpy(outline.copy()), 1e-9).all()
    if degenerate(constraint):
        return
    start = members(constraint, n)[0].numpy()
    for angle in np.linspace(0.1, 6.1, 7):
        direction = np.array([math.cos(angle), math.sin(angle)])
        farthest = scipys_minimizer(lambda z, d=direction: -z @ d, lambda z, d=direction: -d, view, start)
        assert (outline @ direction).max() == pytest.approx(farthest @ direction, abs=1e-4)


def area(outline):
    x, y = outline.T
    return ((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2


def test_outlines_enclose_the_sets_area_anticlockwise():
    assert area(Ball((0.2, 0.1), 1.5).outline(DOMAIN, 1000)) == pytest.approx(math.pi * 2.25, rel=1e-4)
    assert area(Box(-0.5, 1.0).outline(DOMAIN)) == pytest.approx(2.25)
    assert area(HalfSpace((1.0, 0.0), 0.0).outline(DOMAIN)) == pytest.approx(3 * 4.5)
    assert area(Polygon(PENTAGON).outline(DOMAIN)) == pytest.approx(
        spatial.ConvexHull(np.array(PENTAGON)).volume
    )
    assert area(Ball((0.0, 0.0), 100.0).outline(DOMAIN)) == pytest.approx(6 * 4.5)


def test_lines_points_and_what_is_out_of_view():
    there_and_back = Line((0.0, 0.0), (1.0, 0.0)).outline(DOMAIN)
    assert {tuple(p) for p in there_and_back} == {(-3.0, 0.0), (3.0, 0.0)}
    assert {tuple(p) for p in Simplex(2.0).outline(DOMAIN).round(9)} == {(2.0, 0.0), (0.0, 2.0)}
    assert Polygon((0.5, 0.25)).outline(DOMAIN).tolist() == [[0.5, 0.25]]
    assert Ball((9.0, 9.0), 1.0).outline(DOMAIN).shape == (0, 2)


def test_a_round_outline_stays_round_when_looked_at_closely():
    outline = Ball((0.0, 0.0), 1.0).outline(((0.9999, 1.0001), (-0.0001, 0.0001)))
    arc = outline[np.abs(np.hypot(*outline.T) - 1) < 1e-9]
    assert len(arc) > 50


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Ball((0.0, 0.0, 0.0)).outline(DOMAIN), "outline: expected a set of the plane, got one of 3"),
        (lambda: Ball().outline(((1.0, 1.0), (0.0, 1.0))), "domain: expected a rectangle"),
        (lambda: Ball().outline(DOMAIN, 2), "domain: expected a rectangle and 3 chords or more"),
        (lambda: Ball((0.0, 0.0)).project(torch.zeros(5, 3)), r"x: expected a tensor of shape \(..., 2\)"),
        (lambda: Ball().project(torch.tensor(1.0)), r"x: expected a tensor of shape \(..., n\), got \(\)"),
        (lambda: Ball().project(torch.zeros(2, dtype=torch.int64)), "x: expected float64 or float32"),
        (lambda: Ball(radius=0.0), "radius: expected a finite number > 0, got 0"),
        (lambda: Ball(radius="wide"), "radius: expected a finite number > 0, got 'wide'"),
        (lambda: Ball(center=(0.0, math.inf)), "center: expected a finite number or a tuple of them"),
        (lambda: Ball(center="origin"), "center: expected a finite number or a tuple of them, got 'origin'"),
        (lambda: Ball(center=()), "center: expected a finite number or a tuple of them"),
        (lambda: Box((0.0, 2.0), (1.0, 1.0)), r"low: expected no coordinate above high \(1.0, 1.0\), got"),
        (lambda: Box((0.0, 0.0), (1.0, 1.0, 1.0)), "high: expected parts of one dimension, got 2 and 3"),
        (lambda: HalfSpace((0.0, 0.0)), "normal: expected a vector that is not 0"),
        (lambda: Line(direction=0.0), "direction: expected a vector that is not 0, got 0"),
        (lambda: Line(direction=((0.0, 0.0), (0.0, 0.0))), "direction: expected a vector that is not 0"),
        (lambda: Line(direction=((1.0, 0.0), (0.0,))), "direction: expected rows of one length"),
        (
            lambda: Line((0.0, 0.0), (1.0, 0.0, 0.0)),
            "direction: expected parts of one dimension, got 2 and 3",
        ),
        (lambda: Simplex(-1), "total: expected a finite number > 0, got -1"),
        (lambda: Polygon((1.0, 2.0, 3.0)), "vertices: expected x and y of each vertex, got 3 numbers"),
        (lambda: Polygon(((1.0, 2.0), (3.0,))), r"vertices: expected pairs \(x, y\), got"),
        (lambda: Polygon(()), "vertices: expected a finite number or a tuple of them"),
        (lambda: Intersection(()), "sets: expected one convex set or more, got"),
        (lambda: Intersection((Ball(), 3)), "sets: expected one convex set or more, got"),
        (lambda: Intersection((Ball((0, 0)), Ball((0, 0, 0)))), "sets: expected parts of one dimension"),
        (
            lambda: Ball().multipliers((2.0, 0.0), (1.0, 0.0)),
            "x: expected a point of the set, got one 1 away",
        ),
        (lambda: Ball().multipliers((1.0, 0.0), (1.0,)), "gradient: expected the shape"),
        (lambda: CONSTRAINTS["Ball"](size=3), "size: unknown field; expected center, radius"),
        (lambda: CONSTRAINTS["None"](size=3), "size: unknown field; expected none"),
        (
            lambda: projected_gradient_measure(Ball(), torch.zeros(2), torch.zeros(2), 0.0),
            "lr: expected a number > 0, got 0",
        ),
    ],
)
def test_refusals_say_what_was_expected(call, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        call()


# --- registry and configs --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(CONSTRAINTS))
def test_every_entry_has_its_words_and_makes_its_set_from_a_script_and_from_a_file(name):
    entry = CONSTRAINTS[name]
    assert entry.label
    assert entry.help
    assert entry.formula
    assert entry.reference or name == "None"
    config = ConstraintConfig.parse({"name": name})
    assert ConstraintConfig.parse(json.loads(json.dumps(config.model_dump(mode="json")))) == config
    x = scatter(2)
    assert torch.equal(config.make().project(x), entry().project(x))
    assert pickle.loads(pickle.dumps(entry())) == entry()
    assert hash(entry()) == hash(entry())


def test_a_config_is_its_json():
    config = ConstraintConfig.parse({"name": "Ball", "radius": 2.0})
    assert config.model_dump(mode="json") == {"name": "Ball", "center": [0.0, 0.0], "radius": 2.0}
    assert config.make() == Ball((0.0, 0.0), 2.0)


def test_an_intersections_config_holds_the_configs_of_its_sets():
    data = {
        "name": "Intersection",
        "first": {"name": "Ball", "center": [1.0, 0.0], "radius": 1.0},
        "second": {"name": "Polygon", "vertices": [0.0, 0.0, 2.0, 0.0, 0.0, 2.0]},
        "third": {"name": "None"},
    }
    config = ConstraintConfig.parse(data)
    assert config.model_dump(mode="json") == data
    assert config.make() == Intersection((Ball((1, 0), 1), Polygon((0, 0, 2, 0, 0, 2)), WholeSpace()))
    assert config.changed("first.radius", 0.5).make().sets[0] == Ball((1, 0), 0.5)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "Cube"}, "name: expected one of None, Ball, Box"),
        ({"name": "Ball", "radius": 0}, "radius: expected a number > 0 and <= 1000000, got 0"),
        ({"name": "Ball", "center": [1]}, "center: expected 2 numbers from"),
        ({"name": "Ball", "size": 1}, "size: unknown field; expected center, radius"),
        ({"name": "Box", "low": [2, 0]}, "low: expected no coordinate above high"),
        ({"name": "HalfSpace", "normal": [0, 0]}, "normal: expected a vector that is not 0"),
        ({"name": "Line", "direction": [0, 0]}, "direction: expected a vector that is not 0"),
        ({"name": "Polygon", "vertices": [0, 0, 1]}, "vertices: expected x and y of each vertex, got 3"),
        ({"name": "Polygon", "vertices": []}, "vertices: expected a finite number or a tuple of them"),
        ({"name": "Intersection", "first": {"name": "Intersection"}}, "first.name: expected one of None"),
        (
            {"name": "Intersection", "first": {"name": "Ball", "center": [3, 4], "radius": 1}},
            "sets: expected sets that meet, got an empty intersection (distance 3.24)",
        ),
        (
            {"name": "Intersection", "first": {"name": "Ball", "radius": -1}},
            "first.radius: expected a number > 0 and <= 1000000, got -1",
        ),
    ],
)
def test_a_refused_config_says_what_was_expected(data, sentence):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        ConstraintConfig.parse(data)
    assert str(refused.value).startswith(sentence)


def test_the_global_random_generator_is_left_alone():
    before = torch.random.get_rng_state()
    for name, entry in CONSTRAINTS.items():
        entry().project(scatter(2))
        ConstraintConfig.parse({"name": name}).make().outline(DOMAIN)
    assert torch.equal(before, torch.random.get_rng_state())
