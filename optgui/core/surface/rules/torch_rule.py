"""TorchRule: optimizers that couple the coordinates of a point are torch's own, one for each point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from optgui.core.optimizers import OptimizerConfig, retune, wants_closure
from optgui.core.surface.objective import Objective
from optgui.core.surface.rules.base import Array, Line, Rule, Step
from optgui.core.surface.rules.words import line


class TorchRule(Rule):
    """One torch optimizer a point."""

    optimizer: ClassVar[str] = ""

    def __init__(self, values: Mapping[str, Any], start: Array) -> None:
        super().__init__(values, start)
        self._points = [torch.nn.Parameter(torch.from_numpy(row.copy())) for row in start]
        self._optimizers = [
            self._config(row).make([point], foreach=False) for row, point in enumerate(self._points)
        ]

    def retune(self, values: Mapping[str, Any]) -> None:
        """Go on with other numbers and the same state."""
        self.values = values
        for row, optimizer in enumerate(self._optimizers):
            retune(optimizer, self._config(row))

    def step(self, x: Array, gradient: Array, lr: Array | float, objective: Objective) -> Array:
        """New points; one that is not finite stays as it is."""
        new = x.copy()
        rates = np.broadcast_to(lr, (len(x), 1))[:, 0].tolist()
        noise = gradient - objective.gradients(x.copy())[1]  # one draw for all evaluations of a step
        noise[~(np.abs(noise) > 1e-9 * np.abs(gradient))] = 0.0  # rounding is none
        for row in np.flatnonzero(np.isfinite(x).all(1)):
            point, optimizer = self._points[row], self._optimizers[row]
            point.data.copy_(torch.from_numpy(x[row]))
            point.grad = torch.from_numpy(gradient[row].copy())
            for group in optimizer.param_groups:
                group["lr"] = rates[row]
            if wants_closure(optimizer):
                optimizer.step(_closure(point, objective, noise[row]))  # type: ignore[arg-type]  # torch wants a tensor where it says float
            else:
                optimizer.step()
            new[row] = point.detach().numpy()
        return new

    def _config(self, row: int) -> OptimizerConfig:
        values = {name: _of_row(value, row) for name, value in self.values.items()}
        return OptimizerConfig.parse({"name": self.optimizer, **values})

    @classmethod
    def written(cls, values: Mapping[str, Any], step: Step) -> tuple[Line, ...]:
        """The step alone: what torch remembers is its own."""
        moved = step.led_to - step.x
        return (line("step", cls.formula, "{} + {} = {}", step.x, moved, step.led_to),)

    formula: ClassVar[str] = "x ← x + d"


class LBFGS(TorchRule):
    """torch.optim.LBFGS, which evaluates the function itself, several times a step."""

    optimizer = "LBFGS"
    formula = "x ← x − lr B g, up to max_iter times"


class Adafactor(TorchRule):
    """torch.optim.Adafactor, which clips the step of a point as a whole."""

    optimizer = "Adafactor"
    formula = "x ← x − η clip(g / √v)"


def _of_row(value: Any, row: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_of_row(item, row) for item in value)
    return value[row].item() if np.ndim(value) else value


def _closure(point: torch.nn.Parameter, objective: Objective, noise: Array) -> Callable[[], torch.Tensor]:
    def closure() -> torch.Tensor:
        values, gradients = objective.gradients(point.detach().numpy()[None])
        point.grad = torch.from_numpy(gradients[0] + noise)
        return torch.from_numpy(values)[0]

    return closure
