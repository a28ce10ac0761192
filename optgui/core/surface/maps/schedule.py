"""Rates: what schedules make of the base rates of many points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optgui.core.schedulers import SchedulerConfig
from optgui.core.surface.driving import factors_of

Array = NDArray[np.float64]


class Rates:
    """Effective rates of n points: base rate times the factor of the point's schedule.

    Args:
        base: one rate, or a column (n, 1).
        schedules: of the racers; none for constant rates.
        steps: the length of the race; behind it the last factors stay.
        count: n.
        racer: to which racer each point belongs, (n,); None if there is only one.
    """

    def __init__(
        self,
        base: Array | float,
        schedules: Sequence[SchedulerConfig],
        steps: int,
        count: int,
        racer: NDArray[np.intp] | None = None,
    ) -> None:
        self._base, self._racer = base, racer
        curves = [factors_of(schedule, steps) for schedule in schedules]
        self._plain = all(schedule.name == "None" for schedule in schedules)
        self._table = np.array([np.ones(steps) if curve is None else curve for curve in curves])
        self._plateaus = [
            (place, Plateau(schedule.values, count))
            for place, (schedule, curve) in enumerate(zip(schedules, curves, strict=True))
            if curve is None
        ]
        self.now: Array | float = base
        self._set(0)

    def advance(self, step: int, losses: Array) -> None:
        """Go on to the rates of step `step` + 1, behind a step that led to `losses` (n,)."""
        if not self._plain:
            for _, plateau in self._plateaus:
                plateau.advance(losses)
            self._set(step)

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Go on with these points alone."""
        if isinstance(self._base, np.ndarray):
            self._base = self._base[rows]
        if isinstance(self.now, np.ndarray):
            self.now = self.now[rows]
        if self._racer is not None:
            self._racer = self._racer[rows]
        for _, plateau in self._plateaus:
            plateau.keep(rows)

    def _set(self, step: int) -> None:
        self.now = self._base
        if self._plain:
            return
        factors = self._table[:, min(step, self._table.shape[1] - 1)]
        if self._racer is None and not self._plateaus:
            self.now = self._base * float(factors[0])
            return
        if self._racer is None:
            each = self._plateaus[0][1].factor
        else:
            each = factors[self._racer]
            for place, plateau in self._plateaus:
                mine = self._racer == place
                each[mine] = plateau.factor[mine]
        self.now = self._base * each[:, None]


class Plateau:
    """torch's ReduceLROnPlateau of many points, an epoch a step; `factor` (n,) is of the next step."""

    def __init__(self, values: Mapping[str, Any], count: int) -> None:
        self._values = values
        self._step = 0
        self._rate = np.ones(count)
        self._best = np.full(count, np.inf)
        self._bad, self._wait = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self.factor = self._rate * self._warmup()

    def advance(self, losses: Array) -> None:
        """Take the losses behind a step."""
        values = self._values
        self._step += 1
        if self._step > values["warmup"]:
            threshold = values["threshold"]
            relative = values["threshold_mode"] == "rel"
            better = losses < (self._best * (1 - threshold) if relative else self._best - threshold)
            self._best = np.where(better, losses, self._best)
            self._bad = np.where(better | (self._wait > 0), 0, self._bad + 1)
            self._wait = np.maximum(self._wait - 1, 0)
            over = self._bad > values["patience"]
            lower = np.maximum(self._rate * values["factor"], values["min_lr"])
            self._rate = np.where(over & (self._rate - lower > values["eps"]), lower, self._rate)
            self._bad[over], self._wait[over] = 0, values["cooldown"]
        self.factor = self._rate * self._warmup()

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Go on with these points alone."""
        for name in ("_rate", "_best", "_bad", "_wait", "factor"):
            setattr(self, name, getattr(self, name)[rows])

    def _warmup(self) -> float:
        length, start = self._values["warmup"], self._values["warmup_start"]
        if self._step >= length:
            return 1.0
        return float(start + (1 - start) * self._step / length)
