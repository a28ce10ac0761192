"""One line of a curve: its numbers, and the pyqtgraph items that show a few of them."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from optgui.gui import theme
from optgui.gui.plot.series import Points, Series

SMOOTHING = 0.95  # share of the past in the smoothed line
_PALE = 0.35  # share of the colour in the exact values below a smoothed line
_MOST_BINS = 1000  # two points each
_MOST_MARKERS = 200  # symbols drawn one by one; where there are more, the line alone
_NOTHING: Points = (np.empty(0), np.empty(0))


class CurveLine:
    """Numbers that grow at their end, and the exact, averaged and marked pictures of them.

    Args:
        label: Words at the end of the line.
        colour_index: Place in the theme's series of colours.
        dash: Second cue beside the colour.
        marker: Draw a symbol at each point.
        smoothed: Keep a moving average and draw it over the pale exact values.
    """

    def __init__(
        self, label: str, colour_index: int, dash: Qt.PenStyle, *, marker: bool, smoothed: bool
    ) -> None:
        self.label, self.colour_index, self.dash = label, colour_index, dash
        self.series = Series(SMOOTHING if smoothed else None)
        self.sharp = pg.PlotCurveItem(skipFiniteCheck=True)
        self.soft = pg.PlotCurveItem(skipFiniteCheck=True) if smoothed else None
        symbol = theme.MARKERS[colour_index % len(theme.MARKERS)]
        self.dots = pg.ScatterPlotItem(size=8, symbol=symbol) if marker else None
        self.shown = True
        self.smooth = True  # whether the average is drawn, where there is one
        self.dirty = True
        self.drawn: Points = _NOTHING  # of the line the eye follows, in the units of the axes

    @property
    def items(self) -> list[pg.PlotCurveItem | pg.ScatterPlotItem]:
        """What lies in the plot, from below to above."""
        return [item for item in (self.sharp, self.soft, self.dots) if item is not None]

    @property
    def is_averaged(self) -> bool:
        """Whether the eye follows the moving average."""
        return self.soft is not None and self.smooth

    def show(self, *, shown: bool, smooth: bool) -> None:
        """Show or hide the line, and its average over it."""
        self.shown, self.smooth = shown, smooth
        for item in self.items:
            item.setVisible(shown and (item is not self.soft or smooth))

    def draw(self, x0: float, x1: float, width: float, *, log: bool) -> None:
        """Give the items the points of x0 <= x <= x1 for a plot `width` pixels wide."""
        bins = min(max(int(width), 100), _MOST_BINS)
        self.drawn = _points(self.series.envelope(x0, x1, bins, around=True), log)
        self.sharp.setData(*self.drawn)
        if self.dots is not None:
            self.dots.setData(*(self.drawn if len(self.drawn[0]) <= _MOST_MARKERS else _NOTHING))
        if self.soft is not None and self.smooth:
            self.drawn = _points(self.series.envelope(x0, x1, bins, smoothed=True, around=True), log)
            self.soft.setData(*self.drawn)
        self.dirty = False

    def extremes(self, x0: float, x1: float) -> list[float]:
        """Smallest and largest drawn y of x0 <= x <= x1; empty where there is none."""
        ends: list[float] = []
        for item in (self.sharp, self.soft) if self.is_averaged else (self.sharp,):
            x, y = item.getData()
            seen = () if x is None else y[(x >= x0) & (x <= x1)]
            if len(seen):
                ends += [float(seen.min()), float(seen.max())]
        return ends

    def restyle(self, pen: QPen, ground: str) -> None:
        """Take the colour and dash of `pen` on a plot of colour `ground`."""
        pale = pg.mkPen(mixed(pen.color(), QColor(ground), _PALE), width=1)
        self.sharp.setPen(pale if self.is_averaged else pen)
        if self.soft is not None:
            self.soft.setPen(pen)
        if self.dots is not None:
            self.dots.setPen(pg.mkPen(pen.color(), width=1))
            self.dots.setBrush(pg.mkBrush(ground))


def _points(points: Points, log: bool) -> Points:
    if not log:
        return points
    positive = points[1] > 0
    return points[0][positive], np.log10(points[1][positive])


def mixed(colour: QColor, ground: QColor, share: float) -> QColor:
    """A share of a colour on a ground."""
    pairs = zip(colour.getRgb()[:3], ground.getRgb()[:3], strict=True)
    return QColor(*(round(share * above + (1 - share) * below) for above, below in pairs))
