"""What a benchmark returns, and two things timed side by side."""

from __future__ import annotations

import dataclasses
import importlib
import operator
from collections.abc import Callable
from typing import Any, Literal

_TESTS = {">=": operator.ge, "<=": operator.le, "<": operator.lt}


class Skipped(Exception):
    """A benchmark that cannot run here; its text is the reason."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table: two figures, or one.

    `by` says what `target` is about: `ours / other`, `ours - other`, or `ours` alone.
    """

    what: str
    ours: float
    other: float | None = None
    unit: str = ""
    target: str = ""  # ">= 9", "<= 1.5", "< 50"; empty: only reported
    by: Literal["ratio", "difference", "ours"] = "ratio"
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """ours / other, where there are two figures that can be divided."""
        return self.ours / self.other if self.other else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if not self.target:
            return None
        sign, number = self.target.split()
        if self.by == "ours" or self.other is None:
            value = self.ours
        else:
            value = abs(self.ours - self.other) if self.by == "difference" else self.ours / self.other
        return bool(_TESTS[sign](value, float(number)))

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {**dataclasses.asdict(self), "ratio": self.ratio, "met": self.met}


def interleaved(repeats: int, **measures: Callable[[], float]) -> dict[str, list[float]]:
    """Take turns, so that what else the computer does hits all of them alike."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(repeats):
        for name, measure in measures.items():
            found[name].append(measure())
    return found


def measured(name: str) -> dict[str, Any]:
    """The rows of a benchmark, or why there are none, as plain data."""
    module = importlib.import_module(f"tests.benchmarks.{name}")
    try:
        return {"rows": [row.as_dict() for row in module.rows()]}
    except Skipped as reason:
        return {"skipped": str(reason)}
