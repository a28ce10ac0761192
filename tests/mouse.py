"""A mouse for pyqtgraph's pictures: it presses, moves and releases at places given in units of the axes."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


def pixel_of(plot: pg.PlotWidget, x: float, y: float) -> QPoint:
    """Where a place is on the plot's viewport."""
    scene = plot.getPlotItem().getViewBox().mapViewToScene(QPointF(x, y))
    return plot.mapFromScene(scene)


def click(plot: pg.PlotWidget, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
    QTest.mouseClick(plot.viewport(), button, pos=pixel_of(plot, x, y))


def double_click(plot: pg.PlotWidget, x: float, y: float) -> None:
    """What a person's double click sends; Qt's own helper presses once more, which pyqtgraph minds."""
    click(plot, x, y)
    at = pixel_of(plot, x, y)
    _send(plot, QEvent.Type.MouseButtonDblClick, at, LEFT, LEFT)
    _send(plot, QEvent.Type.MouseButtonRelease, at, LEFT, Qt.MouseButton.NoButton)


def move(plot: pg.PlotWidget, x: float, y: float, buttons: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
    _send(plot, QEvent.Type.MouseMove, pixel_of(plot, x, y), Qt.MouseButton.NoButton, buttons)


def drag(plot: pg.PlotWidget, start: tuple[float, float], end: tuple[float, float], moves: int = 4) -> None:
    """Press at `start`, move to `end` in a few moves, and release there."""
    limit = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", 0)
    first, last = pixel_of(plot, *start), pixel_of(plot, *end)
    _send(plot, QEvent.Type.MouseButtonPress, first, LEFT, LEFT)
    for step in range(1, moves + 1):
        _send(
            plot, QEvent.Type.MouseMove, first + (last - first) * step / moves, Qt.MouseButton.NoButton, LEFT
        )
    _send(plot, QEvent.Type.MouseButtonRelease, last, LEFT, Qt.MouseButton.NoButton)
    pg.setConfigOption("mouseRateLimit", limit)


def _send(
    plot: pg.PlotWidget, kind: QEvent.Type, at: QPoint, button: Qt.MouseButton, buttons: Qt.MouseButton
) -> None:
    place = QPointF(at)
    viewport = plot.viewport()
    everywhere = QPointF(viewport.mapToGlobal(at))
    event = QMouseEvent(kind, place, everywhere, button, buttons, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(viewport, event)
