"""The ground of the map: heat map, contours, and hatching where the surface has no value."""

from __future__ import annotations

import contourpy
import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from optgui.core.surface import SurfaceGrid, levels, shade
from optgui.gui import theme
from optgui.gui.plot.heat import heat_table
from optgui.gui.plot.surface_layer import Array, Layer

CONTOURS = 16
HATCH_PIXELS = 9  # between two lines


class HeatLayer(Layer):
    """Draws one sampled grid; kept as a picture until the grid, the look or the view changes."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view, -20, cached=True)
        self.levels: Array = np.empty(0)  # of the contours
        self.missing: NDArray[np.bool_] = np.zeros((0, 0), dtype=bool)  # (rows, columns): hatched
        self._rect = QRectF()
        self._shades: Array | None = None
        self._image = QImage()
        self._contours = QPainterPath()
        self._edge = QPainterPath()  # of where the surface has values
        self._line = self._hatch = self._border = QPen()
        self._table: NDArray[np.uint32] = np.zeros(256, dtype=np.uint32)

    def draw(self, grid: SurfaceGrid) -> None:
        """Draw another grid."""
        dx, dy = grid.x[1] - grid.x[0], grid.y[1] - grid.y[0]
        x0, y0 = grid.x[0] - dx / 2, grid.y[0] - dy / 2
        self._rect = QRectF(x0, y0, grid.x[-1] + dx / 2 - x0, grid.y[-1] + dy / 2 - y0)
        self.missing = np.isnan(grid.z)
        self.levels = levels(grid, CONTOURS)
        self._contours = contours(grid.x, grid.y, grid.z, self.levels)
        some = self.missing.any() and not self.missing.all()
        half = np.array([0.5])
        self._edge = contours(grid.x, grid.y, self.missing.astype(float), half) if some else QPainterPath()
        self._shades = shade(grid)
        self._colour()

    def recolour(self, widget: QWidget) -> None:
        """Take the colours of the look a widget has now."""
        tokens, dark = theme.colours(widget), theme.is_dark(widget)
        red, green, blue = heat_table(widget).astype(np.uint32).T
        self._table = 0xFF000000 | red << 16 | green << 8 | blue
        line = QColor("#FFFFFF" if dark else "#000000")
        line.setAlpha(60)
        self._line = cosmetic(line, 1)
        faint = QColor(tokens.muted)
        faint.setAlpha(110)
        self._hatch = QPen(faint, 1)
        self._border = cosmetic(QColor(tokens.muted), 1)
        self._colour()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        if self._shades is None:
            return
        if self.missing.any():
            painter.save()
            room = painter.worldTransform().mapRect(self._rect)
            painter.resetTransform()
            painter.setClipRect(room)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(self._hatch)
            painter.drawLines(_diagonals(room))
            painter.restore()
        painter.drawImage(self._rect, self._image)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._line)
        painter.drawPath(self._contours)
        painter.setPen(self._border)
        painter.drawPath(self._edge)

    def _colour(self) -> None:
        if self._shades is not None:
            places = np.nan_to_num(self._shades * 255).astype(np.uint8)
            argb = np.where(self.missing, 0, self._table[places]).astype(np.uint32)
            rows, columns = argb.shape
            image = QImage(argb.data, columns, rows, 4 * columns, QImage.Format.Format_ARGB32)
            self._image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)  # its own copy
        self.update()


def contours(x: Array, y: Array, z: Array, heights: Array) -> QPainterPath:
    """Lines of equal height of z (rows, columns) over x (columns,) and y (rows,), in data coordinates."""
    path = QPainterPath()
    generator = contourpy.contour_generator(x, y, np.ma.masked_invalid(z))
    for height in heights:
        for line in generator.lines(float(height)):
            path.addPath(pg.arrayToQPath(line[:, 0].copy(), line[:, 1].copy()))
    return path


def cosmetic(colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A pen whose width is in pixels at every zoom."""
    pen = QPen(colour, width, style)
    pen.setCosmetic(True)
    return pen


def _diagonals(room: QRectF) -> list[QLineF]:
    """Rising lines that fill a rectangle."""
    top, bottom, height = room.top(), room.bottom(), room.height()
    starts = np.arange(np.floor((room.left() - height) / HATCH_PIXELS), room.right() / HATCH_PIXELS)
    return [QLineF(QPointF(x, bottom), QPointF(x + height, top)) for x in (starts * HATCH_PIXELS).tolist()]
