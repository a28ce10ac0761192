"""Branches of a run: where each began, and how one quantity of all of them is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt

from optgui.gui.plot.curve_axis import readable
from optgui.gui.plot.curve_line import CurveLine
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.plot.curve_words import Row

Floats = NDArray[np.float64]
LEFT = " left"  # ends the key of a line that shows what a rewind left
_PALE = 0.35  # opacity of what the run has left


class Branches:
    """Which branch goes on from where; branch 0 is "main"."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Only the main branch, from step 0."""
        self._origins: dict[int, tuple[int, int]] = {0: (-1, 0)}
        self.newest = 0

    def __contains__(self, branch: int) -> bool:
        return branch in self._origins

    def begin(self, branch: int, parent: int, step: int) -> bool:
        """Take a branch that goes on from `step` of its parent; whether that is news."""
        if self._origins.get(branch) == (parent, step):
            return False
        self._origins[branch] = (parent, step)
        self.newest = max(self.newest, branch)
        return True

    def kept(self) -> dict[int, float]:
        """Of each branch the last step on the way to the newest one's end; what lies behind it was left."""
        ends = {branch: float(origin[1]) for branch, origin in self._origins.items()}
        branch, end = self.newest, math.inf
        while branch in self._origins:
            ends[branch] = end
            branch, end = self._origins[branch]
        return ends


def branch_label(branch: int) -> str:
    """The words at the end of a branch's line."""
    return f"branch {branch}" if branch else "main"


class BranchView(CurveView):
    """A curve whose lines that were left are a background: no name, no reading, no say in the range."""

    @property
    def shown_lines(self) -> list[CurveLine]:
        """The visible lines with numbers that were not left."""
        left = {id(line) for key, line in self.lines.items() if key.endswith(LEFT)}
        return [line for line in super().shown_lines if id(line) not in left]

    def nearest_x(self) -> float | None:
        """The record nearest to the cursor, of whichever branch has one there."""
        cursor = self.cursor
        if cursor is None:
            return None
        found = [near[0] for line in self.shown_lines if (near := line.series.nearest(cursor)) is not None]
        return min(found, key=lambda x: abs(x - cursor), default=None)

    def readings(self, write: Callable[[float], str] = readable) -> list[Row]:
        """What hovering reads, without the branches that are elsewhere."""
        x, rows = self.nearest_x(), super().readings(write)
        lines = [line for line in self.shown_lines if line.dots is None]
        here = {line.colour_index for line in lines if x is not None and _covers(line, x)}
        return [row for row in rows if row[0] is None or not here or row[0].colour_index in here]


def _covers(line: CurveLine, x: float) -> bool:
    """Whether a line has numbers on both sides of a place, or there."""
    return bool(line.series.x[0] <= x <= line.series.x[-1])


class BranchLines:
    """One quantity: a line for each branch, and a pale one for what was left of it.

    Args:
        view: where they are drawn.
        key: of the main branch's line; branch k has "key k", what was left "key k left".
        smoothed: as in `CurveView.add_line`.
        marker: as there; then lines are dashed.
    """

    def __init__(self, view: BranchView, key: str, *, smoothed: bool = False, marker: bool = False) -> None:
        self._view, self._key, self._smoothed, self._marker = view, key, smoothed, marker
        self._labels: dict[int, str] = {}
        self._ends: dict[int, float] = {}

    def key(self, branch: int) -> str:
        """Of the line of a branch."""
        return f"{self._key} {branch}" if branch else self._key

    def clear(self) -> None:
        """Only the empty line of the main branch."""
        for branch in self._labels:
            self._view.remove_line(self.key(branch))
            self._view.remove_line(self.key(branch) + LEFT)
        self._labels, self._ends = {}, {}
        self._add(0, "test" if self._marker else "main")

    def extend(self, branch: int, label: str, xs: Floats, ys: Floats) -> None:
        """Append to the line of a branch; what comes late from behind its end goes to what was left."""
        if branch not in self._labels:
            self._add(branch, label)
        kept = xs <= self._ends.get(branch, math.inf)
        self._append(self.key(branch), xs[kept], ys[kept])
        if not kept.all():
            self._append(self._left(branch), xs[~kept], ys[~kept])

    def arrange(self, branches: Branches) -> None:
        """Draw pale what lies behind the end of each branch on the way to the newest."""
        self._ends = branches.kept()
        for branch, end in self._ends.items():
            if branch in self._labels:
                self._split(branch, end)

    def _add(self, branch: int, label: str) -> None:
        self._labels[branch] = label
        self._line(self.key(branch), label, branch, smoothed=self._smoothed)

    def _line(self, key: str, label: str, branch: int, *, smoothed: bool) -> None:
        dash = Qt.PenStyle.DashLine if self._marker else None
        self._view.add_line(key, label, branch, dash=dash, marker=self._marker, smoothed=smoothed)

    def _left(self, branch: int) -> str:
        """Key of the pale line of a branch, which is made if there is none."""
        left = self.key(branch) + LEFT
        if left not in self._view.lines:
            self._line(left, self._labels[branch], branch, smoothed=self._smoothed)
            for item in self._view.lines[left].items:
                item.setOpacity(_PALE)
        return left

    def _append(self, key: str, xs: Floats, ys: Floats) -> None:
        """What lies behind the line's last number; what does not is known."""
        last = self._view.lines[key].series.last
        new = xs > (-math.inf if last is None else last[0])
        self._view.extend(key, xs[new], ys[new])

    def _split(self, branch: int, end: float) -> None:
        key = self.key(branch)
        left = key + LEFT
        lines = [self._view.lines[name].series for name in (key, left) if name in self._view.lines]
        x, first = np.unique(np.concatenate([one.x for one in lines]), return_index=True)
        y = np.concatenate([one.y for one in lines])[first]
        cut = int(np.searchsorted(x, end, side="right"))
        if cut == len(lines[0]):
            return
        self._view.set_line(key, x[:cut], y[:cut])
        if cut == len(x):
            self._view.remove_line(left)
        else:
            self._view.set_line(self._left(branch), x[cut:], y[cut:])
