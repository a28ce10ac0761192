"""The fresh look that every claim stands on: what the network says of a changed image, and its size."""

from __future__ import annotations

from typing import NamedTuple

import torch

from optgui.core.attack.losses import Goal
from optgui.core.attack.norms import Norm
from optgui.core.attack.victim import Victim

ROUNDING = 1e-6  # by which the size of a change may exceed its ball, in the norm's unit


class Verdict(NamedTuple):
    """What is so of n changed images, whatever an attack claims of them."""

    logits: torch.Tensor  # (n, 10), the network's own forward pass on exactly these images
    reached: torch.Tensor  # (n,) bool: they are read as is wanted
    inside: torch.Tensor  # (n,) bool: every pixel lies in [0, 1]
    sizes: torch.Tensor  # (n,) float64, of the difference from the originals

    @property
    def fooled(self) -> torch.Tensor:
        """Which images (n,) lie in [0, 1] and are read as is wanted."""
        return self.reached & self.inside

    def within(self, epsilon: float) -> torch.Tensor:
        """Which images (n,) fool with a change of at most `epsilon`."""
        return self.fooled & (self.sizes <= epsilon + ROUNDING)


def verified(victim: Victim, images: torch.Tensor, changed: torch.Tensor, goal: Goal, norm: Norm) -> Verdict:
    """Look afresh at `changed`, which was made of `images`, both (n, 1, 28, 28) on the victim's device."""
    logits = victim.logits(changed)
    inside = ((changed >= 0) & (changed <= 1)).flatten(1).all(1)
    precise = torch.float32 if changed.device.type == "mps" else torch.float64  # which it does not know
    sizes = norm.norm(changed.to(precise) - images.to(precise))
    return Verdict(logits, goal.reached(logits), inside, sizes)
