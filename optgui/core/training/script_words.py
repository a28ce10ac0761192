"""Expressions and single lines of the script that repeats a run."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn
from torch.optim import lr_scheduler

from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig
from optgui.core.params import params_of
from optgui.core.schedulers import SchedulerConfig, TimedParams
from optgui.core.training.config import TrainingConfig
from optgui.core.training.models import Dropout
from optgui.core.training.records import RunLog

INDENT = "    "


class Words:
    """What the script of a run needs to have, and how its optimizers and schedules are written."""

    def __init__(self, log: RunLog, steps: int | None) -> None:
        self.start, self.edits, self.steps = log.start, log.edits, steps
        self.configs = [self.start, *(edit.config for edit in self.edits)]
        self.own: set[str] = set()  # import lines of optgui
        self.is_cut = any(  # whether an epoch cannot be split into batches beforehand
            len({getattr(config, field) for config in self.configs}) > 1
            for field in ("batch_size", "replacement", "epochs")
        )
        self.is_scheduled = any(config.scheduler.name != "None" for config in self.configs)
        self.replays = len({config.scheduler.model_dump_json() for config in self.configs}) > 1
        self.drops = any(config.model.dropout_rate for config in self.configs)
        self.moves = any(config.augmentation.name != "None" for config in self.configs)
        self.closes = any(config.optimizer.name == "LBFGS" for config in self.configs)
        self.forgets = len({config.zero_grad for config in self.configs}) > 1
        names = [config.optimizer.name for config in self.configs]
        self.ages = any(
            old != config.optimizer.name and config.switch != "reset"
            for old, config in zip(names, self.configs[1:], strict=False)
        )

    def shown_values(self, config: OptimizerConfig) -> dict[str, Any]:
        """The name, the rate, and what is not as torch has it."""
        defaults = {spec.name: spec.default for spec in params_of(OPTIMIZERS[config.name].params)}
        shown = {k: v for k, v in config.values.items() if k == "lr" or v != defaults[k]}
        return {"name": config.name, **shown}

    def optimizer_code(self, config: OptimizerConfig) -> str:
        """The expression that makes an optimizer."""
        entry = OPTIMIZERS[config.name]
        _, *shown = self.shown_values(config).items()
        words = ", ".join(f"{name}={value!r}" for name, value in shown)
        module = entry.optimizer.__module__
        if module.startswith("optgui."):
            self.own.add(f"from {module} import {config.name}")
            return f"{config.name}(network.parameters(), {words})"
        return f"torch.optim.{config.name}(network.parameters(), {words})"

    def schedule_lines(self, config: TrainingConfig) -> list[str]:
        """The lines that make the schedule of a config."""
        schedule = config.scheduler
        values = schedule.values
        if schedule.name == "None":
            return ["schedule = Schedule(lambda shadow: LambdaLR(shadow, lambda tick: 1.0))"]
        timing = "".join(
            [
                ", per_step=True" * (values.get("interval") == "step"),
                f", warmup={values['warmup']}, warmup_start={values['warmup_start']!r}"
                * bool(values["warmup"]),
            ]
        )
        lines = []
        own = {k: v for k, v in values.items() if k not in TimedParams.model_fields}
        if schedule.name == "OneCycleLR":
            own["cycle_momentum"] = False
            if not own["total_steps"]:
                lines = self._length(config)
                own["total_steps"] = "length()"
            elif own["pct_start"] * own["total_steps"] == 1:
                own["pct_start"] *= 1 - 1e-12  # torch divides by the length of a rise of no steps
        if schedule.name == "CyclicLR":
            own["cycle_momentum"], own["step_size_down"] = False, own["step_size_down"] or None
            if own["mode"] == "triangular2":
                own["scale_fn"] = "lambda cycle: 0.5 ** (cycle - 1)"
        code = ("total_steps", "scale_fn")
        defaults = inspect.signature(getattr(lr_scheduler, schedule.name)).parameters
        words = ", ".join(
            f"{name}={value if name in code else repr(value)}"
            for name, value in own.items()
            if name not in defaults or defaults[name].default != value
        )
        make = f"lambda shadow: {schedule.name}(shadow, {words})".replace(", )", ")")
        if len(make) + len(timing) < 70:
            return [*lines, f"schedule = Schedule({make}{timing})"]
        return [
            *lines,
            "schedule = Schedule(",
            *indented(f"{make},", *([f"{timing.removeprefix(', ')},"] * bool(timing))),
            ")",
        ]

    def _length(self, config: TrainingConfig) -> list[str]:
        """A function that counts the steps, or epochs, of the whole run behind the warm-up."""
        size, epochs = ("batch_size", "epochs") if self.is_cut else (config.batch_size, config.epochs)
        per_epoch = f"math.ceil(len(labels) / {size})"
        total, first = f"{epochs} * {per_epoch}", []
        if self.is_cut:
            first = ["left = math.ceil((len(order) - position) / batch_size)"]
            total = f"step + left + (epochs - epoch - 1) * {per_epoch}"
        values = config.scheduler.values
        behind = f"{total} - {values['warmup']}" if values["warmup"] else total
        if values["interval"] == "epoch":
            behind = f"min({epochs}, math.ceil(({behind}) / {per_epoch}))"
        body = indented(*first, f"return max(1, {behind})")
        return ["", "def length():  # of the cycle: the whole run", *body, ""]


def is_whole_cycle(config: SchedulerConfig) -> bool:
    """Whether the schedule depends on how long the run is."""
    return config.name == "OneCycleLR" and config.values["total_steps"] == 0


def scheduler_name(config: TrainingConfig) -> str:
    """Of the torch class behind a schedule."""
    return "LambdaLR" if config.scheduler.name == "None" else config.scheduler.name


def indented(*lines: str) -> list[str]:
    """Lines one level deeper."""
    return [INDENT + line if line else "" for line in lines]


def layer_code(layer: nn.Module, config: TrainingConfig) -> str:
    """The expression that makes a layer."""
    match layer:
        case nn.Linear():
            return f"nn.Linear({layer.in_features}, {layer.out_features})"
        case nn.Conv2d():
            return f"nn.Conv2d({layer.in_channels}, {layer.out_channels}, {layer.kernel_size[0]})"
        case nn.MaxPool2d():
            return f"nn.MaxPool2d({layer.kernel_size})"
        case Dropout():
            return f"nn.Dropout({config.model.dropout_rate!r})"
    return f"nn.{type(layer).__name__}()"


def order_code(config: TrainingConfig) -> str:
    """The expression that draws the order of an epoch."""
    return (
        "torch.randint(len(labels), (len(labels),))" if config.replacement else "torch.randperm(len(labels))"
    )


def move_code(config: TrainingConfig) -> str:
    """The function that moves a batch."""
    name = config.augmentation.name
    if name == "None":
        return "lambda batch: batch"
    words = ", ".join(f"{key}={value!r}" for key, value in config.augmentation.values.items())
    return f"lambda batch: {name.lower()}(batch, {words})"
