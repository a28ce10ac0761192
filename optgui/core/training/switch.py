"""Another optimizer in mid-run: what becomes of the running averages.

Every average is read as what it estimates, the mean m of the gradient g and the mean v of g², with the bias
of its start taken out, and written in the form of the next optimizer. Forms: torch.optim's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from optgui.core.optimizers import OptimizerConfig

State = dict[str, Any]
States = dict[torch.Tensor, State]  # by parameter
Values = Mapping[str, Any]


class Moments(NamedTuple):
    """What is known of the gradient of one parameter; None where no such average was kept."""

    mean: torch.Tensor | None
    square: torch.Tensor | None
    steps: int  # gradients behind them


UNKNOWN = Moments(None, None, 0)


def known_moments(optimizer: torch.optim.Optimizer, config: OptimizerConfig, age: int) -> list[Moments]:
    """What an optimizer of `age` steps knows of the gradient of each parameter."""
    owners = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return [_read(config, optimizer.state.get(owner, {}), age) for owner in owners]


def mapped(new: torch.optim.Optimizer, config: OptimizerConfig, known: Sequence[Moments]) -> States:
    """The state of a fresh optimizer that knows so much, in its own form; empty where it needs more."""
    states: States = {}
    if config.name not in _WRITERS:
        return states
    for (owner, fresh), moments in zip(first_states(new, config).items(), known, strict=True):
        found = _write(config, moments)
        if found:
            states[owner] = {**fresh, **{key: value.clone() for key, value in found.items()}}
    return states


def kept(old: torch.optim.Optimizer, new: torch.optim.Optimizer, config: OptimizerConfig) -> States:
    """The state of a fresh optimizer with the buffers of the old one that have its names and shapes.

    A step counter alone is not kept: it would say that averages which are still 0 have long settled.
    """
    states: States = {}
    for owner, fresh in first_states(new, config).items():
        state = old.state.get(owner, {})
        found = {key: value.clone() for key, value in state.items() if _same_kind(value, fresh.get(key))}
        if not found.keys() <= {"step"}:
            states[owner] = {**fresh, **found}
    return states


def wants_squares(config: OptimizerConfig) -> bool:
    """Whether the optimizer begins badly without the mean square of the gradient."""
    return config.name in _BY_SQUARES


def first_states(new: torch.optim.Optimizer, config: OptimizerConfig) -> States:
    """The state of each parameter before its first step, with every buffer in it."""
    owners = [parameter for group in new.param_groups for parameter in group["params"]]
    if config.name not in _WRITERS:
        return {}
    probes = [torch.nn.Parameter(torch.zeros_like(owner)) for owner in owners]
    for probe in probes:
        probe.grad = torch.zeros_like(probe)
    trial = config.make(probes, foreach=False)
    trial.step()
    states = {owner: dict(trial.state[probe]) for owner, probe in zip(owners, probes, strict=True)}
    for state in states.values():
        if "step" in state:
            state["step"] = torch.zeros_like(torch.as_tensor(state["step"]))
    return states


def _same_kind(value: Any, fresh: Any) -> bool:
    return isinstance(value, torch.Tensor) and isinstance(fresh, torch.Tensor) and value.shape == fresh.shape


def _read(config: OptimizerConfig, state: State, age: int) -> Moments:
    reader = _READERS.get(config.name)
    steps = int(state["step"]) if "step" in state else age
    if reader is None or not state or steps == 0:
        return UNKNOWN
    mean, square = reader(state, config.values, steps)
    return Moments(mean, square, steps)


def _write(config: OptimizerConfig, known: Moments) -> State:
    return _WRITERS[config.name](known, config.values) if known.steps else {}


Pair = tuple[torch.Tensor | None, torch.Tensor | None]


def _read_sgd(state: State, values: Values, steps: int) -> Pair:
    buffer, momentum = state.get("momentum_buffer"), values["momentum"]
    if buffer is None or not momentum or values["dampening"] == 1:
        return None, None
    weight = (1 - momentum**steps) / (1 - momentum) * (1 - values["dampening"])
    return buffer / weight, None


def _read_average(state: State, values: Values, steps: int) -> Pair:
    return state["m"] / (1 - values["momentum"] ** steps), None


def _read_adam(state: State, values: Values, steps: int) -> Pair:
    one, two = values["betas"]
    names = ("m", "v") if "m" in state else ("exp_avg", "exp_avg_sq")
    square = state.get(names[1])
    mean = state[names[0]] / (1 - one**steps)
    return mean, None if square is None else square / (1 - two**steps)


def _read_rmsprop(state: State, values: Values, steps: int) -> Pair:
    square = state["square_avg"] / (1 - values["alpha"] ** steps)
    if values["centered"]:
        return state["grad_avg"] / (1 - values["alpha"] ** steps), square
    if values["momentum"]:  # its buffer sums gradients that are already divided
        return state["momentum_buffer"] * (1 - values["momentum"]) * (square.sqrt() + values["eps"]), square
    return None, square


def _read_textbook_rmsprop(state: State, values: Values, steps: int) -> Pair:
    return None, state["v"] / (1 - values["rho"] ** steps)


def _read_adadelta(state: State, values: Values, steps: int) -> Pair:
    return None, state["square_avg"] / (1 - values["rho"] ** steps) if values["rho"] < 1 else None


def _read_adagrad(state: State, values: Values, steps: int) -> Pair:
    total = state.get("sum", state.get("v"))
    assert total is not None
    return None, (total - values.get("initial_accumulator_value", 0.0)).clamp_min(0) / steps


_READERS: dict[str, Callable[[State, Values, int], Pair]] = {
    "SGD": _read_sgd,
    "Momentum": _read_average,
    **dict.fromkeys(("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "TextbookAdam"), _read_adam),
    "RMSprop": _read_rmsprop,
    "TextbookRMSprop": _read_textbook_rmsprop,
    "Adadelta": _read_adadelta,
    **dict.fromkeys(("Adagrad", "TextbookAdagrad"), _read_adagrad),
}


def _write_sgd(known: Moments, values: Values) -> State:
    momentum = values["momentum"]
    if known.mean is None or not momentum:
        return {}
    return {"momentum_buffer": known.mean * ((1 - values["dampening"]) / (1 - momentum))}


def _write_average(known: Moments, values: Values) -> State:
    return {} if known.mean is None else {"m": known.mean}


def _write_adam(known: Moments, values: Values) -> State:
    if known.square is None:  # a mean over the root of nothing would be endless
        return {}
    one, two = values["betas"]
    mean = torch.zeros_like(known.square) if known.mean is None else known.mean
    step = torch.tensor(float(known.steps))
    return {
        "step": step,
        "exp_avg": mean * (1 - one**known.steps),
        "exp_avg_sq": known.square * (1 - two**known.steps),
    }


def _write_textbook_adam(known: Moments, values: Values) -> State:
    found = _write_adam(known, values)
    return {"step": found["step"], "m": found["exp_avg"], "v": found["exp_avg_sq"]} if found else {}


def _write_nadam(known: Moments, values: Values) -> State:
    found = _write_adam(known, values)
    if found:
        decay, one, product = values["momentum_decay"], values["betas"][0], 1.0
        for step in range(1, known.steps + 1):
            product *= one * (1 - 0.5 * 0.96 ** (step * decay))
        found["mu_product"] = torch.tensor(product)
    return found


def _write_rmsprop(known: Moments, values: Values) -> State:
    if known.square is None:
        return {}
    found: State = {"step": torch.tensor(float(known.steps)), "square_avg": known.square}
    mean = torch.zeros_like(known.square) if known.mean is None else known.mean
    if values["centered"]:
        found["grad_avg"] = mean
    if values["momentum"]:
        found["momentum_buffer"] = mean / (known.square.sqrt() + values["eps"]) / (1 - values["momentum"])
    return found


def _write_textbook_rmsprop(known: Moments, values: Values) -> State:
    return {} if known.square is None else {"v": known.square}


def _write_adagrad(known: Moments, values: Values) -> State:
    if known.square is None:
        return {}
    total = known.square * known.steps + values["initial_accumulator_value"]
    return {"step": torch.tensor(float(known.steps)), "sum": total}


def _write_textbook_adagrad(known: Moments, values: Values) -> State:
    return {} if known.square is None else {"v": known.square * known.steps}


_WRITERS: dict[str, Callable[[Moments, Values], State]] = {
    "SGD": _write_sgd,
    "Momentum": _write_average,
    **dict.fromkeys(("Adam", "AdamW", "RAdam"), _write_adam),
    "NAdam": _write_nadam,
    "TextbookAdam": _write_textbook_adam,
    "RMSprop": _write_rmsprop,
    "TextbookRMSprop": _write_textbook_rmsprop,
    "Adagrad": _write_adagrad,
    "TextbookAdagrad": _write_textbook_adagrad,
}
_BY_SQUARES = frozenset(name for name in _WRITERS if name not in ("SGD", "Momentum"))
