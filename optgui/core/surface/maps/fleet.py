"""Fleet: many points that descend at once, each alone."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optgui.core.constraints import ConvexSet
from optgui.core.surface.config import DescentConfig, RacerConfig
from optgui.core.surface.driving import NoisyGradients
from optgui.core.surface.feasible import feasible_set, project
from optgui.core.surface.maps.schedule import Rates
from optgui.core.surface.objective import Objective
from optgui.core.surface.rules import Rule, make_rules

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


class Fleet:
    """n points, moved as DescentEngine moves its racers; a point that left the finite numbers stands still.

    `x` (n, 2), `values` (n,) and `gradients` (n, 2) are replaced by each step and never changed, so that they
    may be kept. `gone` (n,) says who diverged, `ids` (n,) which points of the start are left.

    Args:
        objective: the function.
        start: the points (n, 2).
        rules: rules, each with how many points it moves, in the order of the points.
        rates: their learning rates.
        feasible: where they must stay; the start is projected too.
        flat: whether the function is one of x alone; then y is 0.
        noise: what they are given instead of the exact gradient; all have the same luck.
    """

    def __init__(
        self,
        objective: Objective,
        start: Array,
        rules: Sequence[tuple[Rule, int]],
        rates: Rates,
        feasible: ConvexSet | None = None,
        flat: bool = False,
        noise: NoisyGradients | None = None,
    ) -> None:
        self._objective, self._rates = objective, rates
        self._feasible, self._flat, self._noise = feasible, flat, noise
        self._rules = list(rules)
        self.count = 0
        self.ids: Rows = np.arange(len(start))
        self.gone = np.zeros(len(start), np.bool_)
        self.x = self._allowed(np.array(start, np.float64))
        self.values, self.gradients = objective.gradients(self.x)
        self._given = self.gradients if noise is None else noise.given(self.x, self.gradients)

    def __len__(self) -> int:
        """How many points are left."""
        return len(self.x)

    @np.errstate(all="ignore")
    def step(self) -> None:
        """Move every point once."""
        self.count += 1
        x = self._allowed(self._led_to())
        values, gradients = self._objective.gradients(x)
        if self.gone.any() or not np.isfinite(x.sum() + values.sum()):
            self.gone |= ~(np.isfinite(values) & np.isfinite(x).all(1))
            gone = self.gone
            x[gone], values[gone], gradients[gone] = self.x[gone], self.values[gone], self.gradients[gone]
        self.x, self.values, self.gradients = x, values, gradients
        self._rates.advance(self.count, values)
        self._given = gradients if self._noise is None else self._noise.given(x, gradients)

    def keep(self, chosen: NDArray[np.bool_]) -> None:
        """Go on with the points where `chosen` (n,) is true."""
        rules, first = [], 0
        for rule, count in self._rules:
            mine = np.flatnonzero(chosen[first : first + count])
            if mine.size:
                rules.append((rule if mine.size == count else rows_of(rule, mine, count), mine.size))
            first += count
        self._rules = rules
        rows = np.flatnonzero(chosen)
        self._rates.keep(rows)
        for name in ("ids", "gone", "x", "values", "gradients", "_given"):
            setattr(self, name, getattr(self, name)[rows])

    def _led_to(self) -> Array:
        rate = self._rates.now
        if len(self._rules) == 1:
            return self._rules[0][0].step(self.x, self._given, rate, self._objective)
        led_to, first = np.empty_like(self.x), 0
        for rule, count in self._rules:
            rows = slice(first, first + count)
            lr = rate[rows] if isinstance(rate, np.ndarray) else rate
            led_to[rows] = rule.step(self.x[rows], self._given[rows], lr, self._objective)
            first += count
        return led_to

    def _allowed(self, x: Array) -> Array:
        if self._flat:
            x[:, 1] = 0.0
        return x if self._feasible is None else project(self._feasible, x)


def racers_fleet(config: DescentConfig, racers: Sequence[RacerConfig], lrs: Array) -> Fleet:
    """Every racer at every rate of `lrs` (m,), from the start and under the noise of a race.

    Point `racer * m + rate` is at place p of the fleet if `ids[p]` says so.
    """
    count = len(lrs)
    start = np.tile(np.array(config.start, np.float64), (len(racers) * count, 1))
    groups = make_rules([racer.optimizer for racer in racers for _ in range(count)], start)
    order = np.concatenate([rows for rows, _ in groups])
    rates = Rates(
        np.tile(lrs, len(racers))[order, None],
        [racer.scheduler for racer in racers],
        config.steps,
        len(order),
        order // count,
    )
    rules = [(rule, len(rows)) for rows, rule in groups]
    noise = None if config.noise.name == "None" else NoisyGradients(config)
    objective = Objective(config.surface.evaluate)
    flat = config.surface.entry.dimension == 1
    fleet = Fleet(objective, start, rules, rates, feasible_set(config), flat, noise)
    fleet.ids = order
    return fleet


def rows_of(rule: Rule, rows: Rows, count: int) -> Rule:
    """The rule of these points alone: every array of its state with a row for each of `count` points is cut.

    The buffers in which rules compute are cut with it; so `count` must not be the length of anything else,
    which holds for more than a few points.
    """
    made: Rule = _cut(rule, rows, count, {})
    return made


def _cut(thing: Any, rows: Rows, count: int, known: dict[int, Any]) -> Any:
    if id(thing) in known:  # two names of one array stay one array
        return known[id(thing)]
    made = thing
    if isinstance(thing, np.ndarray):
        made = thing[rows] if thing.ndim and len(thing) == count else thing
    elif isinstance(thing, tuple):
        shape = len(thing) == 2 and isinstance(thing[0], int) and thing == (count, 2)
        made = (len(rows), 2) if shape else tuple(_cut(item, rows, count, known) for item in thing)
    elif isinstance(thing, Mapping):
        made = {name: _cut(value, rows, count, known) for name, value in thing.items()}
    elif type(thing).__module__.startswith(__name__.split(".")[0]):
        made = copy.copy(thing)
        vars(made).update({name: _cut(value, rows, count, known) for name, value in vars(thing).items()})
    known[id(thing)] = made
    return made
