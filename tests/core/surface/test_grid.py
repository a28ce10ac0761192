"""The grid behind a picture: values, contour levels, shades."""

import numpy as np
import pytest
import torch

from optgui.core.surface import SURFACES, SurfaceConfig, SurfaceGrid, levels, sample, shade

NAMES = list(SURFACES)


def grid_of(z, log_levels=False):
    z = np.asarray(z, dtype=np.float64)
    return SurfaceGrid(np.arange(z.shape[1]), np.arange(z.shape[0]), z, log_levels)


@pytest.mark.parametrize("name", NAMES)
def test_grid_holds_the_surface_at_every_row_and_column(name):
    surface = SURFACES[name]
    grid = sample(SurfaceConfig(name=name), 7, 5)
    assert (grid.x.shape, grid.y.shape, grid.z.shape) == ((7,), (5,), (5, 7))
    assert (grid.x[0], grid.x[-1]) == surface.domain[0]
    assert (grid.y[0], grid.y[-1]) == surface.domain[1]
    for row, column in np.ndindex(grid.z.shape):
        point = torch.tensor([grid.x[column], grid.y[row]])
        assert grid.z[row, column] == surface(point).item()


def test_grid_uses_the_parameters_and_the_domain_asked_for():
    config = SurfaceConfig.parse({"name": "Quadratic", "condition": 100, "angle": 0})
    grid = sample(config, 3, 3, domain=((0.0, 2.0), (0.0, 4.0)))
    np.testing.assert_allclose(grid.z, [[0, 0.5, 2], [200, 200.5, 202], [800, 800.5, 802]])


def test_grid_is_read_only_float64():
    grid = sample(SurfaceConfig(name="Beale"), 4, 4)
    for array in (grid.x, grid.y, grid.z):
        assert array.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_values_that_are_not_finite_become_nan():
    grid = sample(SurfaceConfig(name="Beale"), 3, 3, domain=((0.0, 1e200), (0.0, 1e200)))
    assert np.isfinite(grid.z[0, 0])
    assert np.isnan(grid.z[1:, 1:]).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1, 5), "columns: expected a whole number >= 2, got 1"),
        ((5, 0), "rows: expected a whole number >= 2, got 0"),
        ((5, 5, ((1.0, 1.0), (0.0, 1.0))), "domain: expected finite x0 < x1 and y0 < y1"),
        ((5, 5, ((0.0, 1.0), (0.0, np.inf))), "domain: expected finite x0 < x1 and y0 < y1"),
    ],
)
def test_impossible_grids_are_refused_with_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        sample(SurfaceConfig(name="Rosenbrock"), *arguments)


@pytest.mark.parametrize("name", NAMES)
def test_levels_rise_strictly_between_the_extremes(name):
    grid = sample(SurfaceConfig(name=name), 61, 61)
    found = levels(grid, 12)
    assert found.shape == (12,)
    assert (np.diff(found) > 0).all()
    assert grid.z.min() < found[0]
    assert found[-1] < grid.z.max()


def test_levels_have_equal_ratios_where_the_surface_wants_log_spacing_and_equal_steps_elsewhere():
    valley = levels(sample(SurfaceConfig(name="Rosenbrock"), 61, 61), 10)
    np.testing.assert_allclose(valley[1:] / valley[:-1], valley[1] / valley[0])
    bowl = levels(sample(SurfaceConfig(name="Quadratic"), 61, 61), 10)
    np.testing.assert_allclose(np.diff(bowl), bowl[1] - bowl[0])


def test_log_levels_of_values_below_zero_are_counted_from_the_lowest():
    z = np.linspace(-5.0, 995.0, 1001).reshape(7, 143)
    found = levels(grid_of(z, log_levels=True), 6)
    np.testing.assert_allclose(np.diff(np.log(found + 5)), np.diff(np.log(found + 5))[0])
    assert -5 < found[0] < 5


@pytest.mark.parametrize("log_levels", [False, True])
def test_a_constant_or_empty_surface_has_no_levels_and_the_lowest_shade(log_levels):
    flat = grid_of([[3.0, 3.0], [np.nan, 3.0]], log_levels)
    assert levels(flat, 5).size == 0
    np.testing.assert_array_equal(shade(flat), [[0, 0], [np.nan, 0]])
    nothing = grid_of([[np.nan, np.nan]], log_levels)
    assert levels(nothing, 5).size == 0
    assert np.isnan(shade(nothing)).all()


def test_levels_of_a_plateau_with_one_dip_stay_inside():
    z = np.full((40, 40), 7.0)
    z[3, 3] = 2.0
    found = levels(grid_of(z, log_levels=True), 4)
    assert ((found > 2) & (found < 7)).all()
    assert (np.diff(found) > 0).all()


def test_fewer_than_one_level_is_refused():
    with pytest.raises(ValueError, match="count: expected a whole number >= 1, got 0"):
        levels(grid_of([[0.0, 1.0]]), 0)


@pytest.mark.parametrize("name", NAMES)
def test_shade_spans_zero_to_one_and_keeps_the_order_of_heights(name):
    grid = sample(SurfaceConfig(name=name), 41, 41)
    shades = shade(grid)
    assert (shades.min(), shades.max()) == (0.0, 1.0)
    order = np.argsort(grid.z, axis=None)
    assert (np.diff(shades.ravel()[order]) >= 0).all()


def test_shade_is_the_logarithm_of_one_plus_height_where_the_surface_wants_it():
    z = [[2.0, 5.0], [np.nan, 12.0]]
    np.testing.assert_allclose(shade(grid_of(z)), [[0, 0.3], [np.nan, 1]])
    expected = [[0, np.log(4) / np.log(11)], [np.nan, 1]]
    np.testing.assert_allclose(shade(grid_of(z, log_levels=True)), expected)
