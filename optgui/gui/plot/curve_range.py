"""Which stretch of x and y of a curve is seen.

Ranges are set by hand and grow in rare jumps: a range that follows every record would paint all axes and
lines afresh each time, and painting takes its time from the job.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyqtgraph as pg

from optgui.gui.plot.curve_line import CurveLine

_FIRST_TOP = 100.0  # right end while nobody has said how long the run is
_HUGE = 1e300  # no axis reaches further: beyond, margins overflow


class CurveRange:
    """The whole run, or the part of it that the user has zoomed to; y is found from what is seen."""

    def __init__(self, box: pg.ViewBox) -> None:
        self.blank = (0.0, 1.0)  # y on a linear axis as long as there is no number
        self.span = 0.0  # where x will end, as far as anybody has said
        self.is_zoomed = False  # then the x range is the user's
        self._box = box
        self._whole = (0.0, _FIRST_TOP)
        self._y: tuple[float, float] | None = None  # None when the next `follow_y` is to find it
        self._set_whole(*self._whole)

    @property
    def x(self) -> tuple[float, float]:
        """Left and right end of what is seen."""
        x0, x1 = self._box.viewRange()[0]
        return x0, x1

    @property
    def y(self) -> tuple[float, float]:
        """Lower and upper end of what is seen, in the units of the axis."""
        y0, y1 = self._box.viewRange()[1]
        return y0, y1

    def cover(self, lines: Iterable[CurveLine]) -> None:
        """Let the whole run reach from the first record to the span or the newest record."""
        low, newest = self._extent(lines)
        self._set_whole(low, max(self.span, newest) or _FIRST_TOP)

    def fit(self, lines: Iterable[CurveLine]) -> None:
        """Show the whole run."""
        self.is_zoomed = False
        self.cover(lines)
        self.forget_y()

    def zoom(self, factor: float, centre: float) -> None:
        """Show `factor` times as much of x about `centre`."""
        x0, x1 = self.x
        self._box.setXRange(centre + (x0 - centre) * factor, centre + (x1 - centre) * factor, padding=0)

    def take_zoom(self) -> None:
        """Notice that the user has zoomed or panned; as much as the whole run is no zoom."""
        x0, x1 = self.x
        self.is_zoomed = x1 - x0 < 0.999 * (self._whole[1] - self._whole[0])
        self._set_whole(*self._whole)
        self.forget_y()

    def forget_y(self) -> None:
        """Find the y range afresh at the next `follow_y`."""
        self._y = None

    def follow_x(self, lines: Iterable[CurveLine]) -> bool:
        """Grow by a jump where the newest record leaves the range; whether that was so."""
        low, newest = self._extent(lines)
        if newest <= self._whole[1] and low == self._whole[0]:
            return False
        top = self.span if newest <= self.span else low + 1.5 * (newest - low)
        self._set_whole(low, max(top, self._whole[1]))
        return True

    def follow_y(self, lines: Iterable[CurveLine], *, log: bool) -> None:
        """Grow by a jump where the visible numbers leave the range; find it afresh if it was forgotten."""
        ends = [end for line in lines for end in line.extremes(*self.x)]
        if ends:
            low, high = self._around(max(min(ends), -_HUGE), min(max(ends), _HUGE), log)
        else:
            low, high = self._y or ((-3.0, 0.0) if log else self.blank)
        if (low, high) != self._y or self.y != (low, high):
            self._box.setYRange(low, high, padding=0)
            self._y = (low, high) if ends else None

    def _around(self, least: float, most: float, log: bool) -> tuple[float, float]:
        room = (most - least) or (1.0 if log else abs(most) or 1.0)
        if self._y is None:
            low, high = least - 0.06 * room, most + 0.08 * room
        else:
            low, high = self._y
            low = least - 0.25 * room if least < low else low
            high = most + 0.25 * room if most > high else high
        if not log and least >= 0 and low < 0.3 * high:
            low = -0.02 * high  # a quantity that starts at zero shows its zero
        return low, high

    def _extent(self, lines: Iterable[CurveLine]) -> tuple[float, float]:
        """Left end of the whole run and the newest x."""
        series = [line.series for line in lines if len(line.series)]
        first = min((float(one.x[0]) for one in series), default=0.0)
        newest = max((float(one.x[-1]) for one in series), default=0.0)
        return (0.0 if 0 <= first <= 0.5 * max(self.span, newest) else first), newest

    def _set_whole(self, low: float, top: float) -> None:
        top = top if top > low else low + 1.0
        self._whole = (low, top)
        self._box.setLimits(xMin=low, xMax=top)
        if not self.is_zoomed:
            self._box.setXRange(low, top, padding=0)
