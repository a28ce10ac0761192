"""The linear program: best vertices against scipy's linprog, edges that are best as a whole, poor data."""

import math

import numpy as np
import pytest
import torch
from scipy import optimize, spatial

from optgui.core.curvature import derivatives
from optgui.core.surface import SURFACES, DescentConfig, DescentEngine, SurfaceConfig

PROGRAM = SURFACES["LinearProgram"]
SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def given(points, direction):
    return {"points": points, "direction": direction}


def test_the_minimum_is_the_vertex_that_linprog_finds():
    rng = np.random.default_rng(4)
    for _ in range(60):
        points, direction = rng.normal(0, 3, (8, 2)), rng.uniform(-180, 180)
        slope = [math.cos(math.radians(direction)), math.sin(math.radians(direction))]
        hull = spatial.ConvexHull(points)
        best = optimize.linprog(
            slope, hull.equations[:, :2], -hull.equations[:, 2], bounds=[(None, None)] * 2
        )
        ((x, y),) = PROGRAM.find_minima(given(tuple(map(tuple, points.tolist())), direction))
        np.testing.assert_allclose([x, y], best.x, atol=1e-9)
        value = PROGRAM(torch.tensor([x, y], dtype=torch.float64), {"direction": direction}).item()
        assert value == pytest.approx(best.fun, abs=1e-9)


@pytest.mark.parametrize(
    ("direction", "ends"),
    [
        (0.0, {(0.0, 0.0), (0.0, 1.0)}),
        (90.0, {(0.0, 0.0), (1.0, 0.0)}),
        (180.0, {(1.0, 0.0), (1.0, 1.0)}),
        (-90.0, {(0.0, 1.0), (1.0, 1.0)}),
    ],
)
def test_an_edge_that_is_best_as_a_whole_gives_its_two_ends_and_a_sentence(direction, ends):
    points = (*SQUARE, (0.5, 0.0), (0.0, 0.25))  # points on an edge are no vertices
    assert set(PROGRAM.find_minima(given(points, direction))) == ends
    assert PROGRAM.note(given(points, direction)).startswith("c stands across an edge")
    assert PROGRAM.note(given(points, direction + 1 if direction < 180 else 179.0)) == ""


@pytest.mark.parametrize(
    ("points", "minima"),
    [
        (((2.0, 3.0),), {(2.0, 3.0)}),
        (((2.0, 3.0), (2.0, 3.0)), {(2.0, 3.0)}),
        (((2.0, 3.0), (-1.0, 0.0), (0.0, 1.0)), {(-1.0, 0.0)}),
        (((1.0, 3.0), (1.0, 0.0), (1.0, 1.0)), {(1.0, 0.0), (1.0, 3.0)}),
    ],
)
def test_a_point_and_a_segment_are_polygons_too(points, minima):
    assert set(PROGRAM.find_minima(given(points, 0.0))) == minima
    assert not PROGRAM.feasible(given(points, 0.0)).is_empty


def test_the_feasible_set_is_the_hull_and_the_minimum_a_fixed_point_of_projected_descent():
    for direction in range(-180, 181, 15):
        settings = given(PROGRAM.defaults["points"], float(direction))
        polygon = PROGRAM.feasible(settings)
        assert set(polygon.corners) == set(PROGRAM.defaults["points"])
        slope = derivatives(lambda xy, s=settings: PROGRAM(xy, s), [[0.0, 0.0]]).gradients[0]
        for minimum in PROGRAM.find_minima(settings):
            at = torch.tensor(minimum, dtype=torch.float64)
            torch.testing.assert_close(polygon.project(at - 0.1 * torch.tensor(slope)), at)


def test_the_slope_has_length_one_and_nothing_curves():
    found = derivatives(PROGRAM, [[0.3, -2.0], [5.0, 7.0]])
    np.testing.assert_allclose(found.gradients, [[0.5, 3**0.5 / 2]] * 2, rtol=1e-15)
    assert (found.hessians == 0).all()


def test_the_default_has_one_best_vertex_and_starts_inside():
    assert len(PROGRAM.find_minima(PROGRAM.defaults)) == 1
    assert PROGRAM.feasible(PROGRAM.defaults).contains(torch.tensor(PROGRAM.start, dtype=torch.float64))


def test_a_polygon_without_vertices_is_refused():
    with pytest.raises(ValueError, match=r"^points: expected 1 to 100 points, got 0$"):
        SurfaceConfig.parse({"name": "LinearProgram", "points": []})


@pytest.mark.parametrize("direction", [60.0, -20.0, 175.0])
def test_projected_descent_from_the_suggested_start_ends_at_the_best_vertex(direction):
    config = {
        "surface": {"name": "LinearProgram", "direction": direction},
        "steps": 300,
        "racers": [{"optimizer": {"name": "SGD", "lr": 0.1}}],
    }
    engine = DescentEngine(DescentConfig.parse(config))
    while not engine.done:
        engine.step()
    minima = PROGRAM.find_minima({**PROGRAM.defaults, "direction": direction})
    np.testing.assert_allclose(engine.frame().heads, minima, atol=1e-9)
