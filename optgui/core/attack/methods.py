"""STEP_RULES and METHODS: how a gradient becomes a step, and how steps become an attack.

The loop stands once, in the engine. A method says what is climbed and what the next perturbation should
be; the engine takes the gradient, projects onto the ball, clips to [0, 1] and asks the network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from optgui.core.attack.norms import NORMS, NormEntry
from optgui.core.params import Config
from optgui.core.registry import Entry, Registry

if TYPE_CHECKING:
    from optgui.core.attack.config import AttackConfig


@dataclasses.dataclass(frozen=True)
class StepRule(Entry):
    """What is multiplied by the step size: `direction(gradient, norm)`, (n, ...) to (n, ...)."""

    params: type[Config] = Config
    direction: Callable[[torch.Tensor, NormEntry], torch.Tensor] = lambda gradient, norm: gradient


STEP_RULES: Registry[StepRule] = Registry(
    StepRule(
        "normalized",
        "Normalized",
        help="Every step has the step size as its length in the chosen norm, however small the gradient.",
        formula="δ ← δ + α g/‖g‖₂ in L2, δ ← δ + α sign g in L∞",
        direction=lambda gradient, norm: norm.ascent(gradient),
    ),
    StepRule(
        "sign",
        "Sign",
        help="Every pixel changes by the step size, up or down.",
        formula="δ ← δ + α sign g",
        reference="I. Goodfellow et al., Explaining and harnessing adversarial examples, ICLR 2015",
        direction=lambda gradient, norm: gradient.sign(),
    ),
    StepRule(
        "gradient",
        "Raw gradient",
        help="The gradient itself, which is tiny where the network is confident: thousands of steps.",
        formula="δ ← δ + α g",
    ),
)


class Method:
    """Projected gradient ascent on the cross-entropy; the base of every method, one object a run.

    A method overrides what it does differently and may keep state between steps (a momentum, say). It reads
    its own parameters from `config.method`.

    Source: A. Kurakin, I. Goodfellow, S. Bengio, "Adversarial examples in the physical world", ICLR workshop
    2017; A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu, "Towards deep learning models resistant to
    adversarial attacks", ICLR 2018: delta <- project(delta + step_size * direction(gradient)).
    """

    def objective(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What is climbed, image by image: logits (n, 10) and labels (n,) to (n,)."""
        return torch.nn.functional.cross_entropy(logits, labels, reduction="none")

    def propose(self, config: AttackConfig, delta: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        """The next perturbation before projection and clipping, (n, 1, 28, 28).

        `gradient` is the objective's at images + delta; the engine keeps `delta` where it is zero.
        """
        direction = STEP_RULES[config.step_rule].direction(gradient, NORMS[config.norm])
        return delta + config.step_size * direction


@dataclasses.dataclass(frozen=True)
class MethodEntry(Entry):
    """A method of attack: `make()` gives a fresh one for a run."""

    params: type[Config] = Config
    make: Callable[[], Method] = Method


METHODS: Registry[MethodEntry] = Registry(
    MethodEntry(
        "PGD",
        "Projected gradient (PGD)",
        help="Climbs the loss step by step and returns to the ball after each.",
        formula="δ ← Π(δ + α d(g)), g = ∇ loss(x + δ)",
        reference="A. Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR 2018",
    ),
)
