import numpy as np
import pytest
from scipy.interpolate import LinearNDInterpolator

from optgui.core.surface import SurfaceConfig
from optgui.gui.plot.relief import HEIGHT, Relief, round_values, words


def formula(text):
    return Relief(SurfaceConfig.parse({"name": "Formula", "text": text}))


def test_the_lowest_value_is_on_the_ground_and_the_highest_at_the_top():
    relief = Relief(SurfaceConfig(name="Rosenbrock"))
    assert np.nanmin(relief.heights) == 0
    assert np.nanmax(relief.heights) == pytest.approx(HEIGHT)
    assert max(relief.edges) == 1


def test_points_lie_on_the_triangles_of_the_mesh():
    relief = formula("sin(3*x) * y")
    corners, triangles = relief.mesh()
    rng = np.random.default_rng(0)
    chosen = corners[triangles[rng.integers(len(triangles), size=500)]]
    weights = rng.dirichlet((1, 1, 1), size=500)
    points = np.einsum("nk,nkd->nd", weights, chosen)
    np.testing.assert_allclose(relief.lift(points[:, :2]), points, atol=1e-9)


def test_a_plane_is_lifted_exactly_as_scipy_interpolates_it():
    relief = formula("x + 2*y")
    corners, _ = relief.mesh()
    places = np.random.default_rng(1).uniform(-0.45, 0.45, (50, 2))
    expected = LinearNDInterpolator(corners[::7, :2], corners[::7, 2])(places)
    np.testing.assert_allclose(relief.lift(places)[:, 2], expected, atol=1e-9)


def test_each_cell_has_two_triangles_that_cover_it_once():
    relief = Relief(SurfaceConfig(name="Himmelblau"))
    corners, triangles = relief.mesh()
    a, b, c = (corners[triangles[:, k], :2] for k in range(3))
    areas = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert areas.min() > 0
    assert areas.sum() / 2 == pytest.approx(np.prod(relief.edges))


def test_where_a_formula_has_no_value_there_is_a_hole():
    relief = formula("log(x)")
    corners, triangles = relief.mesh()
    assert np.isfinite(corners).all()
    assert corners[triangles.ravel(), 0].min() > 0
    spots = relief.lift(np.array([[-0.3, 0.0], [0.3, 0.0], [0.8, 0.0]]))
    assert np.isnan(spots[:, 2]).tolist() == [True, False, True]


def test_a_surface_without_any_value_makes_an_empty_relief():
    relief = formula("log(-1 - x**2)")
    assert len(relief.mesh()[1]) == 0
    assert relief.ticks()[2] == []
    assert np.isnan(relief.lift(np.zeros((1, 2)))[0, 2])


def test_a_constant_surface_is_level():
    relief = formula("0*x + 3")
    assert (relief.heights == 0).all()
    assert relief.ticks()[2] == [(0.0, "3")]


def test_a_function_of_x_alone_is_a_ribbon_with_everything_on_its_middle_line():
    relief = Relief(SurfaceConfig(name="DoubleWell"))
    assert relief.flat
    assert relief.edges[1] < 0.3
    assert relief.ticks()[1] == []
    places = relief.floor(np.array([[0.5, -3.0], [0.5, 1e6]]))
    np.testing.assert_array_equal(places[0], places[1])
    assert np.isfinite(relief.lift(places)).all()


@pytest.mark.parametrize("name", ["Rosenbrock", "Himmelblau", "Ackley"])
def test_a_tick_stands_as_high_as_the_surface_with_that_value(name):
    relief = Relief(SurfaceConfig(name=name))
    ticks = relief.ticks()[2]
    assert 3 <= len(ticks) <= 9
    values, heights = relief.grid.z.ravel(), relief.heights.ravel()
    order = np.argsort(values)
    for height, label in ticks:
        value = max(float(label.replace("−", "-")), relief.low)
        assert height == pytest.approx(np.interp(value, values[order], heights[order]), abs=2e-3)


def test_a_ridge_hides_what_is_behind_it_and_nothing_in_front():
    relief = formula("exp(-x**2)")
    eye = np.array([5.0, 0.0, 0.5])
    spots = relief.lift(np.array([[-0.4, 0.0], [0.0, 0.0], [0.4, 0.0]]))
    assert relief.hides(spots, eye).tolist() == [True, False, False]
    assert not relief.hides(spots, np.array([0.0, 0.0, 5.0])).any()


def test_slopes_toward_the_light_are_brighter():
    relief = formula("x**2")
    light = relief.light()
    assert light[0, -1] > light[0, 0]
    assert light.min() > 0.3
    assert light.max() < 1.1


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-2, 2, [-2, -1, 0, 1, 2]), (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (3.1, 3.9, [3.2, 3.4, 3.6, 3.8])],
)
def test_ticks_are_round(low, high, expected):
    assert round_values(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(("value", "text"), [(-0.5, "−0.5"), (1e6, "1e6"), (1e-7, "1e−7"), (1000, "1000")])
def test_a_ticks_words_are_short(value, text):
    assert words(value) == text
