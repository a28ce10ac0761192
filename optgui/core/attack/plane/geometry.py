"""Lines on a plane through a digit: where it meets the ball and the box, and where a path passes.

A point (a, b) of the plane is the picture x + a u + b v. `basis` (2, 784) float64 holds u and v, orthonormal,
so that a and b are lengths in pixel units.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.attack.norms import Norm
from optgui.core.constraints.outline import HalfPlanes, clip_rectangle

Array = NDArray[np.float64]

ANGLES = 360  # of the ball's outline
CLIPPED_ANGLES = 180  # of the outline that is found by bisection
_HALVINGS = 18
_PARALLEL = 1e-3  # the sine of an angle that counts as none
_SLACK = 1e-6  # px that a picture may leave the box, as an attack may


def span(first: Array, second: Array) -> Array | None:
    """The basis (2, 784) of two directions (784,), the first kept; None if they are one direction.

    Source: Gram and Schmidt's orthogonalization, done twice so that rounding leaves nothing.
    """
    along = first / np.linalg.norm(first)
    across = second - (second @ along) * along
    length = float(np.linalg.norm(across))
    if not length > _PARALLEL * float(np.linalg.norm(second)):
        return None
    across /= length
    across -= (across @ along) * along
    return np.stack([along, across / np.linalg.norm(across)])


def on_plane(perturbations: Array, basis: Array) -> tuple[Array, Array]:
    """Where perturbations (m, 784) pass the plane: (a, b) (m, 2), and how far off it in L2 (m,)."""
    points = perturbations @ basis.T
    return points, np.linalg.norm(perturbations - points @ basis, axis=1)


def ball_outline(norm: Norm, radius: float, basis: Array, far: float) -> Array:
    """The points (n, 2) with norm(a u + b v) = radius, closed; cut at the distance `far` where it is open.

    A norm grows evenly along a ray, so that each angle has its radius / norm(cos t u + sin t v).
    """
    directions = _directions(ANGLES)
    sizes = norm.norm(_pictures(_moves(directions, basis))).numpy()
    with np.errstate(divide="ignore"):
        lengths = np.minimum(radius / sizes, far)
    return _closed(directions * lengths[:, None])


def clipped_outline(norm: Norm, radius: float, basis: Array, image: Array, far: float) -> Array:
    """The points (n, 2) whose picture, clipped to [0, 1], differs from `image` (784,) by `radius`; closed.

    The difference never shrinks along a ray, so that bisection finds it; cut at `far` where it ends before.
    """
    directions = _directions(CLIPPED_ANGLES)
    moves = _moves(directions, basis)
    low, high = np.zeros(len(moves)), np.full(len(moves), far)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        changed = (image + middle[:, None] * moves).clip(0, 1) - image
        inside = norm.norm(_pictures(changed)).numpy() <= radius
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return _closed(directions * low[:, None])


def box_outline(image: Array, basis: Array, half: float) -> Array:
    """What [0, 1] and the square of side 2 `half` share of the plane, as a closed polygon (m, 2).

    Each pixel allows two half-planes, 1568 in all. Where a digit's background stands at 0, half of all
    directions leave the box at once, so that it is often hardly more than a line.
    """
    lengths = np.hypot(*basis)
    moved = lengths > 0
    normals = (basis[:, moved] / lengths[moved]).T
    room = (np.stack([1 - image[moved], image[moved]]) + _SLACK) / lengths[moved]
    planes = HalfPlanes(np.concatenate([normals, -normals]), room.reshape(-1))
    cutting = np.abs(planes.normals).sum(1) * half > planes.offsets
    kept = HalfPlanes(planes.normals[cutting], planes.offsets[cutting])
    return clip_rectangle(((-half, half), (-half, half)), kept)


def _directions(count: int) -> Array:
    angles = np.arange(count) * (2 * math.pi / count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _moves(directions: Array, basis: Array) -> Array:
    """Directions (n, 2) of the plane as changes (n, 784); BLAS would wake its threads for it."""
    moves: Array = directions[:, :1] * basis[0] + directions[:, 1:] * basis[1]
    return moves


def _pictures(flat: Array) -> torch.Tensor:
    return torch.from_numpy(flat).view(-1, 1, 28, 28)


def _closed(points: Array) -> Array:
    return np.concatenate([points, points[:1]])
