"""The rate map agrees with simulation."""

import numpy as np
import pytest
import torch

from optgui.core.engine import build
from optgui.core.surface.maps import RateMapConfig, RateMapEngine
from optgui.core.surface.maps.rate_map import FASTEST, fitted
from optgui.core.surface.rates import contraction

FORMS = ("heavy ball", "nesterov", "average")


def finish(engine):
    while not engine.done:
        engine.step()
    return engine.frame()


def rate_map(form, condition=10, **more):
    surface = {"name": "Quadratic", "condition": condition, "angle": 30}
    settings = {"surface": surface, "form": form, "rates": 49, "momenta": 33, **more}
    return RateMapEngine(RateMapConfig.parse(settings))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("condition", [1, 10, 100])
def test_measured_rates_are_theorys_on_quadratics(form, condition):
    frame = finish(rate_map(form, condition))
    theory = np.minimum(frame.theory, FASTEST)
    assert frame.measured.shape == theory.shape == (33, 49)
    apart = np.abs(frame.measured - theory)
    assert np.quantile(apart, 0.98) < 0.03
    assert apart.max() < 0.1  # a run of a dozen steps that swings
    clear = np.abs(theory - 1) > 0.01
    np.testing.assert_array_equal((frame.measured > 1)[clear], (theory > 1)[clear])


@pytest.mark.parametrize("form", FORMS)
def test_the_rates_of_the_companion_matrix_are_the_theory(form):
    frame = rate_map(form).frame()
    hessian = frame.config.surface.curvature(0.0, 0.0).eigenvalues
    for row in (3, 17, 30):
        for column in (2, 20, 33):
            lr, beta = frame.lrs[column], frame.momenta[row]
            radii = []
            for curvature in hessian:
                weight = 1 - beta if form == "average" else 1.0
                here = 1.0 if form == "nesterov" else 0.0
                inside = beta if form == "nesterov" else 1.0
                velocity = np.array([beta, weight * curvature])
                position = np.array([0, 1 - lr * here * curvature]) - lr * inside * velocity
                radii.append(np.abs(np.linalg.eigvals(np.array([velocity, position]))).max())
            np.testing.assert_allclose(frame.theory[row, column], max(radii), rtol=1e-9)


def test_the_optimum_is_polyaks_and_nothing_on_the_map_is_faster():
    for form in FORMS:
        frame = rate_map(form, 25).frame()
        assert frame.theory.min() >= frame.optimum.rate - 1e-9
        if form != "nesterov":
            np.testing.assert_allclose(frame.optimum.rate, 4 / 6, rtol=1e-9)
            np.testing.assert_allclose(frame.optimum.beta, 4 / 9, rtol=1e-9)


def test_the_best_rate_of_each_momentum_is_the_bottom_of_its_row():
    frame = rate_map("heavy ball", rates=401).frame()
    hessian = frame.config.surface.curvature(0.0, 0.0).eigenvalues
    best = [contraction(lr, hessian, beta) for lr, beta in zip(frame.best_lrs, frame.momenta, strict=True)]
    lowest = frame.theory.min(1)
    assert (best <= lowest + 1e-9).all()
    np.testing.assert_allclose(best, lowest, atol=0.02)


def test_levels_refine_one_picture():
    engine = rate_map("heavy ball", steps=40)
    frames = [engine.frame()]
    while not engine.done:
        engine.step()
        if engine.frame().measured.shape != frames[-1].measured.shape:
            frames.append(engine.frame())
    assert [frame.measured.shape for frame in frames] == [(0, 0), (9, 13), (17, 25), (33, 49)]
    np.testing.assert_array_equal(frames[1].measured, frames[3].measured[::4, ::4])
    np.testing.assert_array_equal(frames[2].measured_lrs, frames[3].measured_lrs[::2])


def test_a_curved_valley_is_measured_where_no_quadratic_is():
    engine = build(
        "rate_map",
        RateMapConfig.parse(
            {"surface": "Rosenbrock", "start": [0.8, 0.7], "rates": 9, "momenta": 9, "steps": 2000}
        ),
    )
    frame = finish(engine)
    place = int(np.abs(np.log(frame.lrs / 0.001)).argmin())
    np.testing.assert_allclose(frame.measured[:, place], frame.theory[:, place], atol=0.01)


def test_a_saddle_has_no_optimum():
    frame = RateMapEngine(RateMapConfig.parse({"surface": "Saddle", "rates": 9, "momenta": 9})).frame()
    assert frame.optimum is None
    assert np.isnan(frame.best_lrs).all()
    assert (frame.theory > 1).all()


def test_a_fit_reads_the_factor_of_a_swinging_run_above_rounding():
    steps = np.arange(200)
    swinging = 0.9**steps * np.abs(np.cos(0.7 * steps)) + 1e-16
    growing = 1.05**steps
    still = np.full(200, 0.0)
    with np.errstate(all="ignore"):
        logs = np.log(np.stack([swinging, growing, still], 1))
        rates = fitted(logs, np.array([False, False, False]))
    np.testing.assert_allclose(rates[:2], [0.9, 1.05], rtol=0.005)
    assert np.isnan(rates[2])


def test_bad_axes_are_refused():
    with pytest.raises(ValueError, match="low: expected a rate below the highest"):
        RateMapConfig.parse({"low": 1.0, "high": 0.5})
    with pytest.raises(ValueError, match="form: expected one of heavy ball, nesterov, average"):
        RateMapConfig.parse({"form": "sideways"})


@pytest.mark.parametrize(("beta", "dampening"), [(0.5, 0.3), (0.0, 0.3), (0.8, 0.0)])
def test_weight_decay_and_dampening_count_in_theory_and_in_what_is_measured(beta, dampening):
    settings = {"weight_decay": 1.0, "dampening": dampening, "most": 0.8, "momenta": 9, "rates": 9}
    frame = finish(rate_map("heavy ball", low=0.02, high=0.1, **settings))
    hessian = frame.config.surface.curvature(0.0, 0.0).hessian
    row, column = int(np.abs(frame.momenta - beta).argmin()), 4
    beta, lr = float(frame.momenta[row]), float(frame.lrs[column])
    x = torch.tensor([2.0, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=lr, momentum=beta, dampening=dampening, weight_decay=1.0)
    sizes = []
    for _ in range(60):
        x.grad = torch.tensor(hessian) @ x.detach()
        optimizer.step()
        sizes.append(float(x.detach().norm()))
    highest = [max(sizes[k:]) for k in (20, 40)]  # of what is still to come, because momentum swings
    assert frame.theory[row, column] == pytest.approx((highest[1] / highest[0]) ** (1 / 20), abs=0.02)
    assert frame.measured[row, column] == pytest.approx(frame.theory[row, column], abs=0.02)
    assert frame.theory.min() >= frame.optimum.rate - 1e-9


def test_where_no_gradient_reaches_the_velocity_no_momentum_is_best():
    frame = rate_map("heavy ball", dampening=1.0).frame()
    low, high = frame.config.surface.curvature(0.0, 0.0).eigenvalues
    assert frame.optimum == pytest.approx((2 / (low + high), 0.0, (high - low) / (high + low)))


def test_a_gradient_that_grows_down_a_valley_has_not_diverged():
    surface = {"name": "Formula", "text": "-x - x**2/2 + 20*y**2"}
    settings = {"start": [0.0, 0.0], "low": 1e-4, "high": 1.0, "rates": 9, "momenta": 5, "steps": 50}
    frame = finish(RateMapEngine(RateMapConfig.parse({"surface": surface, **settings})))
    assert (frame.measured > 1).all()
    assert frame.unsettled.all()


def test_what_grows_on_a_bowl_has_diverged():
    frame = finish(rate_map("heavy ball"))
    assert (frame.measured > 1).any()
    assert not frame.unsettled[frame.theory > 1.001].any()


def test_what_a_form_does_not_have_is_refused():
    with pytest.raises(ValueError, match="dampening: expected 0"):
        RateMapConfig.parse({"form": "nesterov", "dampening": 0.5})
    with pytest.raises(ValueError, match="weight_decay: expected 0"):
        RateMapConfig.parse({"form": "average", "weight_decay": 0.5})
