"""Pictures of 28 x 28 images, class bars and the confusion matrix, painted directly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from optgui.gui import theme


def grey_image(pixels: NDArray[Any]) -> QImage:
    """A QImage of (h, w) pixels: uint8 as they are, floats in [0, 1] scaled."""
    if pixels.dtype != np.uint8:
        pixels = (np.clip(pixels, 0, 1) * 255).round().astype(np.uint8)
    data = np.ascontiguousarray(pixels)
    height, width = data.shape
    return QImage(data.data, width, height, width, QImage.Format.Format_Grayscale8).copy()


def signed_image(values: NDArray[Any], limit: float) -> QImage:
    """Blue, white, red for -limit, 0, limit: values (h, w)."""
    table = pg.colormap.get("CET-D1").getLookupTable(nPts=256)
    scaled = np.clip((values / limit + 1) / 2, 0, 1) if limit > 0 else np.full(values.shape, 0.5)
    data = np.ascontiguousarray(table[(scaled * 255).round().astype(int)])
    height, width = values.shape
    return QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


class PictureView(QWidget):
    """One image, as large as fits, with a title above it and a caption below."""

    def __init__(self, title: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._title, self._caption, self._hint = title, "", ""
        self._image: QImage | None = None
        self._values: NDArray[Any] | None = None
        self.setMinimumSize(120, 150)
        self.setMouseTracking(True)

    def show_image(self, image: QImage, values: NDArray[Any], caption: str = "") -> None:
        """Show an image; hovering reads its `values` (h, w)."""
        self._image, self._values, self._caption = image, values, caption
        self.setAccessibleDescription(caption)
        self.update()

    def set_hint(self, hint: str) -> None:
        """What an empty picture says."""
        self._hint = hint
        self.update()

    def clear(self) -> None:
        """Show nothing but the hint."""
        self._image, self._values, self._caption = None, None, ""
        self.update()

    def _square(self) -> QRectF:
        line = self.fontMetrics().height() + 6
        side = max(10.0, min(self.width() - 16.0, self.height() - 2 * line - 8.0))
        return QRectF((self.width() - side) / 2, line + 2, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme.colours(self)
        square = self._square()
        line = self.fontMetrics().height() + 6
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignCenter, self._title)
        if self._image is None:
            painter.setPen(QPen(QColor(tokens.rule), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(square, 6, 6)
            painter.setPen(QColor(tokens.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(square.adjusted(12, 12, -12, -12), flags, self._hint)
            return
        painter.drawImage(square, self._image)
        painter.setPen(QColor(tokens.rule))
        painter.drawRect(square)
        painter.setPen(QColor(tokens.text))
        below = QRectF(0, square.bottom() + 2, self.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._caption)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._values is not None:
            square, position = self._square(), QPointF(event.pos())
            if square.contains(position):
                rows, columns = self._values.shape
                row = min(rows - 1, int((position.y() - square.top()) / square.height() * rows))
                column = min(columns - 1, int((position.x() - square.left()) / square.width() * columns))
                value = self._values[row, column]
                QToolTip.showText(event.globalPos(), f"row {row}, column {column}: {value:.6g}", self)
                return True
        return super().event(event)


class ClassBars(QWidget):
    """Ten horizontal bars: the probability of each class, the true one outlined."""

    def __init__(self, title: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._probabilities: NDArray[Any] | None = None
        self._label = -1
        self._names: tuple[str, ...] = tuple("0123456789")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def sizeHint(self) -> QSize:
        return QSize(160, 10 * (self.fontMetrics().height() + 1) + 6)

    def minimumSizeHint(self) -> QSize:
        return QSize(100, 10 * (self.fontMetrics().height() - 1) + 4)

    def show_probabilities(
        self, probabilities: NDArray[Any], label: int, names: tuple[str, ...] = tuple("0123456789")
    ) -> None:
        """Show probabilities (10,) with the true class `label`."""
        self._probabilities, self._label, self._names = probabilities, label, names
        best = int(probabilities.argmax())
        self.setAccessibleDescription(
            f"{names[best]} with {probabilities[best]:.1%}; true class {names[label]}"
        )
        self.update()

    def clear(self) -> None:
        """Show empty bars."""
        self._probabilities = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme.colours(self)
        metrics = self.fontMetrics()
        row = min((self.height() - 4) / 10, metrics.height() + 6)
        text = max(metrics.horizontalAdvance(name) for name in self._names) + 10
        figure = metrics.horizontalAdvance("100.0 %") + 6
        room = max(10.0, self.width() - text - figure - 8)
        best = int(self._probabilities.argmax()) if self._probabilities is not None else -1
        for digit in range(10):
            top = 2 + digit * row
            painter.setPen(QColor(tokens.text if digit in (best, self._label) else tokens.muted))
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, top, text - 4, row), right, self._names[digit])
            track = QRectF(text, top + row * 0.2, room, row * 0.6)
            groove = QColor(tokens.rule)
            groove.setAlpha(110)
            painter.fillRect(track, groove)
            if self._probabilities is None:
                continue
            share = float(self._probabilities[digit])
            colour = tokens.ok if digit == self._label else tokens.error if digit == best else tokens.muted
            painter.fillRect(
                QRectF(track.topLeft(), track.size()).adjusted(0, 0, (share - 1) * room, 0), QColor(colour)
            )
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            if share >= 0.0005:
                painter.drawText(
                    QRectF(text + room + 6, top, figure + 4, row), left, f"{share:.1%}".replace("%", " %")
                )


PAGE = 24  # most digits in a row


class DigitRow(QWidget):
    """Small digits side by side with the network's answers; one can be chosen by click or arrow key."""

    chosen = Signal(int)  # position in the row

    def __init__(
        self, title: str, name: str, *, selectable: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._digits: list[QImage] = []
        self._captions: list[str] = []
        self._right: list[bool | None] = []
        self._tips: list[str] = []
        self._hint = ""
        self.selected = -1
        self._selectable = selectable
        if selectable:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        return QSize(400, 48 + self.fontMetrics().height() + 12)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def set_hint(self, hint: str) -> None:
        """What the row says while it is empty."""
        self._hint = hint

    def show_digits(self, digits: NDArray[np.uint8]) -> None:
        """Show images (n, 28, 28)."""
        self._digits = [grey_image(digit) for digit in digits]
        self._captions = [""] * len(digits)
        self._right = [None] * len(digits)
        self._tips = [""] * len(digits)
        self.update()

    def show_words(self, captions: list[str], right: list[bool | None], tips: list[str]) -> None:
        """Write below each digit; True is drawn as right, False as wrong, None in neither colour."""
        if (captions, right, tips) == (self._captions, self._right, self._tips):
            return
        self._captions, self._right, self._tips = captions, right, tips
        self.setAccessibleDescription(", ".join(tips[:20]))
        self.update()

    def _cell(self) -> float:
        return max(34.0, min(56.0, self.width() / PAGE))

    def capacity(self) -> int:
        """How many digits fit the width, at most a page."""
        return max(1, min(PAGE, int(self.width() / self._cell())))

    def visible_count(self) -> int:
        """How many digits fit the width."""
        return min(len(self._digits), int(self.width() / self._cell())) if self._digits else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme.colours(self)
        painter.fillRect(self.rect(), QColor(tokens.plot))
        if not self._digits:
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, self._hint)
            return
        cell = self._cell()
        side = min(cell - 6, self.height() - self.fontMetrics().height() - 8)
        for index in range(self.visible_count()):
            left = index * cell + (cell - side) / 2
            square = QRectF(left, 4, side, side)
            painter.drawImage(square, self._digits[index])
            right = self._right[index]
            colour = tokens.text if right is None else tokens.ok if right else tokens.error
            if index == self.selected:
                painter.setPen(QPen(QColor(tokens.accent), 2))
                painter.drawRect(square.adjusted(-2, -2, 2, 2))
            elif right is False:
                painter.setPen(QPen(QColor(tokens.error), 1))
                painter.drawRect(square.adjusted(-1, -1, 1, 1))
            painter.setPen(QColor(colour))
            below = QRectF(index * cell, side + 6, cell, self.fontMetrics().height())
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._captions[index])
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DotLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def select(self, index: int) -> None:
        """Mark a digit as chosen without a signal."""
        self.selected = index
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = int(event.position().x() / self._cell())
        if self._selectable and index < self.visible_count():
            self.select(index)
            self.chosen.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if self._selectable and step and 0 <= self.selected + step < self.visible_count():
            self.select(self.selected + step)
            self.chosen.emit(self.selected)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = int(event.pos().x() / self._cell())
            if index < len(self._tips) and self._tips[index]:
                QToolTip.showText(event.globalPos(), self._tips[index], self)
                return True
        return super().event(event)


class ConfusionView(QWidget):
    """Who was taken for whom: a 10 x 10 table, rows true classes, columns predictions."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName("Confusion matrix")
        self._table: NDArray[np.int64] | None = None
        self._names: tuple[str, ...] = tuple("0123456789")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(160, 220)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(width, 320)

    def show_table(
        self, table: NDArray[np.int64] | None, names: tuple[str, ...] = tuple("0123456789")
    ) -> None:
        """Show counts (10, 10), or an empty table."""
        if table is self._table and names == self._names:
            return
        self._table, self._names = table, names
        if table is not None:
            wrong = int(table.sum() - np.trace(table))
            self.setAccessibleDescription(f"{wrong} of {int(table.sum())} test images misread")
        self.update()

    def _geometry(self) -> tuple[float, float, float]:
        margin = self.fontMetrics().height() + 4.0
        side = min(self.width(), self.height()) - margin
        return margin, margin, side / 10

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme.colours(self)
        left, top, cell = self._geometry()
        small = QFont(self.font())
        small.setPointSizeF(max(6.0, self.font().pointSizeF() * 0.75))
        painter.setFont(small)
        most = 1.0
        if self._table is not None:
            off = self._table - np.diag(np.diag(self._table))
            most = max(1.0, float(off.max()))
        for row in range(10):
            painter.setPen(QColor(tokens.muted))
            center = Qt.AlignmentFlag.AlignCenter
            painter.drawText(QRectF(0, top + row * cell, left - 2, cell), center, self._names[row][:2])
            painter.drawText(QRectF(left + row * cell, 0, cell, top - 2), center, self._names[row][:2])
            for column in range(10):
                square = QRectF(left + column * cell, top + row * cell, cell - 1, cell - 1)
                colour = QColor(tokens.rule)
                count = 0 if self._table is None else int(self._table[row, column])
                if self._table is not None:
                    total = max(1, int(self._table[row].sum()))
                    if row == column:
                        colour = _blend(tokens.plot, tokens.ok, 0.15 + 0.75 * max(0.0, count / total * 5 - 4))
                    else:
                        colour = _blend(tokens.plot, tokens.error, math.sqrt(count / most) * 0.9)
                painter.fillRect(square, colour)
                if count and row != column and cell > 15:
                    painter.setPen(QColor(tokens.text))
                    painter.drawText(square, center, str(count))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._table is not None:
            left, top, cell = self._geometry()
            row, column = int((event.pos().y() - top) // cell), int((event.pos().x() - left) // cell)
            if 0 <= row < 10 and 0 <= column < 10:
                count = int(self._table[row, column])
                text = f"{count} images of {self._names[row]} read as {self._names[column]}"
                QToolTip.showText(event.globalPos(), text, self)
                return True
        return super().event(event)


def _blend(base: str, top: str, share: float) -> QColor:
    one, two = QColor(base), QColor(top)
    mixed = [
        round(a + (b - a) * min(1.0, max(0.0, share)))
        for a, b in zip(one.getRgb()[:3], two.getRgb()[:3], strict=True)  # type: ignore[index]
    ]
    return QColor(*mixed)
