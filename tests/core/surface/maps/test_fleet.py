"""Fleets: equal to races and to themselves when points are left out."""

import numpy as np
import pytest

from optgui.core.schedulers import Schedule, SchedulerConfig
from optgui.core.surface import DescentConfig, DescentEngine, DescentOptimizer, SurfaceConfig
from optgui.core.surface.maps.fleet import Fleet, racers_fleet
from optgui.core.surface.maps.schedule import Plateau, Rates
from optgui.core.surface.maps.work import level, moves_many, refine
from optgui.core.surface.objective import Objective
from optgui.core.surface.rules import RULES, make_rule

MANY = [name for name in RULES if moves_many(DescentOptimizer.parse({"name": name}))]


def fleet_of(optimizer, points, surface="Himmelblau", scheduler="None", steps=100):
    chosen = DescentOptimizer.parse(optimizer)
    rates = Rates(chosen.lr, [SchedulerConfig.parse({"name": scheduler})], steps, len(points))
    objective = Objective(SurfaceConfig(name=surface).evaluate)
    return Fleet(objective, points, [(make_rule(chosen, points), len(points))], rates)


def points_of(count=24):
    return np.random.default_rng(1).uniform(-3, 3, (count, 2))


@pytest.mark.parametrize("name", MANY)
def test_points_that_are_left_go_on_as_if_the_others_were_still_there(name):
    optimizer = {"name": name, "lr": 0.01}
    whole, cut = (fleet_of(optimizer, points_of(), scheduler="ReduceLROnPlateau") for _ in range(2))
    for _ in range(7):
        whole.step()
        cut.step()
    left = np.arange(24) % 3 != 1
    cut.keep(left)
    np.testing.assert_array_equal(cut.ids, np.flatnonzero(left))
    for _ in range(15):
        whole.step()
        cut.step()
    np.testing.assert_allclose(cut.x, whole.x[left], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(cut.values, whole.values[left], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", MANY)
def test_positions_that_were_handed_out_do_not_change(name):
    fleet = fleet_of({"name": name, "lr": 0.01}, points_of())
    past, copies = [], []
    for _ in range(6):
        fleet.step()
        past.append(fleet.x)
        copies.append(fleet.x.copy())
    for kept, copy in zip(past, copies, strict=True):
        np.testing.assert_array_equal(kept, copy)


def test_the_columns_of_a_rule_are_cut_with_its_points():
    points, beta = points_of(), np.linspace(0, 0.9, 24)[:, None]
    optimizer = DescentOptimizer.parse({"name": "SGD", "lr": 0.001})
    objective = Objective(SurfaceConfig(name="Himmelblau").evaluate)
    fleets = []
    for _ in range(2):
        rule = make_rule(optimizer, points, momentum=beta)
        fleets.append(Fleet(objective, points, [(rule, 24)], Rates(np.full((24, 1), 1e-3), (), 50, 24)))
    whole, cut = fleets
    left = np.arange(24) > 5
    for step in range(20):
        if step == 4:
            cut.keep(left)
        whole.step()
        cut.step()
    np.testing.assert_array_equal(cut.x, whole.x[left])


RACE = {
    "surface": "Himmelblau",
    "start": [0.5, -1.0],
    "steps": 60,
    "noise": {"name": "Gaussian", "sigma": 2.0},
    "seed": 4,
    "constraint": {"name": "Ball", "radius": 2.5},
    "racers": [
        {"optimizer": {"name": "SGD", "lr": 1.0, "momentum": 0.5}, "scheduler": {"name": "StepLR"}},
        {"optimizer": {"name": "Adam", "lr": 1.0}, "scheduler": {"name": "ReduceLROnPlateau"}},
        {"optimizer": {"name": "SGD", "lr": 1.0}},
    ],
}


def test_racers_at_many_rates_equal_races_at_these_rates():
    config = DescentConfig.parse(RACE)
    lrs = np.array([0.001, 0.01, 0.05])
    fleet = racers_fleet(config, config.racers, lrs)
    for _ in range(config.steps):
        fleet.step()
    ends = np.empty((9, 2))
    ends[fleet.ids] = fleet.x
    for place, lr in enumerate(lrs):
        race = config
        for number in range(3):
            race = race.changed(f"racers.{number}.optimizer.lr", lr)
        engine = DescentEngine(race)
        while not engine.done:
            engine.step()
        paths = engine.frame().paths[:, -1]
        np.testing.assert_allclose(ends.reshape(3, 3, 2)[:, place], paths, rtol=1e-12, atol=1e-12)


def test_a_point_that_diverges_stands_still_and_the_others_go_on():
    points = np.array([[1.0, 1.0], [2.9, 2.1], [3.0, 2.0]])
    optimizer = DescentOptimizer.parse({"name": "SGD", "lr": 1.0})
    rates = Rates(np.array([[1.0], [0.01], [0.01]]), (), 100, 3)
    fleet = Fleet(
        Objective(SurfaceConfig(name="Himmelblau").evaluate),
        points,
        [(make_rule(optimizer, points), 3)],
        rates,
    )
    for _ in range(60):
        fleet.step()
    assert fleet.gone.tolist() == [True, False, False]
    assert np.isfinite(fleet.x).all()
    np.testing.assert_allclose(fleet.x[1:], [[3, 2], [3, 2]], atol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"patience": 0, "cooldown": 3, "factor": 0.5},
        {"threshold_mode": "abs", "threshold": 0.2, "min_lr": 0.01},
        {"warmup": 5, "warmup_start": 0.2, "patience": 1, "eps": 0.02, "factor": 0.6},
    ],
)
def test_plateaus_of_many_points_are_torchs_for_each(values):
    config = SchedulerConfig.parse({"name": "ReduceLROnPlateau", **values})
    losses = np.random.default_rng(2).uniform(0, 1, (80, 6)) * np.linspace(1, 0.5, 80)[:, None]
    ours = Plateau(config.values, 6)
    theirs = [Schedule(config, 1, 80) for _ in range(6)]
    for row in losses:
        np.testing.assert_array_equal(ours.factor, [schedule.factor for schedule in theirs])
        ours.advance(row)
        for schedule, loss in zip(theirs, row, strict=True):
            schedule.advance_step()
            schedule.advance_epoch(float(loss))


@pytest.mark.parametrize("shape", [(48, 48), (1, 48), (121,)])
def test_levels_hold_the_levels_before_them_and_compute_no_point_twice(shape):
    new = [(stride, places) for stride, places in refine(shape, (16, 8, 4, 2, 1), 5)]
    together = np.concatenate([places for _, places in new])
    np.testing.assert_array_equal(np.sort(together), np.arange(np.prod(shape)))
    known = np.zeros(shape, bool)
    for stride, places in new:
        known.ravel()[places] = True
        at = level(shape, stride, 5)
        assert known[at].all()
        assert known.sum() == known[at].size
