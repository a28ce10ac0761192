"""What every method of attack is made of: where it starts, what it looks at, what it does next.

The loop stands once, in `loop.py`: it projects, clips, keeps the best and counts. A method is one object for
each restart and may keep state between its steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from optgui.core.attack.task import Look, Task
from optgui.core.params import Config
from optgui.core.registry import Entry

if TYPE_CHECKING:
    from optgui.core.attack.config import AttackConfig

EVERY_NORM = ("L2", "Linf", "L1", "L0", "Subspace", "HalfSpace")

# Fields of the config that methods which follow a gradient read; those with a step size read more.
CLIMBING = ("restarts", "random_start", "stop_when_fooled")
STEPPING = (*CLIMBING, "loss", "steps", "step_size")


class Method:
    """The base of every method; its own parameters are in `task.config.method`.

    Tensors among its attributes whose first dimension counts the images shrink with them.
    """

    keeps_best = False  # whether the best of all its steps counts, rather than the last

    def __init__(self, task: Task) -> None:
        self.task = task

    def start(self) -> torch.Tensor:
        """The first perturbation, (n, 1, 28, 28): none, or random; later restarts are always random."""
        task = self.task
        if not (task.config.random_start or task.restart):
            return torch.zeros_like(task.images)
        return task.random()

    def look(self, delta: torch.Tensor) -> Look:
        """The network's answer at a perturbation, with what the method wants to know of it."""
        return self.task.climb(delta)

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """The next perturbation before it is confined, (n, 1, 28, 28); `now` is the look at `delta`."""
        raise NotImplementedError

    def choose(
        self, delta: torch.Tensor, now: Look, trial: torch.Tensor, seen: Look
    ) -> tuple[torch.Tensor, Look]:
        """Where to go on: at `trial`, which looks like `seen`, or still at `delta`, that is `now`."""
        return trial, seen

    def keep(self, kept: torch.Tensor) -> None:
        """Go on with the images at the indices (k,); the task has shrunk already."""
        count = len(self.task.images)
        for name, value in vars(self).items():
            if isinstance(value, torch.Tensor) and value.ndim and len(value) != count:
                setattr(self, name, value[kept])


@dataclasses.dataclass(frozen=True)
class MethodEntry(Entry):
    """A method of attack.

    `uses` names the fields of the config it reads beside epsilon, so that a form shows no others; `minimal`
    says that it looks for the smallest change instead of the worst one in the ball.
    """

    params: type[Config] = Config
    make: Callable[[Task], Method] = Method
    norms: tuple[str, ...] = EVERY_NORM
    uses: tuple[str, ...] = ()
    minimal: bool = False
    iterations: Callable[[AttackConfig], int] = lambda config: config.steps
