"""RACE_SCHEDULERS: the schedules of training, with lengths for a race, in which an epoch is one step."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import create_model, field_validator

from optgui.core.params import Config, params_of
from optgui.core.registry import Registry
from optgui.core.schedulers import SCHEDULERS, MultiStepParams, SchedulerConfig, SchedulerEntry

# For a race of 500 steps; training's own are for a handful of epochs and would end a rate at once.
LENGTHS: dict[str, dict[str, Any]] = {
    "MultiStepLR": {"milestones": (250, 400)},
    "StepLR": {"step_size": 100, "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.99},
    "CosineAnnealingLR": {"T_max": 500},
    "CosineAnnealingWarmRestarts": {"T_0": 100},
    "CyclicLR": {"step_size_up": 50},
    "LinearLR": {"total_iters": 100},
    "PolynomialLR": {"total_iters": 500},
    "ReduceLROnPlateau": {"patience": 20},
}
_WORDS = (
    ("Epochs (or steps)", "Steps"),
    ("epochs (or steps)", "steps"),
    ("epoch (or step)", "step"),
    ("Steps (or epochs)", "Steps"),
    ("step (or epoch)", "step"),
    ("Ends of steps", "Steps"),
    ("Ends of epochs (or steps)", "Steps"),
    ("Epochs", "Steps"),
    ("test loss", "loss"),
)


def _milestones_in_order(milestones: tuple[int, ...]) -> tuple[int, ...]:
    return MultiStepParams._in_order(milestones)


_in_order: Any = field_validator("milestones")(_milestones_in_order)


def _for_a_race(entry: SchedulerEntry) -> SchedulerEntry:
    values = LENGTHS.get(entry.name, {})
    fields: dict[str, Any] = {}
    validators = {"in_order": _in_order} if "milestones" in values else {}
    for spec in params_of(entry.params):
        if spec.name == "interval":
            continue
        field = copy.copy(entry.params.model_fields[spec.name])
        field.default = values.get(spec.name, field.default)
        for old, new in _WORDS:
            field.description = (field.description or "").replace(old, new)
        extra = field.json_schema_extra
        if isinstance(extra, Mapping) and extra.get("unit") == "epochs":
            field.json_schema_extra = {**extra, "unit": "steps"}
        fields[spec.name] = (field.annotation, field)
    return dataclasses.replace(
        entry,
        params=create_model(
            f"Race{entry.params.__name__}", __base__=Config, __validators__=validators, **fields
        ),
        help=entry.help.replace("test loss", "loss"),
    )


RACE_SCHEDULERS: Registry[SchedulerEntry] = Registry(*(_for_a_race(entry) for entry in SCHEDULERS.values()))


class RaceSchedulerConfig(SchedulerConfig):
    """A schedule of a racer: `{"name": "StepLR", "step_size": 100, "gamma": 0.5}`, counted in steps."""

    registry: ClassVar[Registry[SchedulerEntry]] = RACE_SCHEDULERS
