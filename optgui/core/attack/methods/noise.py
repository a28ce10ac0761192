"""Random noise: what every attack has to beat."""

from __future__ import annotations

import torch

from optgui.core.attack.methods.base import Method, MethodEntry
from optgui.core.attack.norms import per_image
from optgui.core.attack.task import Look, beats


class Search(Method):
    """The base of methods that try something without a gradient and keep it where it is better."""

    def look(self, delta: torch.Tensor) -> Look:
        """The answer alone."""
        return self.task.glance(delta)

    def choose(
        self, delta: torch.Tensor, now: Look, trial: torch.Tensor, seen: Look
    ) -> tuple[torch.Tensor, Look]:
        """Each image's better one."""
        better = beats(seen.fooled, seen.losses, now.fooled, now.losses)
        return torch.where(per_image(better, delta), trial, delta), Look(
            torch.where(better.unsqueeze(1), seen.logits, now.logits),
            torch.where(better, seen.losses, now.losses),
            None,
            torch.where(better, seen.fooled, now.fooled),
        )


class Noise(Search):
    """Another random point of the ball in each step; the best of them stays."""

    def start(self) -> torch.Tensor:
        """A random point of the ball."""
        return self.task.random()

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """A random point of the ball."""
        return self.task.random()


ENTRIES = (
    MethodEntry(
        "Noise",
        "Random noise",
        help="Another random point of the ball in each step, the best kept: what every attack has to beat.",
        formula="δ ~ U(ball), kept where the loss is larger",
        make=Noise,
        uses=("loss", "steps", "stop_when_fooled"),
    ),
)
