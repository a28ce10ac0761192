"""The largest eigenvalue of the Hessian along a run, each reading started from the last."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from optgui.core.training.measures.hessian import hessian_of, top_eigenvalues
from optgui.core.training.measures.preconditioner import Preconditioner
from optgui.core.training.measures.slices import Slices

_SECOND, _GRADIENT = 0.5, 0.1  # shares of the second eigenvector and of the gradient in a warm start


class SharpnessReading(NamedTuple):
    """λ_max; an eigenvalue lies within `residual` of it, and λ_max is nearer still, to second order."""

    value: float
    residual: float
    loss: float  # of the subset, dropout off
    products: int


class Sharpness:
    """λ_max of the Hessian of the mean cross-entropy over a fixed subset, or of the preconditioned one.

    A reading starts from the last reading's first two eigenvectors and a little of the gradient, which
    points to where the loss is sharp (G. Gur-Ari, D. A. Roberts and E. Dyer, Gradient Descent Happens in a
    Tiny Subspace, 2018), and goes on until both eigenvalues have settled: so one that overtakes the first
    is found. It costs a gradient and about 5 products. On MNIST the mean error was below 0.5 % and the
    largest 3 %; from one eigenvector alone it cost 3 products and was wrong by up to 23 %. `vector` (size,)
    is the warm start: a run resumed with it reads the same numbers.

    Args:
        images: (n, ...) normalized.
        labels: (n,) int64.
        tolerance: largest residual of both, relative to the value; the value's own error is of its square.
        most: products of a warm reading at most; a first one may take four times as many.
        seed: of the first start.
    """

    def __init__(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        tolerance: float = 0.05,
        most: int = 12,
        seed: int = 0,
    ) -> None:
        self._images = images
        self._labels = labels
        self._tolerance = tolerance
        self._most = most
        self._seed = seed
        self.vector: torch.Tensor | None = None

    def update(
        self, body: nn.Module, preconditioner: Preconditioner | None = None
    ) -> Slices[SharpnessReading]:
        """Read it at the weights, and at the preconditioner, as they stand when the first slice runs."""
        scale, decay = (None, 0.0) if preconditioner is None else preconditioner
        hessian = yield from hessian_of(body, self._images, self._labels, scale, decay)
        yield
        generator = torch.Generator().manual_seed(self._seed)
        start, most = None, 4 * self._most
        if self.vector is not None and len(self.vector) == hessian.size:
            length = torch.linalg.vector_norm(hessian.gradient).clamp_min(torch.finfo(torch.float32).tiny)
            start, most = self.vector + hessian.gradient * (_GRADIENT / length), self._most
        spectrum = yield from top_eigenvalues(
            hessian, min(2, hessian.size), start, self._tolerance, most, generator
        )
        vector = spectrum.vectors[0] + _SECOND * spectrum.vectors[1:].sum(0)
        self.vector = vector if bool(vector.isfinite().all()) else None
        return SharpnessReading(
            float(spectrum.values[0]), float(spectrum.residuals[0]), hessian.loss, spectrum.products
        )
