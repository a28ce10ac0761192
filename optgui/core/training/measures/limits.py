"""How sharp a loss may be at a learning rate: above it the optimizer leaves along the steepest direction.

Exact on a quadratic with all its data in each gradient. Sources: `optgui.core.surface.rates`; J. Cohen and
others, Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability, ICLR 2021; Adaptive
Gradient Methods at the Edge of Stability, 2022.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from optgui.core.optimizers import OptimizerConfig
from optgui.core.surface.rates import UPDATES, Form, Update, ruler


class Limit(NamedTuple):
    """The largest stable λ_max at a learning rate; None where there is no single one, and `note` says why.

    If `preconditioned`, it is a limit of λ_max of P^-1/2 H P^-1/2 as `Sharpness` reads it with the
    optimizer's preconditioner, otherwise of λ_max of H.
    """

    value: float | None
    formula: str
    preconditioned: bool
    note: str


_ADAPTIVE: dict[str, Callable[[Mapping[str, Any]], Update]] = {
    **dict.fromkeys(
        ("Adam", "AdamW", "Adamax", "TextbookAdam"), lambda v: Update(v["betas"][0], Form.AVERAGE)
    ),
    **dict.fromkeys(("Adagrad", "TextbookAdagrad", "TextbookRMSprop"), lambda _: Update()),
    "RMSprop": lambda values: Update(values["momentum"]),
}
_FROZEN = "of the preconditioned Hessian, as if the divisor stood still"
_NONE = {
    "ASGD": "lowers its own rate as it goes",
    "Adadelta": "divides by its own scale and multiplies by that of its steps",
    "Adafactor": "clips its steps and chooses their size by itself",
    "LBFGS": "learns the curvature itself",
    "Muon": "makes every step equally long in all directions",
    "NAdam": "raises its momentum over thousands of steps",
    "RAdam": "changes its step size with the age of its averages",
    "Rprop": "looks only at the signs of the gradient",
    "SparseAdam": "updates only some of the weights",
}


def stability_limit(optimizer: OptimizerConfig, lr: float) -> Limit:
    """The limit at an effective learning rate (base lr x schedule factor).

    Coupled weight decay w adds to every eigenvalue of H: it is subtracted from a plain limit, and the
    preconditioned Hessian has it inside. Where weight decay stands apart (AdamW), x ← (1 − lr w) x − lr m,
    the characteristic polynomial has the root −1 at lr λ = (2 − lr w) (1 + β) / (1 − β).

    Raises:
        ValueError: if the rate is not a finite number above 0.
    """
    if not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"lr: expected a finite number > 0, got {lr!r}")
    name, values = optimizer.name, optimizer.values
    adaptive = name in _ADAPTIVE
    if not adaptive and name not in UPDATES:
        return Limit(None, "", False, f"{name} {_NONE.get(name, 'is not linear on a quadratic')}: "
                     "there is no single limit.")  # fmt: skip
    update = (_ADAPTIVE if adaptive else UPDATES)[name](values)
    decay = values.get("weight_decay", 0.0)
    if update.weight == 0:
        return Limit(None, "", False, "Dampening 1: after the first step no gradient reaches the velocity.")
    number = ruler([1.0], dataclasses.replace(update, weight_decay=0.0)).limit
    top, under = update.limit_formula
    formula = f"{top} / ({under}lr)" if under else f"{top} / lr"
    if not adaptive:
        note = "less the weight decay, which adds to every eigenvalue" if decay else ""
        return Limit(number / lr - decay, f"{formula} − w" if decay else formula, False, note)
    if decay and (name == "AdamW" or values.get("decoupled_weight_decay", False)):
        return Limit(number / lr - decay * number / 2, f"({formula}) (1 − lr w / 2)", True, _FROZEN)
    return Limit(number / lr, formula, True, _FROZEN)
