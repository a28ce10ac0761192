"""DESCENT_OPTIMIZERS: what can drive a racer, every optimizer of tensors and some of the plane's own.

Those look at the Hessian or at values along a line, which a network of many weights cannot afford.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch

from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig, Shapes
from optgui.core.params import Config, param
from optgui.core.registry import Entry, Registry


def _rate(help: str) -> Any:
    return param(
        1.0, title="Learning rate", help=help, above=0, high=1e6, scale="log", slider=(1e-5, 10.0), live=True
    )


def _c() -> Any:
    return param(
        1e-4,  # Nocedal and Wright 2006, section 3.1
        title="Armijo's c",
        help="A step is good enough if the value falls by this share of what the slope promises.",
        above=0,
        below=1,
        scale="log",
        slider=(1e-6, 0.5),
        live=True,
        rare=True,
    )


def _shrink() -> Any:
    return param(
        0.5,
        title="Shrink factor",
        help="By what a trial step is multiplied when it was not good enough.",
        above=0,
        below=1,
        slider=(0.05, 0.95),
        live=True,
        rare=True,
    )


class NewtonParams(Config):
    """Newton's method."""

    lr: float = _rate("Share of the Newton step; 1 goes to the lowest point of the quadratic model.")


class DampedNewtonParams(Config):
    """Damped Newton."""

    lr: float = _rate("First trial step of the line search; 1 is the whole Newton step.")
    floor: float = param(
        1e-6,
        title="Floor",
        help="Smallest curvature it divides by: smaller sizes of eigenvalues are raised to it.",
        above=0,
        scale="log",
        slider=(1e-9, 1.0),
        live=True,
        rare=True,
    )
    c: float = _c()
    shrink: float = _shrink()


class SearchParams(Config):
    """A line search."""

    lr: float = _rate("First trial step of the line search.")
    c: float = _c()
    shrink: float = _shrink()


class OptimalStepParams(Config):
    """Descent with the best step for the curvature."""

    lr: float = _rate("Share of 1 / λ_max. Below 2 it goes down the steepest direction of a bowl.")


_BOOK = "J. Nocedal and S. Wright, Numerical Optimization, 2006"

_PLANE = (
    Entry(
        name="Newton",
        label="Newton",
        params=NewtonParams,
        help="Jumps to where the quadratic model is level: one step on a bowl, but saddles draw it too.",
        formula="x ← x − lr H⁻¹ g",
        reference=f"{_BOOK}, section 2.2",
    ),
    Entry(
        name="DampedNewton",
        label="Newton (damped)",
        params=DampedNewtonParams,
        help="Newton with positive curvatures and a line search: always downhill, so it leaves saddles.",
        formula="x ← x − t |H|⁻¹ g, t = lr sᵏ by Armijo's rule",
        reference=f"{_BOOK}, section 3.4",
    ),
    Entry(
        name="BFGS",
        label="BFGS",
        params=SearchParams,
        help="Quasi-Newton: learns the inverse Hessian from gradients alone; a line search sets the step.",
        formula="x ← x − t B g, B from s = Δx and y = Δg, t = lr sᵏ by Armijo's rule",
        reference=f"{_BOOK}, section 6.1",
    ),
    Entry(
        name="ArmijoGD",
        label="Gradient descent (Armijo)",
        params=SearchParams,
        help="Gradient descent that shrinks its step until the value falls enough.",
        formula="x ← x − t g, t = lr sᵏ the first with f(x − t g) ≤ f(x) − c t |g|²",
        reference="L. Armijo, Minimization of functions having Lipschitz continuous first partial "
        "derivatives, 1966",
    ),
    Entry(
        name="OptimalStepGD",
        label="Gradient descent (1 / λ max)",
        params=OptimalStepParams,
        help="Gradient descent with the tutorial's best step at every point; where nothing curves it rests.",
        formula="x ← x − lr g / λ_max(H)",
        reference="Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, Efficient BackProp, 1998",
    ),
)

DESCENT_OPTIMIZERS: Registry[Entry] = Registry(*OPTIMIZERS.values(), *_PLANE)


class DescentOptimizer(OptimizerConfig):
    """An optimizer for one point of the plane."""

    registry: ClassVar[Mapping[str, Entry]] = DESCENT_OPTIMIZERS
    shapes: ClassVar[Shapes] = ((2,),)

    @classmethod
    def refusal(cls, name: str) -> str:
        """Torch's sentence, if the optimizer cannot step a point."""
        return super().refusal(name) if name in OPTIMIZERS else ""

    def make(self, parameters: Iterable[torch.Tensor], **execution: Any) -> torch.optim.Optimizer:
        """The torch optimizer with these values.

        Raises:
            ValueError: if the optimizer is one of the plane's own.
        """
        if self.name not in OPTIMIZERS:
            raise ValueError(f"name: expected an optimizer of tensors, got {self.name}")
        return super().make(parameters, **execution)
