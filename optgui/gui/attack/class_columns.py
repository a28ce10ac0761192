"""What a network says of an image, class by class, before and now: as columns, or as rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from optgui.gui import theme
from optgui.gui.plot.digits import PictureView

_SEEN = 0.005  # a smaller probability has no figure
_CENTRED = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _Classes(QWidget):
    """Ten bars: a dotted outline for the probability before, a filled bar for that of now."""

    def __init__(self, title: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._before: NDArray[np.float32] | None = None
        self._now: NDArray[np.float32] | None = None
        self._label, self._target = -1, -1
        self._names: tuple[str, ...] = tuple("0123456789")
        font = QFont(self.font())
        font.setPointSizeF(QGuiApplication.font().pointSizeF() * theme.CAPTION)
        self.setFont(font)

    def show_probabilities(
        self,
        before: NDArray[np.float32],
        now: NDArray[np.float32],
        label: int,
        names: tuple[str, ...],
        target: int = -1,
    ) -> None:
        """Show probabilities (10,) before and now; `label` is the true class, `target` the one wanted."""
        self._before, self._now, self._label, self._names, self._target = before, now, label, names, target
        best = int(now.argmax())
        words = f"{names[best]} with {now[best]:.1%}; true class {names[label]} with {now[label]:.1%}"
        self.setAccessibleDescription(words)
        self.update()

    def clear(self) -> None:
        """Show empty bars."""
        self._before = self._now = None
        self.setAccessibleDescription("")
        self.update()

    def words(self, digit: int) -> str:
        """What hovering reads of a class."""
        if self._now is None or self._before is None:
            return ""
        before, now = 100 * float(self._before[digit]), 100 * float(self._now[digit])
        role = " (true class)" if digit == self._label else " (target)" if digit == self._target else ""
        return f"{self._names[digit]}{role}: {before:.4g} % before, {now:.4g} % now"

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._now is not None:
            QToolTip.showText(event.globalPos(), self.words(self._digit_at(event.pos())), self)
            return True
        return super().event(event)

    def _digit_at(self, place: QPoint) -> int:
        raise NotImplementedError

    def _colour(self, digit: int) -> QColor:
        """Of a class's words."""
        tokens = theme.colours(self)
        best = int(self._now.argmax()) if self._now is not None else -1
        marked = self._now is not None and digit in (best, self._label, self._target)
        return QColor(tokens.text if marked else tokens.muted)

    def _bar(self, painter: QPainter, digit: int, bar: QRectF, along: Qt.Orientation) -> None:
        """The bar of a class, and what it is filled with: upwards, or to the right."""
        tokens = theme.colours(self)
        upright = along is Qt.Orientation.Vertical
        groove = QColor(tokens.rule)
        groove.setAlpha(90)
        painter.fillRect(bar, groove)
        if self._now is not None and self._before is not None:
            now, before = float(self._now[digit]), float(self._before[digit])
            best = int(self._now.argmax())
            colour = tokens.ok if digit == self._label else tokens.error if digit == best else tokens.muted
            painter.fillRect(_share(bar, now, upright), QColor(colour))
            if before >= _SEEN:
                painter.setPen(QPen(QColor(tokens.text), 1, Qt.PenStyle.DotLine))
                wider = (-2, 0, 2, 0) if upright else (0, -2, 0, 2)
                painter.drawRect(_share(bar, before, upright).adjusted(*wider))
        if digit == self._target:
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.drawLine(bar.bottomLeft(), bar.bottomRight() if upright else bar.topLeft())

    def _figure(self, digit: int, room: float) -> str:
        """The probability of a class as exactly as there is room for; empty where it is next to nothing."""
        if self._now is None or self._now[digit] < _SEEN:
            return ""
        share = 100 * float(self._now[digit])
        fits = [
            text
            for text in (f"{share:.1f} %", f"{share:.0f} %", f"{share:.0f}")
            if self.fontMetrics().horizontalAdvance(text) <= room
        ]
        return fits[0] if fits else ""


class ClassColumns(_Classes):
    """Ten upright bars side by side, for where there is little height."""

    def __init__(self, title: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(title, name, parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(320, round(6.4 * self.fontMetrics().height()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, metrics = QPainter(self), self.fontMetrics()
        line, width = metrics.height(), self.width() / 10
        top, height = line + 2.0, self.height() - 2.0 * line - 6
        for digit in range(10):
            left = digit * width
            bar = QRectF(left + 0.2 * width, top, 0.6 * width, height)
            self._bar(painter, digit, bar, Qt.Orientation.Vertical)
            painter.setPen(self._colour(digit))
            name = metrics.elidedText(self._names[digit], Qt.TextElideMode.ElideRight, int(width) - 2)
            painter.drawText(QRectF(left, top + height + 2, width, line), _CENTRED, name)
            painter.drawText(QRectF(left, 0, width, line), _CENTRED, self._figure(digit, width - 4))

    def _digit_at(self, place: QPoint) -> int:
        return min(9, max(0, int(10 * place.x() / max(1, self.width()))))


class ClassRows(_Classes):
    """Ten lying bars, one below the other, for where there is little width.

    Args:
        title: For the screen reader.
        name: Of the object.
        beside: A picture in the same row of a layout; the bars are as high as what it shows.
        parent: Owner.
    """

    def __init__(
        self, title: str, name: str, beside: PictureView | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(title, name, parent)
        self._beside = beside
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(170, round(10 * 1.5 * self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(130, 10 * self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, metrics = QPainter(self), self.fontMetrics()
        top, row = self._rows()
        widest = max(metrics.horizontalAdvance(name) for name in self._names)
        words = min(widest, 0.4 * self.width())
        figure = metrics.horizontalAdvance("100.0 %")
        room = max(10.0, self.width() - words - figure - 16)
        for digit in range(10):
            at = top + digit * row
            bar = QRectF(words + 8, at + 0.2 * row, room, 0.6 * row)
            self._bar(painter, digit, bar, Qt.Orientation.Horizontal)
            painter.setPen(self._colour(digit))
            name = metrics.elidedText(self._names[digit], Qt.TextElideMode.ElideRight, int(words) + 1)
            painter.drawText(QRectF(0, at, words, row), _RIGHT, name)
            shown = self._figure(digit, figure + 2)
            painter.drawText(QRectF(bar.right() + 6, at, figure + 2, row), _LEFT, shown)

    def _rows(self) -> tuple[float, float]:
        """Where the first row begins, and how high each is."""
        if self._beside is None:
            return 0.0, self.height() / 10
        line = self._beside.fontMetrics().height() + 6
        side = min(self._beside.width() - 16.0, self.height() - 2.0 * line - 8)
        return line + 2.0, max(10.0, side) / 10

    def _digit_at(self, place: QPoint) -> int:
        top, row = self._rows()
        return min(9, max(0, int((place.y() - top) / max(1.0, row))))


def _share(bar: QRectF, share: float, upright: bool) -> QRectF:
    """The filled part of a bar."""
    if upright:
        return bar.adjusted(0, (1 - share) * bar.height(), 0, 0)
    return bar.adjusted(0, 0, (share - 1) * bar.width(), 0)
