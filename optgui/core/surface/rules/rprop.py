"""Rprop: steps of their own size in each coordinate, by the signs of two gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optgui.core.surface.rules.base import Array, Line, Step
from optgui.core.surface.rules.elementwise import ElementwiseRule, spread, wide
from optgui.core.surface.rules.words import line


class Rprop(ElementwiseRule):
    """torch.optim.Rprop: lr is the first step's size; where the gradient turned, it waits a step."""

    momentum_name = "previous gradient"

    def begin(self, start: Array) -> None:
        """The gradient of no step is zero."""
        self._previous = np.zeros(start.shape)
        self._sizes = np.empty(start.shape)
        self._factor = np.empty(start.shape)

    def prepare(self) -> None:
        """Factors and bounds."""
        self._shrink, self._grow = map(spread, self.values["etas"])
        self._least, self._most = map(spread, self.values["step_sizes"])

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        if self._count == 1:
            self._sizes[:] = wide(lr)
        np.multiply(gradient, self._previous, self._one)
        turned = self._one < 0
        self._factor.fill(1.0)
        np.copyto(self._factor, self._grow, where=self._one > 0)
        np.copyto(self._factor, self._shrink, where=turned)
        self._sizes *= self._factor
        np.clip(self._sizes, self._least, self._most, self._sizes)
        np.copyto(self._previous, gradient)
        self._previous[turned] = 0.0
        np.sign(self._previous, self._one)
        self._one *= self._sizes
        return x - self._one

    @property
    def momentum(self) -> Array | None:
        """The gradient of the last step, zero where it turned."""
        return self._previous

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The signs, the sizes, the step; the size where it waits is not known."""
        before = np.zeros_like(step.x) if step.momentum_before is None else step.momentum_before
        g, (shrink, grow) = step.gradient, values["etas"]
        product = g * before
        factor = np.where(product > 0, grow, np.where(product < 0, shrink, 1.0))
        sign = np.where(product < 0, 0.0, np.sign(g))
        sizes = np.where(sign == 0, np.nan, np.abs(step.led_to - step.x))
        with_it = "η₊ where g keeps its sign, η₋ where it turns, else 1"
        return (
            line("agreement", f"η = {with_it}", "{} · {}: η = {}", g, before, factor),
            line("step sizes", "Δ ← η Δ", "Δ = {}", sizes),
            line("step", "x ← x − sign(g) Δ, still where g turned", "{} − {} · {} = {}",
                 step.x, sign, np.nan_to_num(sizes), step.led_to),
        )  # fmt: skip
