"""Adagrad, RMSprop and Adadelta of torch, and the textbook's Adagrad and RMSprop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optgui.core.surface.rules.base import Array, Line, Step
from optgui.core.surface.rules.elementwise import Buffer, ElementwiseRule, spread, wide
from optgui.core.surface.rules.words import averaged, decayed, divided, divisor, line, stepped


class Squares(ElementwiseRule):
    """Keeps a memory v of squared gradients and divides by its root."""

    second_name = "second moment"

    def begin(self, start: Array) -> None:
        """The memory starts empty."""
        self._v = np.zeros(start.shape)
        self._scale = np.ones(start.shape)

    @property
    def second_moment(self) -> Array | None:
        """The memory v."""
        return self._v

    @property
    def scale(self) -> Array | None:
        """What the gradient is divided by."""
        return self._scale

    def _divided(self, x: Array, g: Array, rate: Any) -> Array:
        np.multiply(g, rate, self._one)
        self._one /= self._scale
        return x - self._one


class FadingSquares(Squares):
    """v ← ρ v + (1 − ρ) g²; `decay` names ρ among the values."""

    decay = "rho"

    def prepare(self) -> None:
        """Shares of what is old and new."""
        rho = spread(self.values[self.decay])
        self._old, self._new = rho, np.asarray(1 - rho)
        self._eps = spread(self.values["eps"])

    def _average(self, g: Array) -> None:
        self._v *= self._old
        np.multiply(g, self._new, self._one)
        self._one *= g
        self._v += self._one


class Adagrad(Squares):
    """torch.optim.Adagrad."""

    second_name = "sum of squares"

    def begin(self, start: Array) -> None:
        """The sum has a value before the first step."""
        super().begin(start)
        self._v += spread(self.values["initial_accumulator_value"])

    def prepare(self) -> None:
        """ε."""
        self._eps = spread(self.values["eps"])

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        g = self._pull(x, gradient)
        self._v += np.multiply(g, g, self._one)
        np.sqrt(self._v, self._scale)
        self._scale += self._eps
        return self._divided(x, g, wide(lr / (1 + (self._count - 1) * self.values["lr_decay"])))

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The sum, the rate where it decays, the step."""
        g, lines = decayed(values, step)
        v = step.second_after
        assert v is not None
        lines += (_summed(step, g, values["initial_accumulator_value"]),)
        rate, decay = step.lr, values["lr_decay"]
        if decay:
            rate = step.lr / (1 + (step.number - 1) * decay)
            text = "{} / (1 + {} · {}) = {}"
            formula = "η = lr / (1 + (t − 1) decay)"
            lines += (line("rate", formula, text, step.lr, step.number - 1, decay, rate),)
        last = divided(step, rate, ("g", "(√v + ε)"), g, np.sqrt(v) + values["eps"])
        return (*lines, last._replace(formula=last.formula.replace("lr", "η")) if decay else last)


def _summed(step: Step, g: Array, initial: float = 0.0) -> Line:
    before = np.full(2, initial) if step.second_before is None else step.second_before
    return line("sum of squares", "v ← v + g²", "{} + {} = {}", before, g * g, step.second_after)


class RMSprop(FadingSquares):
    """torch.optim.RMSprop, with its switch `centered` and its momentum of divided gradients."""

    momentum_name = "momentum of g / scale"
    decay = "alpha"

    def begin(self, start: Array) -> None:
        """With `centered` the mean of gradients is kept too."""
        super().begin(start)
        self._buffer = Buffer(start.shape)
        self._mean = np.zeros(start.shape) if self.values["centered"] else None

    def prepare(self) -> None:
        """Hand the momentum to the buffer."""
        super().prepare()
        self._buffer.tune(self.values["momentum"])

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        g = self._pull(x, gradient)
        self._average(g)
        if self._mean is None:
            np.sqrt(self._v, self._scale)
        else:
            np.subtract(g, self._mean, self._one)
            self._one *= self._new
            self._mean += self._one
            np.multiply(self._mean, self._mean, self._one)
            np.subtract(self._v, self._one, self._scale)
            np.sqrt(self._scale, self._scale)
        self._scale += self._eps
        if not self._buffer.used:
            return self._divided(x, g, wide(lr))
        np.divide(g, self._scale, self._one)
        self._buffer.add(self._one)
        way = self._buffer.used_or(self._one, self._buffer.state)
        return self._descend(x, way, lr)

    @property
    def momentum(self) -> Array | None:
        """The buffer, zero for a point without momentum."""
        return self._buffer.state if self._buffer.used else None

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The average, the momentum if there is any, the step."""
        g, lines = decayed(values, step)
        v, m, beta = step.second_after, step.momentum_after, values["momentum"]
        assert v is not None
        lines += (averaged("second moment", ("v", "α", "g²"), values["alpha"], step.second_before, g * g, v),)
        symbol = "(√(v − ḡ²) + ε)" if values["centered"] else "(√v + ε)"
        scale = np.sqrt(v) + values["eps"]
        if not beta or m is None:
            if values["centered"]:
                scale = divisor(step, step.lr, g)
            return (*lines, divided(step, step.lr, ("g", symbol), g, scale))
        before = np.zeros_like(step.x) if step.momentum_before is None else step.momentum_before
        if values["centered"]:
            with np.errstate(all="ignore"):
                scale = g / (m - beta * before)
        formula, text = f"m ← β m + g / {symbol}", "{} · {} + {} / {} = {}"
        lines += (line("momentum", formula, text, beta, before, g, scale, m),)
        return (*lines, stepped(step, step.lr, "m", m))


class Adadelta(FadingSquares):
    """torch.optim.Adadelta: divides by RMS of gradients over RMS of its own steps, `scale`."""

    def begin(self, start: Array) -> None:
        """Memory of its own squared steps."""
        super().begin(start)
        self._steps = np.zeros(start.shape)

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        g = self._pull(x, gradient)
        self._average(g)
        np.add(self._v, self._eps, self._scale)
        np.sqrt(self._scale, self._scale)
        np.add(self._steps, self._eps, self._two)
        np.sqrt(self._two, self._two)
        self._scale /= self._two
        np.divide(g, self._scale, self._two)
        self._steps *= self._old
        np.multiply(self._two, self._new, self._one)
        self._one *= self._two
        self._steps += self._one
        return self._descend(x, self._two, lr)

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The average, both roots, the step."""
        g, lines = decayed(values, step)
        v = step.second_after
        assert v is not None
        scale = divisor(step, step.lr, g)
        root = np.sqrt(v + values["eps"])
        with np.errstate(all="ignore"):
            own = root / scale
        text = "{} / {} = {}"
        return (
            *lines,
            averaged("second moment", ("v", "ρ", "g²"), values["rho"], step.second_before, g * g, v),
            line("scale", "s = √(v + ε) / √(mean Δx² + ε)", text, root, own, scale),
            divided(step, step.lr, ("g", "s"), g, scale),
        )


class TextbookAdagrad(Squares):
    """Adagrad with ε inside the root: x ← x − lr g / √(v + ε)."""

    second_name = "sum of squares"

    def prepare(self) -> None:
        """ε."""
        self._eps = spread(self.values["eps"])

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        self._v += np.multiply(gradient, gradient, self._one)
        np.add(self._v, self._eps, self._scale)
        np.sqrt(self._scale, self._scale)
        return self._divided(x, gradient, wide(lr))

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The sum and the step."""
        v, g = step.second_after, step.gradient
        assert v is not None
        scale = np.sqrt(v + values["eps"])
        return _summed(step, g), divided(step, step.lr, ("g", "√(v + ε)"), g, scale)


class TextbookRMSprop(FadingSquares):
    """RMSprop with ε inside the root: x ← x − lr g / √(v + ε)."""

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        self._average(gradient)
        np.add(self._v, self._eps, self._scale)
        np.sqrt(self._scale, self._scale)
        return self._divided(x, gradient, wide(lr))

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The average and the step."""
        v, g = step.second_after, step.gradient
        assert v is not None
        symbols = ("v", "ρ", "g²")
        return (
            averaged("second moment", symbols, values["rho"], step.second_before, g * g, v),
            divided(step, step.lr, ("g", "√(v + ε)"), g, np.sqrt(v + values["eps"])),
        )
