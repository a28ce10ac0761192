"""Methods that look for the smallest change that fools, without a ball: DeepFool, DDN and FMN."""

from __future__ import annotations

import torch

from optgui.core.attack.losses import margin
from optgui.core.attack.methods.base import MethodEntry
from optgui.core.attack.methods.smallest import Smallest, cosine, steepness
from optgui.core.attack.norms import per_image
from optgui.core.attack.norms.dense import L2
from optgui.core.attack.task import Look, Task
from optgui.core.params import Config, param

_SEARCH = 1.1  # by which a number of pixels grows until it has fooled once


class DeepFoolParams(Config):
    """Parameters of DeepFool."""

    overshoot: float = param(
        0.02,  # the paper's
        title="Overshoot",
        help="By how much each change goes beyond the boundary that the linear network would have.",
        low=0,
        high=10,
        slider=(0, 1),
    )


class DeepFool(Smallest):
    """To the nearest boundary of the network made linear, again and again until the image is misread.

    With a target: to the farthest of the boundaries between the target and the classes that beat it.
    Source: S.-M. Moosavi-Dezfooli, A. Fawzi, P. Frossard, "DeepFool: a simple and accurate method to fool
    deep neural networks", CVPR 2016, algorithm 2 and section 3.3.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.total: torch.Tensor | None = None  # the sum of the steps, without the overshoot

    def search(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """A step for images not fooled yet; for the others a shorter change already."""
        beyond = 1 + self.task.config.method.values["overshoot"]
        if self.total is None:
            self.total = delta / beyond
        self.total = self.total.clone()
        rows = (~self.found).nonzero().squeeze(1)
        proposed = self.shrunk(delta, self.found)
        if len(rows):
            self.total[rows] += self._steps(rows, delta)
            proposed[rows] = beyond * self.total[rows]
        return proposed

    def _steps(self, rows: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """The shortest steps to the boundary, as the linear network sees it."""
        task, norm = self.task, self.task.norm
        goal = task.goal.keep(rows)
        logits, jacobian = task.victim.jacobian(task.changed(delta)[rows])
        count = len(rows)
        own = goal.labels if goal.targets is None else goal.targets
        each = torch.arange(count, device=own.device)
        lead = logits[each, own].unsqueeze(1) - logits  # of the class itself before the others
        slopes = jacobian - jacobian[each, own].unsqueeze(1)
        steep = steepness(task.config.norm.name, slopes.flatten(0, 1)).view(count, -1)
        distances = lead.abs() / steep.clamp_min(1e-30)
        if goal.targets is None:
            wall = distances.scatter(1, own.unsqueeze(1), torch.inf).argmin(1)
        else:
            wall = distances.masked_fill(lead > 0, -1).scatter(1, own.unsqueeze(1), -2).argmax(1)
            slopes = -slopes
        chosen = slopes[each, wall]
        # The authors' 1e-4, without which a step may end on the boundary itself.
        lengths = torch.where(steep[each, wall] > 0, distances[each, wall] + 1e-4, 0.0)
        return norm.ascent(chosen) * per_image(lengths, chosen)


class DecoupledParams(Config):
    """Parameters of DDN."""

    radius: float = param(
        1.0,  # the paper's
        title="First size",
        help="How large the change is at first.",
        above=0,
        high=1e3,
        unit="px",
        scale="log",
        slider=(0.01, 10),
    )
    gamma: float = param(
        0.05,  # the paper's
        title="Change of size γ",
        help="By which part the size shrinks after a success and grows after a failure.",
        above=0,
        below=1,
    )


class Decoupled(Smallest):
    """A gradient step for the direction; the size shrinks where the network is fooled and grows where not.

    Source: J. Rony et al., "Decoupling direction and norm for efficient gradient-based L2 adversarial attacks
    and defenses", CVPR 2019, algorithm 1. Steps fall from 1 to 0.01 along a cosine, as there.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task, task.loss)
        self.radius = torch.full_like(self.size, task.config.method.values["radius"])
        self.largest = task.norm.norm(torch.maximum(task.images, 1 - task.images))

    def look(self, delta: torch.Tensor) -> Look:
        """The answer; where the network is so sure that the loss has no slope left, with the margin's."""
        look = super().look(delta)
        if look.gradient is None:
            return look
        flat = look.gradient.flatten(1).abs().amax(1) == 0
        if not flat.any():
            return look
        slope = self.task.climb(delta, margin).gradient
        assert slope is not None
        return look._replace(gradient=torch.where(per_image(flat, delta), slope, look.gradient))

    def search(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """One step along the gradient, then rescaled to the present size."""
        assert now.gradient is not None
        task = self.task
        gamma = task.config.method.values["gamma"]
        self.radius = self.radius * torch.where(now.fooled, 1 - gamma, 1 + gamma)
        self.radius = torch.minimum(self.radius, self.largest)
        moved = delta + cosine(1.0, 0.01, self.share) * task.norm.ascent(now.gradient)
        return task.norm.ascent(moved) * per_image(self.radius, moved)


class FastMinimumParams(Config):
    """Parameters of FMN."""

    step: float = param(
        1.0,  # the authors' for MNIST
        title="First step",
        help="How far the first step goes, in L2; the last one goes a hundredth of it.",
        above=0,
        high=1e3,
        unit="px",
        scale="log",
        slider=(0.01, 10),
    )
    gamma: float = param(
        0.05,  # the paper's
        title="Change of radius γ",
        help="By which part the ball shrinks after a success and grows after a failure, at first.",
        above=0,
        below=1,
    )


class FastMinimum(Smallest):
    """A gradient step and a projection onto a ball whose radius follows the boundary.

    Until an image is fooled, the radius is the size so far and the distance to the boundary of the network
    made linear. Afterwards it shrinks where the network is fooled and grows where not, by less and less.
    Source: M. Pintor, F. Roli, W. Brendel, B. Biggio, "Fast minimum-norm adversarial attacks through adaptive
    norm constraints", NeurIPS 2021, algorithm 1.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.largest = task.norm.norm(torch.maximum(task.images, 1 - task.images))
        self.radius = torch.zeros_like(self.size)

    def search(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """One step along the gradient, then onto the ball."""
        assert now.gradient is not None
        task, values = self.task, self.task.config.method.values
        gradient = task.movable(delta, now.gradient)
        gamma = cosine(values["gamma"], 0.001, self.share)
        self.radius = torch.minimum(self._radius(delta, now, gradient, gamma), self.largest)
        length = cosine(values["step"], values["step"] / 100, self.share)
        moved = delta + length * L2().ascent(gradient)
        return task.norm.project_in_box(moved, self.radius, -task.images, 1 - task.images)

    def _radius(self, delta: torch.Tensor, now: Look, gradient: torch.Tensor, gamma: float) -> torch.Tensor:
        """The next radius (n,), from where the changes are now."""
        radius, norm = self.radius, self.task.norm
        if not norm.convex:  # counts pixels, as the paper's section 3 has it for L0
            shorter = torch.minimum(radius - 1, (radius * (1 - gamma)).floor())
            growth = torch.where(self.found, 1 + gamma, _SEARCH)
            longer = torch.maximum(radius + 1, (radius * growth).floor())
            return torch.where(now.fooled, torch.minimum(shorter, self.size), longer).clamp_min(1)
        shorter = torch.minimum(radius * (1 - gamma), self.size)
        longer = radius * (1 + gamma)
        steep = steepness(self.task.config.norm.name, gradient)
        ahead = norm.norm(delta) + now.losses.abs() / torch.where(steep > 0, steep, 1.0)
        return torch.where(now.fooled, shorter, torch.where(self.found, longer, torch.maximum(ahead, longer)))


ENTRIES = (
    MethodEntry(
        "DeepFool",
        "DeepFool",
        DeepFoolParams,
        help="Steps to the nearest boundary as if the network were linear, until it is crossed. Quick.",
        formula="δ ← δ + |f_k|/‖∇f_k‖² ∇f_k, f_k = z_k - z_y of the nearest class k",
        reference="S.-M. Moosavi-Dezfooli et al., DeepFool, CVPR 2016",
        make=DeepFool,
        norms=("L2", "Linf"),
        uses=("steps",),
        minimal=True,
    ),
    MethodEntry(
        "DDN",
        "Decoupled direction and norm (DDN)",
        DecoupledParams,
        help="The gradient turns the change; its length shrinks after a success and grows after a failure.",
        formula="δ ← ε (δ + α g/‖g‖) / ‖δ + α g/‖g‖‖, ε ← (1 ± γ) ε",
        reference="J. Rony et al., Decoupling direction and norm, CVPR 2019",
        make=Decoupled,
        norms=("L2",),
        uses=("steps", "loss"),
        minimal=True,
    ),
    MethodEntry(
        "FMN",
        "Fast minimum norm (FMN)",
        FastMinimumParams,
        help="Projected gradient in a ball whose radius follows the boundary between right and wrong.",
        formula="δ ← Π_ε(δ + α g/‖g‖₂), ε ← (1 ± γ) ε",
        reference="M. Pintor et al., Fast minimum-norm adversarial attacks, NeurIPS 2021",
        make=FastMinimum,
        norms=("L2", "Linf", "L1", "L0"),
        uses=("steps",),
        minimal=True,
    ),
)
