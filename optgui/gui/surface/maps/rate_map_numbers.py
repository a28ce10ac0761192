"""What the rate map draws: factors, their cells, and theory's limit."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.surface import RacerConfig
from optgui.core.surface.maps.rate_map import RateMapFrame
from optgui.core.surface.rates import contraction

Array = NDArray[np.float64]

BISECTIONS = 24  # of three decades: to a millionth


class Shown(NamedTuple):
    """Factors (m, n) at rates (n,) and momenta (m,), and where they only say that it is not settled yet."""

    factors: Array
    lrs: Array
    momenta: Array
    unsettled: NDArray[np.bool_]

    def cell(self, x: float, momentum: float) -> tuple[int, int] | None:
        """Row and column nearest to log10 of a rate and a momentum."""
        if not self.factors.size:
            return None
        row = int(np.abs(self.momenta - momentum).argmin())
        return row, int(np.abs(np.log10(self.lrs) - x).argmin())


def limits(frame: RateMapFrame) -> Array:
    """Theory's limit of the rate at each momentum, (m,), NaN where it is not on the axis: by bisection."""
    config, (x, y) = frame.config, frame.hessian_at
    at = config.surface.curvature(x, y)
    curvatures = at.hessian[:1, 0] if config.surface.entry.dimension == 1 else at.eigenvalues
    low, high = (np.full(len(frame.momenta), lr) for lr in (config.low, config.high))
    if not np.isfinite(curvatures).all():
        return low * np.nan
    update = config.update(0.0)

    def converges(lrs: Array) -> NDArray[np.bool_]:
        eigenvalues = curvatures + update.weight_decay
        return contraction(lrs, eigenvalues, frame.momenta, update.form, update.dampening) < 1

    crossed = converges(low) & ~converges(high)
    for _ in range(BISECTIONS):
        middle = np.sqrt(low * high)
        inside = converges(middle)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return np.where(crossed, low, np.nan)


def form_of(racer: RacerConfig) -> str:
    """The racer's form of momentum, empty if it is no kind of momentum."""
    optimizer = racer.optimizer
    if optimizer.name == "Momentum":
        return "average"
    if optimizer.name != "SGD":
        return ""
    return "nesterov" if optimizer.values["nesterov"] else "heavy ball"


def momentum_of(racer: RacerConfig) -> float:
    """The racer's momentum."""
    return float(racer.optimizer.values["momentum"])


def extras_of(racer: RacerConfig, form: str) -> dict[str, float]:
    """The racer's weight decay and dampening, where this form of momentum has them."""
    values = racer.optimizer.values
    if racer.optimizer.name != "SGD" or form == "average":
        return {}
    found = {"weight_decay": values["weight_decay"]}
    return {**found, "dampening": values["dampening"]} if form == "heavy ball" else found


def pair(shown: Shown, row: int, column: int) -> tuple[float, float]:
    """Rate and momentum of a cell, as a click takes them."""
    return float(f"{shown.lrs[column]:.3g}"), round(float(shown.momenta[row]), 3)


def effect(factor: float, *, unsettled: bool = False) -> str:
    """What a factor per step means."""
    if math.isnan(factor):
        return "nothing moves"
    if unsettled:
        return "not settled yet: the loss falls, the gradient grows"
    if factor >= 1:
        return f"diverges: × {factor:.4g} a step"
    return f"× {factor:.4g} a step"
