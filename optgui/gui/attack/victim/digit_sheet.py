"""Ten thousand digits in rows: only those on screen are painted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from optgui.gui import theme
from optgui.gui.attack.victim.digit_filter import Judgement
from optgui.gui.plot.surface_layer import caption

SMALLEST, LARGEST = 44, 92  # pixels of a digit's side
GAP = 6  # pixels between digits
ARROW = " → "
TEN = tuple("0123456789")


def digit_words(index: int, labels: NDArray[Any], names: tuple[str, ...], judgement: Judgement | None) -> str:
    """A digit in a line: its index, its class, what the network reads and how sure it is."""
    words = f"test digit {index:,}: {names[labels[index]]}"
    if judgement is not None:
        words += f", read as {names[judgement.predictions[index]]}"
        if judgement.confidences is not None:
            words += f", {judgement.confidences[index]:.1%} sure".replace("%", " %")
    return words


class DigitSheet(QAbstractScrollArea):
    """The digits at `places`; arrow keys move over them, Return or a click chooses one."""

    chosen = Signal(int)  # index of the digit

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName("Test digits to choose from")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self._images: NDArray[np.uint8] = np.zeros((0, 28, 28), np.uint8)
        self._labels: NDArray[Any] = np.zeros(0, np.int64)
        self._names: tuple[str, ...] = TEN
        self._judgement: Judgement | None = None
        self.hint = ""
        self.places: NDArray[np.int64] = np.zeros(0, np.int64)
        self.selected = -1  # index of the chosen digit
        self.current = 0  # place of the keyboard among those shown

    def sizeHint(self) -> QSize:
        return QSize(600, 360)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 120)

    def show_digits(self, images: NDArray[np.uint8], labels: NDArray[Any], names: tuple[str, ...]) -> None:
        """Take digits (n, 28, 28), their classes (n,) and the names of the classes."""
        self._images, self._labels, self._names = np.ascontiguousarray(images), labels, names
        self._judgement = None

    def show_judgement(self, judgement: Judgement | None) -> None:
        """Take what the network reads in them."""
        self._judgement = judgement
        self.viewport().update()

    def show_places(self, places: NDArray[np.int64], hint: str = "") -> None:
        """Show the digits with these indices in this order, or a sentence where there is none."""
        others = not np.array_equal(places, self.places)
        self.places, self.hint = places, hint
        self._fit()
        if others:
            self._move(0)
        self._describe()

    def select(self, index: int) -> None:
        """Mark a digit as chosen and go there, without a signal; -1 for none."""
        self.selected = index
        found = np.flatnonzero(self.places == index)
        if len(found):
            self._move(int(found[0]))
        self.viewport().update()

    def square(self, place: int) -> QRect:
        """Where a digit lies in the viewport, with its caption."""
        columns, side, height = self._layout()
        left = place % columns * (side + GAP) + GAP
        return QRect(
            left, place // columns * height + GAP - self.verticalScrollBar().value(), side, height - GAP
        )

    def place_at(self, position: QPoint) -> int:
        """Which of those shown lies there, -1 for none."""
        columns, side, height = self._layout()
        column = (position.x() - GAP // 2) // (side + GAP)
        place = (position.y() + self.verticalScrollBar().value()) // height * columns + column
        return place if 0 <= column < columns and 0 <= place < len(self.places) else -1

    def visible_places(self) -> range:
        """Those of the rows that are at least partly in view."""
        columns, _, height = self._layout()
        top = self.verticalScrollBar().value()
        last = (top + self.viewport().height()) // height + 1
        return range(top // height * columns, min(last * columns, len(self.places)))

    def words(self, place: int) -> str:
        """What hovering says of one of those shown."""
        return digit_words(int(self.places[place]), self._labels, self._names, self._judgement)

    def _layout(self) -> tuple[int, int, int]:
        """Columns, side of a digit, height of a row: as small as the words allow, then filling the row."""
        metrics = QFontMetrics(caption())
        longest = max(metrics.horizontalAdvance(name) for name in self._names)
        words = 2 * longest + metrics.horizontalAdvance(ARROW) if self._judgement is not None else longest
        least = min(max(SMALLEST, words), LARGEST)
        room = self.width() - self.verticalScrollBar().sizeHint().width() - GAP
        columns = max(1, room // (least + GAP))
        side = min(max(least, room // columns - GAP), LARGEST)
        return columns, side, side + metrics.height() + 2 * GAP

    def _fit(self) -> None:
        """Let the scroll bar span all rows."""
        columns, _, height = self._layout()
        rows = -(-len(self.places) // columns)
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, rows * height + GAP - self.viewport().height()))
        bar.setSingleStep(height // 2)
        bar.setPageStep(self.viewport().height())
        self.viewport().update()

    def _move(self, place: int) -> None:
        self.current = min(max(place, 0), max(0, len(self.places) - 1))
        self._reveal()
        self._describe()

    def _reveal(self) -> None:
        square, bar = self.square(self.current), self.verticalScrollBar()
        if square.top() < GAP:
            bar.setValue(bar.value() + square.top() - GAP)
        elif square.bottom() > self.viewport().height() - GAP:
            bar.setValue(bar.value() + square.bottom() + GAP - self.viewport().height())
        self.viewport().update()

    def _describe(self) -> None:
        self.setAccessibleDescription(self.words(self.current) if len(self.places) else self.hint)

    def _choose(self, place: int) -> None:
        self.selected = int(self.places[place])
        self._move(place)
        self.chosen.emit(self.selected)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
        self._reveal()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens = QPainter(self.viewport()), theme.colours(self)
        painter.fillRect(self.viewport().rect(), QColor(tokens.plot))
        if not len(self.places):
            painter.setPen(QColor(tokens.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.viewport().rect().adjusted(24, 0, -24, 0), flags, self.hint)
            return
        painter.setFont(caption())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for place in self.visible_places():
            self._paint_digit(painter, tokens, place)

    def _paint_digit(self, painter: QPainter, tokens: theme.Colours, place: int) -> None:
        index, cell = int(self.places[place]), self.square(place)
        square = QRect(cell.left(), cell.top(), cell.width(), cell.width())
        side = self._images.shape[1]
        image = QImage(self._images[index].data, side, side, side, QImage.Format.Format_Grayscale8)
        painter.drawImage(square, image)
        if index == self.selected:
            painter.setPen(QPen(QColor(tokens.accent), 3))
            painter.drawRect(square.adjusted(-2, -2, 1, 1))
        elif place == self.current and self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 2, Qt.PenStyle.DotLine))
            painter.drawRect(square.adjusted(-2, -2, 1, 1))
        label = self._names[self._labels[index]]
        read = label if self._judgement is None else self._names[self._judgement.predictions[index]]
        below = QRect(cell.left(), square.bottom() + 3, cell.width(), painter.fontMetrics().height())
        center, metrics = Qt.AlignmentFlag.AlignCenter, painter.fontMetrics()
        painter.setPen(QColor(tokens.text))
        if read == label:
            painter.drawText(below, center, _short(metrics, label, below.width()))
            return
        room = (below.width() - metrics.horizontalAdvance(ARROW)) // 2
        words = (_short(metrics, label, room) + ARROW, _short(metrics, read, room))
        width = sum(metrics.horizontalAdvance(word) for word in words)
        below.setLeft(below.left() + (below.width() - width) // 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, words[0])
        below.setLeft(below.left() + metrics.horizontalAdvance(words[0]))
        painter.setPen(QColor(tokens.error))
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, words[1])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0:
            self._choose(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, (columns, _, height) = Qt.Key, self._layout()
        page = max(1, self.viewport().height() // height) * columns
        steps = {
            **{key.Key_Left: -1, key.Key_Right: 1, key.Key_Up: -columns, key.Key_Down: columns},
            **{key.Key_PageUp: -page, key.Key_PageDown: page},
            **{key.Key_Home: -len(self.places), key.Key_End: len(self.places)},
        }
        pressed = key(event.key())
        if pressed in steps:
            self._move(self.current + steps[pressed])
        elif pressed in (key.Key_Return, key.Key_Enter, key.Key_Space) and len(self.places):
            self._choose(self.current)
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.place_at(event.pos())
            if place >= 0:
                QToolTip.showText(event.globalPos(), self.words(place), self.viewport())
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)


def _short(metrics: QFontMetrics, name: str, width: int) -> str:
    return metrics.elidedText(name, Qt.TextElideMode.ElideRight, width + 1)
