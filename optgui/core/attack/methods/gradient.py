"""Steps along the gradient, each followed by the projection: FGSM and the methods grown from it."""

from __future__ import annotations

import torch

from optgui.core.attack.methods.base import STEPPING, Method, MethodEntry
from optgui.core.attack.methods.rules import STEP_RULES
from optgui.core.attack.norms.base import radius
from optgui.core.attack.task import Look, Task
from optgui.core.params import Config, param

_LONGEST = 1e15  # a velocity whose decay is above 1 grows without end; only its direction counts


class ProjectedGradient(Method):
    """delta <- project(delta + step_size * direction(gradient)).

    Source: A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu, "Towards deep learning models resistant to
    adversarial attacks", ICLR 2018.
    """

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """One step along the direction of the step rule."""
        config = self.task.config
        direction = STEP_RULES[config.step_rule].direction(self.movable(delta, now), self.task.norm)
        return torch.add(delta, direction, alpha=config.step_size)

    def movable(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """The gradient; where a step moves few pixels, without those that a wall of [0, 1] holds back."""
        assert now.gradient is not None
        task = self.task
        held = task.norm.sparse and task.config.clip
        return task.movable(delta, now.gradient) if held else now.gradient


class FastGradient(ProjectedGradient):
    """One step as long as the ball is wide: delta = epsilon * direction(gradient).

    Source: I. Goodfellow, J. Shlens, C. Szegedy, "Explaining and harnessing adversarial examples", ICLR 2015.
    """

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """One step as long as the ball is wide."""
        direction = self.task.norm.ascent(self.movable(delta, now))
        return delta + direction * radius(self.task.epsilon, delta)


class Basic(ProjectedGradient):
    """FGSM's step again and again, from the image itself.

    Source: A. Kurakin, I. Goodfellow, S. Bengio, "Adversarial examples in the physical world", ICLR workshop
    2017.
    """

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """One step along the steepest ascent."""
        direction = self.task.norm.ascent(self.movable(delta, now))
        return torch.add(delta, direction, alpha=self.task.config.step_size)


class MomentumParams(Config):
    """Parameters of the momentum method."""

    decay: float = param(
        1.0,  # the paper's
        title="Decay μ",
        help="How much of the direction so far goes on; 1 as in the paper, 0 is the basic method.",
        low=0,
        high=2,
    )


class Momentum(ProjectedGradient):
    """velocity <- decay * velocity + gradient / ‖gradient‖₁, and a step along the velocity's direction.

    Source: Y. Dong et al., "Boosting adversarial attacks with momentum", CVPR 2018.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.velocity = torch.zeros_like(task.images)

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """One step along the steepest ascent of the velocity."""
        assert now.gradient is not None
        config = self.task.config
        length = now.gradient.abs().sum((1, 2, 3), keepdim=True)
        part = now.gradient / torch.where(length == 0, 1, length)
        velocity = config.method.values["decay"] * self.velocity + part
        length = velocity.abs().sum((1, 2, 3), keepdim=True)
        self.velocity = velocity / (length / _LONGEST).clamp_min(1)
        along = self.movable(delta, now._replace(gradient=self.velocity))
        return delta + config.step_size * self.task.norm.ascent(along)


ENTRIES = (
    MethodEntry(
        "PGD",
        "Projected gradient (PGD)",
        help="Climbs the loss step by step and returns to the ball after each.",
        formula="δ ← Π(δ + α d(g)), g = ∇ loss(x + δ)",
        reference="A. Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR 2018",
        make=ProjectedGradient,
        uses=(*STEPPING, "step_rule"),
    ),
    MethodEntry(
        "FGSM",
        "Fast gradient (FGSM)",
        help="One step from the image to the edge of the ball.",
        formula="δ = ε sign g in L∞, δ = ε g/‖g‖₂ in L2",
        reference="I. Goodfellow et al., Explaining and harnessing adversarial examples, ICLR 2015",
        make=FastGradient,
        uses=("loss",),
        iterations=lambda config: 1,
    ),
    MethodEntry(
        "BIM",
        "Basic iterative (BIM)",
        help="Many small fast-gradient steps, always from the image itself.",
        formula="δ ← Π(δ + α sign g), δ₀ = 0",
        reference="A. Kurakin et al., Adversarial examples in the physical world, ICLR workshop 2017",
        make=Basic,
        uses=("loss", "steps", "step_size", "stop_when_fooled"),
    ),
    MethodEntry(
        "MI-FGSM",
        "Momentum (MI-FGSM)",
        MomentumParams,
        help="Steps along an average of the gradients so far, which carries over flat and curved places.",
        formula="v ← μ v + g/‖g‖₁, δ ← Π(δ + α sign v)",
        reference="Y. Dong et al., Boosting adversarial attacks with momentum, CVPR 2018",
        make=Momentum,
        uses=STEPPING,
    ),
)
