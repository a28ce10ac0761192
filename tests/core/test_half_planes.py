"""Sets of half-planes, bounded or not, thin or empty: exact projections against scipy and brute force."""

import itertools
import math
import pickle

import numpy as np
import pytest
import torch
from scipy import optimize

from optgui.core.constraints import Polygon
from optgui.core.constraints.half_planes import HalfPlaneSet

DOMAIN = ((-3.0, 3.0), (-2.0, 2.5))
TRIANGLE = ((-1.0, 0.0), (0.0, -1.0), (1.0, 1.0))

SETS = {
    "one half-plane": HalfPlaneSet(((1.0, 2.0),), (0.5,)),
    "quadrant": HalfPlaneSet(),
    "wedge": HalfPlaneSet(((-2.0, -1.0), (-1.0, -3.0)), (-2.0, -3.0)),
    "strip": HalfPlaneSet(((1.0, 1.0), (-1.0, -1.0)), (1.0, 0.5)),
    "half strip": HalfPlaneSet(((1.0, 1.0), (-2.0, -2.0), (-1.0, 1.0)), (1.0, 1.0, 0.3)),
    "triangle": HalfPlaneSet(TRIANGLE, (1.0, 0.5, 1.5)),
    "triangle with lines that do not cut": HalfPlaneSet(
        (*TRIANGLE, (1.0, 0.0), (0.0, 1.0), (-3.0, 0.0)), (1.0, 0.5, 1.5, 9.0, 8.0, 6.0)
    ),
    "each twice": HalfPlaneSet((*TRIANGLE, (-3, 0), (0, -0.1), (7, 7)), (1, 0.5, 1.5, 3, 0.05, 10.5)),
    "three lines through one vertex": HalfPlaneSet(((-1, 0), (0, -1), (-1, -1)), (-1, -1, -2)),
    "line": HalfPlaneSet(((1.0, 2.0), (-1.0, -2.0)), (0.3, -0.3)),
    "segment": HalfPlaneSet(((0.1, 0.3), (-0.1, -0.3), (1, 0), (-1, 0)), (0.7, -0.7, 1, 2)),
    "point": HalfPlaneSet(((1, 0), (-1, 1), (0, -1)), (0.3, -0.1, -0.2)),
    "with a row of zeros": HalfPlaneSet((*TRIANGLE, (0.0, 0.0)), (1.0, 0.5, 1.5, 0.0)),
    "wedge with its tip far away": HalfPlaneSet(((0.0, 1.0), (1e-4, -1.0)), (0.0, 0.0)),
}  # fmt: skip
every_set = pytest.mark.parametrize("planes", [pytest.param(made, id=name) for name, made in SETS.items()])


def scatter(count=60, seed=0):
    points = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return points * torch.logspace(-1, 2, count, dtype=torch.float64)[:, None]


def allowed(planes, points, slack=1e-9):
    """Which points (m, 2) satisfy every inequality up to `slack`, relative to the row and the point."""
    rows, offsets = np.array(planes.rows), np.array(planes.offsets)
    sizes = np.linalg.norm(rows, axis=1) * np.maximum(1, np.linalg.norm(points, axis=1))[:, None]
    return (points @ rows.T <= offsets + slack * sizes).all(axis=1)


def faces(planes, x):
    """The nearest candidate by brute force: x, its feet on all lines, and all crossings of two lines."""
    rows, offsets = np.array(planes.rows, dtype=float), np.array(planes.offsets, dtype=float)
    rows, offsets = rows[(rows != 0).any(axis=1)], offsets[(rows != 0).any(axis=1)]
    lengths = np.linalg.norm(rows, axis=1)
    rows, offsets = rows / lengths[:, None], offsets / lengths
    candidates = [x, *(x - (x @ a - b) * a for a, b in zip(rows, offsets, strict=True))]
    for i, j in itertools.combinations(range(len(rows)), 2):
        if abs(np.linalg.det(rows[[i, j]])) > 1e-9:
            candidates.append(np.linalg.solve(rows[[i, j]], offsets[[i, j]]))
    candidates = np.array(candidates)
    candidates = candidates[allowed(planes, candidates)]
    return candidates[np.linalg.norm(candidates - x, axis=1).argmin()] if len(candidates) else None


def random_sets(count, seed):
    rng = np.random.default_rng(seed)
    for k in range(count):
        rows = rng.normal(size=(1 + k % 9, 2)) * rng.uniform(0.1, 10, (1 + k % 9, 1))
        yield HalfPlaneSet(rows, rng.normal(0.5, 1.0, len(rows)) * np.linalg.norm(rows, axis=1))


@every_set
def test_the_projection_is_the_nearest_point_of_all_faces(planes):
    x = scatter()
    projected = planes.project(x).numpy()
    for point, found in zip(x.numpy(), projected, strict=True):
        np.testing.assert_allclose(found, faces(planes, point), rtol=1e-11, atol=1e-8)


@every_set
def test_the_way_to_the_projection_makes_no_acute_angle_with_the_way_into_the_set(planes):
    x = scatter()
    p = planes.project(x)
    inside = planes.project(scatter(40, seed=5) / 20)
    assert allowed(planes, p.numpy()).all()
    products = ((x - p)[:, None] * (inside[None] - p[:, None])).sum(-1)
    assert (products / (1 + (x - p).norm(dim=-1))[:, None]).max() <= 1e-8
    assert (planes.project(p) - p).abs().max() <= 1e-9
    assert planes.contains(p).all()


@every_set
def test_points_inside_stay_bit_for_bit(planes):
    grid = torch.cartesian_prod(*2 * [torch.linspace(-5, 5, 81, dtype=torch.float64)])
    inside = grid[torch.from_numpy(allowed(planes, grid.numpy(), slack=-1e-9))]
    assert torch.equal(planes.project(inside), inside)


@pytest.mark.parametrize("name", ["wedge", "half strip", "triangle", "three lines through one vertex"])
def test_the_projection_is_what_scipy_finds(name):
    planes = SETS[name]
    rows, offsets = np.array(planes.rows), np.array(planes.offsets)
    start = planes.project(torch.zeros(2, dtype=torch.float64)).numpy()
    for x in scatter(6, seed=3).numpy():
        if np.abs(x).max() > 20:
            continue
        found = optimize.minimize(
            lambda z, x=x: ((z - x) ** 2).sum() / 2,
            start,
            jac=lambda z, x=x: z - x,
            constraints=[{"type": "ineq", "fun": lambda z: offsets - rows @ z, "jac": lambda z: -rows}],
            method="SLSQP",
            options={"ftol": 1e-18, "maxiter": 500},
        )
        np.testing.assert_allclose(planes.project(torch.from_numpy(x)).numpy(), found.x, atol=1e-7)


def test_random_sets_project_as_brute_force_and_are_empty_where_scipys_linear_program_says_so():
    empty = 0
    for planes in random_sets(300, seed=7):
        answer = optimize.linprog([0, 0], planes.rows, planes.offsets, bounds=[(None, None)] * 2)
        assert planes.is_empty == (answer.status == 2)
        empty += planes.is_empty
        if planes.is_empty:
            continue
        x = scatter(8, seed=2)
        for point, found in zip(x.numpy(), planes.project(x).numpy(), strict=True):
            np.testing.assert_allclose(found, faces(planes, point), rtol=1e-10, atol=1e-10)
    assert empty > 20


def test_the_half_planes_of_a_polygon_project_as_the_polygon_does():
    rng = np.random.default_rng(3)
    for _ in range(30):
        polygon = Polygon(rng.normal(size=(7, 2)))
        planes = HalfPlaneSet(*polygon.half_planes())
        x = scatter(30, seed=4)
        torch.testing.assert_close(planes.project(x), polygon.project(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("angle", [1e-3, 1e-6, 1e-9, 1e-11, 1e-13])
def test_nearly_parallel_lines_leave_no_gap_where_they_cross(angle):
    planes = HalfPlaneSet(
        ((math.sin(angle), math.cos(angle)), (-math.sin(angle), math.cos(angle))), (0.7, 0.7)
    )
    x = torch.tensor([[t, 2.0] for t in np.linspace(-3, 3, 61)], dtype=torch.float64)
    p = planes.project(x)
    assert allowed(planes, p.numpy(), slack=1e-12).all()
    assert (p[:, 0] - x[:, 0]).abs().max() <= 1.4 * angle + 1e-12


@pytest.mark.parametrize(
    ("rows", "offsets"),
    [
        (((1, 0), (-1, 0)), (-1, -1)),
        (((1, 0), (-1, 0)), (0.3, -0.3 - 1e-6)),
        (((1, 0), (-0.5, 0.8), (-0.5, -0.8)), (-1, -1, -1)),
        (((0, 0), (1, 0)), (-1, 5)),
        (((0, 0),), (-1e-3,)),
    ],
)
def test_half_planes_that_do_not_meet_are_empty_and_projection_is_refused(rows, offsets):
    planes = HalfPlaneSet(rows, offsets)
    assert planes.is_empty
    assert len(planes.outline(DOMAIN)) == 0
    with pytest.raises(ValueError, match=r"^rows: expected half-planes that meet, got an empty set"):
        planes.project(torch.zeros(3, 2))


@every_set
def test_no_set_that_holds_a_point_is_empty(planes):
    assert not planes.is_empty


def test_rows_of_zeros_alone_allow_the_whole_plane():
    planes = HalfPlaneSet(((0.0, 0.0),), (0.0,))
    assert not planes.is_empty
    assert torch.equal(planes.project(scatter()), scatter())
    assert planes.outline(DOMAIN) is None


@every_set
def test_any_shape_and_float32_are_kept_and_no_point_spoils_another(planes):
    x = scatter(12)
    p = planes.project(x)
    assert torch.equal(planes.project(x.reshape(3, 4, 2)).reshape(12, 2), p)
    assert torch.equal(torch.stack([planes.project(point) for point in x]), p)
    assert planes.project(x[:0]).shape == (0, 2)
    assert torch.equal(planes.project(x.float()), planes.project(x.float().double()).float())
    x[1], x[2, 0] = math.nan, math.inf
    spoiled = planes.project(x)
    assert torch.equal(spoiled[3:], p[3:])
    assert not spoiled[1].isfinite().any()
    assert not spoiled[2].isfinite().all()


def test_a_projection_from_far_away_ends_on_the_set():
    wedge = SETS["wedge"]
    tip = np.linalg.solve(wedge.rows, wedge.offsets)
    far = torch.tensor([[-1e6, -1e6], [-1e200, -1e200]], dtype=torch.float64)
    np.testing.assert_allclose(wedge.project(far).numpy(), [tip, tip], rtol=1e-12)


def test_multipliers_at_a_vertex_are_those_of_its_two_lines():
    planes = HalfPlaneSet(((-2.0, 0.0), (0.0, -5.0), (1.0, 1.0)), (-2.0, -10.0, 30.0))
    found = planes.multipliers((1.0, 2.0), (3.0, 4.0))
    np.testing.assert_allclose(found.normals, [[-1, 0], [0, -1]])
    np.testing.assert_allclose(found.values, [3, 4])
    assert found.residual < 1e-12


def test_an_outline_is_the_part_in_view():
    outline = SETS["triangle"].outline(((-9.0, 9.0), (-9.0, 9.0)))
    assert {tuple(point) for point in outline.round(9)} == {(-1.0, -0.5), (2.0, -0.5), (-1.0, 2.5)}
    assert {tuple(p) for p in HalfPlaneSet().outline(((0.0, 2.0), (0.0, 2.0)))} == {
        (0, 0),
        (1, 0),
        (1, 1),
        (0, 1),
    }


def test_sets_with_equal_numbers_are_equal_and_can_be_sent():
    planes = HalfPlaneSet(np.array([[1.0, 2.0]]), torch.tensor([3.0]))
    assert planes == HalfPlaneSet(((1, 2),), (3,))
    assert hash(planes) == hash(pickle.loads(pickle.dumps(planes)))
    assert planes.dimension == 2


@pytest.mark.parametrize(
    ("rows", "offsets", "sentence"),
    [
        ((), (), "rows: expected pairs of numbers, got"),
        ((1.0, 2.0), (1.0, 2.0), "rows: expected pairs of numbers, got"),
        (((1.0, 2.0, 3.0),), (1.0,), "rows: expected pairs of numbers, got"),
        (((1.0, math.nan),), (1.0,), "rows: expected a finite number or a tuple of them"),
        (((1.0, 0.0),), (1.0, 2.0), "offsets: expected 1 numbers, one a row, got"),
        (((1.0, 0.0),), 1.0, "offsets: expected 1 numbers, one a row, got 1.0"),
        (((1.0, 0.0),), ("x",), "offsets: expected a finite number or a tuple of them"),
    ],
)
def test_refusals_say_what_was_expected(rows, offsets, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        HalfPlaneSet(rows, offsets)
