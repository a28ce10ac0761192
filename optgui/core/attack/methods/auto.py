"""APGD: projected gradient that finds its own step size, with cross-entropy or the ratio of logits."""

from __future__ import annotations

import math
from functools import partial

import torch

from optgui.core.attack.losses import Loss, cross_entropy, logits_ratio
from optgui.core.attack.methods.base import CLIMBING, Method, MethodEntry
from optgui.core.attack.norms import per_image
from optgui.core.attack.task import Look, Task

_MOMENTUM = 0.75  # share of the new step; the rest goes along the last one
_RISES = 0.75  # share of the steps between two checkpoints that must have raised the loss


def checkpoints(steps: int) -> set[int]:
    """The steps before which the step size is reconsidered: shares 0, 0.22, 0.41, 0.57 ... of all.

    p_0 = 0, p_1 = 0.22, p_(j+1) = p_j + max(p_j - p_(j-1) - 0.03, 0.06); w_j = ceil(p_j steps).
    """
    last, share = 0.0, 0.22
    found = set()
    while share < 1:
        found.add(math.ceil(share * steps - 1e-9))  # 0.22 + 0.19 + 0.16 is a little more than 0.57
        last, share = share, share + max(share - last - 0.03, 0.06)
    return found


class Auto(Method):
    """z <- project(x + step * d(g)); x <- project(x + 0.75 (z - x) + 0.25 (x - x_before)).

    The steps are 2 epsilon long at first. At each checkpoint they are halved, and the search goes on from the
    best point so far, where fewer than 3/4 of the steps since the last one raised the loss, or where neither
    step size nor best loss have changed since. Source: F. Croce, M. Hein, "Reliable evaluation of adversarial
    robustness with an ensemble of diverse parameter-free attacks", ICML 2020, algorithm 1.
    """

    keeps_best = True

    def __init__(self, task: Task, loss: Loss) -> None:
        super().__init__(task)
        self.loss = loss
        zeros = task.images.new_zeros(len(task.images))
        self.size = zeros + 2 * task.epsilon  # of the next steps
        self.halved = zeros > 0  # at the last checkpoint
        self.rises = zeros  # steps since the last checkpoint that raised the loss
        self.last_loss = zeros + torch.inf
        self.best_loss = zeros - torch.inf
        self.checked_loss = zeros - torch.inf  # the best one at the last checkpoint
        self.best = torch.zeros_like(task.images)
        self.best_gradient = torch.zeros_like(task.images)
        self.before = torch.zeros_like(task.images)
        self._checked_at = 0

    def look(self, delta: torch.Tensor) -> Look:
        """The answer, and the gradient of the method's own loss."""
        return self.task.climb(delta, self.loss)

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """A step along the gradient and along the last step."""
        task = self.task
        assert now.gradient is not None
        gradient = now.gradient
        self._remember(delta, now, gradient)
        if task.iteration in checkpoints(task.iterations):
            back = per_image(self._reconsidered(), delta)
            delta = torch.where(back, self.best, delta)
            gradient = torch.where(back, self.best_gradient, gradient)
            self.before = torch.where(back, self.best, self.before)
        ahead = task.confined(delta + per_image(self.size, delta) * task.norm.ascent(gradient))
        share = _MOMENTUM if task.iteration else 1.0
        proposal = delta + share * (ahead - delta) + (1 - share) * (delta - self.before)
        self.before = delta
        return proposal

    def _remember(self, delta: torch.Tensor, now: Look, gradient: torch.Tensor) -> None:
        self.rises = self.rises + (now.losses > self.last_loss)
        self.last_loss = now.losses
        better = now.losses > self.best_loss
        self.best_loss = torch.where(better, now.losses, self.best_loss)
        self.best = torch.where(per_image(better, delta), delta, self.best)
        self.best_gradient = torch.where(per_image(better, delta), gradient, self.best_gradient)

    def _reconsidered(self) -> torch.Tensor:
        """Halve the steps of the images (n,) that need it, and say which they are."""
        passed = self.task.iteration - self._checked_at
        stuck = ~self.halved & (self.checked_loss == self.best_loss)
        self.halved = (self.rises < _RISES * passed) | stuck
        self.size = torch.where(self.halved, self.size / 2, self.size)
        self.checked_loss = self.best_loss
        self.rises = torch.zeros_like(self.rises)
        self._checked_at = self.task.iteration
        return self.halved


_FORMULA = "z = Π(δ + η d(g)), δ ← Π(δ + ¾ (z − δ) + ¼ (δ − δ₋₁)); η = 2ε, halved where it helps no more"
_REFERENCE = "F. Croce, M. Hein, Reliable evaluation of adversarial robustness, ICML 2020"
_USES = (*CLIMBING, "steps")

ENTRIES = (
    MethodEntry(
        "APGD-CE",
        "APGD on cross-entropy",
        help="Projected gradient that halves its own steps where they no longer help, so none has to be set.",
        formula=_FORMULA,
        reference=_REFERENCE,
        make=partial(Auto, loss=cross_entropy),
        norms=("L2", "Linf"),
        uses=_USES,
    ),
    MethodEntry(
        "APGD-DLR",
        "APGD on the ratio of logits",
        help="The same on a loss that neither fades where the network is sure nor depends on its scale.",
        formula=_FORMULA,
        reference=_REFERENCE,
        make=partial(Auto, loss=logits_ratio),
        norms=("L2", "Linf"),
        uses=_USES,
    ),
)
