"""Milestones of a multi-step schedule: where they stand in a run, and how a hand moves them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from optgui.core.schedulers import SchedulerConfig


@dataclasses.dataclass(frozen=True)
class Milestones:
    """The milestones of a schedule in a run of `steps` steps; they count intervals behind the warm-up.

    An interval has `unit` steps; `offset` of them pass before the first is counted.
    """

    values: tuple[int, ...]
    unit: int
    offset: int
    steps: int
    word: str  # what is counted: epoch or step

    @classmethod
    def of(cls, schedule: SchedulerConfig, steps_per_epoch: int, epochs: int) -> Milestones | None:
        """Those of a schedule over a run, None if it has none."""
        values = schedule.values
        if "milestones" not in values:
            return None
        word = values["interval"]
        unit = steps_per_epoch if word == "epoch" else 1
        return cls(values["milestones"], unit, values["warmup"] // unit, steps_per_epoch * epochs, word)

    @property
    def last(self) -> int:
        """The last interval that ends within the run, at least 1."""
        return max(1, self.steps // self.unit - self.offset)

    @property
    def warning(self) -> str:
        """Which of them lie beyond the run, in a sentence; empty if none does."""
        beyond = [str(value) for value in self.values if value > self.last]
        if not beyond:
            return ""
        length = self.steps // self.unit
        *most, final = beyond
        which = f"{', '.join(most)} and {final} lie" if most else f"{final} lies"
        run = f"the run of {length:,} {self.word}{'' if length == 1 else 's'}"
        return f"{which} beyond {run}{', counted behind the warm-up' if self.offset else ''}."

    def place(self, index: int) -> int:
        """The first step that a milestone acts on; the end of the run for one beyond it."""
        return min(self.steps, (self.values[index] + self.offset) * self.unit)

    def nearest(self, step: float) -> int:
        """The interval whose end is nearest to a step, within the run."""
        return min(self.last, max(1, round(step / self.unit) - self.offset))

    def moved(self, index: int, value: int) -> tuple[tuple[int, ...], int]:
        """The milestones with one of them at `value`, in order and within the run, and its new index."""
        others = [*self.values[:index], *self.values[index + 1 :]]
        return _put(others, min(self.last, max(1, value)))

    def added(self, value: int) -> tuple[tuple[int, ...], int]:
        """The milestones with one more, and its index; a value that is there is not put in twice."""
        if value in self.values:
            return self.values, self.values.index(value)
        return _put(self.values, value)

    def removed(self, index: int) -> tuple[tuple[int, ...], int]:
        """The milestones without one of them, and the index of the one before it."""
        return (*self.values[:index], *self.values[index + 1 :]), max(0, index - 1)

    def gap(self) -> int | None:
        """The middle of the widest gap between them within the run, None if they fill it."""
        within = [value for value in self.values if value <= self.last]
        ends = itertools.pairwise([0, *within, self.last + 1])
        low, high = max(ends, key=lambda pair: pair[1] - pair[0])
        return (low + high) // 2 if high - low > 1 else None


def _put(values: Sequence[int], value: int) -> tuple[tuple[int, ...], int]:
    """Sorted values with `value` among them, and its index."""
    found = tuple(sorted([*values, value]))
    return found, found.index(value)
