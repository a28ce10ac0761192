"""Basins of attraction: which minimum an optimizer reaches from every start in view, and how soon."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from optgui.core.constraints import ConstraintConfig
from optgui.core.params import Config, param
from optgui.core.snapshot import frozen, frozen_copy
from optgui.core.surface.config import DescentConfig, RacerConfig, SurfaceConfig
from optgui.core.surface.feasible import feasible_set
from optgui.core.surface.maps.fleet import Fleet
from optgui.core.surface.maps.minima import Minima, find_minima
from optgui.core.surface.maps.schedule import Rates
from optgui.core.surface.maps.work import MapEngine, level, moves_many, refine, refuse_bad
from optgui.core.surface.objective import Objective
from optgui.core.surface.rules import RULES, make_rule
from optgui.core.surface.rules.elementwise import ElementwiseRule

Array = NDArray[np.float64]

NOT_ARRIVED, DIVERGED, UNDEFINED = -1, -2, -3
HOLD = 10  # steps that a start must stay at a minimum
BLOCK = 32_768  # starts that move at once: 19 ns a start and step; 38 ns at 4,096, 24 at 65,536
TERMS = 400_000  # terms of a sum of data points worked on at once
SLOW = 8  # how many times as long as a plain step one takes that looks at curvature or searches along a line
STRIDES = (16, 8, 4, 2, 1)
OFFSET = 5  # 0101 in binary: of all places in a cell of 16, 8, 4 and 2 that are nested, the most central
_ROUNDING = 1e-15


class BasinsConfig(Config):
    """One racer from every start of a grid over `domain`, ((x0, x1), (y0, y1))."""

    surface: SurfaceConfig = param(
        SurfaceConfig(name="Himmelblau"), title="Surface", help="The function to descend on."
    )
    racer: RacerConfig = param(RacerConfig(), title="Racer", help="The optimizer that starts everywhere.")
    constraint: ConstraintConfig = param(
        ConstraintConfig(name="None"), title="Constraint", help="A convex set that no start leaves."
    )
    domain: tuple[tuple[float, float], tuple[float, float]] = param(
        ((-5.0, 5.0), (-5.0, 5.0)), title="Domain", help="What is in view: lowest and highest x, then y."
    )
    side: int = param(
        400,
        title="Side",
        help="Starts along each side of the finest picture, a multiple of 16.",
        low=16,
        high=1600,
        unit="starts",
    )
    steps: int = param(
        500, title="Steps", help="In how many a start must arrive.", low=1, high=100_000, scale="log",
        slider=(10, 10_000), unit="steps",
    )  # fmt: skip

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.side % STRIDES[0]:
            raise ValueError(f"side: expected a multiple of {STRIDES[0]}, got {self.side}")
        if not all(low < high for low, high in self.domain):
            raise ValueError(f"domain: expected each lower end below its upper end, got {self.domain}")
        if not moves_many(self.racer.optimizer):
            name = self.racer.optimizer.name
            raise ValueError(f"racer: expected an optimizer that moves many starts at once, got {name}")
        return self


@dataclasses.dataclass(frozen=True, eq=False)
class BasinsFrame:
    """The finest picture that is complete, read-only; all empty before the first.

    `labels` (rows, columns) int16: index into `minima` (m, 2) of the minimum reached, -1 for a start that has
    not arrived, -2 for one that diverged, -3 where f is not defined. `arrival` (rows, columns) float32: steps
    it took, NaN for none.
    Row i starts at y = `ys[i]`, from the lowest up, column j at x = `xs[j]`; of a function of x there is one
    row. A picture stretched over `config.domain` shows every start within its own cell. `level` counts
    from 1, 0 before the first; `levels` is the finest.
    """

    config: BasinsConfig
    level: int
    levels: int
    labels: NDArray[np.int16]
    arrival: NDArray[np.float32]
    xs: Array
    ys: Array
    minima: Array


class BasinsEngine(MapEngine[BasinsConfig]):
    """Moves all starts, in levels of 1/16, 1/8, 1/4, 1/2 of the side and the whole; none is computed twice.

    A start arrives at step k if from there on it stays at one minimum (see `Minima`) until it was seen there
    for ten steps more; one that only passes through has not arrived. Whoever has arrived or diverged is
    left out of the steps that follow.
    """

    unit = "starts"

    def frame(self) -> BasinsFrame:
        """The last level that is complete."""
        return self._frame

    def _begin(self) -> None:
        config = self._config
        refuse_bad(config.racer.optimizer)
        race = DescentConfig(surface=config.surface, constraint=config.constraint, racers=(config.racer,))
        self._feasible = feasible_set(race)
        self._flat = config.surface.entry.dimension == 1
        (x0, x1), (y0, y1) = config.domain
        unit = (np.arange(config.side) + 0.5) / config.side
        self._xs = x0 + unit * (x1 - x0)
        self._ys = np.array([(y0 + y1) / 2]) if self._flat else y0 + unit * (y1 - y0)
        self._shape = len(self._ys), len(self._xs)
        self._total = self._shape[0] * self._shape[1]
        self._labels = np.full(self._total, NOT_ARRIVED, np.int16)
        self._arrival = np.full(self._total, np.nan, np.float32)
        self._minima: Minima | None = None
        self._publish(0, None)

    def _publish(self, number: int, stride: int | None) -> None:
        rows, columns = level(self._shape, stride, OFFSET) if stride else (slice(0), slice(0))
        self._frame = BasinsFrame(
            config=self._config,
            level=number,
            levels=len(STRIDES),
            labels=frozen_copy(self._labels.reshape(self._shape)[rows, columns]),
            arrival=frozen_copy(self._arrival.reshape(self._shape)[rows, columns]),
            xs=frozen(self._xs[columns]),
            ys=frozen(self._ys[rows]),
            minima=self._minima.points if self._minima is not None else frozen(np.empty((0, 2))),
        )

    def _work(self) -> Iterator[None]:
        config = self._config
        self._minima = yield from find_minima(config.surface, config.domain, self._feasible)
        block = _block(config)
        for number, (stride, new) in enumerate(refine(self._shape, STRIDES, OFFSET), 1):
            for starts in np.array_split(new, math.ceil(len(new) / block)):
                yield from self._descend(starts)
            self._publish(number, stride)
            yield

    def _descend(self, starts: NDArray[np.intp]) -> Iterator[None]:
        """Move these starts until they have arrived, diverged or run out of steps."""
        assert self._minima is not None
        config, before = self._config, self._count
        rows, columns = np.unravel_index(starts, self._shape)
        points = np.stack([self._xs[columns], self._ys[rows]], 1)
        optimizer = config.racer.optimizer
        rates = Rates(optimizer.lr, [config.racer.scheduler], config.steps, len(points))
        fleet = Fleet(
            Objective(config.surface.evaluate),
            points,
            [(make_rule(optimizer, points), len(points))],
            rates,
            self._feasible,
            self._flat,
        )
        defined = np.isfinite(fleet.values)
        if not defined.all():
            self._labels[starts[~defined]] = UNDEFINED
            fleet.keep(defined)
        watch = _Watch(self._minima, fleet)
        while len(fleet) and fleet.count < config.steps + 2 * HOLD:
            fleet.step()
            watch.look()
            if fleet.count % HOLD == 0:
                ids, labels, arrival = watch.settled()
                soon = ~(arrival > config.steps)
                self._labels[starts[ids[soon]]] = labels[soon]
                self._arrival[starts[ids[soon]]] = arrival[soon]
                self._count = before + len(points) - len(fleet)
            yield
        self._count = before + len(points)


def _block(config: BasinsConfig) -> int:
    """How many starts move at once, so that a step takes a few milliseconds."""
    count = config.surface.entry.count
    block = min(BLOCK, TERMS // max(count(config.surface.values), 1)) if count else BLOCK
    plain = issubclass(RULES[config.racer.optimizer.name], ElementwiseRule)
    return max(1024, block if plain else block // SLOW)


class _Watch:
    """Sees which points of a fleet have arrived: it keeps the positions of the last 20 steps."""

    def __init__(self, minima: Minima, fleet: Fleet) -> None:
        self._minima, self._fleet = minima, fleet
        self._past = [fleet.x]
        self._over = np.zeros(len(fleet), np.bool_)

    def look(self) -> None:
        """Remember where the points are."""
        self._past.append(self._fleet.x)

    def settled(self) -> tuple[NDArray[np.intp], NDArray[np.int16], NDArray[np.float32]]:
        """Points that are through since the last call: ids, labels and steps to arrive (NaN if diverged)."""
        fleet, past = self._fleet, self._past
        here = past[-1]
        # Who was in one ball ten steps ago and is there now has moved by a diameter at most.
        close = (np.abs(here - past[-1 - HOLD]) <= 2 * self._minima.radius).all(1)
        rows = np.flatnonzero(close & ~self._over & ~fleet.gone)
        labels = self._minima.reached(here[rows])
        rows, labels = rows[labels >= 0], labels[labels >= 0]
        for step in range(2, HOLD + 2):
            same = self._minima.stays(past[-step][rows], labels)
            rows, labels = rows[same], labels[same]
        arrival = np.full(len(rows), fleet.count - HOLD, np.float32)
        inside = np.ones(len(rows), np.bool_)
        for step in range(HOLD + 2, len(past) + 1):
            inside[inside] = self._minima.stays(past[-step][rows[inside]], labels[inside])
            arrival[inside] -= 1
        lost = np.flatnonzero(fleet.gone & ~self._over)
        through = np.concatenate([rows, lost])
        self._over |= _same(here, past[-2]) & _same(here, past[-1 - HOLD])  # stuck elsewhere, as on a saddle
        found = (
            fleet.ids[through],
            np.concatenate([labels, np.full(len(lost), DIVERGED, np.int16)]),
            np.concatenate([arrival, np.full(len(lost), np.nan, np.float32)]),
        )
        self._over[through] = True
        self._forget()
        return found

    def _forget(self) -> None:
        """Go on with the points that are not through, if leaving out the others pays."""
        self._past = self._past[-1 - HOLD :]
        through = int(self._over.sum())
        if 8 * through > len(self._over) or through == len(self._over):
            left = ~self._over
            self._fleet.keep(left)
            self._past = [x[left] for x in self._past]
            self._over = self._over[left]


def _same(one: Array, other: Array) -> NDArray[np.bool_]:
    """Which points (n, 2) are equal but for rounding."""
    return np.asarray((np.abs(one - other) <= _ROUNDING * (1 + np.abs(one))).all(1))
