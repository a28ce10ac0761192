"""Convex polygons: the hull of points of the plane, down to a segment or a single point."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from optgui.core.constraints.base import Array, ConvexSet, as_array
from optgui.core.constraints.outline import Domain, HalfPlanes
from optgui.core.constraints.vectors import plain, tensor, vector

Point = tuple[float, float]

_FLAT = 1e-12  # the sine of an angle that counts as none


@dataclasses.dataclass(frozen=True)
class Polygon(ConvexSet):
    """The convex hull of `vertices`: pairs (x, y), or one flat sequence x1, y1, x2, y2, ...

    Points inside the hull or on its edges are no corners. If all are on one line the set is a segment, if
    all are one point it is that point. The projection of a point outside is the nearest of its projections
    onto the edges: a point of an edge, or a vertex.
    """

    vertices: tuple[Point, ...] = ((-1.0, -0.75), (1.0, -0.75), (0.0, 1.0))

    def __post_init__(self) -> None:
        given = plain(self.vertices)
        items = tuple(plain(item) for item in given) if isinstance(given, Iterable) else (given,)
        nested = any(isinstance(item, Iterable) and not isinstance(item, str) for item in items)
        if nested and not all(isinstance(item, Iterable) and len(tuple(item)) == 2 for item in items):
            raise ValueError(f"vertices: expected pairs (x, y), got {self.vertices!r}")
        flat = vector("vertices", [number for item in items for number in item] if nested else items)
        assert isinstance(flat, tuple)
        if len(flat) % 2:
            raise ValueError(f"vertices: expected x and y of each vertex, got {len(flat)} numbers")
        object.__setattr__(self, "vertices", tuple(zip(flat[::2], flat[1::2], strict=True)))

    @property
    def dimension(self) -> int | None:
        """2."""
        return 2

    @functools.cached_property
    def corners(self) -> tuple[Point, ...]:
        """The corners of the hull, anticlockwise; two for a segment, one for a point.

        Source: A. M. Andrew, "Another efficient algorithm for convex hulls in two dimensions", Information
        Processing Letters 9 (5), 1979.
        """
        points = sorted(set(self.vertices))
        return tuple(points) if len(points) < 3 else tuple(_chain(points) + _chain(points[::-1]))

    @functools.cached_property
    def _planes(self) -> HalfPlanes:
        corners = np.array(self.corners)
        edges = np.roll(corners, -1, axis=0) - corners
        if len(corners) == 1:
            normals = np.vstack([np.eye(2), -np.eye(2)])
            return HalfPlanes(normals, normals @ corners[0])
        along = edges / np.hypot(edges[:, 0], edges[:, 1])[:, None]
        normals = np.stack([along[:, 1], -along[:, 0]], axis=1)
        if len(corners) == 2:  # both sides of the segment, then its ends
            normals, corners = np.vstack([normals, -along]), np.vstack([corners, corners])
        return HalfPlanes(normals, (normals * corners).sum(axis=1))

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        corners = tensor(self.corners, 2, x.device)
        edges = corners.roll(-1, 0) - corners
        offsets = x[..., None, :] - corners  # (..., corners, 2)
        shares = (offsets * edges).sum(-1) / (edges * edges).sum(-1).clamp(min=1e-300)
        nearest = corners + shares.clamp(0, 1)[..., None] * edges
        misses = torch.linalg.vector_norm(x[..., None, :] - nearest, dim=-1)
        best = misses.argmin(-1)[..., None, None].expand(*x.shape[:-1], 1, 2)
        boundary = nearest.gather(-2, best).squeeze(-2)
        if len(self.corners) < 3:
            return boundary
        left = edges[:, 0] * offsets[..., 1] - edges[:, 1] * offsets[..., 0]
        return torch.where((left >= 0).all(-1, keepdim=True), x, boundary)

    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """The normals of the edges that the point touches: two at a corner."""
        point = as_array(x)
        near = tolerance * max(1.0, float(np.linalg.norm(point)))
        return self._planes.normals[self._planes.normals @ point >= self._planes.offsets - near]

    def half_planes(self, domain: Domain | None = None, count: int = 0) -> HalfPlanes:
        """One for each edge; both sides and both ends of a segment, four round a point."""
        return self._planes


def _chain(points: list[Point]) -> list[Point]:
    """The lower hull of points sorted by x, without its last point."""
    chain: list[Point] = []
    for point in points:
        while len(chain) >= 2 and not _turns_left(chain[-2], chain[-1], point):
            chain.pop()
        chain.append(point)
    return chain[:-1]


def _turns_left(a: Point, b: Point, c: Point) -> bool:
    one, other = (b[0] - a[0], b[1] - a[1]), (c[0] - b[0], c[1] - b[1])
    cross = one[0] * other[1] - one[1] * other[0]
    return cross > _FLAT * math.hypot(*one) * math.hypot(*other)
