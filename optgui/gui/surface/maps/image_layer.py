"""A picture of cells: an image stretched over a rectangle."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from optgui.gui import theme
from optgui.gui.plot.surface_layer import Layer


class ImageLayer(Layer):
    """Cells without interpolation; hatching shows through where they are transparent."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view, -20, cached=True)
        self.image = QImage()
        self._rect = QRectF()
        self._hatch = QBrush()

    def draw(self, argb: NDArray[np.uint32], rect: QRectF) -> None:
        """Draw colours (rows, columns) over `rect` in data coordinates, row 0 at its bottom."""
        rows, columns = argb.shape
        cells = np.ascontiguousarray(argb)
        image = QImage(cells.data, columns, rows, 4 * columns, QImage.Format.Format_ARGB32)
        self.image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)  # its own copy
        self._rect = rect
        self.update()

    def clear(self) -> None:
        """Draw nothing."""
        self.image = QImage()
        self.update()

    def recolour(self, tokens: theme.Colours) -> None:
        """Take the colours of a look."""
        faint = QColor(tokens.muted)
        faint.setAlpha(110)
        self._hatch = QBrush(faint, Qt.BrushStyle.FDiagPattern)
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        if self.image.isNull():
            return
        painter.save()
        room = painter.worldTransform().mapRect(self._rect)
        painter.resetTransform()
        painter.fillRect(room, self._hatch)
        painter.restore()
        painter.drawImage(self._rect, self.image)


def packed(colours: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Opaque ARGB (...) of red, green and blue (..., 3) from 0 to 255."""
    red, green, blue = np.moveaxis(colours.clip(0, 255).astype(np.uint32), -1, 0)
    return np.asarray(0xFF000000 | red << 16 | green << 8 | blue, dtype=np.uint32)


def rgb(name: str) -> NDArray[np.float64]:
    """Red, green and blue (3,) of "#rrggbb", from 0 to 255."""
    colour = QColor(name)
    return np.array([colour.red(), colour.green(), colour.blue()], dtype=np.float64)
