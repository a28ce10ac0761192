"""What a norm of perturbations is: its size, the projection onto its ball, a random point, the ascent."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from optgui.core.params import Config
from optgui.core.registry import Entry

# Float32 rounds the length of 784 pixels by some 2e-7 of itself; a projection this much shorter stays inside.
INSIDE = 1 - 2.0**-21

Epsilon = float | torch.Tensor  # one radius for all images, or one for each, (n,)


def per_image(numbers: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Numbers (n,) reshaped to (n, 1, ..., 1), to be combined with `like` (n, ...)."""
    return numbers.reshape(-1, *[1] * (like.ndim - 1))


def radius(epsilon: Epsilon, like: torch.Tensor) -> Epsilon:
    """`epsilon` so that it combines with `like` (n, ...)."""
    return per_image(epsilon, like) if isinstance(epsilon, torch.Tensor) else epsilon


def radii(epsilon: Epsilon, like: torch.Tensor) -> torch.Tensor:
    """`epsilon` as one number for each image of `like`, (n,)."""
    return torch.as_tensor(epsilon, dtype=like.dtype, device=like.device).expand(len(like))


class Norm(abc.ABC):
    """How the size of a perturbation is measured, image by image, and what follows from it.

    Perturbations have shape (n, ...), in pixel units. Every image has its own ball, the perturbations whose
    size is at most `epsilon`: one number for all images or a tensor (n,) of one for each, never negative.
    """

    unit = "px"  # what epsilon counts
    sparse = False  # whether a perturbation of the ball moves only some of the pixels
    convex = True
    clipping_shrinks = True  # whether moving pixels towards 0 never makes a perturbation larger
    rounding = 0.0  # by how much rounding x + delta to float32 may make it larger

    @abc.abstractmethod
    def norm(self, delta: torch.Tensor) -> torch.Tensor:
        """The size of each perturbation: (n, ...) to (n,)."""

    @abc.abstractmethod
    def project(self, delta: torch.Tensor, epsilon: Epsilon) -> torch.Tensor:
        """The nearest points (in the Euclidean sense) of the ball round 0, (n, ...)."""

    @abc.abstractmethod
    def project_in_box(
        self, delta: torch.Tensor, epsilon: Epsilon, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """The nearest points of what the ball shares with the box low <= delta <= high, (n, ...).

        `low` <= 0 <= `high` have the shape of `delta`. For images in [0, 1] they are -images and 1 - images.
        """

    @abc.abstractmethod
    def random(self, shape: tuple[int, ...], epsilon: Epsilon, generator: torch.Generator) -> torch.Tensor:
        """Points drawn from the ball, float32 of `shape` (n, ...) on the generator's device."""

    @abc.abstractmethod
    def ascent(self, gradient: torch.Tensor) -> torch.Tensor:
        """The direction of size 1 along which a linear function with this gradient grows most.

        The direction of a zero gradient is zero. Source: A. Madry, A. Makelov, L. Schmidt, D. Tsipras,
        A. Vladu, "Towards deep learning models resistant to adversarial attacks", ICLR 2018, section 2.1.
        """


@dataclasses.dataclass(frozen=True)
class NormEntry(Entry):
    """A norm to choose: `make(values)` gives it, `values` holding its parameters as attributes."""

    params: type[Config] = Config
    make: Callable[[Any], Norm] = dataclasses.field(kw_only=True)
