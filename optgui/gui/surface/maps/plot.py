"""The plot of a map: axes, notes and a cursor that reads and takes, by mouse or by keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QApplication, QGraphicsView, QLabel

from optgui.gui import theme
from optgui.gui.plot.curve_axis import CurveAxis
from optgui.gui.plot.surface_layer import Words, caption
from optgui.gui.surface.maps.words import minus

LETTERS = 8  # of the longest number of the y axis
NUDGE = 4  # pixels that an arrow key moves the cursor, with Shift five times as many
GAP = 14  # pixels between cursor and read-out
MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class Note(NamedTuple):
    """A small label beside a point in data coordinates; `colour` is a token of the theme or "#rrggbb"."""

    text: str
    x: float
    y: float
    colour: str = "text"


class MapPlot(pg.PlotWidget):
    """Axes in the program's look; items are added to it as to any plot.

    With `decades` the data of x are powers of ten. Arrow keys move the cursor, Return clicks, Escape
    takes it away, Home asks for the whole.
    """

    pointed = Signal(object)  # (x, y) under the cursor, or None
    clicked = Signal(float, float)
    fit_wanted = Signal()

    def __init__(self, name: str, object_name: str, *, decades: bool = False, grid: bool = False) -> None:
        self.x_axis, self.y_axis = CurveAxis("bottom", 9), CurveAxis("left", LETTERS)
        super().__init__(axisItems={"bottom": self.x_axis, "left": self.y_axis}, enableMenu=False)
        self.x_label = self.y_label = self.hint = ""
        self.notes: Sequence[Note] = ()
        self.marks: Sequence[tuple[float, str]] = ()  # x and words in the strip above, in the order of x
        self.cursor_at: tuple[float, float] | None = None
        self.x_axis.decades = decades
        for axis in (self.x_axis, self.y_axis):
            axis.setZValue(-1)
            axis.setGrid(255 if grid else False)
        self.view = self.plotItem.vb
        self.view.disableAutoRange()
        self.plotItem.hideButtons()
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setObjectName(object_name)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._read_out = QLabel(self)
        self._read_out.setObjectName("read_out")
        self._read_out.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._read_out.hide()
        self._pressed: QPointF | None = None
        self.restyle()

    def restyle(self) -> None:
        """Take the theme's colours and the font as they are now."""
        tokens, font = theme.colours(self), caption()
        metrics = QFontMetricsF(font)
        self.setBackground(tokens.plot)
        for axis in (self.x_axis, self.y_axis):
            axis.setStyle(tickFont=font, tickTextOffset=6)
            axis.setPen(pg.mkPen(tokens.rule))
            axis.setTickPen(pg.mkPen(tokens.rule))
            axis.setTextPen(pg.mkPen(tokens.muted))
        self.x_axis.room, self.y_axis.room = 12 * metrics.averageCharWidth(), 2.6 * metrics.height()
        self.y_axis.setWidth(round(metrics.horizontalAdvance("0" * LETTERS) + 12))
        self.x_axis.setHeight(round(metrics.height() + 8))
        self._strip = metrics.height() + 10
        self._baseline = (self._strip + metrics.ascent() - metrics.descent()) / 2
        self._letter_height, self._gutter = metrics.ascent(), 28 + 2 * metrics.averageCharWidth()
        self.plotItem.layout.setContentsMargins(0, self._strip, self._gutter, 2)

    def say(self, text: str) -> None:
        """Write beside the cursor what is there; nothing if the text is empty."""
        if self.cursor_at is None or not text:
            self._read_out.hide()
            return
        self._read_out.setText(minus(text))
        self._read_out.adjustSize()
        at = self.mapFromScene(self.view.mapViewToScene(QPointF(*self.cursor_at)))
        size, room = self._read_out.size(), self.size()
        right, below = at.x() < room.width() / 2, at.y() < room.height() / 2
        x = at.x() + GAP if right else at.x() - GAP - size.width()
        y = at.y() + GAP if below else at.y() - GAP - size.height()
        self._read_out.move(
            max(0, min(x, room.width() - size.width())), max(0, min(y, room.height() - size.height()))
        )
        self._read_out.show()

    def point(self, at: tuple[float, float] | None) -> None:
        """Put the cursor there."""
        if at != self.cursor_at:
            self.cursor_at = at
            self.say("")
            self.pointed.emit(at)
            self.viewport().update()

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Names of the axes, notes and cursor, in pixels."""
        room, tokens = self.view.sceneBoundingRect(), theme.colours(self)
        painter.save()
        painter.setFont(caption())
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QPointF(room.left(), self._baseline), self.y_label)
        below = QRectF(room.right() + 16, room.bottom() + 5, self._gutter - 18, self._letter_height + 4)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, self.x_label)
        self._draw_marks(painter, room)
        words = Words(painter, room, tokens)
        for note in self.notes:
            at = self.view.mapViewToScene(QPointF(note.x, note.y))
            if room.adjusted(-1, -1, 1, 1).contains(at):
                words.write(note.text, at, QColor(getattr(tokens, note.colour, note.colour)))
        if self.cursor_at is not None:
            at = self.view.mapViewToScene(QPointF(*self.cursor_at))
            faint = QColor(tokens.text)
            faint.setAlpha(110)
            painter.setPen(QPen(faint, 0))
            painter.drawLine(QPointF(at.x(), room.top()), QPointF(at.x(), room.bottom()))
            painter.drawLine(QPointF(room.left(), at.y()), QPointF(room.right(), at.y()))
        if self.hint:
            painter.setPen(QColor(tokens.muted))
            painter.setFont(self.font())
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)
        painter.restore()

    def _draw_marks(self, painter: QPainter, room: QRectF) -> None:
        """Words above the plot, each begun near its x, none over another; what has no room is cut off."""
        metrics = QFontMetricsF(painter.font())
        space = 2 * metrics.averageCharWidth()
        texts = [text for _, text in self.marks]
        widths = [metrics.horizontalAdvance(text) for text in texts]
        least = room.left() + metrics.horizontalAdvance(self.y_label) + 2 * space
        for number, (x, _) in enumerate(self.marks):
            at = self.view.mapViewToScene(QPointF(x, 0.0)).x()
            rest = sum(widths[number:]) + space * (len(widths) - number - 1)
            left = max(least, min(at - widths[number] / 2, self.width() - 4 - rest))
            text = metrics.elidedText(
                texts[number], Qt.TextElideMode.ElideRight, max(0.0, self.width() - 4 - left)
            )
            painter.drawText(QPointF(left, self._baseline), text)
            least = left + metrics.horizontalAdvance(text) + space

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the cursor; a drag pans as well, where the view lets it."""
        super().mouseMoveEvent(event)
        self.point(self._under(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a click may begin."""
        super().mousePressEvent(event)
        self._pressed = event.position() if event.button() is Qt.MouseButton.LeftButton else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell a click from a drag."""
        super().mouseReleaseEvent(event)
        pressed, self._pressed = self._pressed, None
        if pressed is None or (at := self._under(pressed)) is None:
            return
        if (event.position() - pressed).manhattanLength() < QApplication.startDragDistance():
            self.clicked.emit(*at)

    def leaveEvent(self, event: QEvent) -> None:
        """No cursor without a pointer."""
        super().leaveEvent(event)
        self.point(None)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the font."""
        super().changeEvent(event)
        if hasattr(self, "_pressed") and (theme.repaints(event) or event.type() == QEvent.Type.FontChange):
            self.restyle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor, click, or fit."""
        key = Qt.Key(event.key())
        (x0, x1), (y0, y1) = self.view.viewRange()
        x, y = self.cursor_at or ((x0 + x1) / 2, (y0 + y1) / 2)
        if key in MOVES:
            far = NUDGE * (5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
            (right, up), (width, height) = MOVES[key], self.view.viewPixelSize()
            self.point((min(max(x + right * far * width, x0), x1), min(max(y + up * far * height, y0), y1)))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.cursor_at is not None:
            self.clicked.emit(x, y)
        elif key == Qt.Key.Key_Escape and self.cursor_at is not None:
            self.point(None)
        elif key == Qt.Key.Key_Home:
            self.fit_wanted.emit()
        else:
            event.ignore()  # Space and the full stop belong to the tab

    def _under(self, position: QPointF) -> tuple[float, float] | None:
        """Data coordinates of a pixel, None outside the axes."""
        if not self.view.sceneBoundingRect().contains(position):
            return None
        at = self.view.mapSceneToView(position)
        return float(at.x()), float(at.y())
