"""What methods that look for the smallest change share: they remember it, and tighten it at the end."""

from __future__ import annotations

import math

import torch

from optgui.core.attack.losses import Goal, Loss, margin
from optgui.core.attack.methods.base import Method
from optgui.core.attack.norms import per_image
from optgui.core.attack.task import Look, Task

_TAIL = 10  # iterations that tighten: 2**-10 of the change is left to chance
_SURE = 1e-5  # of the largest logit: by how much a wrong class must lead, lest rounding undoes it


class Smallest(Method):
    """The base of methods that look for the smallest change.

    It remembers each image's smallest change that fooled. The last iterations shrink it as a projection does,
    halving what is between the largest size that did not fool and the smallest that did; so each claim is an
    image that the network has seen. A subclass searches in all iterations before.
    """

    def __init__(self, task: Task, loss: Loss = margin) -> None:
        super().__init__(task)
        self.loss = loss
        self.smallest = torch.zeros_like(task.images)
        self.size = task.images.new_full((len(task.images),), torch.inf)
        self.failed = torch.zeros_like(self.size)  # the largest size of those tried in shrinking
        self.tried = torch.zeros_like(self.size)
        self.proposals = 0

    @property
    def searching(self) -> bool:
        """Whether the next proposal is the search's, not the tightening's."""
        count = self.task.iterations
        return self.proposals < count - min(_TAIL, count // 4)

    @property
    def found(self) -> torch.Tensor:
        """Which images (n,) have been fooled."""
        return self.size < torch.inf

    @property
    def share(self) -> float:
        """How much of the search is over, 0 to 1."""
        count = self.task.iterations
        return self.proposals / max(1, count - min(_TAIL, count // 4))

    def start(self) -> torch.Tensor:
        """Nothing is changed at first."""
        return torch.zeros_like(self.task.images)

    def look(self, delta: torch.Tensor) -> Look:
        """The answer, with the gradient of what is climbed as long as the search goes on.

        Only a lead beyond rounding counts as fooled: the network's own forward pass shall say the same.
        """
        look = (self.task.climb if self.searching else self.task.glance)(delta, self.loss)
        return look._replace(fooled=surely(look.logits, self.task.goal))

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """The search's next change, or in the end a shorter one of what fooled."""
        sizes = self.task.norm.norm(delta)
        better = now.fooled & (sizes < self.size)
        self.size = torch.where(better, sizes, self.size)
        self.smallest = torch.where(per_image(better, delta), delta, self.smallest)
        self.failed = torch.where(now.fooled, self.failed, torch.maximum(self.failed, self.tried))
        self.failed = torch.where(self.failed < self.size, self.failed, 0.0)
        self.tried = torch.zeros_like(self.size)
        if self.searching:
            seen = self.look(delta) if now.gradient is None else now  # the end was put off
            proposed = self.search(delta, seen)
        else:
            proposed = self.shrunk(delta, self.found)
        self.proposals += 1
        return proposed

    def search(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """The next change (n, 1, 28, 28); `now` is the look at `delta`."""
        raise NotImplementedError

    def shrunk(self, delta: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """For the images of `rows` (n,) bool a shorter change of what fooled, for the others `delta`."""
        halfway = (self.failed + self.size) / 2
        self.tried = torch.where(rows, halfway, self.tried)
        shorter = self.task.norm.project(self.smallest, torch.where(rows, halfway, 0.0))
        return torch.where(per_image(rows, delta), shorter, delta)


def surely(logits: torch.Tensor, goal: Goal) -> torch.Tensor:
    """Which images (n,) reach the goal by a lead beyond rounding."""
    return margin(logits, goal)[0] > _SURE * logits.abs().amax(1)


def steepness(norm: str, gradient: torch.Tensor) -> torch.Tensor:
    """How much a linear function with this gradient grows per unit of the norm: (n, ...) to (n,).

    That is the gradient's dual norm, 1/p + 1/q = 1.
    """
    steep: torch.Tensor = torch.linalg.vector_norm(gradient.flatten(1), ord=_DUALS[norm], dim=1)
    return steep


_DUALS = {"L2": 2.0, "Linf": 1.0, "L1": math.inf}


def cosine(first: float, last: float, share: float) -> float:
    """From `first` to `last` along half a wave of the cosine, `share` of the way."""
    return last + (first - last) * (1 + math.cos(math.pi * min(1.0, share))) / 2
