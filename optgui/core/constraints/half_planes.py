"""Half-planes that meet: a polygon of the plane, bounded or not, given by linear inequalities."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch

from optgui.core.constraints.base import Array, ConvexSet, as_array
from optgui.core.constraints.outline import Domain, HalfPlanes
from optgui.core.constraints.vectors import plain, tensor, vector

_PARALLEL = 1e-12  # the sine of an angle that counts as none
_ROUNDING = 1e-14  # of the distance between two parallel lines
_TOUCHING = 1e-9  # half-planes that miss each other by less count as touching; both relative to offsets


class _Edges(NamedTuple):
    """Segments, rays and lines point + t direction with low <= t <= high, as tuples to make tensors of."""

    points: tuple[tuple[float, float], ...]
    directions: tuple[tuple[float, float], ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class HalfPlaneSet(ConvexSet):
    """The points x of the plane with rows · x <= offsets: k pairs and k numbers.

    A row (0, 0) allows every point or none. The projection of a point outside is the nearest of its
    projections onto the edges, which are found once. A set without points can be made, to be asked for
    `is_empty`; its projection is refused.
    """

    rows: tuple[tuple[float, float], ...] = ((1.0, 0.0), (0.0, 1.0))
    offsets: tuple[float, ...] = (1.0, 1.0)

    def __post_init__(self) -> None:
        given = plain(self.rows)
        rows = tuple(vector("rows", row) for row in given) if isinstance(given, Iterable) else ()
        if not rows or not all(isinstance(row, tuple) and len(row) == 2 for row in rows):
            raise ValueError(f"rows: expected pairs of numbers, got {self.rows!r}")
        offsets = vector("offsets", self.offsets)
        if not isinstance(offsets, tuple) or len(offsets) != len(rows):
            raise ValueError(f"offsets: expected {len(rows)} numbers, one a row, got {self.offsets!r}")
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "offsets", offsets)

    @property
    def dimension(self) -> int | None:
        """2."""
        return 2

    @property
    def is_empty(self) -> bool:
        """Whether the half-planes have no point in common."""
        return self._impossible or (len(self._planes.offsets) > 0 and not self._edges.points)

    @functools.cached_property
    def _impossible(self) -> bool:
        return any(row == (0, 0) and offset < 0 for row, offset in zip(self.rows, self.offsets, strict=True))

    @functools.cached_property
    def _planes(self) -> HalfPlanes:
        rows, offsets = np.array(self.rows), np.array(self.offsets)
        lengths = np.hypot(rows[:, 0], rows[:, 1])
        some = lengths > 0
        return HalfPlanes(rows[some] / lengths[some, None], offsets[some] / lengths[some])

    @functools.cached_property
    def _sides(self) -> tuple[tuple[tuple[float, float], ...], tuple[float, ...]]:
        return _tuples(self._planes.normals), tuple(self._planes.offsets.tolist())

    @functools.cached_property
    def _edges(self) -> _Edges:
        edges = _boundary(self._planes, _ROUNDING)
        return edges if edges.points else _boundary(self._planes, _TOUCHING)

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        if self.is_empty:
            raise ValueError("rows: expected half-planes that meet, got an empty set")
        if not self._edges.points:
            return x
        edges = self._edges
        p, q = tensor(edges.points, 2, x.device).unbind(-1)
        d, e = tensor(edges.directions, 2, x.device).unbind(-1)
        low, high = tensor(edges.low, 2, x.device), tensor(edges.high, 2, x.device)
        x0, x1 = x[..., :1], x[..., 1:]
        t = torch.clamp((x0 - p) * d + (x1 - q) * e, low, high)  # (..., edges)
        y0, y1 = p + t * d, q + t * e
        best = torch.hypot(x0 - y0, x1 - y1).argmin(-1, keepdim=True)
        boundary = torch.cat([y0.gather(-1, best), y1.gather(-1, best)], -1)
        boundary = boundary + 0 * x  # NaN for a point at infinity
        normals, offsets = self._sides
        a, b = tensor(normals, 2, x.device).unbind(-1)
        heights = x0 * a + x1 * b  # (..., rows)
        inside = (heights <= tensor(offsets, 2, x.device)).all(-1, keepdim=True)
        return torch.where(inside, x, boundary)

    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """The unit normals of the half-planes on whose border the point is."""
        point = as_array(x)
        near = tolerance * max(1.0, float(np.linalg.norm(point)))
        return self._planes.normals[self._planes.normals @ point >= self._planes.offsets - near]

    def half_planes(self, domain: Domain | None = None, count: int = 0) -> HalfPlanes:
        """Themselves; two that contradict each other where a row allows no point."""
        if self._impossible:
            return HalfPlanes(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([-1.0, -1.0]))
        return self._planes


def _boundary(planes: HalfPlanes, tolerance: float) -> _Edges:
    """The part of each border line that the other half-planes leave, for the lines that keep any."""
    normals, offsets = planes
    points = offsets[:, None] * normals
    directions = np.stack([-normals[:, 1], normals[:, 0]], axis=1)
    sines = directions @ normals.T  # how fast one goes along line i towards border j
    room = offsets - points @ normals.T
    parallel = np.abs(sines) < _PARALLEL
    cuts = np.divide(room, sines, out=np.zeros_like(room), where=~parallel)
    # Two lines must end at the very same vertex: rounding opens a gap between nearly parallel ones.
    vertices = points[:, None] + cuts[..., None] * directions[:, None]
    cuts = np.where(np.tri(len(cuts), k=-1) > 0, (vertices * directions).sum(-1).T, cuts)
    high = np.where(~parallel & (sines > 0), cuts, np.inf).min(axis=1, initial=np.inf)
    low = np.where(~parallel & (sines < 0), cuts, -np.inf).max(axis=1, initial=-np.inf)
    slack = tolerance * max(1.0, float(np.abs(offsets).max(initial=0)))
    kept = (~parallel | (room >= -slack)).all(axis=1) & (low <= high + slack)
    crossed = kept & (low > high)
    middle = (low[crossed] + high[crossed]) / 2
    low[crossed] = high[crossed] = middle
    return _Edges(
        _tuples(points[kept]),
        _tuples(directions[kept]),
        tuple(low[kept].tolist()),
        tuple(high[kept].tolist()),
    )


def _tuples(rows: Array) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in rows)
