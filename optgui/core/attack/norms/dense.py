"""L2 and L-infinity: the balls in which every pixel takes part."""

from __future__ import annotations

import math

import torch

from optgui.core.attack.norms.base import INSIDE, Epsilon, Norm, per_image, radius
from optgui.core.attack.norms.roots import shrunk


class L2(Norm):
    """The Euclidean norm."""

    def norm(self, delta: torch.Tensor) -> torch.Tensor:
        """The length."""
        norms: torch.Tensor = torch.linalg.vector_norm(delta.flatten(1), dim=1)
        return norms

    def project(self, delta: torch.Tensor, epsilon: Epsilon) -> torch.Tensor:
        """Too long ones become shorter along their line."""
        norms = self.norm(delta)
        scale = torch.where(norms > epsilon, epsilon * INSIDE / norms, 1.0)
        return delta * per_image(scale, delta)

    def project_in_box(
        self, delta: torch.Tensor, epsilon: Epsilon, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """The box of a point that came nearer to 0 along its line: clamp(delta / (1 + m), low, high)."""
        return shrunk(delta, epsilon, low, high)

    def random(self, shape: tuple[int, ...], epsilon: Epsilon, generator: torch.Generator) -> torch.Tensor:
        """A Gaussian direction times epsilon u**(1/d), u uniform and d the number of pixels.

        In 784 dimensions nearly all of the ball lies near its surface, so that most starts do. torchattacks
        draws the radius itself uniformly instead, and so starts nearer to the image.
        """
        device = generator.device
        direction = self.ascent(torch.randn(shape, generator=generator, device=device))
        u = torch.rand(shape[0], generator=generator, device=device)
        lengths = epsilon * u ** (1 / math.prod(shape[1:]))
        return self.project(direction * per_image(lengths, direction), epsilon)

    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        """Along the gradient: g/‖g‖₂."""
        norms = self.norm(gradient)
        tiny = norms < 1e-12  # of a confident network; its square is 0 in float32, so it is scaled up first
        if tiny.any():
            gradient = gradient * per_image(torch.where(tiny, 2.0**100, 1.0), gradient)
            norms = self.norm(gradient)
            norms = torch.where(norms == 0, 1.0, norms)
        return gradient * per_image(1 / norms, gradient)


class Linf(Norm):
    """The largest change of a pixel."""

    def norm(self, delta: torch.Tensor) -> torch.Tensor:
        """The largest change."""
        return delta.flatten(1).abs().amax(1)

    def project(self, delta: torch.Tensor, epsilon: Epsilon) -> torch.Tensor:
        """Every pixel by itself."""
        if isinstance(epsilon, torch.Tensor):
            bound = per_image(epsilon, delta)
            return delta.clamp(-bound, bound)
        return delta.clamp(-epsilon, epsilon)

    def project_in_box(
        self, delta: torch.Tensor, epsilon: Epsilon, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """Both are boxes, so clipping to one after the other is exact."""
        return self.project(delta, epsilon).clamp(low, high)

    def random(self, shape: tuple[int, ...], epsilon: Epsilon, generator: torch.Generator) -> torch.Tensor:
        """Every pixel uniform by itself."""
        unit = 2 * torch.rand(shape, generator=generator, device=generator.device) - 1
        return radius(epsilon, unit) * unit

    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        """Every pixel equally far, by the sign of its gradient."""
        return gradient.sign()
