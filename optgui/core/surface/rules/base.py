"""Rule: how one optimizer turns gradients into steps, for many points at once."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.surface.objective import Objective

Array = NDArray[np.float64]


class Line(NamedTuple):
    """One line of a step written out: what is computed, in symbols, and with this step's numbers."""

    name: str  # "momentum", "second moment", "step", ...
    formula: str  # "m ← β₁ m + (1 − β₁) g"
    numbers: str  # "0.9 · (1.2, −0.5) + 0.1 · (3.1, 0.2) = (1.39, −0.43)"


class Step(NamedTuple):
    """One step of one point, as it is written out; arrays have shape (2,).

    The moments are the rule's own (`momentum` and `second_moment` of `Rule`), None where it has none.
    """

    number: int  # 1 is the first
    lr: float  # effective: base rate times schedule factor
    x: Array
    gradient: Array  # what the rule was given; with noise not the function's own
    momentum_before: Array | None
    momentum_after: Array | None
    second_before: Array | None
    second_after: Array | None
    led_to: Array  # before any projection
    hessian: Array | None = None  # (2, 2) at x; without it rules that look at curvature leave its numbers out


class Rule(abc.ABC):
    """One optimizer for n points, with its state; row i of everything belongs to point i alone.

    Args:
        values: hyperparameters by torch's names without `lr`. A number holds for every point, an array
            (n, 1) gives each its own; switches are the same for all.
        start: the points (n, 2).
    """

    #: Words for the state that `momentum` and `second_moment` give, empty where there is none.
    momentum_name: ClassVar[str] = ""
    second_name: ClassVar[str] = ""

    def __init__(self, values: Mapping[str, Any], start: Array) -> None:
        self.values = values

    def retune(self, values: Mapping[str, Any]) -> None:
        """Go on with other numbers (not switches) and the same state, as torch does with edited groups."""
        self.values = values

    @abc.abstractmethod
    def step(self, x: Array, gradient: Array, lr: Array | float, objective: Objective) -> Array:
        """New points (n, 2) from points and gradients (n, 2); `x` and `gradient` are not changed.

        `lr` is the effective rate, one for all or (n, 1). `objective` is the function itself, for rules that
        look at values or curvature. A row may be NaN or infinite; it does not disturb the others.
        """

    @property
    def momentum(self) -> Array | None:
        """What is remembered of past gradients, (n, 2) as the formula has it, None where there is none."""
        return None

    @property
    def second_moment(self) -> Array | None:
        """The memory of squared gradients, (n, 2) as the formula has it, None where there is none."""
        return None

    @property
    def scale(self) -> Array | None:
        """By what the rule divides each coordinate (n, 2), as √v̂ + ε of Adam; None where it does not."""
        return None

    @classmethod
    @abc.abstractmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The step of one point written out, in the order in which it is computed; `values` are numbers."""
