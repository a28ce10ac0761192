"""The sweep: races at its rates, one by one; levels, best rates, rulers."""

import numpy as np
import pytest

from optgui.core.engine import build
from optgui.core.surface import DescentConfig, DescentEngine
from optgui.core.surface.maps import SweepConfig, SweepEngine

RACERS = [
    {"optimizer": {"name": "SGD"}},
    {"optimizer": {"name": "SGD", "momentum": 0.9}, "scheduler": {"name": "StepLR", "step_size": 40}},
    {"optimizer": {"name": "Adam"}, "scheduler": {"name": "ReduceLROnPlateau"}},
]


def finish(engine):
    while not engine.done:
        engine.step()
    return engine.frame()


def race_at(config, lr):
    for place in range(len(config.racers)):
        config = config.changed(f"racers.{place}.optimizer.lr", float(lr))
    engine = DescentEngine(config)
    while not engine.done:
        engine.step()
    return engine.frame()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"noise": {"name": "Gaussian", "sigma": 1.0}, "seed": 3},
        {"surface": "LinearRegression", "noise": {"name": "MiniBatch", "batch_size": 2}},
        {"constraint": {"name": "Ball", "radius": 1.2}},
        {"surface": "DoubleWell"},
    ],
    ids=["plain", "noise", "batches", "constraint", "one dimension"],
)
def test_the_sweep_is_what_races_at_its_rates_are(more):
    race = DescentConfig.parse({"racers": RACERS, "steps": 120, **more})
    frame = finish(SweepEngine(SweepConfig(race=race, low=1e-4, high=1.0, rates=17)))
    assert frame.finals.shape == frame.diverged.shape == frame.reached.shape == (3, 17)
    for place in range(0, 17, 2):
        found = race_at(race, frame.lrs[place])
        for racer in range(3):
            if found.diverged[racer] is None:
                np.testing.assert_allclose(frame.finals[racer, place], found.losses[racer, -1], rtol=1e-12)
                assert np.isnan(frame.diverged[racer, place])
            else:
                assert np.isnan(frame.finals[racer, place])
                assert frame.diverged[racer, place] == found.diverged[racer]


def test_steps_to_arrive_are_those_of_the_race():
    race = DescentConfig.parse({"surface": "Quadratic", "start": [2, 1], "steps": 80, "racers": RACERS[:1]})
    frame = finish(SweepEngine(SweepConfig(race=race, low=1e-3, high=1.0, rates=9, share=0.01)))
    for place, lr in enumerate(frame.lrs):
        losses = race_at(race, lr).losses[0]
        below = np.flatnonzero(losses <= 0.01 * losses[0])
        np.testing.assert_equal(frame.reached[0, place], float(below[0]) if below.size else np.nan)


def test_every_fourth_rate_comes_first_and_stays():
    engine = SweepEngine(SweepConfig(race=DescentConfig(steps=40), rates=33))
    frames = [engine.frame()]
    while not engine.done:
        engine.step()
        if len(engine.frame().lrs) != len(frames[-1].lrs):
            frames.append(engine.frame())
    assert [frame.finals.shape for frame in frames] == [(3, 0), (3, 9), (3, 33)]
    np.testing.assert_array_equal(frames[1].lrs, frames[2].lrs[::4])
    np.testing.assert_array_equal(frames[1].finals, frames[2].finals[:, ::4])
    assert (frames[2].lrs[0], frames[2].lrs[-1]) == (1e-5, 10.0)
    for racer, losses in enumerate(frames[2].finals):
        assert frames[2].best_finals[racer] == np.nanmin(losses)
        assert frames[2].best_lrs[racer] == frames[2].lrs[np.nanargmin(losses)]


def test_rates_above_the_rulers_limit_do_not_converge():
    surface = {"name": "Quadratic", "condition": 10}
    race = DescentConfig.parse({"surface": surface, "start": [2, 2], "steps": 300, "racers": RACERS[:1]})
    frame = finish(build("sweep", SweepConfig(race=race, low=1e-3, high=10, rates=81)))
    (theory,) = frame.rulers
    assert frame.hessian_at == (0.0, 0.0)
    start = race.surface.value(2, 2)
    above = frame.lrs > 1.02 * theory.limit
    below = (frame.lrs < 0.98 * theory.limit) & (frame.lrs > 0.1 * theory.limit)
    assert (np.isnan(frame.finals[0, above]) | (frame.finals[0, above] > start)).all()
    assert (frame.finals[0, below] < 1e-4 * start).all()
    assert abs(np.log10(frame.best_lrs[0] / theory.best)) < 0.06


def test_optimizers_that_move_one_by_one_are_left_out_with_a_sentence():
    race = DescentConfig.parse({"steps": 10, "racers": [{"optimizer": {"name": "LBFGS"}}, *RACERS[:1]]})
    frame = finish(SweepEngine(SweepConfig(race=race, rates=9)))
    assert np.isnan(frame.finals[0]).all()
    assert np.isfinite(frame.finals[1, 0])
    assert "LBFGS is left out" in frame.left_out[0]
    with pytest.raises(ValueError, match="racers: expected one that moves many points at once, got none"):
        SweepEngine(SweepConfig(race=DescentConfig.parse({"racers": [{"optimizer": {"name": "LBFGS"}}]})))


def test_a_surface_without_minima_has_no_arrivals():
    race = DescentConfig.parse({"surface": "Saddle", "steps": 20, "racers": RACERS[:1]})
    frame = finish(SweepEngine(SweepConfig(race=race, rates=9)))
    assert np.isnan(frame.reached).all()
    assert frame.hessian_at == race.start


def test_a_race_that_cannot_start_cannot_be_swept():
    surface = {"name": "Formula", "text": "log(x) + y**2"}
    race = DescentConfig.parse({"surface": surface, "start": [-1, 1], "racers": RACERS[:1]})
    with pytest.raises(ValueError, match="start: expected a point where Formula is finite"):
        SweepEngine(SweepConfig(race=race))


def test_an_axis_upside_down_is_refused():
    with pytest.raises(ValueError, match="low: expected a rate below the highest, 1, got 2"):
        SweepConfig.parse({"low": 2.0, "high": 1.0})
