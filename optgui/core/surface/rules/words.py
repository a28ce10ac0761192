"""A step in words: four digits, a real minus sign, points in brackets, and lines that rules share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from optgui.core.surface.rules.base import Array, Line, Step


def shown(value: Any) -> str:
    """A number as `−0.4321` or `1e−8`, a point as `(1.39, −0.43)`, a matrix row by row."""
    if np.ndim(value) and np.size(value) == 1:
        value = np.asarray(value).item()
    if np.ndim(value):
        return f"({', '.join(shown(item) for item in value)})"
    number = float(value)
    if math.isnan(number):
        return "–"
    text = f"{number + 0.0:.4g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return text.replace("inf", "∞").replace("-", "−")


def line(name: str, formula: str, numbers: str, *values: Any) -> Line:
    """A line whose `numbers` has one `{}` for each value."""
    return Line(name, formula, numbers.format(*map(shown, values)))


def decayed(values: Mapping[str, Any], step: Step) -> tuple[Array, tuple[Line, ...]]:
    """The gradient with its weight decay, and the line that says so where there is any."""
    weight = values.get("weight_decay", 0.0)
    if not weight:
        return step.gradient, ()
    pulled = step.gradient + weight * step.x
    text = "{} + {} · {} = {}"
    return pulled, (line("weight decay", "g ← g + w x", text, step.gradient, weight, step.x, pulled),)


def averaged(
    name: str, symbols: tuple[str, str, str], beta: float, before: Array | None, new: Array, after: Array
) -> Line:
    """An average m ← β m + (1 − β) new; `symbols` are those of m, β and what is new."""
    m, decay, news = symbols
    old = np.zeros_like(after) if before is None else before
    text = "{} · {} + {} · {} = {}"
    formula = f"{m} ← {decay} {m} + (1 − {decay}) {news}"
    return line(name, formula, text, beta, old, 1 - beta, new, after)


def stepped(step: Step, rate: float, symbol: str, way: Array, x: Array | None = None) -> Line:
    """The step x ← x − lr d."""
    text = "{} − {} · {} = {}"
    return line("step", f"x ← x − lr {symbol}", text, step.x if x is None else x, rate, way, step.led_to)


def divided(
    step: Step, rate: float, symbols: tuple[str, str], way: Array, scale: Any, x: Array | None = None
) -> Line:
    """The step x ← x − lr d / s; `symbols` are those of d and s."""
    formula = f"x ← x − lr {symbols[0]} / {symbols[1]}"
    place = step.x if x is None else x
    return line("step", formula, "{} − {} · {} / {} = {}", place, rate, way, scale, step.led_to)


def divisor(step: Step, rate: float, way: Array, x: Array | None = None) -> Array:
    """By what `way` was divided, read off the step itself; NaN where it did not move."""
    place = step.x if x is None else x
    with np.errstate(all="ignore"):
        found: Array = rate * way / (place - step.led_to)
    return found
