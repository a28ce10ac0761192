"""SCHEDULERS: schedules as factors of the base learning rate.

A torch scheduler drives a shadow optimizer whose lr is 1; what it makes of that 1 is the factor. So one
rule holds everywhere: effective lr = base lr x factor, and an edit of the base lr acts at once under
every schedule. Torch's absolute fields (`eta_min`, `max_lr`, `base_lr`, `min_lr`) are therefore fractions
of the base lr. Field names are torch's; defaults too, but for those that would do nothing within a short run.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import field_validator
from torch.optim import lr_scheduler

from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Entry, Registry

Scheduler = lr_scheduler.LRScheduler
MOST = 10_000_000  # of a count; beyond about 2e8 CosineAnnealingLR divides by a rounded zero


def _count(default: int, title: str, help: str, low: int = 1, **words: Any) -> Any:
    """A number of intervals: epochs or steps, as `interval` says."""
    words = {"scale": "log", "slider": (max(low, 1), 1000), **words}
    return param(default, title=title, help=help, low=low, high=MOST, **words)


def _share(default: float, title: str, help: str, high: float = 1, **words: Any) -> Any:
    """A rate as a fraction of the base lr."""
    help = f"{help} As a fraction of the learning rate."
    return param(default, title=title, help=help, low=0, high=high, unit="× lr", **words)


def _gamma(default: float, help: str) -> Any:
    return param(default, title="Gamma", help=help, above=0, high=10, slider=(0.01, 1), scale="log")


def _interval(default: str) -> Any:
    help = "What the schedule counts: the ends of epochs, or single steps."
    choices = (("epoch", "Epochs"), ("step", "Steps"))
    return param(default, title="Interval", help=help, choices=choices, rare=True)


# fmt: off
class WarmupParams(Config):
    """Warm-up in front of a schedule.

    Source: Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017.
    """

    warmup: int = _count(0, "Warm-up", "Steps in which the rate rises linearly, before the schedule starts. "
                         "0: none.", low=0, unit="steps", rare=True)
    warmup_start: float = param(0.1, title="Warm-up start", low=0, high=1, rare=True,
                                help="Share of the rate at the first step of the warm-up.")


class TimedParams(WarmupParams):
    """What every schedule has that counts epochs or steps."""

    interval: str = _interval("epoch")


class StepParams(TimedParams):
    """Parameters of torch.optim.lr_scheduler.StepLR."""

    step_size: int = _count(1, "Every", "Epochs (or steps) between two multiplications by gamma.")
    gamma: float = _gamma(0.1, "Factor each time.")


class MultiStepParams(TimedParams):
    """Parameters of torch.optim.lr_scheduler.MultiStepLR."""

    milestones: tuple[int, ...] = param(
        (1,), title="Milestones", low=1,
        help="Ends of epochs (or steps) at which the rate is multiplied by gamma, in increasing order.")
    gamma: float = _gamma(0.1, "Factor at each milestone.")

    @field_validator("milestones")
    @classmethod
    def _in_order(cls, milestones: tuple[int, ...]) -> tuple[int, ...]:
        if list(milestones) != sorted(milestones):
            raise ValueError(f"expected whole numbers in increasing order, got {list(milestones)}")
        return milestones


class ExponentialParams(TimedParams):
    """Parameters of torch.optim.lr_scheduler.ExponentialLR."""

    gamma: float = _gamma(0.9, "Factor each epoch (or step).")


class CosineParams(TimedParams):
    """Parameters of torch.optim.lr_scheduler.CosineAnnealingLR."""

    T_max: int = _count(2, "T max", "Epochs (or steps) on the way down. Afterwards the rate climbs again.")
    eta_min: float = _share(0.0, "Lowest rate", "The rate at the bottom.")


class WarmRestartsParams(TimedParams):
    """Parameters of torch.optim.lr_scheduler.CosineAnnealingWarmRestarts."""

    T_0: int = _count(1, "T 0", "Epochs (or steps) until the first restart.")
    T_mult: int = param(1, title="T mult", help="Each period is this many times as long as the last.", low=1,
                        high=100, slider=(1, 4))
    eta_min: float = _share(0.0, "Lowest rate", "The rate at the bottom.")


class OneCycleParams(TimedParams):
    """Parameters of torch.optim.lr_scheduler.OneCycleLR; momentum is left alone."""

    interval: str = _interval("step")
    max_lr: float = _share(1.0, "Peak", "The rate at the top.", high=100, slider=(0, 10))
    pct_start: float = param(0.3, title="Rise", help="Share of the cycle that rises.", low=0, high=1)
    div_factor: float = param(25.0, title="Start divisor", help="First rate = peak / this.", low=1, high=1e6,
                              scale="log")
    final_div_factor: float = param(1e4, title="End divisor", help="Last rate = first rate / this.", low=1,
                                    high=1e12, scale="log")
    total_steps: int = _count(0, "Length", "Steps (or epochs) of the cycle; afterwards the last rate stays. "
                              "0: the whole run.", low=0, rare=True)
    anneal_strategy: str = param("cos", title="Shape", help="How the rate goes between its ends.", rare=True,
                                 choices=(("cos", "Cosine"), ("linear", "Linear")))
    three_phase: bool = param(False, title="Three phases", rare=True,
                              help="Falls as long as it rose, and only then to the end.")


class CyclicParams(TimedParams):
    """Parameters of torch.optim.lr_scheduler.CyclicLR; momentum is left alone."""

    interval: str = _interval("step")
    base_lr: float = _share(0.1, "Lower rate", "Where each cycle starts.", high=100, slider=(0, 1))
    max_lr: float = _share(1.0, "Upper rate", "The top of the first cycle.", high=100, slider=(0, 10))
    step_size_up: int = _count(500, "Steps up", "Steps (or epochs) of the way up.")  # torch: 2000
    step_size_down: int = _count(0, "Steps down", "Steps (or epochs) of the way down. 0: as many as up.",
                                 low=0, rare=True)
    mode: str = param("triangular", title="Heights", help="How the height changes from cycle to cycle.",
                      choices=(("triangular", "Equal"), ("triangular2", "Halved"), ("exp_range", "Fading")))
    gamma: float = param(0.999, title="Gamma", help="Factor of the height each step (or epoch).",
                         above=0, high=1, slider=(0.9, 1), shown_when=("mode", ("exp_range",)))  # torch: 1.0


class LinearParams(TimedParams):
    """Parameters of torch.optim.lr_scheduler.LinearLR."""

    start_factor: float = param(1 / 3, title="Start factor", help="Factor at first.", above=0, high=1)
    end_factor: float = param(1.0, title="End factor", help="Factor at the end.", low=0, high=1)
    total_iters: int = _count(5, "Length", "Epochs (or steps) from the first factor to the last.")


class PolynomialParams(TimedParams):
    """Parameters of torch.optim.lr_scheduler.PolynomialLR."""

    total_iters: int = _count(5, "Length", "Epochs (or steps) until the rate is zero.")
    power: float = param(1.0, title="Power", help="1 falls in a line.", low=0, high=100, slider=(0, 5))


class PlateauParams(WarmupParams):
    """Parameters of torch.optim.lr_scheduler.ReduceLROnPlateau; the metric is a loss, so `mode` is min."""

    factor: float = param(0.1, title="Factor", help="Factor at each reduction.", above=0, below=1,
                          slider=(0.01, 0.99), scale="log")
    patience: int = param(2, title="Patience", help="Epochs without a better test loss that are borne.",
                          low=0, high=MOST, slider=(0, 20), unit="epochs")  # torch: 10
    threshold: float = param(1e-4, title="Threshold", low=0, below=1, scale="log", slider=(1e-6, 0.1),
                             help="By how much a loss must be smaller to count as better.", rare=True)
    threshold_mode: str = param("rel", title="Threshold is", rare=True,
                                help="A share of the best loss, or a difference from it.",
                                choices=(("rel", "Relative"), ("abs", "Absolute")))
    cooldown: int = _count(0, "Cooldown", "Epochs after a reduction that are not counted.", low=0,
                           unit="epochs", rare=True)
    min_lr: float = _share(0.0, "Lowest rate", "No reduction goes below it.", rare=True)
    eps: float = _share(1e-8, "Epsilon", "Smaller reductions are not made.", scale="log",
                        slider=(1e-12, 1e-3), rare=True)
# fmt: on


Make = Callable[[torch.optim.Optimizer, Mapping[str, Any], int], Scheduler]


@dataclasses.dataclass(frozen=True)
class SchedulerEntry(Entry):
    """A schedule: `make(shadow, values, length)` builds the torch scheduler, None keeps the rate constant.

    `length` are the intervals of the run behind its warm-up. `wants_metric`: `advance_epoch` needs a metric.
    """

    make: Make | None = None
    wants_metric: bool = False


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that torch knows."""
    return {name: value for name, value in values.items() if name not in TimedParams.model_fields}


def _one_cycle(shadow: torch.optim.Optimizer, values: Mapping[str, Any], length: int) -> Scheduler:
    own = _own(values)
    own["total_steps"] = own["total_steps"] or max(1, length)
    if own["pct_start"] * own["total_steps"] == 1:  # torch divides by the length of a rise of no steps
        own["pct_start"] *= 1 - 1e-12
    return lr_scheduler.OneCycleLR(shadow, **own, cycle_momentum=False)


def _cyclic(shadow: torch.optim.Optimizer, values: Mapping[str, Any], length: int) -> Scheduler:
    own = _own(values)
    own["step_size_down"] = own["step_size_down"] or None
    if own["mode"] == "triangular2":  # torch's own overflows in cycle 1025; equal to it bit for bit before
        own["scale_fn"] = lambda cycle: 0.5 ** (cycle - 1)
    return lr_scheduler.CyclicLR(shadow, **own, cycle_momentum=False)


def _entry(
    name: str,
    label: str,
    params: type[Config],
    help: str,
    formula: str,
    source: str = "",
    *,
    make: Make | None = None,
    wants_metric: bool = False,
) -> SchedulerEntry:
    scheduler = getattr(lr_scheduler, name)
    reference = "; ".join(filter(None, [f"torch.optim.lr_scheduler.{name}", source]))
    built: Make = make or (lambda shadow, values, length: scheduler(shadow, **_own(values)))
    return SchedulerEntry(name, label, params, help, formula, reference, built, wants_metric)


_SGDR = 'Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017'
_CLR = 'Smith, "Cyclical Learning Rates for Training Neural Networks", 2017'
_SUPER = (
    'Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks '
    'Using Large Learning Rates", 2019'
)

SCHEDULERS: Registry[SchedulerEntry] = Registry(
    SchedulerEntry("None", "No schedule", Config, help="The rate stays as you set it."),
    _entry("MultiStepLR", "Multi-step", MultiStepParams, "Multiplies the rate by gamma at each milestone.",
           "γ^(milestones passed)"),
    _entry("StepLR", "Step", StepParams, "Multiplies the rate by gamma again and again.",
           "γ^⌊t / step size⌋"),
    _entry("ExponentialLR", "Exponential", ExponentialParams, "Multiplies the rate by gamma each time.",
           "γ^t"),
    _entry("CosineAnnealingLR", "Cosine", CosineParams, "Half a cosine down, up again if the run goes on.",
           "η_min + (1 - η_min)(1 + cos(π t / T_max)) / 2", _SGDR),
    _entry("CosineAnnealingWarmRestarts", "Warm restarts", WarmRestartsParams,
           "Half a cosine down, then back to the full rate at once.",
           "η_min + (1 - η_min)(1 + cos(π t_cur / T_i)) / 2", _SGDR),
    _entry("OneCycleLR", "One cycle", OneCycleParams, "Up from a small rate and down to a tiny one.",
           "max / div → max → max / (div · final div)", _SUPER, make=_one_cycle),
    _entry("CyclicLR", "Cyclic", CyclicParams, "Up and down between two rates.",
           "base + (max - base) · triangle(t) · height", _CLR, make=_cyclic),
    _entry("LinearLR", "Linear", LinearParams, "A line from the first factor to the last.",
           "start + (end - start) · min(t, length) / length"),
    _entry("PolynomialLR", "Polynomial", PolynomialParams, "Falls to zero as a power of the time left.",
           "(1 - min(t, length) / length)^power"),
    _entry("ReduceLROnPlateau", "Plateau", PlateauParams,
           "Reduces the rate when the test loss has stopped falling.",
           "factor^(reductions)", wants_metric=True),
)  # fmt: skip


class SchedulerConfig(EntryConfig):
    """A schedule and its parameters: `{"name": "MultiStepLR", "milestones": [1], "gamma": 0.1}`."""

    registry: ClassVar[Registry[SchedulerEntry]] = SCHEDULERS


class Schedule:
    """The factor of a running schedule of `epochs` epochs, `steps_per_epoch` steps each.

    Call `advance_step` behind each step and `advance_epoch` at the end of each epoch (behind its evaluation
    if `wants_metric`); both say whether the factor has changed. With `interval` epoch the schedule counts
    the ends of epochs that lie behind the warm-up, with `step` the steps behind it.
    """

    def __init__(self, config: SchedulerConfig, steps_per_epoch: int, epochs: int) -> None:
        self._entry, self._values = SCHEDULERS[config.name], config.values
        self._steps_per_epoch = steps_per_epoch
        self._step = self._position = 0  # steps of the run; intervals of the schedule behind its warm-up
        self._factor = 1.0
        self._per_step = self._values.get("interval") == "step"
        self._warmup: int = self._values.get("warmup", 0)
        self._length = self._length_of(steps_per_epoch * epochs, epochs)
        self._build()

    def _build(self) -> None:
        self._shadow = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        make = self._entry.make
        self._scheduler = make(self._shadow, self._values, self._length) if make else None
        self._end: float = getattr(self._scheduler, "total_steps", math.inf)
        self._shadow.step()  # torch warns about a scheduler that steps before its optimizer
        self._set_factor()

    def _length_of(self, steps: int, epochs: int) -> int:
        """Intervals behind the warm-up of a run of so many steps, the last of them in whole epochs."""
        if self._per_step:
            return max(0, steps - self._warmup)
        return min(epochs, max(0, math.ceil((steps - self._warmup) / self._steps_per_epoch)))

    @property
    def factor(self) -> float:
        """What the base lr is multiplied by now."""
        return self._factor

    @property
    def rate(self) -> float:
        """The factor without the warm-up."""
        return float(self._shadow.param_groups[0]["lr"])

    @property
    def wants_metric(self) -> bool:
        """Whether `advance_epoch` needs the loss of an evaluation."""
        return self._entry.wants_metric

    def advance_step(self) -> bool:
        """Go one step further; returns whether the factor has changed."""
        self._step += 1
        if self._step > self._warmup:
            return self._per_step and self._tick()
        return self._set_factor()

    def advance_epoch(self, metric: float | None = None) -> bool:
        """Go one epoch further; returns whether the factor has changed.

        Args:
            metric: the test loss of the epoch; needed if `wants_metric`, otherwise not looked at.

        Raises:
            ValueError: if the metric is needed and missing.
        """
        if self.wants_metric and metric is None:
            raise ValueError(f"metric: expected the test loss that {self._entry.name} looks at, got none")
        if self._per_step or self._step <= self._warmup:
            return False
        return self._tick(metric)

    def _tick(self, metric: float | None = None) -> bool:
        """Go one interval further; past the end of one cycle its last factor stays."""
        self._position += 1
        if self._scheduler is None or self._scheduler.last_epoch + 1 >= self._end:
            return False
        if self.wants_metric:
            self._scheduler.step(metric)  # type: ignore[arg-type]
        else:
            self._scheduler.step()
        return self._set_factor()

    def replay(self, step: int, ends: Sequence[tuple[int, float | None]]) -> Self:
        """Bring a fresh schedule to where the run is, as if it had been there from the start.

        Costs about 2 µs an interval.

        Args:
            step: steps of the run.
            ends: of each epoch that has ended, the step of its end and its test loss; a schedule that wants
                the loss passes over those that have none yet.
        """
        self._step = step
        if self._per_step:
            for _ in range(step - self._warmup):
                self._tick()
        else:
            for end, metric in ends:
                if end > self._warmup and not (self.wants_metric and metric is None):
                    self._tick(metric)
        self._set_factor()
        return self

    @property
    def is_over(self) -> bool:
        """Whether one cycle has reached its end, so that its last factor stays."""
        return self._position + 1 >= self._end

    def _set_factor(self) -> bool:
        before, self._factor = self._factor, self.rate
        if self._step < self._warmup:
            start = self._values["warmup_start"]
            self._factor *= start + (1 - start) * self._step / self._warmup
        return self._factor != before

    def set_epochs(self, epochs: int) -> None:
        """Take another number of epochs, all of the length said at first; see `set_length`."""
        self.set_length(self._steps_per_epoch * epochs, epochs, self._steps_per_epoch)

    def set_length(self, steps: int, epochs: int, steps_per_epoch: int) -> None:
        """Take another length of the run: `steps` in all, its further epochs of `steps_per_epoch` each.

        Only one cycle over the whole run (`total_steps` 0) depends on it: it is built anew and goes on at the
        present step of the new cycle, so its factor jumps there. Every other schedule stays as it is: what
        counts epochs counts their ends, however many steps each had, and what counts steps counts steps.
        """
        self._steps_per_epoch = steps_per_epoch
        length = self._length_of(steps, epochs)
        if length == self._length:
            return
        self._length = length
        if self._values.get("total_steps") != 0:
            return
        self._build()
        assert self._scheduler is not None
        position = min(self._position, int(self._end) - 1)
        if position > 0:
            self._scheduler.last_epoch = position - 1  # its factor depends on the position alone
            self._scheduler.step()
        self._set_factor()

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as numbers."""
        inner = self._scheduler.state_dict() if self._scheduler else {}
        numbers = {name: value for name, value in inner.items() if isinstance(value, (int, float))}
        return {
            "step": self._step,
            "position": self._position,
            "length": self._length,
            "rate": self.rate,
            "scheduler": numbers,
        }

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Go on exactly where the schedule of `state` was, which was made with the same config."""
        self._step, self._position, self._length = state["step"], state["position"], state["length"]
        self._build()
        if self._scheduler is not None:
            vars(self._scheduler).update(state["scheduler"])
        self._shadow.param_groups[0]["lr"] = state["rate"]
        self._set_factor()
        return self


def curve(config: SchedulerConfig, steps_per_epoch: int, epochs: int) -> NDArray[np.float64] | None:
    """The factor of each step of a whole run, shape (steps_per_epoch * epochs,), for a preview.

    None if it depends on the run (ReduceLROnPlateau). Costs about 2 µs an interval of the schedule.
    """
    schedule = Schedule(config, steps_per_epoch, epochs)
    if schedule.wants_metric:
        return None
    values = config.values
    warmup, start = values.get("warmup", 0), values.get("warmup_start", 1.0)
    steps = np.arange(steps_per_epoch * epochs)
    per_step = values.get("interval") == "step"
    counted = steps - warmup if per_step else steps // steps_per_epoch - warmup // steps_per_epoch
    positions = np.maximum(counted, 0)
    levels = np.empty(positions[-1] + 1)
    for position in range(len(levels)):
        levels[position] = schedule.rate
        schedule._tick()
    factors: NDArray[np.float64] = levels[positions]
    factors[:warmup] *= start + (1 - start) * steps[:warmup] / max(warmup, 1)
    return factors
