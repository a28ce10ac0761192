"""What drives the racers beside the surface: noisy gradients, and scheduled rates."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.schedulers import Schedule, SchedulerConfig, curve
from optgui.core.surface.config import DescentConfig
from optgui.core.surface.noise import Batches
from optgui.core.surface.objective import Objective

Array = NDArray[np.float64]


class NoisyGradients:
    """What each racer is given instead of the exact gradient."""

    def __init__(self, config: DescentConfig) -> None:
        values, entry = config.noise.values, config.surface.entry
        random = np.random.default_rng(config.seed)
        self._sigma: float = values.get("sigma", 0.0)
        self._free = np.array([1.0, 0.0 if entry.dimension == 1 else 1.0])  # a function of x has no y
        self._random = random
        self._batches: Batches | None = None
        if config.noise.name == "MiniBatch" and entry.terms is not None and entry.count is not None:
            self._count = entry.count(config.surface.values)
            self._batches = Batches(self._count, values, random)
            self._surface = config.surface
            self._sample = Objective(self._estimate)

    def given(self, x: Array, gradients: Array) -> Array:
        """Gradients (racers, 2) as the optimizers get them; all racers have the same luck."""
        if self._batches is not None:
            self._chosen = torch.from_numpy(self._batches.draw())
            return self._sample.gradients(x)[1]
        if self._sigma:
            return gradients + self._sigma * self._free * self._random.standard_normal(2)
        return gradients

    def _estimate(self, xy: torch.Tensor) -> torch.Tensor:
        terms = self._surface.entry.terms
        assert terms is not None
        chosen = terms(xy, self._surface.values, self._chosen)
        return chosen.sum(-1) * (self._count / len(self._chosen))


class Rates:
    """Effective rates of the racers: base rate times schedule factor; `now` (racers,) is of the next step."""

    def __init__(self, config: DescentConfig) -> None:
        self.base = np.array([racer.optimizer.lr for racer in config.racers])
        self._curves: list[tuple[int, Array]] = []
        self._schedules: list[tuple[int, Schedule]] = []
        for place, racer in enumerate(config.racers):
            if racer.scheduler.name == "None":
                continue
            factors = factors_of(racer.scheduler, config.steps)
            if factors is None:
                self._schedules.append((place, Schedule(racer.scheduler, 1, config.steps)))
            else:
                self._curves.append((place, factors))
        self.now = self.base
        self.advance(0, self.base)

    def advance(self, step: int, losses: Array) -> None:
        """Go on to the rates of step `step` + 1, behind a step that led to `losses` (racers,)."""
        if not self._curves and not self._schedules:
            return
        self.now = self.base.copy()
        for place, factors in self._curves:
            self.now[place] *= factors[min(step, len(factors) - 1)]
        for place, schedule in self._schedules:
            if step:
                schedule.advance_step()
                schedule.advance_epoch(float(losses[place]))
            self.now[place] *= schedule.factor


def factors_of(schedule: SchedulerConfig, steps: int) -> Array | None:
    """The factor of each step (steps,) of a race, in which an epoch is one step; None if it depends on it."""
    return curve(schedule, 1, steps)
