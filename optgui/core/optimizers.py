"""OPTIMIZERS: every optimizer of torch.optim, found by introspection, and the textbook's own forms.

Names and defaults come from the signatures; words, bounds and slider scales from `_WORDS`, by field name.
A plain number or switch that the table does not know shows its name, so a new torch release brings its
optimizers without a line of ours. Formulas: g gradient, x parameter, t step, β α ρ decays.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import torch
from pydantic import create_model

from optgui.core.muon import Muon
from optgui.core.params import Config, EntryConfig, param, params_of
from optgui.core.registry import Entry, Registry
from optgui.core.textbook import TEXTBOOK

Shapes = tuple[tuple[int, ...], ...]

_EXECUTION = {"params", "foreach", "fused", "capturable", "differentiable", "maximize"}

_WORDS: dict[str, dict[str, Any]] = {
    "lr": {"title": "Learning rate", "help": "How far one step goes. Drag it while the job runs.", "above": 0,
           "high": 1e6, "scale": "log", "slider": (1e-5, 10.0), "rare": False, "factors": (0.5, 2.0)},
    "momentum": {"title": "Momentum", "help": "Share of the last update that is kept in the next.", "low": 0,
                 "below": 1, "slider": (0, 0.999), "rare": False},
    "betas": {"title": "Betas", "help": "Decay of the running mean of the gradient and of its square.",
              "low": 0, "below": 1, "slider": (0, 0.9999), "rare": False},
    "alpha": {"title": "Alpha", "help": "Decay of the running mean of squared gradients.", "low": 0,
              "below": 1, "slider": (0, 0.9999), "rare": False},
    "rho": {"title": "Rho", "help": "Decay of the running mean of squared gradients.", "low": 0, "high": 1,
            "slider": (0, 1), "rare": False},
    "weight_decay": {"title": "Weight decay", "help": "Pulls every weight towards zero.", "low": 0,
                     "scale": "log", "slider": (1e-6, 0.1)},
    "eps": {"title": "Epsilon", "help": "Small number that keeps the division by the root finite.",
            "low": 0, "scale": "log", "slider": (1e-12, 0.1)},
    "dampening": {"title": "Dampening", "help": "Weakens what the gradient adds to the momentum.",
                  "low": 0, "high": 1, "slider": (0, 1)},
    "nesterov": {"title": "Nesterov", "help": "Looks ahead along the momentum before it steps."},
    "amsgrad": {"title": "AMSGrad", "help": "Divides by the largest second moment seen so far."},
    "centered": {"title": "Centered", "help": "Subtracts the squared mean from the second moment."},
    "lr_decay": {"title": "lr decay", "help": "Shrinks the rate as 1 / (1 + decay * step).", "low": 0,
                 "scale": "log", "slider": (1e-6, 1)},
    "initial_accumulator_value": {"title": "Initial accumulator", "help": "Sum of squares before step 1.",
                                  "low": 0, "slider": (0, 1)},
    "lambd": {"title": "Lambda", "help": "Decay term of ASGD.", "low": 0, "scale": "log",
              "slider": (1e-6, 1)},
    "t0": {"title": "Averaging start", "help": "Step at which ASGD starts to average.", "low": 0,
           "scale": "log", "slider": (1, 1e7)},
    "momentum_decay": {"title": "Momentum decay", "help": "How fast NAdam's momentum warms up.", "low": 0,
                       "scale": "log", "slider": (1e-5, 0.1)},
    "decoupled_weight_decay": {"title": "Decoupled decay", "help": "Applies weight decay as AdamW does."},
    "etas": {"title": "Etas", "help": "Factors by which Rprop shrinks and grows its steps.", "above": 0,
             "slider": (0, 2)},
    "step_sizes": {"title": "Step sizes", "help": "Smallest and largest step of Rprop.", "above": 0,
                   "slider": (0, 50)},
    "beta2_decay": {"title": "Beta2 decay", "help": "How fast it forgets: beta2 = 1 - step**decay.",
                    "high": 0, "slider": (-2, 0)},
    "d": {"title": "Clipping threshold", "help": "Larger updates are scaled down to it.",
          "low": 1, "slider": (1, 10)},
    "max_iter": {"title": "Iterations a step", "help": "Inner iterations of one LBFGS step.", "low": 1,
                 "high": 1000, "slider": (1, 50)},
    "history_size": {"title": "History", "help": "Pairs of vectors LBFGS remembers.", "low": 1,
                     "high": 1000, "slider": (1, 100)},
    "tolerance_grad": {"title": "Gradient tolerance", "help": "Stops the inner loop below it.", "low": 0,
                       "scale": "log", "slider": (1e-12, 0.01)},
    "tolerance_change": {"title": "Change tolerance", "help": "Stops the inner loop below it.", "low": 0,
                         "scale": "log", "slider": (1e-12, 0.01)},
    "adamw_lr": {"title": "AdamW's rate", "help": "AdamW's learning rate as a multiple of the one above; it "
                 "steps biases, filters and the last layer.", "above": 0, "high": 1e6, "scale": "log",
                 "slider": (1e-3, 100), "unit": "× lr", "rare": False},
    "ns_steps": {"title": "Newton-Schulz steps", "help": "Rounds that make the step equally long in all "
                 "directions.", "low": 1, "high": 99, "slider": (1, 10)},
    "ns_coefficients": {"title": "Newton-Schulz coefficients", "help": "Of the fifth-degree polynomial of "
                        "each round.", "slider": (-10, 10)},
}  # fmt: skip

_FIRST = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad")
_HELP = {
    "SGD": "Gradient descent, with momentum and Nesterov's look-ahead if you like.",
    "Adam": "Momentum and a step size of its own for every coordinate.",
    "AdamW": "Adam with weight decay kept apart from the gradient.",
    "RMSprop": "Divides by the root of a running mean of squared gradients.",
    "Adagrad": "Divides by the root of the sum of all squared gradients, so it slows down.",
    "LBFGS": "Quasi-Newton: models the curvature from the last few gradients.",
    "Muon": "Muon for the weight matrices of hidden layers, AdamW for the rest. Muon's steps are equally "
    "long in all directions.",
    "Momentum": "Goes along a running average of gradients: the tutorial's momentum, (1 − β) in front of g.",
    "TextbookAdagrad": "Divides by the root of the sum of all squared gradients; epsilon is inside the root.",
    "TextbookRMSprop": "Divides by the root of a running mean of squares; epsilon is inside the root.",
    "TextbookAdam": "Momentum and a step size of its own for every coordinate; epsilon is inside the root.",
}
_LABELS = {
    "Momentum": "Momentum (average)",
    "TextbookAdagrad": "AdaGrad (textbook)",
    "TextbookRMSprop": "RMSProp (textbook)",
    "TextbookAdam": "Adam (textbook)",
    "Muon": "Muon + AdamW",
}
_ADAM = "m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²"
_FORMULAS = {
    "SGD": "m ← β m + g;  x ← x − lr m",
    "Adam": f"{_ADAM};  x ← x − lr m̂ / (√v̂ + ε)",
    "AdamW": f"x ← (1 − lr w) x;  {_ADAM};  x ← x − lr m̂ / (√v̂ + ε)",
    "RMSprop": "v ← α v + (1 − α) g²;  x ← x − lr g / (√v + ε)",
    "Adagrad": "v ← v + g²;  x ← x − lr g / (√v + ε)",
    "ASGD": "x ← (1 − λ η) x − η g;  η = lr / (1 + λ lr t)^α",
    "Adadelta": "v ← ρ v + (1 − ρ) g²;  Δ = g √(u + ε) / √(v + ε);  u ← ρ u + (1 − ρ) Δ²;  x ← x − lr Δ",
    "Adafactor": "v ← (1 − t^d) v + t^d g²;  x ← x − η g / √v, the step clipped",
    "Adamax": "m ← β₁ m + (1 − β₁) g;  u ← max(β₂ u, |g| + ε);  x ← x − lr m̂ / u",
    "LBFGS": "x ← x − lr B g, B an inverse Hessian from the last gradients",
    "Muon": "m ← β m + (1 − β) g;  x ← x − lr U Vᵀ, with m = U Σ Vᵀ",
    "NAdam": f"{_ADAM};  x ← x − lr ((1 − μ) ĝ + μ m̂) / (√v̂ + ε)",
    "RAdam": f"{_ADAM};  x ← x − lr r m̂ / √v̂, without r / √v̂ at first",
    "Rprop": "Δ ← η₊ Δ where g keeps its sign, η₋ Δ where it turns;  x ← x − sign(g) Δ",
    "SparseAdam": f"{_ADAM};  x ← x − lr m̂ / (√v̂ + ε), where g is not 0",
    "Momentum": "m ← β m + (1 − β) g;  x ← x − lr m",
    "TextbookAdagrad": "v ← v + g²;  x ← x − lr g / √(v + ε)",
    "TextbookRMSprop": "v ← ρ v + (1 − ρ) g²;  x ← x − lr g / √(v + ε)",
    "TextbookAdam": f"{_ADAM};  x ← x − lr m̂ / √(v̂ + ε)",
}
_REFERENCES = {
    "Muon": "K. Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024; "
    "torch.optim.Muon and torch.optim.AdamW",
    "Momentum": "B. T. Polyak, Some methods of speeding up the convergence of iteration methods, 1964",
    "TextbookAdagrad": "J. Duchi, E. Hazan and Y. Singer, Adaptive Subgradient Methods for Online Learning "
    "and Stochastic Optimization, JMLR 2011",
    "TextbookRMSprop": "T. Tieleman and G. Hinton, Lecture 6.5, Neural Networks for Machine Learning, 2012",
    "TextbookAdam": "D. P. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, ICLR 2015",
}


@dataclasses.dataclass(frozen=True)
class OptimizerEntry(Entry):
    """A torch.optim.Optimizer: `make(parameters, values)` builds it."""

    optimizer: type[torch.optim.Optimizer] = torch.optim.SGD

    def make(
        self, parameters: Iterable[torch.Tensor], values: Mapping[str, Any], **execution: Any
    ) -> torch.optim.Optimizer:
        """Build the optimizer; `execution` are torch's own switches such as `foreach`.

        Raises:
            ValueError: torch's own sentence, if it refuses the values.
        """
        accepted = inspect.signature(self.optimizer).parameters
        switches = {key: value for key, value in execution.items() if key in accepted}
        return self.optimizer(list(parameters), **values, **switches)

    def refusal(self, shapes: Shapes) -> str:
        """Torch's own sentence if one throw-away step on parameters of these shapes fails, else empty."""
        return _refusal(self.name, shapes)


@functools.cache
def _refusal(name: str, shapes: Shapes) -> str:
    entry = OPTIMIZERS[name]
    defaults = {spec.name: spec.default for spec in params_of(entry.params)}
    probes = [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes]
    for probe in probes:
        probe.grad = torch.zeros_like(probe)
    try:
        entry.make(probes, defaults, foreach=False).step(lambda: 0.0)
    except (ValueError, RuntimeError, AttributeError, TypeError, IndexError) as error:
        return str(error).splitlines()[0]
    return ""


def _params(optimizer: type[torch.optim.Optimizer]) -> type[Config]:
    fields: dict[str, Any] = {}
    for name, argument in inspect.signature(optimizer).parameters.items():
        default = argument.default
        if name in _EXECUTION or not _is_plain(default):
            continue
        words = {"title": name, "help": "", "rare": True, **_WORDS.get(name, {})}
        is_switch = isinstance(default, bool)
        annotation: Any = type(default)
        if isinstance(default, tuple):
            annotation = tuple[(float,) * len(default)]  # type: ignore[misc]
        elif isinstance(default, int) and not is_switch and argument.annotation not in (int, "int"):
            annotation, default = float, float(default)
        fields[name] = (annotation, param(default, live=not is_switch, **words))
    return create_model(f"{optimizer.__name__}Params", __base__=Config, **fields)


def _is_plain(default: Any) -> bool:
    if isinstance(default, tuple):
        return all(isinstance(item, (int, float)) for item in default)
    return isinstance(default, (bool, int, float))


def _entries() -> list[OptimizerEntry]:
    found = {
        name: value
        for name, value in vars(torch.optim).items()
        if isinstance(value, type)
        and issubclass(value, torch.optim.Optimizer)
        and value is not torch.optim.Optimizer
    }
    found["Muon"] = Muon  # torch's takes matrices only, and a network has biases too
    rest = sorted(set(found) - set(_FIRST))
    chosen = [*(found[name] for name in _FIRST), *TEXTBOOK, *(found[name] for name in rest)]
    return [_entry(optimizer) for optimizer in chosen]


def _entry(optimizer: type[torch.optim.Optimizer]) -> OptimizerEntry:
    name = optimizer.__name__
    return OptimizerEntry(
        name=name,
        label=_LABELS.get(name, name),
        params=_params(optimizer),
        help=_HELP.get(name, f"torch.optim.{name}"),
        formula=_FORMULAS.get(name, ""),
        reference=_REFERENCES.get(name, f"torch.optim.{name}"),
        optimizer=optimizer,
    )


OPTIMIZERS: Registry[OptimizerEntry] = Registry(*_entries())


class OptimizerConfig(EntryConfig):
    """An optimizer and its hyperparameters, by the names of its signature: `{"name": "SGD", "lr": 0.1}`.

    A subclass for parameters of other shapes sets `shapes`; an optimizer that cannot step them is refused.
    """

    registry: ClassVar[Mapping[str, Entry]] = OPTIMIZERS
    shapes: ClassVar[Shapes] = ((4, 3), (4,))

    lr: float = param(0.1, **{**_WORDS["lr"], "live": True})

    @classmethod
    def refusal(cls, name: str) -> str:
        """Torch's sentence, if the optimizer cannot step parameters of these shapes."""
        return OPTIMIZERS[name].refusal(cls.shapes)

    def make(self, parameters: Iterable[torch.Tensor], **execution: Any) -> torch.optim.Optimizer:
        """The torch optimizer with these values."""
        return OPTIMIZERS[self.name].make(parameters, self.values, **execution)


def retune(optimizer: torch.optim.Optimizer, config: OptimizerConfig) -> None:
    """Give a running optimizer new hyperparameters and keep its state.

    Some optimizers make a buffer only if a hyperparameter is on at the first step (RMSprop's momentum);
    a buffer that the new values need and the state lacks starts at its initial value.

    Raises:
        ValueError: torch's own sentence, if it refuses the values; then nothing has changed.
    """
    probes = [
        torch.nn.Parameter(torch.zeros_like(p)) for group in optimizer.param_groups for p in group["params"]
    ]
    for probe in probes:
        probe.grad = torch.zeros_like(probe)
    trial = config.make(probes, foreach=False)
    for group in optimizer.param_groups:
        group.update(config.values)
    if isinstance(optimizer, torch.optim.LBFGS):
        _resize_memory(optimizer)
        return
    trial.step()
    owners = [p for group in optimizer.param_groups for p in group["params"]]
    for owner, probe in zip(owners, probes, strict=True):
        state = optimizer.state.get(owner)
        if state:
            for key, value in trial.state[probe].items():
                state.setdefault(key, value)


def _resize_memory(optimizer: torch.optim.LBFGS) -> None:
    """Fit LBFGS's memory to its edited group: torch sizes it once and fails with an IndexError otherwise."""
    group = optimizer.param_groups[0]
    group["max_eval"] = group["max_iter"] * 5 // 4  # torch's own default; the old one would cap a longer step
    for state in optimizer.state.values():
        state.pop("al", None)
        for name in ("old_dirs", "old_stps", "ro"):
            if state.get(name):
                state[name] = state[name][-group["history_size"] :]


def quick_step(optimizer: torch.optim.Optimizer) -> Callable[[], Any]:
    """What does the same as `optimizer.step` with the values it has now, bit for bit, at less cost.

    For gradient descent without extras one addition a parameter; otherwise torch's own method without the
    wrapper for profilers and hooks, which costs 15 µs a step.
    """
    extras = ("momentum", "dampening", "weight_decay", "nesterov", "maximize")
    if type(optimizer) is torch.optim.SGD and not any(g[x] for g in optimizer.param_groups for x in extras):
        return functools.partial(_descend, optimizer)
    step = getattr(type(optimizer).step, "__wrapped__", None)
    return optimizer.step if step is None else functools.partial(step, optimizer)


def _descend(optimizer: torch.optim.SGD) -> None:
    with torch.no_grad():  # as a decorator it takes twice as long
        for group in optimizer.param_groups:
            rate = -group["lr"]
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.add_(parameter.grad, alpha=rate)


def wants_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the optimizer evaluates the loss itself, several times a step, as LBFGS does."""
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty
