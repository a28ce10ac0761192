"""NORMS: how the size of a perturbation is measured, and what follows from it.

A norm is four short methods: its value, the projection onto its ball, a random point of the ball, and the
direction of steepest ascent. Perturbations have shape (n, ...), in pixel units; every image has its own ball.
"""

from __future__ import annotations

import abc
import dataclasses
import math

import torch

from optgui.core.params import Config
from optgui.core.registry import Entry, Registry

# Float32 rounds the length of 784 pixels by some 2e-7 of itself; a projection this much shorter stays inside.
_INSIDE = 1 - 2.0**-21


def per_image(numbers: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Numbers (n,) reshaped to (n, 1, ..., 1), to be combined with `like` (n, ...)."""
    return numbers.reshape(-1, *[1] * (like.ndim - 1))


@dataclasses.dataclass(frozen=True)
class NormEntry(Entry, abc.ABC):
    """A norm of perturbations, image by image."""

    params: type[Config] = Config

    @abc.abstractmethod
    def norm(self, delta: torch.Tensor) -> torch.Tensor:
        """The norm of each perturbation: (n, ...) to (n,)."""

    @abc.abstractmethod
    def project(self, delta: torch.Tensor, epsilon: float) -> torch.Tensor:
        """The nearest points (in the Euclidean sense) of the ball of radius `epsilon` round 0, (n, ...)."""

    @abc.abstractmethod
    def random(self, shape: tuple[int, ...], epsilon: float, generator: torch.Generator) -> torch.Tensor:
        """Points drawn uniformly from the ball of radius `epsilon`, float32 of `shape` (n, ...)."""

    @abc.abstractmethod
    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        """The direction of norm 1 along which a linear function with this gradient grows most.

        The direction of a zero gradient is zero. Source: A. Madry, A. Makelov, L. Schmidt, D. Tsipras,
        A. Vladu, "Towards deep learning models resistant to adversarial attacks", ICLR 2018, section 2.1.
        """


class _L2(NormEntry):
    """The Euclidean norm."""

    def norm(self, delta: torch.Tensor) -> torch.Tensor:
        norms: torch.Tensor = torch.linalg.vector_norm(delta.flatten(1), dim=1)
        return norms

    def project(self, delta: torch.Tensor, epsilon: float) -> torch.Tensor:
        norms = self.norm(delta)
        outside = norms > epsilon
        scale = torch.where(outside, epsilon * _INSIDE / torch.where(outside, norms, 1.0), 1.0)
        return delta * per_image(scale, delta)

    def random(self, shape: tuple[int, ...], epsilon: float, generator: torch.Generator) -> torch.Tensor:
        """A Gaussian direction times epsilon u**(1/d), u uniform and d the number of pixels.

        In 784 dimensions nearly all of the ball lies near its surface, so that most starts do. torchattacks
        draws the radius itself uniformly instead, and so starts nearer to the image.
        """
        direction = self.ascent(torch.randn(shape, generator=generator))
        u = torch.rand(shape[0], generator=generator)
        radius = epsilon * u ** (1 / math.prod(shape[1:]))
        return self.project(direction * per_image(radius, direction), epsilon)

    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        largest = gradient.flatten(1).abs().amax(1)
        # The gradient of a confident network is so small that its square is 0 in float32: scale it up first.
        scaled = gradient * per_image(torch.where(largest < 1e-12, 2.0**100, 1.0), gradient)
        return scaled * per_image(1 / torch.where(largest == 0, 1.0, self.norm(scaled)), gradient)


class _Linf(NormEntry):
    """The largest change of a pixel."""

    def norm(self, delta: torch.Tensor) -> torch.Tensor:
        return delta.flatten(1).abs().amax(1)

    def project(self, delta: torch.Tensor, epsilon: float) -> torch.Tensor:
        return delta.clamp(-epsilon, epsilon)

    def random(self, shape: tuple[int, ...], epsilon: float, generator: torch.Generator) -> torch.Tensor:
        return epsilon * (2 * torch.rand(shape, generator=generator) - 1)

    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        return gradient.sign()


NORMS: Registry[NormEntry] = Registry(
    _L2(
        "L2",
        "L2 (Euclidean)",
        help="The length of the whole change: a few pixels a lot or many a little.",
        formula="‖δ‖₂ = (Σ δᵢ²)^½",
    ),
    _Linf(
        "Linf",
        "L∞ (largest pixel)",
        help="The largest change of any pixel: every pixel may change that much.",
        formula="‖δ‖∞ = max |δᵢ|",
    ),
)
