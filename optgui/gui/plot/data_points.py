"""Data points of a problem that can be dragged, chosen, added and removed."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from optgui.gui import theme

Row = tuple[float, ...]  # u, v, and the label where points have one
Rows = tuple[Row, ...]

NEAR_PX = 10
SIZE, CHOSEN_SIZE = 11, 15  # diameters in pixels
# Marker and place among the colours of series. Purple and vermilion stay apart for the colour-blind, and the
# first racers have other colours.
CLASSES = {1.0: ("o", 6), -1.0: ("t", 3)}


class DataPoints(pg.ScatterPlotItem):
    """Draws points and moves them with the mouse. It keeps what it shows; the owner keeps what holds."""

    moved = Signal(object, bool)  # the points, whether the gesture has ended

    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self._widget = widget
        self._shift = QPointF()
        self.rows: Rows = ()
        self.chosen: int | None = None
        self.dragged: int | None = None

    def show_rows(self, rows: Rows) -> None:
        """Show these points, unless one is just being dragged."""
        if self.dragged is None:
            self.rows = rows
            if self.chosen is not None and self.chosen >= len(rows):
                self.chosen = None
            self.redraw()

    def choose(self, index: int | None) -> None:
        """Mark a point as chosen, or none."""
        self.chosen = index
        self.redraw()

    def redraw(self) -> None:
        """Draw all points as they are now."""
        tokens = theme.colours(self._widget)
        edge, ring = pg.mkPen(tokens.plot, width=1), pg.mkPen(tokens.text, width=2.5)
        self.setData(
            [
                {
                    "pos": row[:2],
                    "symbol": CLASSES[row[2]][0] if len(row) > 2 else "o",
                    "size": CHOSEN_SIZE if index == self.chosen else SIZE,
                    "brush": QColor(tokens.series[CLASSES[row[2]][1]] if len(row) > 2 else tokens.text),
                    "pen": ring if index == self.chosen else edge,
                }
                for index, row in enumerate(self.rows)
            ]
        )

    def nearest(self, place: QPointF) -> int | None:
        """The point within reach of a place of the plot, if any."""
        width, height = self.getViewBox().viewPixelSize()
        away = [math.hypot((x - place.x()) / width, (y - place.y()) / height) for x, y, *_ in self.rows]
        best = min(range(len(away)), key=away.__getitem__, default=None)
        return best if best is not None and away[best] <= NEAR_PX else None

    def put(self, index: int, x: float, y: float, *, ended: bool) -> None:
        """Move a point, and say so."""
        self.rows = (*self.rows[:index], (x, y, *self.rows[index][2:]), *self.rows[index + 1 :])
        self.redraw()
        self.moved.emit(self.rows, ended)

    def mouseDragEvent(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if event.isStart():
            index = self.nearest(event.buttonDownPos())
            if index is None:
                event.ignore()
                return
            self.dragged = index
            x, y = self.rows[index][:2]
            self._shift = QPointF(x, y) - event.buttonDownPos()
            self.choose(index)
        if self.dragged is None:
            event.ignore()
            return
        event.accept()
        place, index, ended = event.pos() + self._shift, self.dragged, event.isFinish()
        if ended:
            self.dragged = None
        self.put(index, float(place.x()), float(place.y()), ended=ended)
