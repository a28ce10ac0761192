"""What a method of attack may look at: the images it works on, and the walls around them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import torch

from optgui.core.attack.losses import Goal, Loss
from optgui.core.attack.norms import Norm
from optgui.core.attack.victim import Victim

if TYPE_CHECKING:
    from optgui.core.attack.config import AttackConfig


class Look(NamedTuple):
    """The network's answer to n images as they are."""

    logits: torch.Tensor  # (n, 10)
    losses: torch.Tensor  # (n,), what the method climbs
    gradient: torch.Tensor | None  # (n, 1, 28, 28); None where a method asks for none
    fooled: torch.Tensor  # (n,) bool: the goal is reached

    def rows(self, kept: torch.Tensor) -> Look:
        """The look at some of the images: indices (k,)."""
        gradient = None if self.gradient is None else self.gradient[kept]
        return Look(self.logits[kept], self.losses[kept], gradient, self.fooled[kept])


def beats(
    fooled: torch.Tensor, losses: torch.Tensor, other_fooled: torch.Tensor, other_losses: torch.Tensor
) -> torch.Tensor:
    """Where (n,) one look is better than another: what fooled is, then the larger loss."""
    return (fooled & ~other_fooled) | ((fooled == other_fooled) & (losses > other_losses))


def pictures(images: torch.Tensor, delta: torch.Tensor, *, boxed: bool) -> torch.Tensor:
    """Images with a perturbation, both (n, 1, 28, 28), kept in [0, 1] or as they are."""
    changed = images + delta
    return changed.clamp_(0, 1) if boxed else changed


@dataclasses.dataclass
class Task:
    """The images still under attack and all that belongs to them; the loop owns and shrinks it."""

    config: AttackConfig
    victim: Victim
    norm: Norm
    images: torch.Tensor  # (n, 1, 28, 28) in [0, 1]
    goal: Goal
    radius: float | torch.Tensor  # of the ball, or of each of all images' balls (m,)
    rows: torch.Tensor  # (n,), which of all m images these are
    total: int  # m
    generator: torch.Generator
    minimal: bool  # no ball: the method looks for the smallest change
    loss: Loss
    iterations: int  # of one restart
    iteration: int = 0  # done in this restart
    restart: int = 0
    epsilon: float | torch.Tensor = dataclasses.field(init=False)  # the radius, or one for each image (n,)

    def __post_init__(self) -> None:
        """Cut the radii to the images at hand."""
        radius = self.radius
        self.epsilon = radius[self.rows] if isinstance(radius, torch.Tensor) else radius

    def random(self) -> torch.Tensor:
        """A random point of every ball, (n, 1, 28, 28).

        They are drawn for all images, so that an image has the same luck whichever others are left.
        """
        radius = self.radius.cpu() if isinstance(self.radius, torch.Tensor) else self.radius
        drawn = self.norm.random((self.total, *self.images.shape[1:]), radius, self.generator)
        return self.mine(drawn)

    def mine(self, drawn: torch.Tensor) -> torch.Tensor:
        """What was drawn for all images (m, ...), of those at hand: (n, ...) on their device."""
        return (drawn if len(self.rows) == self.total else drawn[self.rows.cpu()]).to(self.images.device)

    def confined(self, delta: torch.Tensor) -> torch.Tensor:
        """The perturbation (n, 1, 28, 28) brought back into the ball and, unless it is open, [0, 1].

        Projecting and then clipping never leaves the ball, because the image lies in [0, 1] itself and
        clipping only shortens; it is feasible, but not the nearest point. That is `exact`; where clipping may
        lengthen, as in the half-space, it is so always.
        """
        config = self.config
        if self.minimal:
            return self.clipped(delta)
        if config.clip and (config.exact or not self.norm.clipping_shrinks):
            inside = self.norm.project_in_box(delta, self._reach, -self.images, 1 - self.images)
            return self.clipped(inside)
        delta = self.norm.project(delta, self._reach)
        return self.clipped(delta) if config.clip else delta

    @property
    def _reach(self) -> float | torch.Tensor:
        """The radius, less what rounding may add to the size of a change."""
        slack = self.norm.rounding
        if not slack:
            return self.epsilon
        if isinstance(self.epsilon, torch.Tensor):
            return (self.epsilon - slack).clamp_min(0)
        return max(0.0, self.epsilon - slack)

    def clipped(self, delta: torch.Tensor) -> torch.Tensor:
        """The perturbation, shortened pixel by pixel so that the image stays in [0, 1]."""
        return (self.images + delta).clamp_(0, 1).sub_(self.images)

    def changed(self, delta: torch.Tensor) -> torch.Tensor:
        """The images with a perturbation, as the network sees them."""
        return pictures(self.images, delta, boxed=self.config.clip or self.minimal)

    def climb(self, delta: torch.Tensor, loss: Loss | None = None) -> Look:
        """The answer to the images with a perturbation, and the gradient of the loss there."""
        pulled = self.victim.pull(self.changed(delta), self.goal, loss or self.loss)
        return Look(*pulled, self.goal.reached(pulled.logits))

    def glance(self, delta: torch.Tensor, loss: Loss | None = None) -> Look:
        """As `climb`, without a gradient."""
        logits = self.victim.logits(self.changed(delta))
        return Look(logits, (loss or self.loss)(logits, self.goal)[0], None, self.goal.reached(logits))

    def movable(self, delta: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient (n, 1, 28, 28) without the pixels that a wall of [0, 1] holds back."""
        pixels = self.images + delta
        return gradient.masked_fill(((pixels >= 1) & (gradient > 0)) | ((pixels <= 0) & (gradient < 0)), 0)

    def keep(self, kept: torch.Tensor) -> None:
        """Go on with some of the images: indices (k,)."""
        self.images, self.goal, self.rows = self.images[kept], self.goal.keep(kept), self.rows[kept]
        if isinstance(self.epsilon, torch.Tensor):
            self.epsilon = self.epsilon[kept]
