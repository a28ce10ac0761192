"""InkCanvas: black paper on which mouse and pen leave white ink."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPointingDevice,
    QTabletEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from optgui.gui import theme

SIDE = 280  # pixels of the paper, ten for one of a digit's
LIGHT = 0.3  # of the width at no pressure
UNDOS = 50


class InkCanvas(QWidget):
    """A square to draw in; a pen's pressure is the width of its stroke, its other end rubs out."""

    changed = Signal()  # with every movement
    rested = Signal()  # after each stroke, undo and clearing

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName("Paper to draw a digit on")
        self.setToolTip("Draw with the left button or a pen; the right button rubs out")
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.width_of_stroke = 24.0  # paper pixels
        self.erasing = False
        self._paper = _blank()
        self._before: list[QImage] = []  # the paper before each stroke
        self._last: QPointF | None = None  # where the stroke is now; None between strokes
        self._rubbing = False

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def minimumSizeHint(self) -> QSize:
        return QSize(140, 140)

    @property
    def is_empty(self) -> bool:
        """Whether there is no ink."""
        return not self.ink().any()

    @property
    def can_undo(self) -> bool:
        """Whether there is a stroke to take back."""
        return bool(self._before)

    def ink(self) -> NDArray[np.float32]:
        """The ink (280, 280), from 0 to 1."""
        paper = self._paper  # held while numpy reads it
        pixels = np.frombuffer(paper.constBits(), np.uint8).reshape(SIDE, paper.bytesPerLine())
        return np.asarray(pixels[:, :SIDE] / 255, np.float32)

    def clear(self) -> None:
        """Take all ink away; undo brings it back."""
        if not self.is_empty:
            self._keep()
            self._paper = _blank()
            self._tell()

    def undo(self) -> None:
        """Take the last stroke back."""
        if self._before and self._last is None:
            self._paper = self._before.pop()
            self._tell()

    def square(self) -> QRectF:
        """Where the paper lies in the widget."""
        side = min(self.width(), self.height()) - 2.0
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def _keep(self) -> None:
        self._before = [*self._before[1 - UNDOS :], self._paper.copy()]

    def _tell(self) -> None:
        self.update()
        self.changed.emit()
        self.rested.emit()

    def _begin(self, position: QPointF, pressure: float, *, rubbing: bool) -> None:
        self._keep()
        self._rubbing = rubbing or self.erasing
        self._last = self._on_paper(position)
        self._draw_to(position, pressure)

    def _draw_to(self, position: QPointF, pressure: float) -> None:
        if self._last is None:
            return
        place = self._on_paper(position)
        painter = QPainter(self._paper)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = self.width_of_stroke * (LIGHT + (1 - LIGHT) * pressure)
        painter.setPen(
            QPen(
                Qt.GlobalColor.black if self._rubbing else Qt.GlobalColor.white,
                2 * width if self._rubbing else width,
                Qt.PenStyle.SolidLine,
                Qt.PenCapStyle.RoundCap,
            )
        )
        if place == self._last:
            painter.drawPoint(place)
        else:
            painter.drawLine(self._last, place)
        painter.end()
        self._last = place
        self.update()
        self.changed.emit()

    def _end(self) -> None:
        if self._last is not None:
            self._last = None
            self.rested.emit()

    def _on_paper(self, position: QPointF) -> QPointF:
        square = self.square()
        return (position - square.topLeft()) * (SIDE / square.width())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left, right = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
        if self._last is None and event.button() in (left, right):
            self._begin(event.position(), 1.0, rubbing=event.button() == right)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._draw_to(event.position(), 1.0)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not event.buttons():
            self._end()

    def tabletEvent(self, event: QTabletEvent) -> None:
        """Draw with the pen's pressure; accepted, so that no mouse event follows."""
        kind = event.type()
        if kind == QEvent.Type.TabletPress:
            eraser = event.pointerType() == QPointingDevice.PointerType.Eraser
            right = event.button() == Qt.MouseButton.RightButton
            self._begin(event.position(), event.pressure(), rubbing=eraser or right)
        elif kind == QEvent.Type.TabletMove:
            self._draw_to(event.position(), event.pressure())
        elif kind == QEvent.Type.TabletRelease:
            self._end()
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Keep the keys of undo and deletion from the window while the paper has the focus."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and (event.matches(QKeySequence.StandardKey.Undo) or event.key() == Qt.Key.Key_Delete)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo()
        elif event.key() == Qt.Key.Key_Delete:
            self.clear()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._end()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens, square = QPainter(self), theme.colours(self), self.square()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(square, self._paper)
        painter.setPen(QPen(QColor(tokens.accent if self.hasFocus() else tokens.rule), 1))
        painter.drawRect(square)
        if not self.can_undo and self.is_empty:
            painter.setPen(QColor(theme.DARK.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(square.adjusted(16, 16, -16, -16), flags, "Draw a digit here")


def _blank() -> QImage:
    paper = QImage(SIDE, SIDE, QImage.Format.Format_Grayscale8)
    paper.fill(0)
    return paper
