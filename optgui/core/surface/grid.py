"""A surface as a picture needs it: values on a grid, contour levels, shades of a heat map."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.snapshot import frozen
from optgui.core.surface.config import SurfaceConfig
from optgui.core.surface.problems import Domain

Array = NDArray[np.float64]
HIGHEST = 1e300  # beyond it differences of two values overflow


@dataclasses.dataclass(frozen=True, eq=False)
class SurfaceGrid:
    """A surface on a grid: read-only float64 `x` (columns,), `y` (rows,), `z` (rows, columns).

    Where the surface has no finite value (or one beyond 1e300), z is NaN. `log_levels` is the surface's own
    or, where that is left open, whether half of its domain lies in the lowest tenth of its range.
    """

    x: Array
    y: Array
    z: Array
    log_levels: bool = False


def sample(config: SurfaceConfig, columns: int, rows: int, domain: Domain | None = None) -> SurfaceGrid:
    """Evaluate a surface in one batch on columns x rows points of `domain`, the surface's own if None.

    Raises:
        ValueError: if there are fewer than two columns or rows, or the domain is empty.
    """
    entry = config.entry
    (x0, x1), (y0, y1) = domain or entry.domain
    for name, count in (("columns", columns), ("rows", rows)):
        if count < 2:
            raise ValueError(f"{name}: expected a whole number >= 2, got {count}")
    if not (np.isfinite([x0, x1, y0, y1]).all() and x0 < x1 and y0 < y1):
        raise ValueError(f"domain: expected finite x0 < x1 and y0 < y1, got {((x0, x1), (y0, y1))}")
    x, y = np.linspace(x0, x1, columns), np.linspace(y0, y1, rows)
    log_levels = _spreads(config) if entry.log_levels is None else entry.log_levels
    return SurfaceGrid(frozen(x), frozen(y), frozen(_values(config, x, y)), log_levels)


def _values(config: SurfaceConfig, x: Array, y: Array) -> Array:
    """Heights (rows, columns), NaN where there is none to draw."""
    points = np.empty((len(y), len(x), 2))
    points[..., 0], points[..., 1] = x, y[:, None]
    with torch.no_grad():
        z = config.evaluate(torch.from_numpy(points)).numpy()
    return np.where(np.abs(z) <= HIGHEST, z, np.nan)


def _spreads(config: SurfaceConfig) -> bool:
    """Whether half of the domain lies in the lowest tenth of the range, so that even levels miss it.

    It asks the domain and not the part in view, so that zooming does not change the colours.
    """
    (x0, x1), (y0, y1) = config.entry.domain
    z = _values(config, np.linspace(x0, x1, 41), np.linspace(y0, y1, 41))
    known = z[~np.isnan(z)]
    return known.size > 0 and bool(np.median(known) - known.min() < 0.1 * (known.max() - known.min()))


def levels(grid: SurfaceGrid, count: int) -> Array:
    """`count` rising contour levels strictly between the grid's extremes, none if the grid is constant.

    Log spaced where the surface wants it, over the top six powers of ten at most; below zero they are
    counted from the lowest value. Otherwise evenly spaced.

    Raises:
        ValueError: if count is below 1.
    """
    if count < 1:
        raise ValueError(f"count: expected a whole number >= 1, got {count}")
    low, high = _extremes(grid)
    if not low < high:
        return np.empty(0)
    if not grid.log_levels:
        return np.linspace(low, high, count + 2)[1:-1]
    base = min(low, 0.0)
    # The lowest 0.2 % of the area is a dot at each minimum, where contours would only pile up.
    above = np.nanquantile(grid.z, 0.002) - base
    bottom = max(above, (high - base) * 1e-6, low - base)
    if not 0 < bottom < high - base:  # nearly all of the area is at the top, or all but 1e-320
        return np.linspace(low, high, count + 2)[1:-1]
    return np.asarray(base + np.geomspace(bottom, high - base, count + 2)[1:-1])


def shade(grid: SurfaceGrid) -> Array:
    """Heat map (rows, columns) from 0 at the lowest to 1 at the highest value; NaN stays NaN.

    log(1 + height above the lowest value) where the surface wants log spacing, else the height itself.
    """
    low, high = _extremes(grid)
    height: NDArray[Any] = grid.z - low
    span = high - low
    if grid.log_levels:
        height, span = np.log1p(height), float(np.log1p(span))
    return np.clip(height / span, 0.0, 1.0) if span > 0 else np.where(np.isnan(grid.z), np.nan, 0.0)


def _extremes(grid: SurfaceGrid) -> tuple[float, float]:
    """Lowest and highest value; two NaN if there is none."""
    known = grid.z[~np.isnan(grid.z)]
    return (float(known.min()), float(known.max())) if known.size else (np.nan, np.nan)
