"""Many starts at once against a loop over starts, and what whole maps take."""

import time

import numpy as np
import torch

from optgui.core.runtime import use_threads
from optgui.core.surface import SURFACES, DescentConfig, DescentOptimizer, SurfaceConfig
from optgui.core.surface.maps import (
    BasinsConfig,
    BasinsEngine,
    RateMapConfig,
    RateMapEngine,
    SweepConfig,
    SweepEngine,
    TunerConfig,
    TunerEngine,
)
from optgui.core.surface.maps.fleet import Fleet
from optgui.core.surface.maps.schedule import Rates
from optgui.core.surface.objective import Objective
from optgui.core.surface.rules import make_rule
from tests.benchmarks.report import Row, interleaved

STARTS, STEPS, LOOPED = 40_000, 200, 20
RATE = 0.05
REPEATS = 5


def rows() -> list[Row]:
    use_threads(1)
    points = np.random.default_rng(0).uniform((-2, -1), (2, 3), (STARTS, 2))
    _fleet_s(points[:1000])
    _loop_s(points[:2])
    found = interleaved(REPEATS, fleet=lambda: _fleet_s(points), loop=lambda: _loop_s(points[:LOOPED]))
    fleet, loop = min(found["fleet"]), min(found["loop"]) * STARTS / LOOPED
    what = f"{STARTS:,} starts, {STEPS} steps of Adam each: a loop with torch.optim against a fleet"
    note = f"the loop is taken from {LOOPED} starts; best of {REPEATS} that take turns"
    race = DescentConfig()
    engines = {
        "basins of Himmelblau's function, 400 x 400 starts, Adam": BasinsEngine(
            BasinsConfig.parse({"racer": {"optimizer": {"name": "Adam", "lr": RATE}}})
        ),
        "learning-rate sweep, three racers, 121 rates, 500 steps": SweepEngine(SweepConfig(race=race)),
        "rate map, 65 x 97 pairs, 300 steps": RateMapEngine(RateMapConfig()),
        "fair tuner, three racers, 24 rates, 8 seeds, 500 steps": TunerEngine(TunerConfig(race=race)),
    }
    reported = []
    for name, engine in engines.items():
        seconds, longest = _whole(engine)
        reported.append(Row(name, seconds, unit="s", note=f"longest step {1000 * longest:.1f} ms"))
    return [Row(what, loop, fleet, "s", ">= 4000", note=note), *reported]


def _fleet_s(points: np.ndarray) -> float:
    optimizer = DescentOptimizer.parse({"name": "Adam", "lr": RATE})
    started = time.perf_counter()
    rules = [(make_rule(optimizer, points), len(points))]
    objective = Objective(SurfaceConfig(name="Rosenbrock").evaluate)
    fleet = Fleet(objective, points, rules, Rates(RATE, (), STEPS, len(points)))
    for _ in range(STEPS):
        fleet.step()
    return time.perf_counter() - started


def _loop_s(points: np.ndarray) -> float:
    surface = SURFACES["Rosenbrock"]
    started = time.perf_counter()
    for start in points:
        point = torch.nn.Parameter(torch.from_numpy(start.copy()))
        optimizer = torch.optim.Adam([point], lr=RATE)
        for _ in range(STEPS):
            optimizer.zero_grad()
            surface(point).backward()
            optimizer.step()
    return time.perf_counter() - started


def _whole(engine: object) -> tuple[float, float]:
    """Seconds for a map, and for its longest step."""
    longest, started = 0.0, time.perf_counter()
    while not engine.done:
        before = time.perf_counter()
        engine.step()
        longest = max(longest, time.perf_counter() - before)
    return time.perf_counter() - started, longest
