"""What a curve says in words: the values under the cursor, and the newest ones for the screen reader."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from optgui.gui.plot.curve_axis import exact, short_x
from optgui.gui.plot.curve_line import CurveLine

Row = tuple[CurveLine | None, str, str]  # the line it is about, words, value


def values_at(lines: Iterable[CurveLine], x: float, unit: str, write: Callable[[float], str]) -> list[Row]:
    """The record of each line nearest to x, and its average where one is drawn."""
    rows: list[Row] = []
    unit = f" {unit}" if unit else ""
    for line in lines:
        at, y = line.series.nearest(x) or (x, math.nan)
        elsewhere = f" at {short_x(at)}" if at != x else ""
        rows.append((line, line.label + elsewhere, write(y) + unit))
        if line.is_averaged and (average := line.series.smoothed) is not None:
            place = int(np.searchsorted(line.series.x, at))
            rows.append((line, "  average", write(float(average[place])) + unit))
    return rows


def newest(lines: Iterable[CurveLine], x_label: str, unit: str) -> list[str]:
    """The last record of each line that has one, each in a few words."""
    unit = f" {unit}" if unit else ""
    return [
        f"{line.label} {exact(last[1])}{unit} at {x_label} {short_x(last[0])}"
        for line in lines
        if (last := line.series.last) is not None
    ]
