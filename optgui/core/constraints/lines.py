"""Lines and other affine subspaces: the solutions of linear equations."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from optgui.core.constraints.base import Array, ConvexSet, as_array
from optgui.core.constraints.outline import Domain, HalfPlanes
from optgui.core.constraints.vectors import (
    Vector,
    array,
    common_dimension,
    dimension_of,
    plain,
    tensor,
    vector,
)

Rows = tuple[tuple[float, ...], ...]


@dataclasses.dataclass(frozen=True)
class Line(ConvexSet):
    """point + span(direction): a line, or an affine subspace if `direction` holds several rows.

    P(x) = point + B^T B (x - point), where the rows of B (k, n) are an orthonormal basis of the directions.
    Source: N. Parikh, S. Boyd, "Proximal algorithms", Foundations and Trends in Optimization 1 (3), 2014,
    section 6.2.1.
    """

    point: Vector = 0.0
    direction: Vector | Rows = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "point", vector("point", self.point))
        given = plain(self.direction)
        if isinstance(given, Iterable) and any(isinstance(plain(row), Iterable) for row in given):
            rows = tuple(vector("direction", row) for row in given)
            if not all(isinstance(row, tuple) and len(row) == len(plain(given)[0]) for row in rows):
                raise ValueError(f"direction: expected rows of one length, got {self.direction!r}")
            object.__setattr__(self, "direction", rows)
        else:
            object.__setattr__(self, "direction", vector("direction", given, nonzero=True))
        common_dimension("direction", self.dimension, dimension_of(self.point))
        if len(_bases(self.direction, self.dimension or 1)[0]) == 0:
            raise ValueError(f"direction: expected a vector that is not 0, got {self.direction!r}")

    @property
    def dimension(self) -> int | None:
        """Of the point and the directions."""
        rows = self.direction
        first = rows[0] if isinstance(rows, tuple) and isinstance(rows[0], tuple) else rows
        return dimension_of(self.point) if isinstance(first, float) else len(first)

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        n = x.shape[-1]
        point = tensor(self.point, n, x.device)
        along, across = _bases(self.direction, n)
        if len(across) == 0:
            return x
        basis = tensor(along, n, x.device)
        shares = ((x - point)[..., None, :] * basis).sum(-1, keepdim=True)
        return point + (shares * basis).sum(-2)

    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """± an orthonormal basis of the directions across; the line's equations hold everywhere on it."""
        n = len(as_array(x))
        across = np.array(_bases(self.direction, n)[1]).reshape(-1, n)
        return np.vstack([across, -across])

    def half_planes(self, domain: Domain, count: int) -> HalfPlanes:
        """Both sides of the line."""
        normals = self.normals(np.zeros(2))
        return HalfPlanes(normals, normals @ array(self.point, 2))


@functools.lru_cache(maxsize=256)
def _bases(direction: Any, n: int) -> tuple[Rows, Rows]:
    """Orthonormal bases of the span of the directions and of what is orthogonal to it, in n dimensions."""
    rows = np.atleast_2d(array(direction, n))
    rows = rows / (np.abs(rows).max(axis=1, keepdims=True) + (rows == 0).all(axis=1, keepdims=True))
    _, sizes, basis = np.linalg.svd(rows, full_matrices=True)
    rank = int((sizes > 1e-12 * sizes.max(initial=0)).sum())
    both = tuple(tuple(row) for row in basis.tolist())
    return both[:rank], both[rank:]
