"""Gradient descent, with momentum as torch and as the textbook has it, and its averaged form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optgui.core.surface.rules.base import Array, Line, Step
from optgui.core.surface.rules.elementwise import Buffer, ElementwiseRule, power, spread, wide
from optgui.core.surface.rules.words import averaged, decayed, line, stepped


class SGD(ElementwiseRule):
    """torch.optim.SGD: the first gradient enters the momentum whole; without momentum no dampening."""

    momentum_name = "momentum"

    def begin(self, start: Array) -> None:
        """No momentum yet."""
        self._buffer = Buffer(start.shape)

    def prepare(self) -> None:
        """Hand the numbers to the buffer."""
        self._buffer.tune(self.values["momentum"], 1 - np.asarray(self.values["dampening"]))

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        way = g = self._pull(x, gradient)
        buffer = self._buffer
        if buffer.used:
            buffer.add(g)
            way = buffer.state
            if self.values["nesterov"]:
                way = np.multiply(way, buffer.momentum, self._two)
                way += g
            way = buffer.used_or(g, way)
        return self._descend(x, way, lr)

    @property
    def momentum(self) -> Array | None:
        """The buffer, zero for a point without momentum."""
        return self._buffer.state if self._buffer.used else None

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """One line without momentum, else two or three."""
        g, lines = decayed(values, step)
        beta, share, m = values["momentum"], 1 - values["dampening"], step.momentum_after
        if not beta or m is None:
            return (*lines, stepped(step, step.lr, "g", g))
        before = step.momentum_before
        if before is None or not before.any():
            lines += (line("momentum", "m ← g", "{}", m),)
        elif share == 1:
            lines += (line("momentum", "m ← β m + g", "{} · {} + {} = {}", beta, before, g, m),)
        else:
            text = "{} · {} + {} · {} = {}"
            lines += (line("momentum", "m ← β m + (1 − d) g", text, beta, before, share, g, m),)
        if not values["nesterov"]:
            return (*lines, stepped(step, step.lr, "m", m))
        ahead = g + beta * m
        lines += (line("look-ahead", "u = g + β m", "{} + {} · {} = {}", g, beta, m, ahead),)
        return (*lines, stepped(step, step.lr, "u", ahead))


class Momentum(ElementwiseRule):
    """Momentum as an average of gradients, m ← β m + (1 − β) g, from zero."""

    momentum_name = "momentum"

    def begin(self, start: Array) -> None:
        """The average starts at zero."""
        self._m = np.zeros(start.shape)

    def prepare(self) -> None:
        """Both shares."""
        beta = spread(self.values["momentum"])
        self._old, self._new = beta, np.asarray(1 - beta)

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        self._m *= self._old
        self._m += np.multiply(gradient, self._new, self._one)
        return self._descend(x, self._m, lr)

    @property
    def momentum(self) -> Array | None:
        """The average m."""
        return self._m

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The average and the step."""
        m = step.momentum_after
        assert m is not None
        symbols = ("m", "β", "g")
        return (
            averaged("momentum", symbols, values["momentum"], step.momentum_before, step.gradient, m),
            stepped(step, step.lr, "m", m),
        )


class ASGD(ElementwiseRule):
    """torch.optim.ASGD's path; its average of the path (from step t0) torch keeps and never gives back.

    torch stores the rate η as float32, and works it out one step ahead.
    """

    def begin(self, start: Array) -> None:
        """η is the first rate."""
        self._eta: Any = None

    def move(self, x: Array, gradient: Array, lr: Array | float) -> Array:
        """New points."""
        g = self._pull(x, gradient)
        decay = self.values["lambd"]
        eta = _single(lr) if self._eta is None else self._eta
        np.multiply(x, wide(1 - decay * eta), self._two)
        new: Array = self._two - np.multiply(g, wide(eta), self._one)
        self._eta = _single(lr / power(1 + decay * lr * self._count, self.values["alpha"]))
        return new

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The rate, the decay, the step."""
        g, lines = decayed(values, step)
        decay, power, before = values["lambd"], values["alpha"], step.number - 1
        eta = float(_single(step.lr / (1 + decay * step.lr * before) ** power))
        numbers = "{} / (1 + {} · {} · {})^{} = {}"
        rate = line("rate", "η = lr / (1 + λ lr (t − 1))^α", numbers, step.lr, decay, step.lr, before, power,
                    eta)  # fmt: skip
        pull = decay * step.x + g
        steepest = int(np.abs(pull).argmax())
        used = float((step.x - step.led_to)[steepest] / (pull[steepest] or 1.0))
        if abs(used - eta) > 1e-4 * eta:  # a schedule has moved lr since η was worked out
            eta = used
            rate = line("rate", "η = lr / (1 + λ lr (t − 1))^α, with the rate of the step before", "{}", eta)
        shrunk = (1 - decay * eta) * step.x
        return (
            *lines,
            rate,
            line("decay", "x ← (1 − λ η) x", "(1 − {} · {}) · {} = {}", decay, eta, step.x, shrunk),
            line("step", "x ← x − η g", "{} − {} · {} = {}", shrunk, eta, g, step.led_to),
        )  # fmt: skip


def _single(value: Any) -> Any:
    """Rounded to float32."""
    return np.asarray(np.asarray(value, np.float32), np.float64)
