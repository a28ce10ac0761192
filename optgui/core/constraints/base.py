"""What every convex set can do: projection, distance, multipliers, and its outline in the plane."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.constraints.multipliers import Multipliers, solve
from optgui.core.constraints.outline import Domain, HalfPlanes, clip_rectangle
from optgui.core.snapshot import frozen

Array = NDArray[np.float64]

_TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}


class Projection(NamedTuple):
    """Projections and what they took.

    `point` (..., n) has the dtype that was asked with. `sweeps` (...) int64 counts Dykstra's sweeps and
    `residual` (...) float64 is how far the point still moved in the last one; both are 0 for a set whose
    projection is a formula.
    """

    point: torch.Tensor
    sweeps: torch.Tensor
    residual: torch.Tensor


@dataclasses.dataclass(frozen=True)
class ConvexSet(abc.ABC):
    """A closed convex set in `dimension` dimensions, or in any number of them if that is None.

    A subclass gives `_project`, `normals` and `half_planes`. Everything is computed in float64.
    """

    @property
    @abc.abstractmethod
    def dimension(self) -> int | None:
        """How many coordinates a point has; None if the description fits any number."""

    @property
    def is_empty(self) -> bool:
        """Whether no point at all belongs to the set (of the plane, if it fits any dimension)."""
        return False

    @abc.abstractmethod
    def _project(self, x: torch.Tensor) -> torch.Tensor:
        """The nearest points of the set: float64 (..., n) to (..., n)."""

    @abc.abstractmethod
    def normals(self, x: Any, tolerance: float = 1e-6) -> Array:
        """Unit vectors (k, n) that point out of the constraints active at a point (n,) of the set.

        Their non-negative combinations are the normal cone. A constraint is active if the point is nearer
        to its boundary than `tolerance`, relative to max(1, |x|).
        """

    @abc.abstractmethod
    def half_planes(self, domain: Domain, count: int) -> HalfPlanes:
        """Unit normals (k, 2) and offsets (k,) whose half-planes a·x <= b meet in the set, in the plane.

        A round boundary is replaced by `count` chords where it crosses the domain.
        """

    def project(self, x: torch.Tensor) -> torch.Tensor:
        """The nearest point of the set for each point: (..., n) float64 or float32 to the same.

        A point that is not finite gives one that is not either.

        Raises:
            ValueError: if `x` is no such tensor, or the set is empty.
        """
        return self._project(self._checked(x)).to(x.dtype)

    def project_report(self, x: torch.Tensor) -> Projection:
        """`project`, and how many sweeps it took to which residual.

        Raises:
            ValueError: as `project`.
        """
        point = self.project(x)
        nothing = torch.zeros(x.shape[:-1], dtype=torch.float64, device=x.device)
        return Projection(point, nothing.long(), nothing)

    def distance(self, x: torch.Tensor) -> torch.Tensor:
        """Euclidean distance of each point to the set: (..., n) to (...)."""
        double = self._checked(x)
        length: torch.Tensor = torch.linalg.vector_norm(double - self._project(double), dim=-1)
        return length.to(x.dtype)

    def contains(self, x: torch.Tensor, tolerance: float | None = None) -> torch.Tensor:
        """Whether each point (..., n) is at most `tolerance` away from the set: booleans (...).

        Without one it is 1e-9 in float64 and 1e-5 in float32, relative to max(1, largest coordinate).
        """
        allowed = (
            _TOLERANCE.get(x.dtype, 0.0) * x.abs().amax(-1).clamp(min=1) if tolerance is None else tolerance
        )
        return self.distance(x) <= allowed

    def multipliers(self, x: Any, gradient: Any, tolerance: float = 1e-6) -> Multipliers:
        """Multipliers >= 0 of the constraints active at `x` (n,), for the gradient (n,) of what is minimized.

        For an intersection the normal cone is taken as the sum of its members' cones, which is right if
        they meet in more than touching points (Rockafellar, "Convex Analysis", 1970, corollary 23.8.1).

        Args:
            x: a point of the set, as a tensor or array.
            gradient: of the objective there.
            tolerance: how near a boundary counts as active, and how far outside `x` may lie, relative to
                max(1, |x|).

        Raises:
            ValueError: if `x` is not in the set, or the shapes differ.
        """
        point, slope = as_array(x), as_array(gradient)
        if point.ndim != 1 or point.shape != slope.shape:
            raise ValueError(
                f"gradient: expected the shape (n,) of the point, got {slope.shape} at {point.shape}"
            )
        away = float(self.distance(torch.from_numpy(point)))
        if not away <= tolerance * max(1.0, float(np.linalg.norm(point))):
            raise ValueError(f"x: expected a point of the set, got one {away:.3g} away from it")
        return solve(self.normals(point, tolerance), slope)

    def outline(self, domain: Domain, count: int = 256) -> Array | None:
        """The part of the set in a rectangle, as a closed polyline (m, 2), anticlockwise, to draw or fill.

        A segment is drawn there and back, a point is one row, no row at all if nothing is in view. Edges
        on the rectangle itself belong to the view and not to the set: ask for a larger one than is shown.

        Args:
            domain: the rectangle ((x0, x1), (y0, y1)).
            count: chords of a round boundary.

        Returns:
            None for the whole plane.

        Raises:
            ValueError: if this is no set of the plane, or the domain is no rectangle.
        """
        if self.dimension not in (2, None):
            raise ValueError(f"outline: expected a set of the plane, got one of {self.dimension} dimensions")
        (x0, x1), (y0, y1) = domain
        if not (x0 < x1 and y0 < y1) or count < 3:
            raise ValueError(f"domain: expected a rectangle and 3 chords or more, got {domain}, {count}")
        planes = self.half_planes(domain, count)
        return frozen(clip_rectangle(domain, planes)) if len(planes.offsets) else None

    def _checked(self, x: torch.Tensor) -> torch.Tensor:
        if x.dtype not in _TOLERANCE:
            raise ValueError(f"x: expected float64 or float32, got {x.dtype}")
        if x.ndim == 0 or x.shape[-1] == 0 or self.dimension not in (None, x.shape[-1]):
            wanted = "n" if self.dimension is None else self.dimension
            raise ValueError(f"x: expected a tensor of shape (..., {wanted}), got {tuple(x.shape)}")
        return x.double()


def projected_gradient_measure(
    constraint: ConvexSet, x: torch.Tensor, gradient: torch.Tensor, lr: float
) -> torch.Tensor:
    """|x - P(x - lr gradient)| / lr, the length of the gradient mapping: (..., n) to (...).

    It is the gradient's length inside the set, and 0 exactly at a constrained stationary point. Source:
    Yu. Nesterov, "Introductory Lectures on Convex Optimization", Kluwer, 2004, section 2.2.3.

    Raises:
        ValueError: if `lr` is not positive.
    """
    if not lr > 0:
        raise ValueError(f"lr: expected a number > 0, got {lr}")
    length: torch.Tensor = torch.linalg.vector_norm(x - constraint.project(x - lr * gradient), dim=-1)
    return length / lr


def as_array(values: Any) -> Array:
    """A float64 copy of a tensor, array or sequence."""
    return np.array(values.detach().cpu().numpy() if hasattr(values, "detach") else values, dtype=np.float64)
