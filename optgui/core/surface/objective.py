"""Objective: a function of the plane as optimizers ask for it, many points at once, in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.curvature import Derivatives, derivatives

Array = NDArray[np.float64]


class Objective:
    """Exact values and derivatives (autograd) of `function`, a tensor (n, 2) to (n,), at points (n, 2).

    Every point is alone: row i of a result belongs to row i of the points. Where the function has no finite
    value the result is NaN or infinite.
    """

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._function = function

    def values(self, points: Array) -> Array:
        """Values (n,)."""
        with torch.no_grad():
            found: Array = self._function(torch.from_numpy(points)).numpy()
        return found

    def gradients(self, points: Array) -> tuple[Array, Array]:
        """Values (n,) and gradients (n, 2)."""
        xy = torch.from_numpy(points).requires_grad_()
        values = self._function(xy)
        (gradients,) = torch.autograd.grad(values.sum(), xy)
        return values.detach().numpy(), gradients.numpy()

    def derivatives(self, points: Array) -> Derivatives:
        """Values (n,), gradients (n, 2) and Hessians (n, 2, 2)."""
        return derivatives(self._function, points)
