"""SCHEDULERS: schedules as factors of the base learning rate.

A torch scheduler drives a shadow optimizer whose lr is 1; what it makes of that 1 is the factor. So one
rule holds everywhere: effective lr = base lr x factor, and an edit of the base lr acts at once under
every schedule.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch

from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Entry, Registry

Scheduler = torch.optim.lr_scheduler.LRScheduler


class NoParams(Config):
    """An entry without parameters of its own."""


class MultiStepParams(Config):
    """Parameters of torch.optim.lr_scheduler.MultiStepLR."""

    milestones: tuple[int, ...] = param(
        (1,),
        title="Milestones",
        help="Ends of epochs at which the rate is multiplied by gamma.",
        low=1,
        unit="epochs",
    )
    gamma: float = param(
        0.1, title="Gamma", help="Factor at each milestone.", above=0, high=10, slider=(0.01, 1), scale="log"
    )


@dataclasses.dataclass(frozen=True)
class SchedulerEntry(Entry):
    """A schedule: `make(shadow, values)` builds the torch scheduler, None keeps the rate constant."""

    make: Callable[[torch.optim.Optimizer, Mapping[str, Any]], Scheduler] | None = None


def _multi_step(shadow: torch.optim.Optimizer, values: Mapping[str, Any]) -> Scheduler:
    return torch.optim.lr_scheduler.MultiStepLR(shadow, list(values["milestones"]), values["gamma"])


SCHEDULERS: Registry[SchedulerEntry] = Registry(
    SchedulerEntry("None", "No schedule", NoParams, help="The rate stays as you set it."),
    SchedulerEntry(
        "MultiStepLR",
        "Multi-step",
        MultiStepParams,
        help="Multiplies the rate by gamma at each milestone.",
        reference="torch.optim.lr_scheduler.MultiStepLR",
        make=_multi_step,
    ),
)


class SchedulerConfig(EntryConfig):
    """A schedule and its parameters: `{"name": "MultiStepLR", "milestones": [1], "gamma": 0.1}`."""

    registry: ClassVar[Registry[SchedulerEntry]] = SCHEDULERS


class Schedule:
    """The factor of a running schedule; `advance` is called at the end of each epoch."""

    def __init__(self, config: SchedulerConfig) -> None:
        self._shadow = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        make = SCHEDULERS[config.name].make
        self._scheduler = make(self._shadow, config.values) if make else None

    @property
    def factor(self) -> float:
        """What the base lr is multiplied by now."""
        return float(self._shadow.param_groups[0]["lr"])

    def advance(self) -> None:
        """Go one epoch further."""
        if self._scheduler is not None:
            self._shadow.step()  # torch warns about a scheduler that steps before its optimizer
            self._scheduler.step()
