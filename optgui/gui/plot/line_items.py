"""What is drawn on the curve of a function of one variable: trails of racers, and veils over parts of x."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainterPath, QPen, QTransform
from PySide6.QtWidgets import QGraphicsPathItem, QWidget

from optgui.core.constraints import ConvexSet
from optgui.gui import theme

Array = NDArray[np.float64]
Interval = tuple[float, float]

SEGMENTS = 600  # of a trail that are drawn at most, the latest ones
DOTS = 40  # visited points that are drawn at most, the latest ones
STANDS_BACK = 0.45
HEAD_PX = 7  # of an arrow
FAR_PX = 30_000  # from the middle; what lies beyond is drawn there, since Qt cannot draw everything


class Trail:
    """One racer on the curve: the chords between visited points, the points, and the arrow of its step."""

    def __init__(self, plot: pg.PlotWidget, identity: int) -> None:
        self._plot, self._identity = plot, identity
        self.chords = pg.PlotCurveItem(connect="pairs", antialias=True)
        self.dots = pg.PlotCurveItem(connect="pairs", antialias=True)
        self.arrow = pg.PlotCurveItem(connect="pairs", antialias=True)
        for depth, item in enumerate((self.chords, self.dots, self.arrow)):
            item.setSegmentedLineMode("on")
            item.setZValue(8 + depth)
            plot.addItem(item, ignoreBounds=True)

    def recolour(self, widget: QWidget) -> None:
        """Take the colours of the present look."""
        colour = theme.racer_colour(self._identity, widget)
        self.arrow.setPen(pg.mkPen(colour, width=2))
        round_pen = pg.mkPen(colour, width=4)
        round_pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        self.dots.setPen(round_pen)
        self.chords.setPen(pg.mkPen(colour, width=1))

    def draw(self, points: Array, pixel: tuple[float, float], centre: tuple[float, float]) -> None:
        """Draw the points (n, 2) visited so far, without what one pixel cannot tell from another."""
        reach = FAR_PX * np.array(pixel)
        known = np.nan_to_num(points, nan=centre[1], posinf=np.inf, neginf=-np.inf)
        near = np.clip(known, np.array(centre) - reach, np.array(centre) + reach)
        cells = np.round((near - centre) / pixel).astype(np.int64)
        moved = np.any(cells[1:] != cells[:-1], axis=1)
        starts = np.flatnonzero(moved)
        if len(starts) > SEGMENTS:
            starts = _latest_of_each(cells[starts], cells[starts + 1], starts)[-SEGMENTS:]
        chords = np.stack([near[starts], near[starts + 1]], axis=1).reshape(-1, 2)
        self.chords.setData(chords[:, 0], chords[:, 1])
        visited = near[starts[-DOTS:]].repeat(2, axis=0)
        visited[1::2, 0] += pixel[0] * 1e-3  # a line without length would not be drawn
        self.dots.setData(visited[:, 0], visited[:, 1])

    def draw_arrow(self, places: Sequence[float], height: float, pixel: tuple[float, float]) -> None:
        """Draw level arrows from place to place, at one height; none if there are fewer than two."""
        lines: list[tuple[float, float]] = []
        for start, end in itertools.pairwise(places):
            if not np.isfinite([start, end, height]).all() or abs(end - start) < pixel[0]:
                continue
            back = np.sign(start - end) * min(HEAD_PX * pixel[0], abs(end - start))
            wing = 0.6 * HEAD_PX * pixel[1]
            for x, y in ((start, height), (end + back, height + wing), (end + back, height - wing)):
                lines += [(x, y), (end, height)]
        drawn = np.array(lines).reshape(-1, 2)
        self.arrow.setData(drawn[:, 0], drawn[:, 1])

    def show(self, *, trail: bool, arrow: bool, chosen: bool) -> None:
        """Show or hide the parts; the chords of a racer that is not the chosen one stand back."""
        self.chords.setOpacity(1.0 if chosen else STANDS_BACK)
        self.chords.setVisible(trail)
        self.dots.setVisible(trail)
        self.arrow.setVisible(arrow)

    def remove(self) -> None:
        """Take the items off the plot."""
        for item in (self.chords, self.dots, self.arrow):
            self._plot.removeItem(item)


class Veil(QGraphicsPathItem):
    """Intervals of x covered from top to bottom, hatched or with a border."""

    def __init__(self, *, hatched: bool) -> None:
        super().__init__()
        self._hatched = hatched
        self.intervals: tuple[Interval, ...] = ()

    def recolour(self, widget: QWidget) -> None:
        """Take the colours of the present look."""
        tokens = theme.colours(widget)
        if self._hatched:
            self.setPen(QPen(Qt.PenStyle.NoPen))
            self.setBrush(QBrush(QColor(tokens.muted), Qt.BrushStyle.BDiagPattern))
            self.setOpacity(0.45)
        else:
            veil = QColor(tokens.rule)
            veil.setAlpha(150)
            border = QPen(QColor(tokens.muted), 1)
            border.setCosmetic(True)
            self.setBrush(veil)
            self.setPen(border)

    def cover(self, intervals: Sequence[Interval], view: QRectF, pixel: tuple[float, float]) -> None:
        """Cover these intervals over the height of the view, edges drawn only inside of it."""
        self.intervals = tuple(intervals)
        path = QPainterPath()
        width, height = view.width(), view.height()
        for low, high in intervals:
            left, right = max(low, view.left() - width), min(high, view.right() + width)
            path.addRect(QRectF(left, view.top() - height, right - left, 3 * height))
        self.setPath(path)
        brush = self.brush()
        brush.setTransform(QTransform.fromScale(*pixel))  # a pattern in pixels, not in units of the axes
        self.setBrush(brush)


def gaps(x: Array, y: Array) -> list[Interval]:
    """Intervals of rising x in which y is NaN, half a sample wider on each side."""
    missing = np.concatenate([[False], np.isnan(y), [False]])
    edges = np.flatnonzero(missing[1:] != missing[:-1])
    half = (x[1] - x[0]) / 2
    return [
        (float(x[first] - half), float(x[last - 1] + half))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]


def outside(feasible: ConvexSet, view: Interval) -> list[Interval]:
    """The parts of the x axis (y = 0) that do not belong to a set of the plane; endless ones are infinite."""
    low, high = -np.inf, np.inf
    reach = 1.0 + 2.0 * max(abs(view[0]), abs(view[1]))
    planes = feasible.half_planes(((-reach, reach), (-reach, reach)), 720)
    for (slope, _), offset in zip(planes.normals, planes.offsets, strict=True):
        if abs(slope) > 1e-9:
            bound = float(offset / slope)
            low, high = (low, min(high, bound)) if slope > 0 else (max(low, bound), high)
        elif offset < 0:
            high = -np.inf
    if low > high:
        return [(-np.inf, np.inf)]
    return [part for part in ((-np.inf, low), (high, np.inf)) if np.isfinite(part).any()]


def _latest_of_each(
    ones: NDArray[np.int64], others: NDArray[np.int64], places: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Of places with the same pair of cells the last one, in their order: (k,)."""
    keys = np.concatenate([ones, others], axis=1)
    mixed = keys @ np.array([1, 1_000_003, 998_244_353, 715_827_883])
    _, last = np.unique(mixed[::-1], return_index=True)
    found: NDArray[np.intp] = places[np.sort(len(mixed) - 1 - last)]
    return found
