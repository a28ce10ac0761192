"""What the rate map draws: factors, their cells, and theory's limit."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.surface import RacerConfig
from optgui.core.surface.maps.rate_map import RateMapFrame
from optgui.core.surface.rates import Form, contraction

Array = NDArray[np.float64]

RULES = {"heavy ball": Form.HEAVY_BALL, "nesterov": Form.NESTEROV, "average": Form.AVERAGE}
BISECTIONS = 24  # of three decades: to a millionth


class Shown(NamedTuple):
    """Factors (m, n) at rates (n,) and momenta (m,)."""

    factors: Array
    lrs: Array
    momenta: Array

    def cell(self, x: float, momentum: float) -> tuple[int, int] | None:
        """Row and column nearest to log10 of a rate and a momentum."""
        if not self.factors.size:
            return None
        row = int(np.abs(self.momenta - momentum).argmin())
        return row, int(np.abs(np.log10(self.lrs) - x).argmin())


def limits(frame: RateMapFrame) -> Array:
    """Theory's limit of the rate at each momentum, (m,), NaN where it is not on the axis: by bisection."""
    surface, (x, y) = frame.config.surface, frame.hessian_at
    at = surface.curvature(x, y)
    eigenvalues = at.hessian[:1, 0] if surface.entry.dimension == 1 else at.eigenvalues
    low, high = (np.full(len(frame.momenta), lr) for lr in (frame.config.low, frame.config.high))
    if not np.isfinite(eigenvalues).all():
        return low * np.nan
    form = RULES[frame.config.form]
    crossed = (contraction(low, eigenvalues, frame.momenta, form) < 1) & (
        contraction(high, eigenvalues, frame.momenta, form) >= 1
    )
    for _ in range(BISECTIONS):
        middle = np.sqrt(low * high)
        inside = contraction(middle, eigenvalues, frame.momenta, form) < 1
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


def pair(shown: Shown, row: int, column: int) -> tuple[float, float]:
    """Rate and momentum of a cell, as a click takes them."""
    return float(f"{shown.lrs[column]:.3g}"), round(float(shown.momenta[row]), 3)


def effect(factor: float) -> str:
    """What a factor per step means."""
    if math.isnan(factor):
        return "nothing moves"
    if factor >= 1:
        return f"diverges: × {factor:.4g} a step"
    return f"× {factor:.4g} a step"
