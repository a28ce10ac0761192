"""Functions of one variable: minima to the last digit, and what each is there to show."""

import numpy as np
import pytest
import torch
from scipy import optimize

from optgui.core.curvature import derivatives
from optgui.core.surface import SURFACES, SurfaceConfig
from optgui.core.surface.curves import CURVES

# f′ and f″ in numpy.
SLOPES = {
    "ConvexBowl": (np.sinh, np.cosh),
    "DoubleWell": (lambda x: x**3 - 2 * x + 0.3, lambda x: 3 * x**2 - 2),
    "Wavy": (lambda x: x / 4 + 4 * np.cos(4 * x), lambda x: 1 / 4 - 16 * np.sin(4 * x)),
}
every_curve = pytest.mark.parametrize("surface", [pytest.param(curve, id=curve.name) for curve in CURVES])


@every_curve
def test_both_derivatives_are_exact_and_those_along_y_are_zero(surface):
    slope, bend = SLOPES[surface.name]
    x = np.linspace(*surface.domain[0], 41)
    found = derivatives(SURFACES[surface.name], np.stack([x, np.sin(9 * x)], axis=1))
    np.testing.assert_allclose(found.gradients, np.stack([slope(x), 0 * x], axis=1), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found.hessians[:, 0, 0], bend(x), rtol=1e-12, atol=1e-12)
    assert (found.hessians.reshape(-1, 4)[:, 1:] == 0).all()


@every_curve
def test_y_does_not_matter_and_is_zero_at_start_and_minima(surface):
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    low, high = (surface(torch.stack([x, torch.full_like(x, y)], dim=1)) for y in (-7.0, 300.0))
    assert torch.equal(low, high)
    assert surface.dimension == 1
    assert {y for _, y in (surface.start, *surface.minima, *surface.local_minima)} == {0.0}


@every_curve
def test_no_neighbouring_number_is_a_better_root_of_the_slope(surface):
    slope, bend = SLOPES[surface.name]
    for x, _ in surface.minima + surface.local_minima:
        root = optimize.brentq(slope, x - 0.1, x + 0.1, xtol=1e-15, rtol=1e-15)
        assert x == pytest.approx(root, rel=1e-14, abs=1e-15)
        assert abs(slope(x)) <= 2 * bend(x) * np.spacing(abs(x))


@every_curve
def test_the_global_minimum_is_scipys(surface):
    config = SurfaceConfig(name=surface.name)
    found = optimize.brute(lambda x: config.value(x[0], 0.0), [surface.domain[0]], Ns=400)
    assert found[0] == pytest.approx(surface.minima[0][0], abs=1e-4)


def descend(name, x, lr, steps, momentum=0.0):
    """Plain descent written out, to where it ends."""
    slope, speed = SLOPES[name][0], 0.0
    for _ in range(steps):
        speed = momentum * speed + slope(x)
        x = x - lr * speed
        if not abs(x) < 50:
            return np.inf
    return x


def test_the_bowl_diverges_from_afar_at_a_rate_that_is_good_at_its_bottom():
    assert abs(descend("ConvexBowl", 0.5, 0.9, 50)) < 1e-12
    assert descend("ConvexBowl", SURFACES["ConvexBowl"].start[0], 0.9, 50) == np.inf
    assert abs(descend("ConvexBowl", SURFACES["ConvexBowl"].start[0], 0.1, 200)) < 1e-6


def test_in_the_double_well_plain_descent_ends_in_the_local_minimum_and_momentum_in_the_global_one():
    well = SURFACES["DoubleWell"]
    start, local, best = well.start[0], well.local_minima[0][0], well.minima[0][0]
    assert descend("DoubleWell", start, 0.05, 2000) == pytest.approx(local)
    assert descend("DoubleWell", start, 0.05, 2000, momentum=0.9) == pytest.approx(best)
    height = [float(well(torch.tensor([x, 0.0], dtype=torch.float64))) for x in (best, local)]
    assert height[0] < height[1] - 0.5


def test_in_the_ripples_plain_descent_ends_in_the_first_pit_and_momentum_gets_farther():
    start, first = SURFACES["Wavy"].start[0], min(x for x, _ in SURFACES["Wavy"].local_minima)
    for lr in (0.02, 0.05):
        assert descend("Wavy", start, lr, 2000) == pytest.approx(first)
        assert descend("Wavy", start, lr, 2000, momentum=0.9) > first + 3
