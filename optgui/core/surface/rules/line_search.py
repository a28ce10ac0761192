"""Backtracking line search, and the rules that use it: gradient descent and BFGS.

L. Armijo, Minimization of functions having Lipschitz continuous first partial derivatives, 1966.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from optgui.core.surface.objective import Objective
from optgui.core.surface.rules.base import Array, Line, Rule, Step
from optgui.core.surface.rules.words import line, stepped

MOST_TRIALS = 60  # half of half of ...: no step below 1e-18 of the first


def backtrack(
    objective: Objective,
    x: Array,
    now: Array,
    gradient: Array,
    direction: Array,
    first: Array | float,
    values: Mapping[str, Any],
) -> Array:
    """Steps t (n, 1), the first of first · shrinkᵏ with f(x + t d) <= f(x) + c t g·d; 0 where there is none.

    Points that are satisfied wait while the others try on. `now` (n,) is f(x); `first` and the numbers `c`
    and `shrink` of `values` hold for all or are columns.
    """
    n = len(x)
    t, c, shrink = (
        np.broadcast_to(np.asarray(item, np.float64), (n, 1))[:, 0].copy()
        for item in (first, values["c"], values["shrink"])
    )
    with np.errstate(all="ignore"):
        slope = (gradient * direction).sum(1)
        waiting = np.flatnonzero((slope < 0) & np.isfinite(slope) & np.isfinite(now))
        good = np.zeros(n, np.bool_)
        for _ in range(MOST_TRIALS):
            if not waiting.size:
                break
            reached = objective.values(x[waiting] + t[waiting, None] * direction[waiting])
            enough = reached <= now[waiting] + c[waiting] * t[waiting] * slope[waiting]
            good[waiting[enough]] = True
            waiting = waiting[~enough]
            t[waiting] *= shrink[waiting]
    return np.where(good, t, 0.0)[:, None]


def searched(values: Mapping[str, Any], step: Step, direction: Array) -> tuple[Line, float]:
    """The line of a search along −`direction`, and the t that it found."""
    length = float(direction @ direction)
    t = float((step.x - step.led_to) @ direction) / length if length else 0.0
    formula = "t = lr sᵏ, the first with f(x − t d) ≤ f(x) − c t g·d"
    if t <= 0:
        return line("line search", formula, "none; it stands still: t = {}", 0.0), 0.0
    tries = round(math.log(t / step.lr) / math.log(values["shrink"]))
    return line("line search", formula, "{} · {}^{} = {}", step.lr, values["shrink"], tries, t), t


class ArmijoGD(Rule):
    """x ← x − t g: gradient descent that tries lr first and shrinks it until the value falls enough."""

    def step(self, x: Array, gradient: Array, lr: Array | float, objective: Objective) -> Array:
        """New points; where no trial step is good enough it stands still."""
        t = backtrack(objective, x, objective.values(x), gradient, -gradient, lr, self.values)
        with np.errstate(all="ignore"):
            return x - t * gradient

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The search and the step."""
        search, t = searched(values, step, step.gradient)
        last = stepped(step, t, "g", step.gradient)
        return search._replace(formula="t = lr sᵏ, the first with f(x − t g) ≤ f(x) − c t |g|²"), (
            last._replace(formula="x ← x − t g")
        )


class BFGS(Rule):
    """x ← x − t B g: an inverse Hessian B learnt from how the gradient changes, a line search from t = lr.

    J. Nocedal and S. Wright, Numerical Optimization, 2006, section 6.1; the first B is scaled by its
    equation 6.20.
    """

    def __init__(self, values: Mapping[str, Any], start: Array) -> None:
        super().__init__(values, start)
        self._inverse = np.tile(np.eye(2), (len(start), 1, 1))
        self._learnt = np.zeros(len(start), np.bool_)
        self._before: tuple[Array, Array] | None = None

    def step(self, x: Array, gradient: Array, lr: Array | float, objective: Objective) -> Array:
        """New points; where no trial step is good enough it stands still."""
        with np.errstate(all="ignore"):
            if self._before is not None:
                self._learn(x - self._before[0], gradient - self._before[1])
            direction = -_times(self._inverse, gradient)
            uphill = (direction * gradient).sum(1) >= 0  # rounding, or noise: begin anew
            self._inverse[uphill] = np.eye(2)
            self._learnt[uphill] = False
            direction[uphill] = -gradient[uphill]
        self._before = x.copy(), gradient.copy()
        t = backtrack(objective, x, objective.values(x), gradient, direction, lr, self.values)
        with np.errstate(all="ignore"):
            return x + t * direction

    def _learn(self, s: Array, y: Array) -> None:
        """Take in that the gradient changed by `y` over `s`, where s·y says that the function curves up."""
        along = (s * y).sum(1)
        rows = np.flatnonzero(along > 1e-10 * np.hypot(*s.T) * np.hypot(*y.T))
        s, y, along = s[rows], y[rows], along[rows, None]
        new = rows[~self._learnt[rows]]
        first = (along / (y * y).sum(1, keepdims=True))[~self._learnt[rows]]
        self._inverse[new] = first[:, :, None] * np.eye(2)
        self._learnt[rows] = True
        inverse = self._inverse[rows]
        turned = _times(inverse, y)
        weight = (1 + (y * turned).sum(1, keepdims=True) / along) / along
        cross = turned[:, :, None] * s[:, None, :]
        square = s[:, :, None] * s[:, None, :]
        inverse += weight[:, :, None] * square - (cross + cross.swapaxes(1, 2)) / along[:, :, None]
        self._inverse[rows] = inverse

    @property
    def inverse(self) -> Array:
        """B (n, 2, 2) as of the last step."""
        return self._inverse

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The step; B itself is not among its numbers."""
        text = "{} − {} = {}"
        return (
            line("change", "t B g", "{}", step.x - step.led_to),
            line("step", "x ← x − t B g", text, step.x, step.x - step.led_to, step.led_to),
        )


def _times(matrices: Array, vectors: Array) -> Array:
    return np.asarray((matrices @ vectors[:, :, None])[:, :, 0])
