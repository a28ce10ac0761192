"""Rules that look at the Hessian: Newton, damped Newton, and descent with the best step for the curvature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from optgui.core.surface.objective import Objective
from optgui.core.surface.rules.base import Array, Line, Rule, Step
from optgui.core.surface.rules.line_search import backtrack, searched
from optgui.core.surface.rules.words import divided, line, stepped

_SINGULAR = 1e-12  # an eigenvalue this small beside the other is zero but for rounding
_FLAT = 1e-12


class Eigen(NamedTuple):
    """Eigenvalues (n, 2), the larger in size first, and eigenvectors (n, 2, 2), one a row."""

    values: Array
    vectors: Array


def eigen(hessians: Array) -> Eigen:
    """Of symmetric matrices (n, 2, 2), or (n, 1, 1); a row that is not finite gives NaN."""
    if hessians.shape[-1] == 1:
        return Eigen(hessians[:, 0], np.ones_like(hessians))
    a, b, c = hessians[:, 0, 0], hessians[:, 0, 1], hessians[:, 1, 1]
    with np.errstate(all="ignore"):
        mean, half = a / 2 + c / 2, a / 2 - c / 2
        large = mean + np.copysign(np.hypot(half, b), mean)
        # The product of both is the determinant: the difference mean − hypot would cancel.
        small = np.where(large == 0, 0.0, a * (c / large) - b * (b / large))
        # Half the angle of (half, b) is the upper eigenvalue's; that is `large` where the mean is >= 0.
        turn = np.arctan2(b, half) / 2 + np.where(np.signbit(mean), np.pi / 2, 0.0)
    x, y = np.cos(turn), np.sin(turn)
    vectors = np.stack([np.stack([x, y], 1), np.stack([-y, x], 1)], 1)
    return Eigen(np.stack([large, small], 1), vectors)


def solved(found: Eigen, sizes: Array, gradient: Array) -> Array:
    """Σ q (q·g) / size, without the directions whose size is zero."""
    along = (found.vectors * gradient[:, None, :]).sum(2)
    with np.errstate(all="ignore"):
        shares = np.where(sizes == 0, 0.0, along / sizes)
        return np.asarray((found.vectors * shares[:, :, None]).sum(1))


def newton_direction(hessians: Array, gradient: Array) -> Array:
    """H⁻¹ g (n, 2); a direction that does not curve is left out (pseudo-inverse)."""
    found = eigen(hessians)
    sizes = np.abs(found.values)
    sizes = np.where(sizes <= _SINGULAR * sizes[:, :1], 0.0, found.values)
    return solved(found, sizes, gradient)


def damped_direction(hessians: Array, gradient: Array, floor: Array | float) -> Array:
    """|H|⁻¹ g (n, 2) with every eigenvalue at least `floor` in size."""
    found = eigen(hessians)
    return solved(found, np.maximum(np.abs(found.values), floor), gradient)


class Newton(Rule):
    """x ← x − lr H⁻¹ g; a saddle draws it as a minimum does.

    J. Nocedal and S. Wright, Numerical Optimization, 2006, section 2.2.
    """

    def step(self, x: Array, gradient: Array, lr: Array | float, objective: Objective) -> Array:
        """New points; where nothing curves it stands still."""
        direction = newton_direction(objective.derivatives(x).hessians, gradient)
        return x - lr * direction

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The direction and the step."""
        if step.hessian is None:
            direction = (step.x - step.led_to) / step.lr
            known = line("direction", "d = H⁻¹ g", "{}", direction)
        else:
            direction = newton_direction(step.hessian[None], step.gradient[None])[0]
            known = line("direction", "d = H⁻¹ g", "{}⁻¹ · {} = {}", step.hessian, step.gradient, direction)
        return known, stepped(step, step.lr, "d", direction)


class DampedNewton(Rule):
    """x ← x − t |H|⁻¹ g: eigenvalues made positive, at least `floor`, and a line search from t = lr.

    J. Nocedal and S. Wright, Numerical Optimization, 2006, section 3.4.
    """

    def step(self, x: Array, gradient: Array, lr: Array | float, objective: Objective) -> Array:
        """New points; where no trial step is good enough it stands still."""
        known = objective.derivatives(x)
        direction = -damped_direction(known.hessians, gradient, self.values["floor"])
        t = backtrack(objective, x, known.values, gradient, direction, lr, self.values)
        return x + t * direction

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The eigenvalues, the direction, the search, the step."""
        if step.hessian is None:
            moved = step.x - step.led_to
            return (line("step", "x ← x − t |H|⁻¹ g", "{} − {} = {}", step.x, moved, step.led_to),)
        sizes = eigen(step.hessian[None]).values[0]
        raised = np.maximum(np.abs(sizes), values["floor"])
        direction = damped_direction(step.hessian[None], step.gradient[None], values["floor"])[0]
        search, t = searched(values, step, direction)
        return (
            line("eigenvalues", "λ ← max(|λ|, floor)", "{} → {}", sizes, raised),
            line("direction", "d = |H|⁻¹ g", "|{}|⁻¹ · {} = {}", step.hessian, step.gradient, direction),
            search,
            stepped(step, t, "d", direction)._replace(formula="x ← x − t d"),
        )


class OptimalStepGD(Rule):
    """x ← x − lr g / λ_max with the largest |eigenvalue|: at lr = 1 no coordinate overshoots on a bowl.

    Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, Efficient BackProp, 1998.
    """

    def __init__(self, values: Mapping[str, Any], start: Array) -> None:
        super().__init__(values, start)
        self._scale = np.ones(start.shape)

    def step(self, x: Array, gradient: Array, lr: Array | float, objective: Objective) -> Array:
        """New points; without curvature there is no best step and it stands still."""
        largest = np.abs(eigen(objective.derivatives(x).hessians).values[:, :1])
        self._scale[:] = np.where(largest <= _FLAT, np.inf, largest)
        with np.errstate(all="ignore"):
            return np.asarray(x - lr * gradient / self._scale)

    @property
    def scale(self) -> Array | None:
        """λ_max in both coordinates; infinite where nothing curves."""
        return self._scale

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The largest eigenvalue and the step."""
        lines: tuple[Line, ...] = ()
        if step.hessian is not None:
            both = eigen(step.hessian[None]).values[0]
            largest = abs(both[0]) if abs(both[0]) > _FLAT else np.inf
            lines = (line("curvature", "λ_max = largest |λ| of H", "{}: {}", both, largest),)
        else:
            moved, length = step.x - step.led_to, np.linalg.norm(step.gradient)
            size = np.linalg.norm(moved)
            largest = float(step.lr * length / size) if size else np.inf
        return (*lines, divided(step, step.lr, ("g", "λ_max"), step.gradient, largest))
