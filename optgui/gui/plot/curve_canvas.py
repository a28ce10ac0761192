"""The painted plot of a curve: axes and lines as pyqtgraph items, words, marks and cursor over them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QApplication, QGraphicsView, QWidget

from optgui.gui import theme
from optgui.gui.plot.curve_axis import CurveAxis
from optgui.gui.plot.curve_marks import draw_marks
from optgui.gui.plot.curve_words import Row

if TYPE_CHECKING:
    from optgui.gui.plot.curve_view import CurveView

# Room at the right for the names, in characters; the same everywhere, so stacked curves share their x.
_GUTTER_CHARACTERS = 15
_Y_LETTERS = 8
_HEAD_WIDTH = 2  # px


class Head(QWidget):
    """The play head: opaque, so that moving it paints only the strip it leaves."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), QColor(theme.colours(self).accent))


class CurveCanvas(pg.PlotWidget):
    """The plot itself: axes and lines as pyqtgraph items, words and cursor painted over them."""

    def __init__(self, view: CurveView) -> None:
        self.view = view
        self.paints = 0
        self.x_axis, self.y_axis = CurveAxis("bottom", 11), CurveAxis("left", _Y_LETTERS)
        super().__init__(view, axisItems={"bottom": self.x_axis, "left": self.y_axis}, enableMenu=False)
        for axis in (self.x_axis, self.y_axis):
            axis.setZValue(-1)  # the grid lies below the lines
        self.plotItem.hideButtons()
        self.plotItem.vb.setMouseEnabled(x=True, y=False)
        self.plotItem.vb.disableAutoRange()
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self._caption, self.metrics, self.strip = QFont(), QFontMetricsF(QFont()), 20.0
        self._pressed: QPointF | None = None
        self._head = Head(self.viewport())

    def restyle(self, tokens: theme.Colours, font: QFont, strip: float, labels: Sequence[str]) -> None:
        """Colours, the font of all words, the height of the strip above the plot, the names at its right."""
        self._caption, self.metrics = font, QFontMetricsF(font)
        self.strip = max(strip + 4, self.metrics.height() + 8)
        character = self.metrics.averageCharWidth()
        widest = max(map(self.metrics.horizontalAdvance, labels), default=0.0) + 34
        gutter = max(widest, _GUTTER_CHARACTERS * character)
        self.setBackground(tokens.plot)
        for axis in (self.x_axis, self.y_axis):
            axis.setStyle(tickFont=font, tickTextOffset=6)
            axis.setPen(pg.mkPen(tokens.rule))
            axis.setTickPen(pg.mkPen(tokens.rule))
            axis.setTextPen(pg.mkPen(tokens.muted))
        self.x_axis.room, self.y_axis.room = 14 * character, 2.6 * self.metrics.height()
        self.y_axis.setWidth(round(self.metrics.horizontalAdvance("0" * _Y_LETTERS) + 12))
        self.x_axis.setHeight(round(self.metrics.height() + 8))
        self.plotItem.layout.setContentsMargins(0, self.strip, gutter, 2)

    def place_head(self, *_: object) -> None:
        """Put the play head where the view says."""
        x, (x0, x1) = self.view.head, self.view.x_range
        self._head.setVisible(x is not None and x0 <= x <= x1)
        if x is not None:
            plot = self.plotItem.vb.sceneBoundingRect()
            left = round(self.pixel_x(x, plot)) - _HEAD_WIDTH // 2
            self._head.setGeometry(left, round(plot.top()), _HEAD_WIDTH, round(plot.height()))

    # Painting

    def paintEvent(self, event: QEvent) -> None:
        """Count, so that tests see when nothing is painted."""
        self.paints += 1
        super().paintEvent(event)

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Words and cursor, in the scene's pixels, so that an exported picture has them as well."""
        plot, tokens = self.plotItem.vb.sceneBoundingRect(), theme.colours(self.view)
        painter.save()
        painter.setFont(self._caption)
        self._draw_names(painter, plot, tokens)
        strip = self._quantity_x(plot) + self.metrics.horizontalAdvance(self._quantity)
        draw_marks(self, painter, plot, (strip, self.view.toolbar.x() - 4.0), self._baseline)
        self._draw_ends(painter, plot, tokens)
        if self.view.nearest_x() is not None:
            self._draw_cursor(painter, plot, tokens)
        elif hint := self.view.hint:
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.setPen(QColor(tokens.muted))
            painter.setFont(self.view.font())
            words = painter.boundingRect(plot, flags, hint)
            painter.fillRect(words.adjusted(-4, 0, 4, 0), QColor(tokens.plot))  # over the grid
            painter.drawText(plot, flags, hint)
        painter.restore()

    def pixel_x(self, x: float, plot: QRectF) -> float:
        """Where a place of the x axis lies in the scene."""
        x0, x1 = self.view.x_range
        return plot.left() + (x - x0) / (x1 - x0) * plot.width()

    def pixel_y(self, y: float, plot: QRectF) -> float:
        """Where a place of the y axis, in its own units, lies in the scene."""
        y0, y1 = self.view.y_range
        return plot.bottom() - (y - y0) / (y1 - y0) * plot.height()

    def _draw_names(self, painter: QPainter, plot: QRectF, tokens: theme.Colours) -> None:
        painter.setPen(QColor(tokens.text))
        painter.drawText(QPointF(plot.left(), self._baseline), self.view.name)
        painter.setPen(QColor(tokens.muted))
        left = self._quantity_x(plot)
        elided = self.metrics.elidedText(
            self._quantity, Qt.TextElideMode.ElideRight, max(0.0, self.view.toolbar.x() - left - 4)
        )
        painter.drawText(QPointF(left, self._baseline), elided)
        width = self.metrics.horizontalAdvance(self.view.x_label)
        baseline = plot.bottom() + 5 + self.metrics.ascent()
        painter.drawText(QPointF(self.width() - width - 10, baseline), self.view.x_label)

    @property
    def _quantity(self) -> str:
        label = "" if self.view.y_label.lower() == self.view.name.lower() else self.view.y_label
        return ", ".join(filter(None, (label, self.view.unit)))

    def _quantity_x(self, plot: QRectF) -> float:
        return plot.left() + self.metrics.horizontalAdvance(self.view.name) + self.metrics.averageCharWidth()

    @property
    def _baseline(self) -> float:
        return (self.strip + self.metrics.ascent() - self.metrics.descent()) / 2

    def _draw_ends(self, painter: QPainter, plot: QRectF, tokens: theme.Colours) -> None:
        """The name of each line behind the end of the longest, moved apart where ends are close.

        Where there is no room for all, the first lines have theirs and a last row counts the others.
        """
        x1 = self.view.x_range[1]
        ends = []
        for line in self.view.shown_lines:
            x, y = line.drawn
            if len(x):
                ends.append((self.pixel_y(float(np.interp(x1, x, y)), plot), line))
        if not ends or (len(ends) == 1 and ends[0][1].label == self.view.y_label):
            return
        last = max(float(min(line.drawn[0][-1], x1)) for line in self.view.drawn_lines)
        left = min(self.pixel_x(last, plot), plot.right()) + 8
        height = self.metrics.height()
        named = named_of(len(ends), int(plot.height() / height))
        more, ends = len(ends) - named, ends[:named]
        bottom = plot.bottom() - height / 2
        if more:
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QPointF(left, bottom + self.metrics.ascent() / 2 - 1), f"+ {more} more")
            bottom -= height
        ends.sort(key=lambda end: end[0])
        places = _apart([end[0] for end in ends], height, plot.top() + height / 2, bottom)
        for place, (_, line) in zip(places, ends, strict=True):
            pen = self.view.line_pen(line)
            width = 20 + self.metrics.horizontalAdvance(line.label)
            painter.fillRect(QRectF(left - 2, place - height / 2, width + 4, height), QColor(tokens.plot))
            painter.setPen(pen)
            painter.drawLine(QPointF(left, round(place)), QPointF(left + 16, round(place)))
            painter.setPen(pen.color())
            painter.drawText(QPointF(left + 20, place + self.metrics.ascent() / 2 - 1), line.label)

    def _draw_cursor(self, painter: QPainter, plot: QRectF, tokens: theme.Colours) -> None:
        x, rows = self.view.nearest_x(), self.view.readings()
        if x is None or not rows:
            return
        at = self.pixel_x(x, plot)
        painter.setPen(QPen(QColor(tokens.muted), 0))
        painter.drawLine(QPointF(round(at), plot.top()), QPointF(round(at), plot.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        heights = [plot.bottom()]
        for line in dict.fromkeys(row[0] for row in rows if row[0] is not None):
            here, y = line.series.nearest(x) or (x, math.nan)
            y = math.log10(y) if self.view.log and y > 0 else (math.nan if self.view.log else y)
            point = QPointF(self.pixel_x(here, plot), self.pixel_y(y, plot)) if math.isfinite(y) else None
            if point is not None and plot.contains(point):
                painter.setPen(QPen(QColor(tokens.plot), 1.5))
                painter.setBrush(self.view.line_pen(line).color())
                painter.drawEllipse(point, 3.5, 3.5)
                heights.append(point.y())
        above = min(heights) - plot.top() > plot.bottom() - max(heights[1:], default=plot.top())
        self._draw_box(painter, plot, tokens, (at, above), rows)

    def _draw_box(
        self,
        painter: QPainter,
        plot: QRectF,
        tokens: theme.Colours,
        place: tuple[float, bool],
        rows: Sequence[Row],
    ) -> None:
        at, above = place
        height, gap = self.metrics.height() + 2, self.metrics.averageCharWidth() * 3
        room = int((self.height() - plot.top() - 16) / height)
        named = named_of(len(rows), room)
        if named < len(rows):
            rows = [*rows[:named], (None, f"+ {len(rows) - named} more", "")]
        words = max(self.metrics.horizontalAdvance(row[1]) for row in rows)
        values = max(self.metrics.horizontalAdvance(row[2]) for row in rows)
        width = words + (gap + values if values else 0) + 16
        left = at + 12 if at + 12 + width <= self.width() - 4 else max(4.0, at - 12 - width)
        tall = height * len(rows) + 10
        top = plot.top() + 6 if above else max(plot.top(), plot.bottom() - 6 - tall)
        box = QRectF(left, top, width, tall)
        painter.setPen(QPen(QColor(tokens.rule), 1))
        painter.setBrush(QColor(tokens.panel))
        painter.drawRoundedRect(box, 4, 4)
        baseline = box.top() + 5 + self.metrics.ascent()
        for line, text, value in rows:
            mark = line is None and not value
            colour = tokens.accent if mark else tokens.muted
            painter.setPen(self.view.line_pen(line).color() if line else QColor(colour))
            painter.drawText(QPointF(box.left() + 8, baseline), text)
            painter.setPen(QColor(tokens.text))
            painter.drawText(
                QPointF(box.right() - 8 - self.metrics.horizontalAdvance(value), baseline), value
            )
            baseline += height

    # Mouse and keys

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the cursor; a drag pans as well."""
        super().mouseMoveEvent(event)
        vb = self.plotItem.vb
        inside = vb.sceneBoundingRect().contains(event.position())
        self.view.set_cursor(vb.mapSceneToView(event.position()).x() if inside else None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a click may begin."""
        super().mousePressEvent(event)
        self._pressed = event.position() if event.button() is Qt.MouseButton.LeftButton else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell a click from a drag."""
        super().mouseReleaseEvent(event)
        vb, pressed, self._pressed = self.plotItem.vb, self._pressed, None
        if pressed is None or not vb.sceneBoundingRect().contains(pressed):
            return
        if (event.position() - pressed).manhattanLength() < QApplication.startDragDistance():
            self.view.clicked.emit(vb.mapSceneToView(pressed).x())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to the whole run."""
        super().mouseDoubleClickEvent(event)
        self.view.fit()

    def leaveEvent(self, event: QEvent) -> None:
        """No cursor without a pointer."""
        super().leaveEvent(event)
        self.view.set_cursor(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F fits, plus and minus zoom, the arrows move the cursor, Return clicks, Escape removes it."""
        key = Qt.Key
        x0, x1 = self.view.x_range
        step = (x1 - x0) / max(self.plotItem.vb.width(), 1.0)
        cursor = self.view.cursor if self.view.cursor is not None else (x0 + x1) / 2
        actions: dict[int, Callable[[], None]] = {
            key.Key_F: self.view.fit,
            key.Key_Home: self.view.fit,
            key.Key_Plus: lambda: self.view.zoom(0.8),
            key.Key_Equal: lambda: self.view.zoom(0.8),
            key.Key_Minus: lambda: self.view.zoom(1.25),
            key.Key_Left: lambda: self.view.set_cursor(max(x0, cursor - 4 * step)),
            key.Key_Right: lambda: self.view.set_cursor(min(x1, cursor + 4 * step)),
            key.Key_Return: lambda: self.view.clicked.emit(cursor),
            key.Key_Enter: lambda: self.view.clicked.emit(cursor),
            key.Key_Escape: lambda: self.view.set_cursor(None),
        }
        action = actions.get(event.key())
        if action is None:
            event.ignore()  # Space and the full stop belong to the tab
        else:
            action()


def named_of(lines: int, rows: int) -> int:
    """How many of the lines are named in so many rows; the last row counts the others if there are more."""
    return lines if lines <= max(rows, 1) else max(rows - 1, 0)


def _apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Ascending places moved as little as needed to lie `gap` apart between `low` and `high`."""
    gap = min(gap, (high - low) / max(len(places) - 1, 1))
    out: list[float] = []
    for place in places:
        out.append(max(place, low, out[-1] + gap if out else low))
    for at in reversed(range(len(out))):
        out[at] = min(out[at], high if at == len(out) - 1 else out[at + 1] - gap)
    return out
