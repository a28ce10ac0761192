"""The Hessian of a network's loss by its products with vectors: largest eigenvalues and trace.

Sources: B. A. Pearlmutter, Fast Exact Multiplication by the Hessian, Neural Computation 1994; C. Lanczos,
An iteration method for the solution of the eigenvalue problem of linear differential and integral
operators, 1950; B. N. Parlett, The Symmetric Eigenvalue Problem, 1980 (residual bounds,
reorthogonalization); M. F. Hutchinson, A stochastic estimator of the trace of the influence matrix for
Laplacian smoothing splines, 1990.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

from optgui.core.snapshot import frozen
from optgui.core.training.measures.slices import Slices, evaluating, slice_length


class Spectrum(NamedTuple):
    """The largest eigenvalues, descending.

    Within `residuals` of each value there is an eigenvalue, but for rounding. `vectors` (count, size) have
    length 1. `products` says how many Hessian-vector products it took.
    """

    values: NDArray[np.float64]  # (count,)
    residuals: NDArray[np.float64]  # (count,)
    vectors: torch.Tensor
    products: int


class Trace(NamedTuple):
    """An estimate of a trace and its standard error."""

    value: float
    error: float


class _Part(NamedTuple):
    """The gradient of some of the images, with the graph that differentiates it again."""

    gradients: tuple[torch.Tensor, ...]
    parameters: tuple[torch.Tensor, ...]


class Hessian:
    """P^-1/2 (H + w I) P^-1/2, with H the Hessian of the mean cross-entropy; without P and w just H.

    Vectors (size,) hold all parameters in the network's order. The graph of the gradient is kept, so that
    a product costs as much as a gradient. (For a ReLU perceptron, products written out by hand are only
    1.1 times as fast.)
    """

    def __init__(
        self,
        parts: Sequence[_Part],
        losses: Sequence[torch.Tensor],
        scale: torch.Tensor | None,
        weight_decay: float,
    ) -> None:
        self._parts = parts
        self._shapes = [parameter.shape for parameter in parts[0].parameters]
        self._scale = scale
        self._weight_decay = weight_decay
        self.loss = math.fsum(loss.item() for loss in losses)
        gradient = torch.stack([_flat(part.gradients).detach() for part in parts]).sum(0)
        self.gradient = gradient if scale is None else gradient * scale  # (size,), P^-1/2 g
        self.size = len(gradient)

    def product(self, vector: torch.Tensor) -> Slices[torch.Tensor]:
        """The product with a vector (size,)."""
        scaled = vector if self._scale is None else self._scale * vector
        pieces = torch.split(scaled, [shape.numel() for shape in self._shapes])
        outer = [piece.view(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]
        total = scaled * self._weight_decay if self._weight_decay else torch.zeros_like(scaled)
        for index, part in enumerate(self._parts):
            if index:
                yield
            total += _flat(torch.autograd.grad(
                part.gradients, part.parameters, outer, retain_graph=True, materialize_grads=True
            ))  # fmt: skip
        return total if self._scale is None else total * self._scale


def hessian_of(
    body: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    scale: torch.Tensor | None = None,
    weight_decay: float = 0.0,
) -> Slices[Hessian]:
    """The Hessian at the weights as they stand when the first slice runs; they may change from then on.

    Args:
        body: takes `images` as they are, to logits; dropout is switched off.
        images: (n, ...), the fixed subset that the loss is the mean of.
        labels: (n,) int64.
        scale: P^-1/2 (size,) of an optimizer that divides by P; None for P = 1.
        weight_decay: w, what an optimizer adds to the gradient for each unit of weight.
    """
    named = {name: value for name, value in body.named_parameters() if value.requires_grad}
    frozen_weights = {name: value.detach().clone() for name, value in named.items()}
    buffers = {name: value.clone() for name, value in body.named_buffers()}
    length = slice_length(body, images)
    parts, losses = [], []
    for start in range(0, len(images), length):
        if start:
            yield
        with torch.enable_grad(), evaluating(body):
            leaves = {name: value.detach().requires_grad_() for name, value in frozen_weights.items()}
            logits = functional_call(body, {**leaves, **buffers}, (images[start : start + length],))
            loss = nn.functional.cross_entropy(logits, labels[start : start + length], reduction="sum")
            loss = loss / len(images)
            parameters = tuple(leaves.values())
            gradients = torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True)
        parts.append(_Part(gradients, parameters))
        losses.append(loss.detach())
    return Hessian(parts, losses, scale, weight_decay)


def top_eigenvalues(
    hessian: Hessian,
    count: int = 1,
    start: torch.Tensor | None = None,
    tolerance: float = 1e-3,
    most: int = 60,
    generator: torch.Generator | None = None,
) -> Slices[Spectrum]:
    """Lanczos with full reorthogonalization, until the residuals are small; NaN where the Hessian has one.

    An eigenvalue that occurs several times is found once.

    Args:
        hessian: of any size.
        count: how many eigenvalues; fewer are returned if so few are distinct.
        start: (size,), a guess of their eigenvectors' span; a random vector if None.
        tolerance: largest residual, relative to the largest |eigenvalue|.
        most: products at most; the residuals say how good the result then is.
        generator: draws the start, on the CPU; seeded with 0 if None.

    Raises:
        ValueError: if the count is not from 1 to `most`.
    """
    most = min(most, hessian.size)
    if not 1 <= count <= most:
        raise ValueError(f"count: expected a whole number from 1 to {most}, got {count}")
    like = hessian.gradient
    if start is None:
        generator = generator or torch.Generator().manual_seed(0)
        start = torch.randn(hessian.size, generator=generator, dtype=like.dtype).to(like.device)
    basis = torch.empty(most, hessian.size, dtype=like.dtype, device=like.device)
    matrix = np.zeros((most, most))
    values, weights, residuals = np.full(1, np.nan), np.ones((1, 1)), np.full(1, np.nan)
    basis[0] = start / torch.linalg.vector_norm(start)
    for index in range(most):
        image = yield from hessian.product(basis[index])
        yield
        matrix[index, index] = float(image @ basis[index])
        known = basis[: index + 1]
        for _ in range(2):  # twice is enough (Parlett)
            image -= known.T @ (known @ image)
        rest = float(torch.linalg.vector_norm(image))
        if not (math.isfinite(matrix[index, index]) and math.isfinite(rest)):
            values, weights, residuals = np.full(1, np.nan), np.eye(index + 1)[:1].T, np.full(1, np.nan)
            break
        values, weights = np.linalg.eigh(matrix[: index + 1, : index + 1])
        values, weights = np.flip(values).copy(), np.flip(weights, 1).copy()
        residuals = rest * np.abs(weights[-1])
        largest = np.abs(values).max()
        if index + 1 >= count and (residuals[:count] <= tolerance * largest).all():
            break
        if rest <= 4 * torch.finfo(like.dtype).eps * largest or index + 1 == most:
            break
        matrix[index, index + 1] = matrix[index + 1, index] = rest
        basis[index + 1] = image / rest
    turn = torch.from_numpy(weights[:, :count].copy()).to(like).T
    return Spectrum(frozen(values[:count].copy()), frozen(residuals[:count].copy()),
                    turn @ basis[: index + 1], index + 1)  # fmt: skip


def trace(hessian: Hessian, samples: int = 30, generator: torch.Generator | None = None) -> Slices[Trace]:
    """Hutchinson's estimate: the mean of z'Hz over vectors z of random signs.

    Args:
        hessian: of any size.
        samples: how many vectors, one product each.
        generator: draws them, on the CPU; seeded with 0 if None.

    Raises:
        ValueError: if there are fewer than 2 samples, which have no standard error.
    """
    if samples < 2:
        raise ValueError(f"samples: expected a whole number >= 2, got {samples}")
    generator = generator or torch.Generator().manual_seed(0)
    found = []
    for index in range(samples):
        if index:
            yield
        signs = torch.randint(2, (hessian.size,), generator=generator).to(hessian.gradient) * 2 - 1
        found.append(float(signs @ (yield from hessian.product(signs))))
    return Trace(float(np.mean(found)), float(np.std(found, ddof=1) / math.sqrt(samples)))


def _flat(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
