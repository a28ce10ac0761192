"""The rate map: how fast momentum converges at every learning rate and momentum, in theory and measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from optgui.core.params import Config, param
from optgui.core.snapshot import frozen, frozen_copy
from optgui.core.surface.config import SurfaceConfig
from optgui.core.surface.entry import Point
from optgui.core.surface.maps.fleet import Fleet
from optgui.core.surface.maps.schedule import Rates
from optgui.core.surface.maps.sweep import eigenvalues_near
from optgui.core.surface.maps.work import MapEngine, level, log_spaced, refine
from optgui.core.surface.objective import Objective
from optgui.core.surface.optimizers import DescentOptimizer
from optgui.core.surface.rates import Form, Tuning, Update, best_heavy_ball, rate_map, ruler
from optgui.core.surface.rules import make_rule

Array = NDArray[np.float64]

STRIDES = (4, 2, 1)
BLOCK = 2048  # points whose gradients are remembered over all steps: a slice of 10 ms to fit their rates
FASTEST = 1.5  # beyond it a map shows one colour: it diverges
_FLOOR = 1e-11  # a gradient this small beside the first is rounding
_FORMS = {"heavy ball": Form.HEAVY_BALL, "nesterov": Form.NESTEROV, "average": Form.AVERAGE}


class RateMapConfig(Config):
    """One form of momentum on one surface."""

    surface: SurfaceConfig = param(
        SurfaceConfig(name="Quadratic"), title="Surface", help="The function to descend on."
    )
    start: tuple[float, float] = param(
        (2.0, 2.0), title="Start", help="Where the measured runs begin.", low=-1e6, high=1e6
    )
    form: str = param(
        "heavy ball",
        title="Momentum",
        help="How momentum enters the step.",
        choices=(("heavy ball", "Heavy ball"), ("nesterov", "Nesterov"), ("average", "Average")),
    )
    weight_decay: float = param(
        0.0, title="Weight decay", help="What SGD adds to every eigenvalue.", low=0, high=1e6
    )
    dampening: float = param(
        0.0,
        title="Dampening",
        help="The share of a new gradient that the heavy ball's velocity does not take.",
        low=0,
        high=1,
    )
    low: float = param(
        1e-4, title="Lowest rate", help="Where the axis of rates begins.", above=0, high=1e6, scale="log"
    )
    high: float = param(10.0, title="Highest rate", help="Where it ends.", above=0, high=1e6, scale="log")
    most: float = param(
        0.99,
        title="Largest momentum",
        help="Where their axis ends; it begins at 0.",
        above=0,
        below=1,
    )
    rates: int = param(97, title="Rates", help="Columns of the map.", low=5, high=801)
    momenta: int = param(65, title="Momenta", help="Rows of the map.", low=5, high=801)
    steps: int = param(
        300, title="Steps", help="How long each run is from which a rate is measured.", low=10, high=10_000,
        unit="steps",
    )  # fmt: skip

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low: expected a rate below the highest, {self.high:g}, got {self.low:g}")
        if self.dampening and self.form != "heavy ball":
            raise ValueError(f"dampening: expected 0, as only the heavy ball has one, got {self.dampening:g}")
        if self.weight_decay and self.form == "average":
            raise ValueError(f"weight_decay: expected 0, as an average has none, got {self.weight_decay:g}")
        return self

    def update(self, beta: float) -> Update:
        """The optimizer with this momentum."""
        return Update(beta, _FORMS[self.form], self.dampening, self.weight_decay)


@dataclasses.dataclass(frozen=True, eq=False)
class RateMapFrame:
    """Factors per step, read-only float64: below 1 it converges; in theory it diverges above.

    `lrs` (n,) and `momenta` (m,) are the finest axes. `theory` (m, n) is of the quadratic model whose Hessian
    is that at `hessian_at` plus the weight decay, and `best_lrs` (m,) its best rate for each momentum, NaN
    where none converges; `optimum` the best pair, None where there is none. `measured` (rows, columns)
    belongs to the rates `measured_lrs` and momenta `measured_momenta`, the finest level that is complete,
    empty before the first. It is the factor by which the gradient (of f and the weight decay's share)
    shrinks, which in the long run is that of the distance, fitted in the second half of a run; at most 1.5,
    NaN where the start is stationary or undefined. `unsettled` has the shape of `measured`: where the
    gradient grows but the loss does not, as down a valley that gets steeper.
    """

    config: RateMapConfig
    lrs: Array
    momenta: Array
    theory: Array
    best_lrs: Array
    optimum: Tuning | None
    hessian_at: Point
    measured: Array
    measured_lrs: Array
    measured_momenta: Array
    unsettled: NDArray[np.bool_]


class RateMapEngine(MapEngine[RateMapConfig]):
    """Theory at once, and then a run for every pair, each fourth row and column first."""

    def frame(self) -> RateMapFrame:
        """Theory, and the last measured level that is complete."""
        return self._frame

    def _begin(self) -> None:
        config = self._config
        self._form = _FORMS[config.form]
        self._lrs = log_spaced(config.low, config.high, config.rates)
        self._momenta = np.linspace(0.0, config.most, config.momenta)
        self._shape = len(self._momenta), len(self._lrs)
        self._total = len(self._momenta) * len(self._lrs)
        self._measured = np.full(self._total, np.nan)
        self._unsettled = np.zeros(self._total, np.bool_)
        at, curvatures = eigenvalues_near(config.surface, config.start)
        eigenvalues = curvatures + config.weight_decay
        self._theory = (
            frozen(rate_map(eigenvalues, self._lrs, self._momenta, self._form, config.dampening)),
            frozen(np.array([ruler(curvatures, config.update(float(b))).best for b in self._momenta])),
            self._optimum(eigenvalues),
            at,
        )
        self._publish(None)

    def _optimum(self, eigenvalues: Array) -> Tuning | None:
        """Polyak's, in the form's own rate; for Nesterov's momentum the best of 1,000 momenta."""
        if eigenvalues.min() <= 0:
            return None
        if self._form is Form.NESTEROV:
            tried = []
            for beta in np.linspace(0.0, 0.999, 1000).tolist():
                update = Update(beta, self._form)
                lr = ruler(eigenvalues, update).best
                tried.append(Tuning(lr, beta, float(update.radius(lr, eigenvalues).max())))
            return min(tried, key=lambda tuning: tuning.rate)
        best = best_heavy_ball(eigenvalues)
        weight = self._config.update(best.beta).weight
        if weight == 0:  # no gradient reaches the velocity, so without momentum is best
            low, high = float(eigenvalues.min()), float(eigenvalues.max())
            return Tuning(2 / (low + high), 0.0, (high - low) / (high + low))
        return best._replace(lr=best.lr / weight)

    def _publish(self, stride: int | None) -> None:
        rows, columns = level(self._shape, stride) if stride else (slice(0), slice(0))
        theory, best, optimum, at = self._theory
        self._frame = RateMapFrame(
            config=self._config,
            lrs=frozen(self._lrs),
            momenta=frozen(self._momenta),
            theory=theory,
            best_lrs=best,
            optimum=optimum,
            hessian_at=at,
            measured=frozen_copy(self._measured.reshape(self._shape)[rows, columns]),
            measured_lrs=frozen(self._lrs[columns]),
            measured_momenta=frozen(self._momenta[rows]),
            unsettled=frozen_copy(self._unsettled.reshape(self._shape)[rows, columns]),
        )

    def _work(self) -> Iterator[None]:
        for stride, new in refine(self._shape, STRIDES):
            for pairs in np.array_split(new, -(-len(new) // BLOCK)):
                yield from self._measure(pairs)
            self._publish(stride)
            yield

    def _measure(self, pairs: NDArray[np.intp]) -> Iterator[None]:
        config, before, count = self._config, self._count, len(pairs)
        rows, columns = np.unravel_index(pairs, self._shape)
        beta = self._momenta[rows, None]
        start = np.tile(np.array(config.start), (count, 1))
        name = "Momentum" if self._form is Form.AVERAGE else "SGD"
        optimizer = DescentOptimizer.parse({"name": name, "lr": 1.0, "momentum": 0.5, **self._switches()})
        fleet = Fleet(
            Objective(config.surface.evaluate),
            start,
            [(make_rule(optimizer, start, momentum=beta), count)],
            Rates(self._lrs[columns, None], (), config.steps, count),
            flat=config.surface.entry.dimension == 1,
        )
        logs = np.full((config.steps + 1, count), np.nan)
        logs[0], first = self._log_size(fleet), self._losses(fleet)
        highest = np.full(count, -np.inf)
        while fleet.count < config.steps and not fleet.gone.all():
            fleet.step()
            logs[fleet.count] = np.where(fleet.gone, np.nan, self._log_size(fleet))
            if 2 * fleet.count >= config.steps:
                highest = np.maximum(highest, self._losses(fleet))
            yield
        factors = fitted(logs, fleet.gone)
        self._measured[pairs] = np.where(np.isfinite(logs[0]), factors, np.nan)
        self._unsettled[pairs] = (factors >= 1) & ~fleet.gone & (highest <= first)
        self._count = before + count
        yield

    def _switches(self) -> dict[str, float | bool]:
        if self._form is Form.AVERAGE:
            return {}
        config = self._config
        own: dict[str, float | bool] = {"weight_decay": config.weight_decay, "dampening": config.dampening}
        return {**own, "nesterov": self._form is Form.NESTEROV}

    def _losses(self, fleet: Fleet) -> Array:
        """Values of f and the weight decay's ½ w |x|², (n,)."""
        return np.asarray(fleet.values + 0.5 * self._config.weight_decay * (fleet.x**2).sum(1))

    def _log_size(self, fleet: Fleet) -> Array:
        """The logarithm of the length of what the losses' gradient is, (n,)."""
        slopes = fleet.gradients + self._config.weight_decay * fleet.x
        return np.asarray(np.log(np.hypot(slopes[:, 0], slopes[:, 1])))


def fitted(logs: Array, diverged: NDArray[np.bool_]) -> Array:
    """Factor per step (n,) from log |gradient| (steps + 1, n), NaN from where a run diverged.

    A straight line through the second half of what is above rounding, of the largest that is still to come
    (of a run that grows: the largest so far), because momentum swings.
    """
    steps = np.arange(len(logs))[:, None]
    low = ~(logs > logs[0] + np.log(_FLOOR))  # also NaN, and −inf where the gradient is 0
    end = np.where(low.any(0), low.argmax(0), len(logs))  # the first that does not count
    used = (steps < end) & (steps >= np.where(end > 8, end // 2, 0))
    heights = np.where(used, logs, -np.inf)
    shrinking = np.take_along_axis(logs, np.maximum(end - 1, 0)[None], 0)[0] < logs[0]
    ahead = np.maximum.accumulate(heights[::-1])[::-1]
    crest = np.where(used, np.where(shrinking, ahead, np.maximum.accumulate(heights)), 0.0)
    number = np.maximum(used.sum(0), 1)
    middle = (steps * used).sum(0) / number
    away = (steps - middle) * used
    slope = (away * crest).sum(0) / (away**2).sum(0)
    slope = np.where((end <= 2) & ~diverged, np.where(end == 0, np.nan, -np.inf), slope)
    rate = np.minimum(np.exp(slope), FASTEST)
    return np.asarray(np.where(diverged, np.where(rate > 1, rate, FASTEST), rate))
