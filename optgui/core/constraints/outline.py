"""Convex polygons in the plane, clipped by half-planes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Domain = tuple[tuple[float, float], tuple[float, float]]  # ((x0, x1), (y0, y1))

_ROUNDING = 1e-12  # relative: a segment, clipped by a half-plane from either side, must survive


class HalfPlanes(NamedTuple):
    """Points x of the plane with normals @ x <= offsets; `normals` (k, 2) have length 1."""

    normals: Array
    offsets: Array


def clip_rectangle(domain: Domain, planes: HalfPlanes) -> Array:
    """The rectangle's part in all half-planes, as a closed anticlockwise polyline (m, 2).

    Source: I. E. Sutherland, G. W. Hodgman, "Reentrant polygon clipping", Comm. ACM 17 (1), 1974.
    """
    (x0, x1), (y0, y1) = domain
    points = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64)
    slack = _ROUNDING * max(1.0, float(np.abs(points).max()))
    for normal, offset in zip(planes.normals, planes.offsets, strict=True):
        points = _clip(points, normal, float(offset), slack)
    following = np.roll(points, -1, axis=0)
    apart = np.abs(points - following).max(axis=1, initial=0) > slack
    if not apart.any():
        return points[:1]
    points = points[apart]
    return np.vstack([points, points[:1]])


def _clip(points: Array, normal: Array, offset: float, slack: float) -> Array:
    if len(points) == 0:
        return points
    height = points @ normal - offset
    inside = height <= slack
    if inside.all():
        return points
    following, next_height, next_inside = (np.roll(a, -1, axis=0) for a in (points, height, inside))
    crossing = inside != next_inside
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(height / (height - next_height), 0, 1)[:, None]
    cut = points + share * (following - points)
    both = np.stack([points, np.where(crossing[:, None], cut, points)], axis=1).reshape(-1, 2)
    kept: Array = both[np.stack([inside, crossing], axis=1).reshape(-1)]
    return kept
