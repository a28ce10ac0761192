"""STEP_RULES: how a gradient becomes a step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

from optgui.core.attack.norms import Norm
from optgui.core.params import Config
from optgui.core.registry import Entry, Registry


@dataclasses.dataclass(frozen=True)
class StepRule(Entry):
    """What is multiplied by the step size: `direction(gradient, norm)`, (n, ...) to (n, ...)."""

    params: type[Config] = Config
    direction: Callable[[torch.Tensor, Norm], torch.Tensor] = lambda gradient, norm: gradient


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
