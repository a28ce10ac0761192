"""Adamax, NAdam and RAdam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optgui.core.surface.rules.adam import TwoMoments, corrected, moments
from optgui.core.surface.rules.base import Array, Line, Step
from optgui.core.surface.rules.elementwise import power, root, wide
from optgui.core.surface.rules.words import averaged, decayed, divided, line


class Adamax(TwoMoments):
    """torch.optim.Adamax: divides by the largest gradient in fading memory, u ← max(β₂ u, |g| + ε)."""

    second_name = "largest gradient"

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        g = self._pull(x, gradient)
        np.subtract(g, self._m, self._one)
        self._one *= self._new_m
        self._m += self._one
        self._v *= self._old_v
        np.abs(g, self._one)
        self._one += self._eps
        np.maximum(self._v, self._one, out=self._v)
        one, _ = self._corrections
        np.multiply(self._m, wide(lr / one), self._one)
        self._one /= self._v
        return x - self._one

    @property
    def scale(self) -> Array | None:
        """The largest gradient u itself."""
        return self._v

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """Both memories, the correction, the step."""
        m, u = step.momentum_after, step.second_after
        assert m is not None
        assert u is not None
        g, lines = decayed(values, step)
        one, two = values["betas"]
        old = np.zeros_like(u) if step.second_before is None else step.second_before
        text = "max({} · {}, {} + {}) = {}"
        hat, correction = corrected("m", "β₁", m, one, step.number)
        return (
            *lines,
            averaged("momentum", ("m", "β₁", "g"), one, step.momentum_before, g, m),
            line("largest gradient", "u ← max(β₂ u, |g| + ε)", text, two, old, np.abs(g), values["eps"], u),
            correction,
            divided(step, step.lr, ("m̂", "u"), hat, u),
        )


class NAdam(TwoMoments):
    """torch.optim.NAdam: Adam with Nesterov's look-ahead; the product of the μ is float32, as torch's."""

    def begin(self, start: Array) -> None:
        """The product of all μ so far."""
        super().begin(start)
        self._product: Any = np.float32(1)

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        x, g = self._decayed(x, gradient, lr)
        self._average(g)
        now, ahead = (_warm(self.values, self._count + later) for later in (0, 1))
        self._product = self._product * np.asarray(now, np.float32)
        product = np.asarray(self._product, np.float64)
        _, two = self._corrections
        np.divide(self._v, wide(two), self._scale)
        np.sqrt(self._scale, self._scale)
        self._scale += self._eps
        np.multiply(g, wide(lr * (1 - now) / (1 - product)), self._one)
        self._one /= self._scale
        new = x - self._one
        np.multiply(self._m, wide(lr * ahead / (1 - product * ahead)), self._one)
        self._one /= self._scale
        new -= self._one
        return new

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """Moments, the look-ahead, the step."""
        m, v = step.momentum_after, step.second_after
        x, g, lines = moments(values, step, cls.decoupled(values))
        assert m is not None
        assert v is not None
        past = np.arange(1.0, step.number + 2)
        warm = values["betas"][0] * (1 - 0.5 * 0.96 ** (past * values["momentum_decay"]))
        now, ahead = float(warm[-2]), float(warm[-1])
        product = float(np.prod(warm[:-1]))
        share, weight = (1 - now) / (1 - product), ahead / (1 - product * ahead)
        way = share * g + weight * m
        second, correction = corrected("v", "β₂", v, values["betas"][1], step.number)
        scale = np.sqrt(second) + values["eps"]
        formula = "u = (1 − μₜ) g / (1 − ∏μ) + μₜ₊₁ m / (1 − ∏μ μₜ₊₁)"
        text = "{} · {} + {} · {} = {}"
        return (
            *lines,
            correction,
            line("look-ahead", formula, text, share, g, weight, m, way),
            divided(step, step.lr, ("u", "(√v̂ + ε)"), way, scale, x),
        )


def _warm(values: Mapping[str, Any], number: Any) -> Any:
    """μ of a step, β₁ (1 − ½ 0.96^(t ψ))."""
    return values["betas"][0] * (1 - 0.5 * power(0.96, number * values["momentum_decay"]))


class RAdam(TwoMoments):
    """torch.optim.RAdam: does not divide until v is an average of enough gradients (ρ > 5).

    `scale` has the rectification r in it: (√v + ε) / (r √(1 − β₂ᵗ)), and is 1 as long as it does not divide.
    """

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        x, g = self._decayed(x, gradient, lr)
        self._average(g)
        one, two = self._corrections
        _, rectified = _rectification(self.values["betas"][1], self._count)
        if np.any(rectified):
            np.sqrt(self._v, self._scale)
            self._scale += self._eps
            self._scale /= wide(root(two) * rectified)
            np.copyto(self._scale, 1.0, where=np.equal(rectified, 0))
        else:
            self._scale.fill(1.0)
        np.multiply(self._m, wide(lr / one), self._one)
        self._one /= self._scale
        return x - self._one

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """Moments, how much of v is known, the step."""
        m, v = step.momentum_after, step.second_after
        x, _, lines = moments(values, step, cls.decoupled(values))
        assert m is not None
        assert v is not None
        one, two = values["betas"]
        hat, correction = corrected("m", "β₁", m, one, step.number)
        length, rectified = _rectification(two, step.number)
        lines += (correction,)
        known = line("gradients in v", "ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)", "{}", length)
        if not rectified:
            known = known._replace(numbers=f"{known.numbers} ≤ 5: v is not used yet")
            text = "{} − {} · {} = {}"
            return (*lines, known, line("step", "x ← x − lr m̂", text, x, step.lr, hat, step.led_to))
        known = known._replace(numbers=f"{known.numbers} > 5")
        _, other = corrected("v", "β₂", v, two, step.number)
        scale = (np.sqrt(v) + values["eps"]) / (rectified * np.sqrt(1 - two**step.number))
        text = "r = {}; {} / r = {}"
        plain = scale * rectified
        return (
            *lines,
            known,
            other,
            line("rectified scale", "s = (√v̂ + ε) / r", text, rectified, plain, scale),
            divided(step, step.lr, ("m̂", "s"), hat, scale, x),
        )


def _rectification(beta: Any, number: int) -> tuple[Any, Any]:
    """ρ, and r, 0 where ρ is not above 5; Liu et al., On the Variance of the Adaptive Learning Rate, 2020."""
    limit = 2 / (1 - beta) - 1
    fading = power(beta, number)
    length = limit - 2 * number * fading / (1 - fading)
    share = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
    if isinstance(beta, np.ndarray):
        return length, np.where(length > 5, root(np.abs(share)), 0.0)
    return length, root(share) if length > 5 else 0.0
