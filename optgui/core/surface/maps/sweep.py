"""The learning-rate sweep: how far every racer of a race gets, at every rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from optgui.core.curvature import curvatures_at
from optgui.core.params import Config, param
from optgui.core.snapshot import frozen_copy
from optgui.core.surface.config import DescentConfig, SurfaceConfig
from optgui.core.surface.engine import DescentEngine
from optgui.core.surface.entry import Point
from optgui.core.surface.maps.trial import Trial, triable
from optgui.core.surface.maps.work import MapEngine, level, log_spaced, refine
from optgui.core.surface.rates import Ruler, ruler

Array = NDArray[np.float64]

STRIDES = (4, 1)  # a third level in between would cost as much again and show little


class SweepConfig(Config):
    """A race at many rates; the racers' own rates do not matter."""

    race: DescentConfig = param(DescentConfig(), title="Race", help="Start, steps, noise and racers.")
    low: float = param(
        1e-5, title="Lowest rate", help="Where the axis begins.", above=0, high=1e6, scale="log"
    )
    high: float = param(10.0, title="Highest rate", help="Where it ends.", above=0, high=1e6, scale="log")
    rates: int = param(121, title="Rates", help="How many, evenly spaced on a log axis.", low=5, high=2001)
    share: float = param(
        1e-3,
        title="Arrived at",
        help="A racer has arrived when its loss above the minimum is this share of what it was at the start.",
        above=0,
        below=1,
        scale="log",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low: expected a rate below the highest, {self.high:g}, got {self.low:g}")
        return self


@dataclasses.dataclass(frozen=True, eq=False)
class SweepFrame:
    """The finest level that is complete, read-only float64; m is 0 before the first.

    `lrs` (m,) ascend. `finals` (racers, m) are the losses after the last step, NaN where a racer diverged;
    `diverged` (racers, m) the step at which it did, NaN where it did not. `reached` (racers, m) are the steps
    to arrive, NaN where it has not, or where no minimum is known. `best_lrs` and `best_finals` (racers,) are
    the lowest of each racer, NaN where there is none. `rulers` say what theory knows of each racer at the
    point `hessian_at`: the known minimum nearest to the start, or the start. `left_out` are sentences about
    racers that are not swept; their rows are NaN.
    """

    config: SweepConfig
    ids: tuple[int, ...]
    lrs: Array
    finals: Array
    diverged: Array
    reached: Array
    best_lrs: Array
    best_finals: Array
    hessian_at: Point
    rulers: tuple[Ruler, ...]
    left_out: tuple[str, ...]


class SweepEngine(MapEngine[SweepConfig]):
    """Runs all racers at all rates in one fleet, first at each fourth rate."""

    def frame(self) -> SweepFrame:
        """The last level that is complete."""
        return self._frame

    def _begin(self) -> None:
        config = self._config
        DescentEngine(config.race)  # refuses what a race refuses
        self._places, self._left_out = triable(config.race.racers)
        self._lrs = log_spaced(config.low, config.high, config.rates)
        shape = len(config.race.racers), len(self._lrs)
        self._finals, self._gone, self._reached = (np.full(shape, np.nan) for _ in range(3))
        self._total = len(self._places) * len(self._lrs)
        self._goal = self._target()
        self._hessian_at, eigenvalues = eigenvalues_near(config.race.surface, config.race.start)
        self._rulers = tuple(ruler(eigenvalues, racer.optimizer) for racer in config.race.racers)
        self._publish(slice(0))

    def _target(self) -> float:
        """The loss at which a racer has arrived; NaN if no minimum is known."""
        surface = self._config.race.surface
        if not surface.minima:
            return np.nan
        lowest = min(surface.value(*point) for point in surface.minima)
        first = surface.value(*self._config.race.start)
        return lowest + self._config.share * (first - lowest)

    def _publish(self, rates: slice) -> None:
        lrs, finals = self._lrs[rates], self._finals[:, rates]
        rows = np.arange(len(finals))
        if lrs.size:
            losses = np.where(np.isnan(finals), np.inf, finals)
            best = losses.argmin(1)
            known = np.isfinite(losses[rows, best])
        else:
            best, known = np.zeros(len(finals), np.intp), np.zeros(len(finals), np.bool_)
        best_lrs, best_finals = (np.full(len(finals), np.nan) for _ in range(2))
        best_lrs[known] = lrs[best[known]]
        best_finals[known] = finals[rows[known], best[known]]
        self._frame = SweepFrame(
            config=self._config,
            ids=tuple(racer.id for racer in self._config.race.racers),
            lrs=frozen_copy(lrs),
            finals=frozen_copy(finals),
            diverged=frozen_copy(self._gone[:, rates]),
            reached=frozen_copy(self._reached[:, rates]),
            best_lrs=frozen_copy(best_lrs),
            best_finals=frozen_copy(best_finals),
            hessian_at=self._hessian_at,
            rulers=self._rulers,
            left_out=self._left_out,
        )

    def _work(self) -> Iterator[None]:
        for stride, new in refine(self._lrs.shape, STRIDES):
            yield from self._run(new)
            self._publish(level(self._lrs.shape, stride)[0])
            yield

    def _run(self, chosen: NDArray[np.intp]) -> Iterator[None]:
        """Race at these rates."""
        before, size = self._count, len(self._places) * len(chosen)
        racers = [self._config.race.racers[place] for place in self._places]
        trial = Trial(self._config.race, racers, self._lrs[chosen], self._goal)
        for _ in trial.run():
            self._count = before + int(size * trial.share)
            yield
        self._count = before + size
        places = np.ix_(np.array(self._places), chosen)
        self._finals[places] = trial.finals
        self._gone[places], self._reached[places] = trial.diverged, trial.reached


def eigenvalues_near(surface: SurfaceConfig, start: Point) -> tuple[Point, Array]:
    """The known minimum nearest to `start`, or `start`, and the eigenvalues of the Hessian there.

    Minima without a finite curvature are passed over. A function of x alone has one eigenvalue; where there
    is no curvature at all it is zero.
    """
    known = sorted(surface.minima, key=lambda at: float(np.hypot(at[0] - start[0], at[1] - start[1])))
    for point, at in zip((*known, start), curvatures_at(surface.evaluate, [*known, start]), strict=True):
        if np.isfinite(at.eigenvalues).all():
            one = surface.entry.dimension == 1
            return point, at.hessian[:1, 0] if one else at.eigenvalues
    return start, np.zeros(1)
