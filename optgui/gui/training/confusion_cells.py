"""The confusion matrix with cells that can be chosen, by click or by keyboard."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from optgui.gui import theme
from optgui.gui.plot.digits import ConfusionView

MOVES = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}

LARGEST = 280  # pixels


class ConfusionCells(ConfusionView):
    """Rows true classes, columns predictions; arrow keys move, Return chooses."""

    chosen = Signal(int, int)  # true class, prediction

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self.cell: tuple[int, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        return QSize(LARGEST, LARGEST)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay a square."""
        self.setFixedHeight(min(self.width(), LARGEST))

    def hasHeightForWidth(self) -> bool:
        return False

    def choose(self, cell: tuple[int, int] | None) -> None:
        """Mark a cell, without a signal."""
        if cell != self.cell:
            self.cell = cell
            self.update()

    def square(self, row: int, column: int) -> QRectF:
        """Where a cell lies."""
        left, top, side = self._geometry()
        return QRectF(left + column * side, top + row * side, side - 1, side - 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter, accent = QPainter(self), QColor(theme.colours(self).accent)
        if self.cell is not None:
            painter.setPen(QPen(accent, 2))
            painter.drawRect(self.square(*self.cell))
        elif self.hasFocus():
            painter.setPen(QPen(accent, 1, Qt.PenStyle.DotLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for row in range(10):
            for column in range(10):
                if self.square(row, column).contains(event.position()):
                    self.choose((row, column))
                    self.chosen.emit(row, column)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        row, column = self.cell or (0, 0)
        if key in MOVES:
            down, right = MOVES[key]
            self.choose((min(max(row + down, 0), 9), min(max(column + right, 0), 9)))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose((row, column))
            self.chosen.emit(row, column)
        else:
            super().keyPressEvent(event)
