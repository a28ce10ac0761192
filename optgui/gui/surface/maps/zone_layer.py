"""Bands of rates at which a racer diverges."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from optgui.gui import theme
from optgui.gui.plot.surface_layer import Layer

ALPHA = 20


class ZoneLayer(Layer):
    """Shades spans of x over the whole height."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view, -10)
        self.spans: Sequence[tuple[float, float]] = ()
        self._colour = QColor()

    def draw(self, spans: Sequence[tuple[float, float]]) -> None:
        """Shade these instead."""
        self.spans = spans
        self.update()

    def recolour(self, tokens: theme.Colours) -> None:
        """Take the colours of a look."""
        self._colour = QColor(tokens.error)
        self._colour.setAlpha(ALPHA)
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        room = self.boundingRect()
        for low, high in self.spans:
            painter.fillRect(QRectF(low, room.top(), high - low, room.height()), self._colour)
