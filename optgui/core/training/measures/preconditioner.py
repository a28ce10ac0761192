"""What an adaptive optimizer divides by, read from its state.

An optimizer whose step is lr P^-1 m behaves on a quadratic with Hessian H as momentum does with
P^-1/2 H P^-1/2. Source: J. Cohen, B. Ghorbani, S. Krishnan and others, Adaptive Gradient Methods at the
Edge of Stability, 2022 (their P, too, has both bias corrections in it).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

State = dict[str, Any]
_TINY = 1e-30  # below it a square root or its inverse is no float32


class Preconditioner(NamedTuple):
    """P^-1/2 (size,), in the order of the parameters, and the weight decay that P divides as well."""

    scale: torch.Tensor
    weight_decay: float


def _adam(state: State, group: State) -> torch.Tensor:
    one, two = group["betas"]
    step = float(state["step"])
    square = state["max_exp_avg_sq"] if group["amsgrad"] else state["exp_avg_sq"]
    return torch.as_tensor(((square / (1 - two**step)).sqrt() + group["eps"]) * (1 - one**step))


def _rmsprop(state: State, group: State) -> torch.Tensor:
    square = state["square_avg"]
    if group["centered"]:
        square = (square - state["grad_avg"] ** 2).clamp_min(0)
    return torch.as_tensor(square.sqrt() + group["eps"])


def _adamax(state: State, group: State) -> torch.Tensor:
    return torch.as_tensor(state["exp_inf"] * (1 - group["betas"][0] ** float(state["step"])))


def _adagrad(state: State, group: State) -> torch.Tensor:
    slower = 1 + (float(state["step"]) - 1) * group["lr_decay"]
    return torch.as_tensor((state["sum"].sqrt() + group["eps"]) * slower)


def _textbook_adam(state: State, group: State) -> torch.Tensor:
    one, two = group["betas"]
    step = float(state["step"])
    return torch.as_tensor((state["v"] / (1 - two**step) + group["eps"]).sqrt() * (1 - one**step))


def _textbook_root(state: State, group: State) -> torch.Tensor:
    return torch.as_tensor((state["v"] + group["eps"]).sqrt())


_DIVISORS: dict[str, Callable[[State, State], torch.Tensor]] = {
    "Adam": _adam,
    "AdamW": _adam,
    "Adamax": _adamax,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
    "TextbookAdam": _textbook_adam,
    "TextbookRMSprop": _textbook_root,
    "TextbookAdagrad": _textbook_root,
}


def preconditioner(optimizer: torch.optim.Optimizer) -> Preconditioner | None:
    """P^-1/2 as the optimizer's state has it after its last step; None without one.

    A weight decay that AdamW keeps apart from the gradient is not in it: it is in the limit.
    """
    divisor = _DIVISORS.get(type(optimizer).__name__)
    if divisor is None:
        return None
    parts, decay = [], 0.0
    for group in optimizer.param_groups:
        if not group.get("decoupled_weight_decay", False):
            decay = group.get("weight_decay", 0.0)
        for parameter in group["params"]:
            state = optimizer.state.get(parameter)
            if not state:
                return None
            parts.append(divisor(state, group).reshape(-1))
    return Preconditioner(torch.cat(parts).clamp_min(math.sqrt(_TINY)).rsqrt(), float(decay))
