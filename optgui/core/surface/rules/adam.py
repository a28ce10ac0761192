"""Adam and its kin: two moments, both corrected for their start at zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optgui.core.surface.rules.base import Array, Line, Step
from optgui.core.surface.rules.elementwise import ElementwiseRule, power, root, spread, wide
from optgui.core.surface.rules.words import averaged, decayed, divided, divisor, line


class TwoMoments(ElementwiseRule):
    """Keeps m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g²."""

    momentum_name = "momentum"
    second_name = "second moment"

    def begin(self, start: Array) -> None:
        """Both moments begin at zero."""
        self._m, self._v = np.zeros(start.shape), np.zeros(start.shape)
        self._scale = np.ones(start.shape)

    def prepare(self) -> None:
        """Shares of what is old and new in each moment."""
        one, two = self.values["betas"]
        self._new_m, self._old_v, self._new_v = spread(1 - one), spread(two), spread(1 - two)
        self._eps = spread(self.values["eps"])
        self._decoupled = self._decay is not None and self.decoupled(self.values)

    @classmethod
    def decoupled(cls, values: Mapping[str, Any]) -> bool:
        """Whether weight decay is kept apart from the gradient."""
        return bool(values.get("decoupled_weight_decay"))

    def _decayed(self, x: Array, gradient: Array, lr: Array | float) -> tuple[Array, Array]:
        """Point and gradient after weight decay."""
        if self._decoupled:
            return x * wide(1 - lr * self.values["weight_decay"]), gradient
        return x, self._pull(x, gradient)

    def _average(self, g: Array) -> None:
        np.subtract(g, self._m, self._one)
        self._one *= self._new_m
        self._m += self._one
        self._v *= self._old_v
        np.multiply(g, self._new_v, self._one)
        self._one *= g
        self._v += self._one

    @property
    def _corrections(self) -> tuple[Any, Any]:
        """1 − βᵗ of both moments."""
        one, two = self.values["betas"]
        return 1 - power(one, self._count), 1 - power(two, self._count)

    @property
    def momentum(self) -> Array | None:
        """m, not corrected."""
        return self._m

    @property
    def second_moment(self) -> Array | None:
        """v, not corrected."""
        return self._v

    @property
    def scale(self) -> Array | None:
        """What m̂ is divided by."""
        return self._scale


def moments(values: Mapping[str, Any], step: Step, apart: bool) -> tuple[Array, Array, tuple[Line, ...]]:
    """Point and gradient after weight decay, and the lines of weight decay and both moments."""
    m, v = step.momentum_after, step.second_after
    assert m is not None
    assert v is not None
    x, g = step.x, step.gradient
    weight = values.get("weight_decay", 0.0)
    lines: tuple[Line, ...] = ()
    if apart and weight:
        x = (1 - step.lr * weight) * x
        text = "(1 − {} · {}) · {} = {}"
        lines = (line("weight decay", "x ← (1 − lr w) x", text, step.lr, weight, step.x, x),)
    elif not apart:
        g, lines = decayed(values, step)
    one, two = values["betas"]
    lines += (
        averaged("momentum", ("m", "β₁", "g"), one, step.momentum_before, g, m),
        averaged("second moment", ("v", "β₂", "g²"), two, step.second_before, g * g, v),
    )
    return x, g, lines


def corrected(symbol: str, decay: str, moment: Array, beta: float, number: int) -> tuple[Array, Line]:
    """m̂ = m / (1 − β₁ᵗ)."""
    weight = 1 - beta**number
    hat = moment / weight
    name = "corrected momentum" if symbol == "m" else "corrected second moment"
    formula = f"{symbol}̂ = {symbol} / (1 − {decay}ᵗ)"
    return hat, line(name, formula, "{} / {} = {}", moment, weight, hat)


class Adam(TwoMoments):
    """torch.optim.Adam, with its switches `amsgrad` and `decoupled_weight_decay`."""

    def begin(self, start: Array) -> None:
        """With `amsgrad` the largest v so far is kept too."""
        super().begin(start)
        self._largest = np.zeros(start.shape) if self.values.get("amsgrad") else None

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        x, g = self._decayed(x, gradient, lr)
        self._average(g)
        one, two = self._corrections
        second = self._v
        if self._largest is not None:
            second = np.maximum(self._largest, self._v, out=self._largest)
        np.sqrt(second, self._scale)
        self._scale /= wide(root(two))
        self._scale += self._eps
        np.multiply(self._m, wide(lr / one), self._one)
        self._one /= self._scale
        return x - self._one

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """Moments, their corrections, the step."""
        x, _, lines = moments(values, step, cls.decoupled(values))
        assert step.momentum_after is not None
        assert step.second_after is not None
        one, two = values["betas"]
        hat, text = corrected("m", "β₁", step.momentum_after, one, step.number)
        lines += (text,)
        if values.get("amsgrad"):
            scale, symbol = divisor(step, step.lr, hat, x), "(√max v̂ + ε)"
        else:
            second, text = corrected("v", "β₂", step.second_after, two, step.number)
            scale, symbol = np.sqrt(second) + values["eps"], "(√v̂ + ε)"
            lines += (text,)
        return (*lines, divided(step, step.lr, ("m̂", symbol), hat, scale, x))


class AdamW(Adam):
    """torch.optim.AdamW: weight decay kept apart from the gradient."""

    @classmethod
    def decoupled(cls, values: Mapping[str, Any]) -> bool:
        """Always."""
        return True


class TextbookAdam(TwoMoments):
    """Adam with ε inside the root: x ← x − lr m̂ / √(v̂ + ε)."""

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        self._average(gradient)
        one, two = self._corrections
        np.divide(self._v, wide(two), self._scale)
        self._scale += self._eps
        np.sqrt(self._scale, self._scale)
        np.multiply(self._m, wide(lr / one), self._one)
        self._one /= self._scale
        return x - self._one

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """Moments, their corrections, the step."""
        _, _, lines = moments(values, step, False)
        assert step.momentum_after is not None
        assert step.second_after is not None
        one, two = values["betas"]
        hat, first = corrected("m", "β₁", step.momentum_after, one, step.number)
        second, other = corrected("v", "β₂", step.second_after, two, step.number)
        scale = np.sqrt(second + values["eps"])
        return (*lines, first, other, divided(step, step.lr, ("m̂", "√(v̂ + ε)"), hat, scale))
