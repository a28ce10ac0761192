"""RULES: the update of every optimizer of the surface, for many points at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optgui.core.params import Kind, params_of
from optgui.core.surface.optimizers import DescentOptimizer
from optgui.core.surface.rules.adam import Adam, AdamW, TextbookAdam
from optgui.core.surface.rules.adam_kin import Adamax, NAdam, RAdam
from optgui.core.surface.rules.adaptive import (
    Adadelta,
    Adagrad,
    RMSprop,
    TextbookAdagrad,
    TextbookRMSprop,
)
from optgui.core.surface.rules.base import Array, Line, Rule, Step
from optgui.core.surface.rules.curvature import DampedNewton, Newton, OptimalStepGD
from optgui.core.surface.rules.descent import ASGD, SGD, Momentum
from optgui.core.surface.rules.line_search import BFGS, ArmijoGD
from optgui.core.surface.rules.rprop import Rprop
from optgui.core.surface.rules.torch_rule import LBFGS, Adafactor

__all__ = ["RULES", "Line", "Rule", "Step", "columns_of", "make_rule", "make_rules"]

RULES: dict[str, type[Rule]] = {
    rule.__name__: rule
    for rule in (
        SGD, Adam, AdamW, RMSprop, Adagrad, Momentum, TextbookAdagrad, TextbookRMSprop, TextbookAdam,
        ASGD, Adadelta, Adafactor, Adamax, LBFGS, NAdam, RAdam, Rprop,
        Newton, DampedNewton, BFGS, ArmijoGD, OptimalStepGD,
    )
}  # fmt: skip


def make_rule(optimizer: DescentOptimizer, start: Array, **columns: Any) -> Rule:
    """A rule that moves all points `start` (n, 2) by one optimizer.

    `columns` replace values by numbers of each point's own, arrays (n, 1); of a pair such as `betas` both
    items are given, each a number or an array. The rate is not among them: `step` takes it.

    Raises:
        ValueError: if a column has another shape or is no number of this optimizer.
    """
    values = _without_rate(optimizer)
    for name, column in columns.items():
        if name not in values or isinstance(values[name], bool):
            raise ValueError(f"{name}: expected a number of {optimizer.name} other than lr")
        items = column if isinstance(values[name], tuple) else (column,)
        if any(np.ndim(item) and np.shape(item) != (len(start), 1) for item in items):
            raise ValueError(f"{name}: expected {len(start)} rows of one number")
    return RULES[optimizer.name]({**values, **columns}, start)


def make_rules(
    optimizers: Sequence[DescentOptimizer], start: Array
) -> tuple[tuple[NDArray[np.intp], Rule], ...]:
    """Rules that move point i of `start` (n, 2) by optimizer i, each with the rows that it moves.

    Optimizers of one name whose switches are equal share a rule. After an edit of numbers
    `rule.retune(columns_of([optimizers[row] for row in rows]))` goes on with the same state.
    """
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row, optimizer in enumerate(optimizers):
        groups.setdefault((optimizer.name, *_switches(optimizer)), []).append(row)
    made = []
    for rows in groups.values():
        chosen = [optimizers[row] for row in rows]
        made.append((np.array(rows), RULES[chosen[0].name](columns_of(chosen), start[rows])))
    return tuple(made)


def columns_of(optimizers: Sequence[DescentOptimizer]) -> dict[str, Any]:
    """The values, without lr, of optimizers that share a rule: numbers where they agree, else columns."""
    rows = [_without_rate(optimizer) for optimizer in optimizers]
    return {name: _merged([row[name] for row in rows]) for name in rows[0]}


def _merged(items: list[Any]) -> Any:
    if isinstance(items[0], tuple):
        return tuple(_merged(list(parts)) for parts in zip(*items, strict=True))
    return items[0] if items.count(items[0]) == len(items) else np.array(items)[:, None]


def _switches(optimizer: DescentOptimizer) -> list[Any]:
    specs = params_of(optimizer.registry[optimizer.name].params)
    return [getattr(optimizer, spec.name) for spec in specs if spec.kind is Kind.SWITCH]


def _without_rate(optimizer: DescentOptimizer) -> Mapping[str, Any]:
    return {name: value for name, value in optimizer.values.items() if name != "lr"}
