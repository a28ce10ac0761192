"""What the rate sweep draws: heights of every racer at every rate, and where it diverges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.surface.maps.sweep import SweepFrame
from optgui.gui.surface.race_numbers import lowest_known

Array = NDArray[np.float64]

DEEPEST = 1e-16  # of the first loss: what is lower is rounding, and drawn there
ABOVE = 30.0  # times the first loss: what ends higher is on its way to infinity
ROUNDING = 1e-12


class Heights(NamedTuple):
    """Lines over log10 of the rate, in the units of the axis: `y` (racers, m), NaN where there is nothing.

    With `decades` the axis counts in powers of ten. `low` and `high` are its ends.
    """

    x: Array
    y: Array
    low: float
    high: float
    decades: bool
    label: str


def losses(frame: SweepFrame) -> Heights:
    """Losses after the last step, above the lowest known value where that is negative."""
    race = frame.config.race
    base, first = reference(frame)
    values = np.where(lost(frame), np.nan, frame.finals - base)
    label = f"{'f − f*' if base else 'f'} after {race.steps:,} steps"
    x, finite = np.log10(frame.lrs), values[np.isfinite(values)]
    if lowest_known(race.surface) is None and (finite <= 0).any():
        low, high = min(float(finite.min()), first), max(float(finite.max()), first)
        room = 0.05 * (high - low or 1.0)
        return Heights(x, values, low - room, high + room, False, label)
    scale = first if math.isfinite(first) and first > 0 else 1.0
    floor = DEEPEST * scale
    y = np.log10(np.maximum(values, floor))
    high = math.log10(scale * ABOVE)
    low = math.log10(max(float(finite.min()), floor)) if finite.size else high - 3
    return Heights(x, y, min(low, high - 1) - 0.06 * (high - low), high, True, label)


def reference(frame: SweepFrame) -> tuple[float, float]:
    """From where losses are counted, and the first of all so counted."""
    race = frame.config.race
    lowest = lowest_known(race.surface)
    base = lowest if lowest is not None and lowest < -ROUNDING else 0.0
    return base, race.surface.value(*race.start) - base


def lost(frame: SweepFrame) -> NDArray[np.bool_]:
    """Where a racer diverged, or ends so high that it is about to (racers, m)."""
    base, first = reference(frame)
    away = frame.finals - base > ABOVE * first if first > 0 else np.zeros(frame.finals.shape, np.bool_)
    return ~np.isnan(frame.diverged) | away


def arrivals(frame: SweepFrame) -> Heights:
    """Steps to arrive."""
    steps = frame.config.race.steps
    share = 100 * frame.config.share
    label = f"steps until f − f* is {share:.4g} % of the first"
    reached = np.where(lost(frame), np.nan, frame.reached)
    return Heights(np.log10(frame.lrs), reached, 0.0, 1.05 * steps, False, label)


def told_apart(numbers: Sequence[float]) -> list[str]:
    """Numbers with three significant digits, or as many more as tell them apart."""
    for digits in range(3, 10):
        texts = [f"{number:.{digits}g}" for number in numbers]
        if len(set(texts)) == len(set(numbers)):
            break
    return [text.replace("-", "−") for text in texts]


def spans(lrs: Array, gone: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Spans of log10 of evenly spaced rates (m,) where `gone` (m,) holds, half a rate wider each side."""
    x = np.log10(lrs)
    half = (x[-1] - x[0]) / max(len(x) - 1, 1) / 2
    edges = np.flatnonzero(np.diff(np.concatenate([[0], gone.astype(np.int8), [0]])))
    return [
        (float(x[first] - half), float(x[last - 1] + half)) for first, last in edges.reshape(-1, 2).tolist()
    ]


def last_before(heights: Heights, gone: NDArray[np.bool_], row: int) -> list[tuple[float, float]]:
    """Where a racer's line ends because it is lost at the next higher rate."""
    y = heights.y[row]
    ends = np.flatnonzero(np.isfinite(y[:-1]) & gone[row, 1:])
    return [(float(heights.x[place]), float(min(y[place], heights.high))) for place in ends.tolist()]


def height_at(heights: Heights, row: int, lr: float) -> float:
    """The height of a racer's line at a rate, NaN where it has none."""
    x, y, at = heights.x, heights.y[row], math.log10(lr)
    if not len(x) or not x[0] <= at <= x[-1]:
        return math.nan
    return float(min(np.interp(at, x, y), heights.high))
