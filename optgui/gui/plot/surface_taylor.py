"""Contours of a Taylor model on the map, at the heights of the surface's own."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from optgui.core.curvature import taylor
from optgui.core.surface import SurfaceConfig
from optgui.gui import theme
from optgui.gui.plot.surface_heat import contours, cosmetic
from optgui.gui.plot.surface_layer import Array, Layer

SAMPLES = 60  # a side
REST_MS = 50  # between two models: a play head moves faster than one can compare contours


class TaylorLayer(Layer):
    """Draws the contours of models around one point: first order dotted, second order dashed."""

    def __init__(self, view: pg.ViewBox, widget: QWidget) -> None:
        super().__init__(view, 6, cached=True)
        self._widget = widget
        self.paths: dict[int, QPainterPath] = {}
        self._wanted: tuple[SurfaceConfig, tuple[float, float], tuple[int, ...], Array] | None = None
        self._due = False
        self._rest = QTimer(widget, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._draw_if_due)

    def draw(
        self, surface: SurfaceConfig, point: tuple[float, float], orders: tuple[int, ...], heights: Array
    ) -> None:
        """Draw models of these orders around a point, now or as soon as the last ones are old enough."""
        self._wanted, self._due = (surface, point, orders, heights), True
        if not self._rest.isActive():
            self._draw_if_due()

    def clear(self) -> None:
        """Draw no model."""
        self._wanted, self._due = None, False
        if self.paths:
            self.paths = {}
            self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(theme.colours(self._widget).accent)
        for order, path in self.paths.items():
            dash = Qt.PenStyle.DotLine if order == 1 else Qt.PenStyle.DashLine
            painter.setPen(cosmetic(colour, 1.5, dash))
            painter.drawPath(path)

    def _draw_if_due(self) -> None:
        if not self._due or self._wanted is None:
            return
        self._due = False
        surface, point, orders, heights = self._wanted
        curvature = surface.curvature(*point)
        self.paths = {}
        if curvature.kind != "not finite":
            rect = self.view.viewRect()
            x = np.linspace(rect.left(), rect.right(), SAMPLES)
            y = np.linspace(rect.top(), rect.bottom(), SAMPLES)
            points = np.stack(np.meshgrid(x, y), -1)
            for order in orders:
                self.paths[order] = contours(x, y, taylor(curvature, order, points), heights)
        self.update()
        self._rest.start()
