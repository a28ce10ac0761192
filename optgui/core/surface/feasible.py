"""Where the racers of a config may be, and projections onto it, in numpy."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.constraints import ConvexSet, WholeSpace
from optgui.core.surface.config import DescentConfig

Array = NDArray[np.float64]


def feasible_set(config: DescentConfig) -> ConvexSet | None:
    """The set in which racers must stay, None for the whole plane.

    Raises:
        ValueError: if it is empty.
    """
    own = config.surface.feasible()
    if own is not None and own.is_empty:
        raise ValueError("surface: expected a problem with a feasible point, got an empty feasible set")
    feasible = config.feasible()
    if feasible.is_empty:
        raise ValueError("constraint: expected a set that meets the problem's own, got one that does not")
    return None if isinstance(feasible, WholeSpace) else feasible


def project(feasible: ConvexSet, points: Array) -> Array:
    """The nearest feasible points (..., 2)."""
    found: Array = feasible.project(torch.from_numpy(np.ascontiguousarray(points))).numpy()
    return found


def sweeps(feasible: ConvexSet, point: Array) -> tuple[int, float]:
    """Dykstra's sweeps for the projection of one point (2,), and the residual; 0 where it is a formula."""
    report = feasible.project_report(torch.from_numpy(point.copy()))
    return int(report.sweeps), float(report.residual)
