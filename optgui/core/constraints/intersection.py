"""Intersections of convex sets: Dykstra's projection, and the distance by which sets fail to meet."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from optgui.core.constraints.base import Array, ConvexSet, Projection, as_array
from optgui.core.constraints.newton import LARGEST, finish
from optgui.core.constraints.outline import Domain, HalfPlanes
from optgui.core.constraints.sets import Ball, HalfSpace, WholeSpace
from optgui.core.constraints.vectors import common_dimension

TOLERANCE = 1e-10
_ROUNDING = 1e-14  # of float64, over a sweep, relative to |x|
MOST_SWEEPS = 10_000
_PROOF = 1e-12  # of Newton's equations
_MEETING = 1e-9  # sets that miss each other by less, relative to their distance from 0, count as touching


@dataclasses.dataclass(frozen=True)
class Intersection(ConvexSet):
    """The points that all of `sets` have in common.

    An object may be empty, to be asked for `is_empty` and `gap`; its projection is refused.
    """

    sets: tuple[ConvexSet, ...] = (Ball(), HalfSpace())

    def __post_init__(self) -> None:
        sets = tuple(self.sets) if isinstance(self.sets, Iterable) else (self.sets,)
        if not sets or not all(isinstance(item, ConvexSet) for item in sets):
            raise ValueError(f"sets: expected one convex set or more, got {self.sets!r}")
        object.__setattr__(self, "sets", sets)
        common_dimension("sets", *(item.dimension for item in sets))

    @property
    def dimension(self) -> int | None:
        """Of the sets, of which each has this one or fits any."""
        return common_dimension("sets", *(item.dimension for item in self.sets))

    @functools.cached_property
    def members(self) -> tuple[ConvexSet, ...]:
        """The sets that constrain anything, those of nested intersections one by one."""
        nested = (item.members if isinstance(item, Intersection) else (item,) for item in self.sets)
        return tuple(item for group in nested for item in group if not isinstance(item, WholeSpace))

    @property
    def is_empty(self) -> bool:
        """Whether the sets fail to meet (in the plane, if they fit any dimension)."""
        return self.gap() > 0

    def gap(self, n: int | None = None) -> float:
        """By how far the sets fail to meet in n dimensions: 0 if they do.

        It is the distance of two sets; of more it is the largest distance between the nearest points of two
        of them, where the sum of squared distances to all is least.
        """
        return _gap(self.members, n or self.dimension or 2)

    def refuse_empty(self, n: int | None = None) -> None:
        """Do nothing if the sets meet in n dimensions.

        Raises:
            ValueError: if they do not, with the gap.
        """
        if (gap := self.gap(n)) > 0:
            raise ValueError(f"sets: expected sets that meet, got an empty intersection (distance {gap:.3g})")

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        return self._dykstra(x).point

    def project_report(self, x: torch.Tensor) -> Projection:
        """The projections of points (..., n), the sweeps each took and the residual it ended with.

        Raises:
            ValueError: as `project`.
        """
        report = self._dykstra(self._checked(x))
        return report._replace(point=report.point.to(x.dtype))

    def _dykstra(self, x: torch.Tensor) -> Projection:
        """Projects onto one set after another, each time without the last correction for that set.

        The end is where all moves of one sweep together, root of the sum of squares, are at most 1e-10
        (or what rounding leaves of a distant x), or 10,000 sweeps; a sweep whose ends agree is not enough,
        since Dykstra's iterates may stand still for long. After 16, 32, 64, ... sweeps Newton's method is
        tried on what is left, and taken where the point it finds is proved right. Where sets only touch
        the sweeps may run out; the residual tells.

        Sources: J. P. Boyle, R. L. Dykstra, "A method for finding projections onto the intersection of
        convex sets in Hilbert spaces", Lecture Notes in Statistics 37, 1986; E. G. Birgin, M. Raydan,
        "Robust stopping criteria for Dykstra's algorithm", SIAM J. Scientific Computing 26 (4), 2005.
        """
        n = x.shape[-1]
        self.refuse_empty(n)
        goal = x.reshape(-1, n)
        points = goal.clone()
        sweeps = torch.zeros(len(goal), dtype=torch.int64, device=x.device)
        residuals = torch.zeros(len(goal), dtype=torch.float64, device=x.device)
        rows = torch.arange(len(goal), device=x.device)  # of the points still on their way
        now = goal
        corrections = goal.new_zeros(len(goal), len(self.members), n)
        rounding = _ROUNDING * torch.linalg.vector_norm(goal, dim=-1)
        for sweep in range(1, MOST_SWEEPS + 1):
            squares = torch.zeros_like(rounding)
            for i, member in enumerate(self.members):
                target = now + corrections[:, i]
                then = member._project(target)
                corrections[:, i] = target - then
                squares = squares + (then - now).square().sum(-1)
                now = then
            residual = squares.sqrt()
            going = residual > rounding.clamp(min=TOLERANCE)  # a point that is not finite is done
            newton = sweep >= 16 and sweep & (sweep - 1) == 0 and len(self.members) * n <= LARGEST
            if sweep == MOST_SWEEPS:
                going = torch.zeros_like(going)
            elif newton and bool(going.any()):
                found, error = finish(self.members, goal[rows], corrections)
                proved = going & (error <= rounding.clamp(min=_PROOF))
                now, residual = torch.where(proved[:, None], found, now), torch.where(proved, error, residual)
                going = going & ~proved
            if bool(going.all()):
                continue
            points[rows[~going]], residuals[rows[~going]] = now[~going], residual[~going]
            sweeps[rows[~going]] = sweep
            if not bool(going.any()):
                break
            rows, now, rounding, corrections = rows[going], now[going], rounding[going], corrections[going]
        shape = x.shape[:-1]
        return Projection(points.reshape(x.shape), sweeps.reshape(shape), residuals.reshape(shape))

    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """Those of all sets, in their order."""
        point = as_array(x)
        none = np.zeros((0, len(point)))
        return np.vstack([none, *(member.normals(point, tolerance) for member in self.members)])

    def half_planes(self, domain: Domain, count: int) -> HalfPlanes:
        """Those of all sets."""
        parts = [member.half_planes(domain, count) for member in self.members]
        return HalfPlanes(
            np.vstack([np.zeros((0, 2)), *(part.normals for part in parts)]),
            np.concatenate([np.zeros(0), *(part.offsets for part in parts)]),
        )


@functools.lru_cache(maxsize=256)
def _gap(members: tuple[ConvexSet, ...], n: int) -> float:
    """Minimizes half the sum of squared distances to the sets by a semismooth Newton method.

    At a minimum x the vectors q = x - P(x) add up to 0. If one of them is not 0 they prove that no point z
    is in all sets: sum <q, z> would be at most sum <q, P(x)> = -sum |q|² < 0. Source of the method: L. Qi,
    J. Sun, "A nonsmooth version of Newton's method", Mathematical Programming 58, 1993.
    """
    if len(members) < 2:
        return 0.0
    identity = torch.eye(n, dtype=torch.float64)
    shares = torch.cat([0.5 ** torch.arange(20, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)])

    def misses(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x - member._project(x) for member in members])  # (sets, ..., n)

    with torch.no_grad():
        x = torch.stack([member._project(torch.zeros(n, dtype=torch.float64)) for member in members]).mean(0)
        for _ in range(200):
            size = max(1.0, float(x.abs().max()))
            q = misses(x)
            if float(q.square().sum(-1).max()) <= (_MEETING * size) ** 2:
                return 0.0
            slope = q.sum(0)
            step = 1e-7 * size
            curvature = (misses(x + step * identity).sum(0) - slope) / step  # row j: derivative along axis j
            curvature = (curvature + curvature.T) / 2 + 1e-9 * identity
            newton = torch.linalg.lstsq(curvature, -slope[:, None]).solution[:, 0]
            gentle = -slope / len(members)  # lowers the sum for certain: its slope is Lipschitz with `sets`
            candidates = torch.cat([x + shares[:, None] * newton, (x + gentle)[None]])
            sums = misses(candidates).square().sum((0, 2))
            best = int(sums.argmin())
            if not float(sums[best]) < float(q.square().sum()) * (1 - 1e-14):
                break
            x = candidates[best]
        nearest = torch.stack([member._project(x) for member in members])
        return float(torch.linalg.vector_norm(nearest[:, None] - nearest[None], dim=-1).max())
