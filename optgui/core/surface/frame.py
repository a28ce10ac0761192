"""What a race shows of itself: the record of one step, and the frame of all steps so far."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.surface.config import DescentConfig, SurfaceConfig
from optgui.core.surface.entry import Domain, Point

Array = NDArray[np.float64]


class DescentRecord(NamedTuple):
    """One step of all racers, in their order: the rates it used, and where it led."""

    step: int
    losses: tuple[float, ...]
    lrs: tuple[float, ...]
    gradient_norms: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class FindStationary:
    """Asks a race for all stationary points of its surface in a part of the plane: a tuple of Curvature."""

    domain: Domain


@dataclasses.dataclass(frozen=True, eq=False)
class DescentFrame:
    """A race so far. All arrays are read-only float64; entry k of the second axis is after k steps.

    Shapes are (racers, step + 1) or (racers, step + 1, 2). `losses` are of the function itself, and so are
    `gradients`; `given` is what the optimizers got, which differs under noise. `measures` is the length of
    the gradient or, with a feasible set, of the gradient mapping |x − P(x − lr g)| / lr at the base rate.
    `lrs` are the effective rates of the step that follows. `momenta`, `seconds` (second moments) and
    `scales` (what each coordinate is divided by) are the optimizers' state, NaN where there is none. `raw`
    is where a step led before the projection. `diverged` holds, per racer, the step at which its position
    or loss was no longer finite, or None; from that step on it stays at its last finite position.
    """

    config: DescentConfig
    step: int
    ids: tuple[int, ...]
    paths: Array
    losses: Array
    gradients: Array
    given: Array
    measures: Array
    lrs: Array
    momenta: Array
    seconds: Array
    scales: Array
    raw: Array
    diverged: tuple[int | None, ...]
    minima: tuple[Point, ...]

    @property
    def surface(self) -> SurfaceConfig:
        """The surface of the race."""
        return self.config.surface

    @property
    def heads(self) -> Array:
        """Positions after the last step, (racers, 2)."""
        return self.paths[:, -1]
