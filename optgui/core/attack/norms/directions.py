"""Balls that allow some directions only: the span of low cosines, and a half-space of ink."""

from __future__ import annotations

import functools
import math

import torch

from optgui.core.attack.norms.base import Epsilon, Norm, per_image, radii
from optgui.core.attack.norms.dense import L2
from optgui.core.attack.norms.interior import nearest
from optgui.core.attack.norms.roots import lowered


class Subspace(L2):
    """The L2 ball within the span of the `frequencies` x `frequencies` lowest cosines of a square image.

    Perturbations have shape (n, ..., side, side), the last two axes the image, all others of length 1. The
    size is the length of the change whole, also of a change outside the span.
    """

    def __init__(self, frequencies: int) -> None:
        self.frequencies = frequencies

    def project(self, delta: torch.Tensor, epsilon: Epsilon) -> torch.Tensor:
        """The part in the span, then brought nearer to 0; both act along lines that the other keeps."""
        return super().project(self._within(delta), epsilon)

    def project_in_box(
        self, delta: torch.Tensor, epsilon: Epsilon, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """Found to about 1e-5 of its length; ball and box are kept exactly, the span to 1e-6 px."""
        side = delta.shape[-1]
        if self.frequencies >= side:
            return super().project_in_box(delta, epsilon, low, high)
        plain = self.project(delta, epsilon)
        if ((plain >= low) & (plain <= high)).all():
            return plain
        squares = (len(delta), side, side)
        device = "cpu" if delta.device.type == "mps" else delta.device  # which knows no float64
        cosines = _cosines(self.frequencies, side).to(device)
        coefficients = cosines @ delta.reshape(squares).to(device, torch.float64) @ cosines.T
        found = nearest(
            coefficients,
            radii(epsilon, delta).to(device, torch.float64),
            low.reshape(squares).to(device, torch.float64),
            high.reshape(squares).to(device, torch.float64),
            cosines,
        )
        picture = (cosines.T @ found @ cosines).to(delta).reshape(delta.shape)
        return super().project_in_box(picture, epsilon, low, high)

    def random(self, shape: tuple[int, ...], epsilon: Epsilon, generator: torch.Generator) -> torch.Tensor:
        """Uniform in the ball of the span: an L2 ball of its coefficients."""
        counts = tuple(min(self.frequencies, side) for side in shape[-2:])
        coefficients = super().random((*shape[:-2], *counts), epsilon, generator)
        cosines = _cosines(counts[0], shape[-1]).to(coefficients)
        return self.project(cosines.T @ coefficients @ cosines, epsilon)

    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        """Along the part of the gradient that lies in the span."""
        return super().ascent(self._within(gradient))

    def _within(self, delta: torch.Tensor) -> torch.Tensor:
        side = delta.shape[-1]
        if self.frequencies >= side:
            return delta
        cosines = _cosines(self.frequencies, side).to(delta)
        within = cosines.T @ cosines
        return within @ delta @ within


class HalfSpace(Norm):
    """How much ink is added in all: the sum of the change along the unit normal a = 1/√d, d pixels.

    Without the box a change may be as large as it likes, as long as it adds no more than it takes away.
    """

    clipping_shrinks = False

    def norm(self, delta: torch.Tensor) -> torch.Tensor:
        """The ink added, 0 where more is taken away."""
        return self._along(delta).clamp_min(0)

    def project(self, delta: torch.Tensor, epsilon: Epsilon) -> torch.Tensor:
        """δ - max(0, ⟨a, δ⟩ - ε) a."""
        excess = (self._along(delta) - epsilon).clamp_min(0)
        return delta - per_image(excess / math.sqrt(delta[0].numel()), delta)

    def project_in_box(
        self, delta: torch.Tensor, epsilon: Epsilon, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """Every pixel loses the same amount, then the clamp: clamp(δ - m a, low, high)."""
        total = radii(epsilon, delta) * math.sqrt(delta[0].numel())
        inner = delta.clamp(low, high)
        slack = torch.linalg.vector_norm(inner.flatten(1), ord=1, dim=1) * 2.0**-22
        return lowered(delta, total, slack, low, high)

    def random(self, shape: tuple[int, ...], epsilon: Epsilon, generator: torch.Generator) -> torch.Tensor:
        """Uniform in the L2 ball of this radius, which touches the half-space from within."""
        return L2().random(shape, epsilon, generator)

    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        """Along the gradient, of Euclidean length 1; the ink that it adds is less."""
        return L2().ascent(gradient)

    def _along(self, delta: torch.Tensor) -> torch.Tensor:
        return delta.flatten(1).sum(1) / math.sqrt(delta[0].numel())


@functools.cache
def _cosines(count: int, side: int) -> torch.Tensor:
    """The `count` lowest rows of the orthonormal DCT-II, (count, side) float64."""
    pixels = torch.arange(side, dtype=torch.float64) + 0.5
    frequencies = torch.arange(count, dtype=torch.float64)[:, None]
    rows = torch.cos(math.pi / side * frequencies * pixels) * math.sqrt(2 / side)
    rows[0] /= math.sqrt(2)
    return rows
