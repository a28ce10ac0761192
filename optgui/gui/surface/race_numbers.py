"""What several views of a race need of its numbers and its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optgui.core.constraints import WholeSpace

if TYPE_CHECKING:
    from optgui.core.surface import DescentConfig, DescentFrame, RacerConfig, SurfaceConfig

Array = NDArray[np.float64]


def called(racer: RacerConfig) -> str:
    """A racer in few words: its number, its optimizer, and its momentum if it has any."""
    optimizer = racer.optimizer
    momentum = optimizer.values.get("momentum")
    label = optimizer.registry[optimizer.name].label
    return f"{racer.id + 1} {label}" + (f" {momentum:.4g}" if momentum else "")


def measure_name(config: DescentConfig) -> str:
    """What `measures` of a frame are."""
    return "gradient norm" if isinstance(config.feasible(), WholeSpace) else "projected gradient"


def lowest_known(surface: SurfaceConfig) -> float | None:
    """f*, the smallest value at a known minimum, None where none is known."""
    values = [surface.value(x, y) for x, y in surface.minima]
    finite = [value for value in values if np.isfinite(value)]
    return min(finite, default=None)


def distances(frame: DescentFrame) -> Array:
    """Distance of each racer to the nearest known minimum at each step, (racers, steps + 1); else NaN."""
    best = np.full(frame.losses.shape, np.inf)
    one_dimensional = frame.config.surface.entry.dimension == 1
    for x, y in frame.minima:
        along, across = frame.paths[..., 0] - x, frame.paths[..., 1] - y
        best = np.fmin(best, np.abs(along) if one_dimensional else np.hypot(along, across))
    return best if frame.minima else np.full(frame.losses.shape, np.nan)
