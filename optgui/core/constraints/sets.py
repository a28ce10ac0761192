"""Convex sets whose projection is a formula: the whole space, balls, boxes, half-spaces, simplices."""

from __future__ import annotations

import dataclasses
import math
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
    number,
    tensor,
    vector,
)


@dataclasses.dataclass(frozen=True)
class WholeSpace(ConvexSet):
    """Every point: no constraint."""

    @property
    def dimension(self) -> int | None:
        """Any."""
        return None

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """None, (0, n)."""
        return np.zeros((0, len(as_array(x))))

    def half_planes(self, domain: Domain, count: int) -> HalfPlanes:
        """None."""
        return HalfPlanes(np.zeros((0, 2)), np.zeros(0))


@dataclasses.dataclass(frozen=True)
class Ball(ConvexSet):
    """|x - center| <= radius. P(x) = center + radius (x - center) / |x - center| outside.

    Source: N. Parikh, S. Boyd, "Proximal algorithms", Foundations and Trends in Optimization 1 (3), 2014,
    section 6.5.1.
    """

    center: Vector = 0.0
    radius: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", vector("center", self.center))
        object.__setattr__(self, "radius", number("radius", self.radius, positive=True))

    @property
    def dimension(self) -> int | None:
        """Of the center."""
        return dimension_of(self.center)

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        center = tensor(self.center, x.shape[-1], x.device)
        offset = x - center
        largest = offset.abs().amax(-1, keepdim=True).clamp(min=1e-300)  # the square of 1e200 is not finite
        direction = offset / largest
        length = torch.linalg.vector_norm(direction, dim=-1, keepdim=True)
        outside = ~(largest * length <= self.radius)
        return torch.where(outside, center + direction * (self.radius / length), x)

    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """The direction from the center, if the point is on the sphere."""
        point = as_array(x)
        offset = point - array(self.center, len(point))
        length = float(np.linalg.norm(offset))
        if length < self.radius - tolerance * size_of(point) or length == 0:
            return np.zeros((0, len(point)))
        return (offset / length)[None]

    def half_planes(self, domain: Domain, count: int) -> HalfPlanes:
        """Chords; where only an arc can be in view, all of them on that arc."""
        center = array(self.center, 2)
        corners = np.array([(x, y) for x in domain[0] for y in domain[1]]) - center
        start, span = 0.0, 2 * math.pi
        if not all(low <= c <= high for (low, high), c in zip(domain, center, strict=True)):
            middle = corners.mean(axis=0)
            start = math.atan2(middle[1], middle[0])
            turns = np.arctan2(
                corners[:, 1] * middle[0] - corners[:, 0] * middle[1], corners @ middle
            )  # of the corners, seen from the center: the rectangle spans less than half a turn
            start, span = start + float(turns.min()), float(np.ptp(turns))
        angles = start + span * (np.arange(count) + 0.5) / count
        normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return HalfPlanes(normals, normals @ center + self.radius * math.cos(span / count / 2))


@dataclasses.dataclass(frozen=True)
class Box(ConvexSet):
    """low <= x <= high in every coordinate; the projection clips each one.

    Source: S. Boyd, L. Vandenberghe, "Convex Optimization", Cambridge University Press, 2004, section 8.1.1.
    """

    low: Vector = -1.0
    high: Vector = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", vector("low", self.low))
        object.__setattr__(self, "high", vector("high", self.high))
        n = common_dimension("high", dimension_of(self.low), dimension_of(self.high)) or 1
        if (array(self.low, n) > array(self.high, n)).any():
            raise ValueError(f"low: expected no coordinate above high {self.high}, got {self.low}")

    @property
    def dimension(self) -> int | None:
        """Of the corners."""
        return common_dimension("high", dimension_of(self.low), dimension_of(self.high))

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        n = x.shape[-1]
        return torch.clamp(x, tensor(self.low, n, x.device), tensor(self.high, n, x.device))

    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """± the axes whose bounds the point touches."""
        point = as_array(x)
        n, near = len(point), tolerance * size_of(point)
        upper, lower = point >= array(self.high, n) - near, point <= array(self.low, n) + near
        return np.vstack([np.eye(n)[upper], -np.eye(n)[lower]])

    def half_planes(self, domain: Domain, count: int) -> HalfPlanes:
        """The four sides."""
        axes = np.eye(2)
        return HalfPlanes(
            np.vstack([axes, -axes]), np.concatenate([array(self.high, 2), -array(self.low, 2)])
        )


@dataclasses.dataclass(frozen=True)
class HalfSpace(ConvexSet):
    """normal · x <= offset. P(x) = x - max(0, normal · x - offset) normal / |normal|².

    Source: S. Boyd, L. Vandenberghe, "Convex Optimization", Cambridge University Press, 2004, section 8.1.1.
    """

    normal: Vector = 1.0
    offset: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "normal", vector("normal", self.normal, nonzero=True))
        object.__setattr__(self, "offset", number("offset", self.offset))

    @property
    def dimension(self) -> int | None:
        """Of the normal."""
        return dimension_of(self.normal)

    def _unit(self, n: int) -> tuple[Vector, float]:
        """The normal with length 1 in n dimensions, and the offset that goes with it."""
        if isinstance(self.normal, float):
            length = abs(self.normal) * math.sqrt(n)
            return self.normal / length, self.offset / length
        length = math.hypot(*self.normal)
        return tuple(item / length for item in self.normal), self.offset / length

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        unit, offset = self._unit(x.shape[-1])
        normal = tensor(unit, x.shape[-1], x.device)
        excess = (x * normal).sum(-1, keepdim=True) - offset
        return x - excess.clamp(min=0) * normal

    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """The normal, if the point is on the border."""
        point = as_array(x)
        unit, offset = self._unit(len(point))
        normal = array(unit, len(point))[None]
        return normal[normal @ point >= offset - tolerance * size_of(point)]

    def half_planes(self, domain: Domain, count: int) -> HalfPlanes:
        """Itself."""
        unit, offset = self._unit(2)
        return HalfPlanes(array(unit, 2)[None], np.array([offset]))


@dataclasses.dataclass(frozen=True)
class Simplex(ConvexSet):
    """x >= 0 with sum x = total; total 1 are the probabilities of n events.

    P(x) = max(x - θ, 0), with the θ that makes the sum right found by sorting the coordinates. Source:
    M. Held, P. Wolfe, H. P. Crowder, "Validation of subgradient optimization", Mathematical Programming 6,
    1974; J. Duchi, S. Shalev-Shwartz, Y. Singer, T. Chandra, "Efficient projections onto the l1-ball for
    learning in high dimensions", ICML 2008, figure 1.
    """

    total: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", number("total", self.total, positive=True))

    @property
    def dimension(self) -> int | None:
        """Any."""
        return None

    def _project(self, x: torch.Tensor) -> torch.Tensor:
        # Points that differ by a multiple of (1, ..., 1) have one projection; near 0 the sums round least.
        shifted = x - x.amax(-1, keepdim=True)
        falling = shifted.sort(-1, descending=True).values
        excess = falling.cumsum(-1) - self.total
        places = torch.arange(1, x.shape[-1] + 1, dtype=torch.float64, device=x.device)
        support = (falling * places > excess).sum(-1, keepdim=True).clamp(min=1)  # 0 only if not finite
        theta = excess.gather(-1, support - 1) / support
        return (shifted - theta).clamp(min=0)

    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """± (1, ..., 1) / √n for the sum, and minus the axes of the coordinates that are 0."""
        point = as_array(x)
        n = len(point)
        diagonal = np.full((1, n), 1 / math.sqrt(n))
        return np.vstack([diagonal, -diagonal, -np.eye(n)[point <= tolerance * size_of(point)]])

    def half_planes(self, domain: Domain, count: int) -> HalfPlanes:
        """The segment from (total, 0) to (0, total)."""
        normals = self.normals(np.zeros(2))
        offset = self.total / math.sqrt(2)
        return HalfPlanes(normals, np.array([offset, -offset, 0, 0]))


def size_of(point: Array) -> float:
    """What a tolerance at a point (n,) is relative to."""
    return max(1.0, float(np.linalg.norm(point)))
