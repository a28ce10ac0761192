"""Lagrange multipliers of a point: how much each active constraint pushes back against the descent."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from optgui.core.snapshot import frozen

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Multipliers:
    """The Karush-Kuhn-Tucker conditions at one point, as arrows can show them.

    -gradient = values @ normals + what is left over, whose length is `residual`: 0 exactly where the point
    minimizes a convex function over the set. `normals` (k, n) are unit vectors that point out of the active
    constraints, `values` (k,) >= 0 belong to them. An equation is active from both sides, so it has two
    opposite normals.
    """

    values: Array
    normals: Array
    residual: float


def solve(normals: Array, gradient: Array) -> Multipliers:
    """Multipliers of the normals (k, n) for a gradient (n,): -gradient projected onto their cone.

    Source: S. Boyd, L. Vandenberghe, "Convex Optimization", Cambridge University Press, 2004, section 5.5.3.
    """
    values = nonnegative_least_squares(normals.T, -gradient)
    rest = -gradient - values @ normals
    return Multipliers(frozen(values), frozen(normals), float(np.linalg.norm(rest)))


def nonnegative_least_squares(matrix: Array, target: Array) -> Array:
    """The z >= 0 (k,) that minimizes |matrix z - target|, for a matrix (n, k).

    Source: C. L. Lawson, R. J. Hanson, "Solving Least Squares Problems", Prentice-Hall, 1974, chapter 23.
    """
    columns = matrix.shape[1]
    z = np.zeros(columns)
    used = np.zeros(columns, dtype=bool)
    barred = np.zeros(columns, dtype=bool)  # would help by no more than rounding
    tolerance = 1e-14 * max(1, columns) * (float(np.linalg.norm(target)) or 1.0)
    for _ in range(10 * columns):  # it ends by itself, in exact arithmetic
        slope = matrix.T @ (target - matrix @ z)
        slope[used | barred] = -np.inf
        if slope.max(initial=-np.inf) <= tolerance:
            break
        newest = int(slope.argmax())
        used[newest] = True
        trial = _least_squares(matrix, target, used)
        if trial[newest] <= 0:
            used[newest], barred[newest] = False, True
            continue
        barred[:] = False
        while (falling := used & (trial <= 0)).any():
            shares = z[falling] / (z[falling] - trial[falling])
            z += shares.min() * (trial - z)
            z[np.flatnonzero(falling)[shares.argmin()]] = 0
            used &= z > 0
            trial = _least_squares(matrix, target, used)
        z = trial
    return z


def _least_squares(matrix: Array, target: Array, used: NDArray[np.bool_]) -> Array:
    trial = np.zeros(matrix.shape[1])
    trial[used] = np.linalg.lstsq(matrix[:, used], target, rcond=None)[0]
    return trial
