"""PlaneView: the plane through a digit, as heights of the loss or as regions of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QResizeEvent

from optgui.core.attack.plane import PlaneFrame
from optgui.core.surface import SurfaceGrid
from optgui.gui import theme
from optgui.gui.attack.plane.marks import PlaneMarks
from optgui.gui.plot.curve_axis import short
from optgui.gui.plot.heat import heat_table
from optgui.gui.plot.surface_heat import HeatLayer
from optgui.gui.plot.surface_layer import caption
from optgui.gui.surface.maps.image_layer import ImageLayer, packed, rgb
from optgui.gui.surface.maps.plot import MapPlot

YELLOW = "#F0E442"  # Okabe and Ito's, of which the theme's series holds the others
PALE = 0.45  # share of the plot's background in a region
KEY_LETTERS = 12  # width of the key of heights
GUTTER = 16  # pixels at the right of the square
DECADES = 6  # of losses that are told apart


class PlaneView(MapPlot):
    """One frame of the plane; axes go through the digit, the attack lies along the one to the right."""

    def __init__(self, name: str, object_name: str) -> None:
        self.along_label = "along the attack (px)"
        self._heights: tuple[float, float] | None = None
        self._is_log = False
        self._colours: NDArray[np.float64] = np.zeros((10, 3))
        super().__init__(name, object_name)
        self.y_label = "across (px)"
        self.view.setMouseEnabled(False, False)
        self.heat, self.regions = HeatLayer(self.view), ImageLayer(self.view)
        self.lines = PlaneMarks(self.view, self)
        self.frame: PlaneFrame | None = None
        self.shows = "Loss"
        self.fit_wanted.connect(self.fit)
        self.restyle()

    def draw(self, frame: PlaneFrame | None, shows: str) -> None:
        """Draw a picture of the plane, or nothing."""
        before = self.frame
        self.frame, self.shows = frame, shows
        sampled = frame is not None and frame.level > 0
        self.heat.setVisible(sampled and shows == "Loss")
        self.regions.setVisible(sampled and shows == "Regions")
        self._heights = None
        if frame is not None and sampled:
            self._paint(frame)
        self.lines.draw(frame)
        if frame is not None and (before is None or frame.half != before.half):
            self.fit()
        self.viewport().update()

    def fit(self) -> None:
        """Show the whole square."""
        if self.frame is not None:
            half = self.frame.half
            self.view.setRange(QRectF(-half, -half, 2 * half, 2 * half), padding=0.0)

    def restyle(self) -> None:
        """Take the theme's colours and the font as they are now."""
        super().restyle()
        metrics = QFontMetricsF(caption())
        self.x_axis.setHeight(round(2 * metrics.height() + 10))
        self._make_square()
        if hasattr(self, "lines"):
            tokens = theme.colours(self)
            self._colours = class_colours(tokens)
            self.heat.recolour(self)
            self.regions.recolour(tokens)
            self.lines.update()
            if self.frame is not None and self.frame.level:
                self._paint(self.frame)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay square."""
        super().resizeEvent(event)
        if hasattr(self, "lines") and self.plotItem is not None:  # which a view that closes has no more
            self._make_square()

    def _make_square(self) -> None:
        """Leave empty what is wider or higher than a square, so that nothing is seen beside the plane."""
        width = self.width() - self.y_axis.width() - GUTTER
        height = self.height() - self.x_axis.height() - self._strip - 2
        wide, high = max(0.0, width - height) / 2, max(0.0, height - width)
        self.plotItem.layout.setContentsMargins(wide, self._strip, GUTTER + wide, 2 + high)
        self.plotItem.layout.activate()

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """As of any map, with the name of the lower axis below it and the key of heights above."""
        super().drawForeground(painter, rect)
        room, tokens = self.view.sceneBoundingRect(), theme.colours(self)
        painter.save()
        painter.setFont(caption())
        painter.setPen(QColor(tokens.muted))
        metrics = QFontMetricsF(painter.font())
        below = QRectF(room.left(), room.bottom() + metrics.height() + 6, room.width(), metrics.height() + 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, self.along_label)
        if self._heights is not None:
            self._draw_key(painter, room, metrics)
        painter.restore()

    def _draw_key(self, painter: QPainter, room: QRectF, metrics: QFontMetricsF) -> None:
        """The colours from the lowest to the highest loss, above the plot at its right."""
        assert self._heights is not None
        low, high = (short(height, 3) for height in self._heights)
        width, gap = KEY_LETTERS * metrics.averageCharWidth(), metrics.averageCharWidth()
        right, middle = room.right(), room.top() - metrics.height() / 2 - 5
        baseline = middle + (metrics.ascent() - metrics.descent()) / 2
        right -= metrics.horizontalAdvance(high)
        painter.drawText(QPointF(right, baseline), high)
        bar = QRectF(right - gap - width, middle - 4, width, 8)
        table = np.ascontiguousarray(heat_table(self)[None])
        painter.drawImage(bar, QImage(table.data, 256, 1, 3 * 256, QImage.Format.Format_RGB888))
        text = f"loss (log) {low}" if self._is_log else f"loss {low}"
        painter.drawText(QPointF(bar.left() - gap - metrics.horizontalAdvance(text), baseline), text)

    def _paint(self, frame: PlaneFrame) -> None:
        if self.shows == "Loss":
            self._heights = float(frame.values.min()), float(frame.values.max())
            self._is_log = spreads(frame.values)
            self.heat.draw(SurfaceGrid(frame.places, frame.places, heights(frame.values)))
        else:
            half = frame.half
            square = QRectF(-half, -half, 2 * half, 2 * half)
            self.regions.draw(packed(self._colours[frame.classes]), square)


def spreads(losses: NDArray[np.float32]) -> bool:
    """Whether losses are better told apart by their logarithm, as those of a very sure network are."""
    top = float(losses.max())
    return float(losses.min()) >= 0 and float(np.median(losses)) < 0.1 * top


def heights(losses: NDArray[np.float32]) -> NDArray[np.float64]:
    """The losses (k, k) or, where they spread, their powers of ten, the top few."""
    values = losses.astype(np.float64)
    return np.log10(np.maximum(values, values.max() * 10.0**-DECADES)) if spreads(losses) else values


def class_colours(tokens: theme.Colours) -> NDArray[np.float64]:
    """A colour (10, 3) for each class, pale so that lines and words stand out from it."""
    strong = np.array([rgb(name) for name in (*tokens.series, YELLOW, tokens.text)])
    return np.asarray(strong * (1 - PALE) + rgb(tokens.plot) * PALE)
