"""L1 and L0: the balls in which few pixels change."""

from __future__ import annotations

import math

import torch

from optgui.core.attack.norms.base import INSIDE, Epsilon, Norm, per_image, radii, radius
from optgui.core.attack.norms.roots import lowered


class L1(Norm):
    """The sum of the changes of all pixels; `share` of the pixels move in one step."""

    sparse = True
    rounding = 784 * 2.0**-25  # a sum over all pixels, each off by half a unit of the last place below 1

    def __init__(self, share: float) -> None:
        self.share = share

    def norm(self, delta: torch.Tensor) -> torch.Tensor:
        """The sum of all changes."""
        norms: torch.Tensor = torch.linalg.vector_norm(delta.flatten(1), ord=1, dim=1)
        return norms

    def project(self, delta: torch.Tensor, epsilon: Epsilon) -> torch.Tensor:
        """Every pixel comes nearer to 0 by the same amount, those nearer than that vanish.

        Source: J. Duchi, S. Shalev-Shwartz, Y. Singer, T. Chandra, "Efficient projections onto the l1-ball
        for learning in high dimensions", ICML 2008. They find the amount by sorting; Newton steps find the
        same in a fifth of the time.
        """
        return self._projected(delta, epsilon, None)

    def project_in_box(
        self, delta: torch.Tensor, epsilon: Epsilon, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """The same amount for every pixel, then the clamp: clamp(sign(delta) max(|delta| - m, 0), low, high).

        Source: F. Croce, M. Hein, "Mind the box: l1-APGD for sparse adversarial attacks on image
        classifiers", ICML 2021.
        """
        side = delta.sign()
        return self._projected(delta, epsilon, torch.maximum(side * low, side * high))

    def _projected(self, delta: torch.Tensor, epsilon: Epsilon, largest: torch.Tensor | None) -> torch.Tensor:
        allowed = radii(epsilon, delta)
        zero = torch.zeros_like(delta)
        return delta.sign() * lowered(delta.abs(), allowed, allowed * (1 - INSIDE), zero, largest)

    def random(self, shape: tuple[int, ...], epsilon: Epsilon, generator: torch.Generator) -> torch.Tensor:
        """Uniform in the ball: shares of d + 1 exponential numbers in their sum are uniform in a simplex.

        Source: L. Devroye, "Non-uniform random variate generation", 1986, chapter 5.2.
        """
        pixels = math.prod(shape[1:])
        device = generator.device
        waits = torch.empty(shape[0], pixels + 1, device=device).exponential_(generator=generator)
        sides = 2.0 * torch.randint(2, (shape[0], pixels), generator=generator, device=device) - 1
        unit = (sides * waits[:, :-1] / waits.sum(1, keepdim=True)).reshape(shape)
        return self.project(radius(epsilon, unit) * unit, epsilon)

    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        """The `share` of the pixels with the largest gradients move equally far, not one pixel alone.

        Source: F. Tramèr, D. Boneh, "Adversarial training and robustness for multiple perturbations",
        NeurIPS 2019 (sparse l1 descent).
        """
        flat = gradient.flatten(1)
        pixels = max(1, round(self.share * flat.shape[1]))
        best = flat.abs().topk(pixels, 1).indices
        sides = torch.zeros_like(flat).scatter(1, best, flat.gather(1, best).sign())
        return (sides / sides.abs().sum(1, keepdim=True).clamp_min(1)).reshape(gradient.shape)


class L0(Norm):
    """How many pixels change, at most floor(epsilon)."""

    unit = "pixels"
    sparse = True
    convex = False

    def norm(self, delta: torch.Tensor) -> torch.Tensor:
        """How many pixels are not as they were."""
        return delta.flatten(1).count_nonzero(1).to(delta.dtype)

    def project(self, delta: torch.Tensor, epsilon: Epsilon) -> torch.Tensor:
        """The largest changes stay."""
        return _largest(delta, delta.abs(), epsilon)

    def project_in_box(
        self, delta: torch.Tensor, epsilon: Epsilon, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """Those pixels stay, clipped, that bring the point nearest: with the largest δ² - (δ - clipped)²."""
        inner = delta.clamp(low, high)
        return _largest(inner, inner.abs().sqrt() * (2 * delta - inner).abs().sqrt(), epsilon)

    def random(self, shape: tuple[int, ...], epsilon: Epsilon, generator: torch.Generator) -> torch.Tensor:
        """Random pixels, each changed by a number uniform in [-1, 1]; the ball itself has no end."""
        values = 2 * torch.rand(shape, generator=generator, device=generator.device) - 1
        return _largest(values, torch.rand(shape, generator=generator, device=generator.device), epsilon)

    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient with 1 as its largest entry: no direction changes less than one pixel."""
        largest = gradient.flatten(1).abs().amax(1)
        return gradient / per_image(torch.where(largest == 0, 1.0, largest), gradient)


def _largest(values: torch.Tensor, worth: torch.Tensor, epsilon: Epsilon) -> torch.Tensor:
    """`values` at the floor(epsilon) pixels of most `worth`, 0 elsewhere; all (n, ...)."""
    flat = values.flatten(1)
    counts = radii(epsilon, values).floor().clamp(max=flat.shape[1]).long()
    most = int(counts.max())
    if most == flat.shape[1]:
        order = worth.flatten(1).argsort(1, descending=True)
    else:
        order = worth.flatten(1).topk(most, 1).indices
    kept = torch.arange(order.shape[1], device=flat.device) < counts[:, None]
    return torch.zeros_like(flat).scatter(1, order, flat.gather(1, order) * kept).reshape(values.shape)
