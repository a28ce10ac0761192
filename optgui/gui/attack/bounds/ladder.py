"""BoundsLadder: the nine wrong classes of a digit, the nearest first."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from optgui.core.attack.bounds import BoundsFrame
from optgui.gui import theme
from optgui.gui.plot.digits import grey_image

_LEAST, _MOST = 26.0, 64.0  # pixels of a row
_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
SEARCHES = ("bisection over PGD", "minimum-norm attack")


class BoundsLadder(QWidget):
    """A row for each target: its picture, a bar up to the smaller bound, and a tick for each search.

    `chosen` tells the target that was clicked, or taken with the arrow keys and Return.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.bounds.ladder")
        self.setAccessibleName("Wrong classes, the nearest first")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._frame: BoundsFrame | None = None
        self._names: tuple[str, ...] = tuple("0123456789")
        self._unit, self._hint = "px", ""
        self._row = -1

    def sizeHint(self) -> QSize:
        return QSize(400, round(9 * _LEAST))

    def minimumSizeHint(self) -> QSize:
        return QSize(260, round(9 * _LEAST + self._key_height()))

    def set_hint(self, hint: str) -> None:
        """What an empty ladder says."""
        self._hint = hint
        self.update()

    def show_bounds(self, frame: BoundsFrame | None, names: tuple[str, ...], unit: str) -> None:
        """Show what is found so far."""
        self._frame, self._names, self._unit = frame, names, unit
        if frame is not None:
            self.setAccessibleDescription(f"nearest: {self.words(0)}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens, metrics = QPainter(self), theme.colours(self), self.fontMetrics()
        frame = self._frame
        if frame is None:
            painter.setPen(QColor(tokens.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(24, 0, -24, 0), flags, self._hint)
            return
        height = self._height()
        side = height - 6
        words = max(metrics.horizontalAdvance(name) for name in self._names) + 16
        figure = metrics.horizontalAdvance(f"0.0000 {self._unit}") + 12
        left = side + 12.0 + words
        room = max(20.0, self.width() - left - figure - 12)
        found = [frame.pgd[1:], frame.minimal[1:]]
        most = max((float(size) for sizes in found for size in sizes if math.isfinite(size)), default=1.0)
        for row, target in enumerate(frame.ranking):
            place = int(np.flatnonzero(frame.targets == target)[0])
            top = row * height
            if row == self._row and self.hasFocus():
                painter.fillRect(QRectF(0, top, self.width(), height), QColor(tokens.rule))
            square = QRectF(4, top + 3, side, side)
            if frame.answers[place] >= 0:
                painter.drawImage(square, grey_image(frame.images[place]))
            painter.setPen(QColor(tokens.rule))
            painter.drawRect(square)
            painter.setPen(QColor(tokens.text))
            painter.drawText(QRectF(side + 12, top, words, height), _MIDDLE, self._names[int(target)])
            size = float(frame.smallest[place])
            track = QRectF(left, top + 0.36 * height, room, 0.28 * height)
            groove = QColor(tokens.rule)
            groove.setAlpha(90)
            painter.fillRect(track, groove)
            if math.isfinite(size) and most > 0:
                painter.fillRect(track.adjusted(0, 0, (size / most - 1) * room, 0), QColor(tokens.series[0]))
                for sizes, colour in zip(found, self._tick_colours(), strict=True):
                    if math.isfinite(at := float(sizes[place - 1])):
                        tick = left + at / most * room
                        self._draw_tick(painter, colour, tick, top + 0.24 * height, 0.52 * height)
            painter.setPen(QColor(tokens.text if math.isfinite(size) else tokens.muted))
            text = f"{size:.4g} {self._unit}" if math.isfinite(size) else "none yet"
            painter.drawText(QRectF(left + room + 12, top, figure, height), _MIDDLE, text)
        self._draw_key(painter, 9 * height, left)

    def _tick_colours(self) -> tuple[QColor, QColor]:
        """Of the two searches."""
        tokens = theme.colours(self)
        return QColor(tokens.series[3]), QColor(tokens.text)

    def _draw_tick(self, painter: QPainter, colour: QColor, x: float, top: float, height: float) -> None:
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(x, top), QPointF(x, top + height))

    def _draw_key(self, painter: QPainter, top: float, left: float) -> None:
        """Which tick is which search, below the bars."""
        metrics, height = self.fontMetrics(), self._key_height()
        for colour, name in zip(self._tick_colours(), SEARCHES, strict=True):
            self._draw_tick(painter, colour, left + 1, top + 0.25 * height, 0.5 * height)
            painter.setPen(QColor(theme.colours(self).muted))
            painter.drawText(QRectF(left + 8, top, self.width() - left, height), _MIDDLE, name)
            left += metrics.horizontalAdvance(name) + 32

    def _key_height(self) -> float:
        return self.fontMetrics().height() + 8.0

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._frame is not None:
            QToolTip.showText(event.globalPos(), self.words(self._at(event.pos().y())), self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and event.position().y() < 9 * self._height():
            self._take(self._at(event.position().y()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
        if step and self._frame is not None:
            self._row = min(max(0, self._row + step), len(self._frame.ranking) - 1)
            self.setAccessibleDescription(self.words(self._row))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._take(max(0, self._row))
        else:
            super().keyPressEvent(event)

    def _take(self, row: int) -> None:
        if self._frame is not None and row < len(self._frame.ranking):
            self._row = row
            self.update()
            self.chosen.emit(int(self._frame.ranking[row]))

    def _height(self) -> float:
        return min(_MOST, max(_LEAST, (self.height() - self._key_height()) / 9))

    def _at(self, y: float) -> int:
        return min(max(0, int(y / self._height())), 8)

    def words(self, row: int) -> str:
        """A row with every digit."""
        assert self._frame is not None
        frame, target = self._frame, int(self._frame.ranking[row])
        place = int(np.flatnonzero(frame.targets == target)[0])
        sizes = [
            f"{float(size):.6g} {self._unit}" if math.isfinite(size) else "not found"
            for size in (frame.pgd[place], frame.minimal[place])
        ]
        return (
            f"{self._names[target]}: {sizes[0]} by bisection over PGD, {sizes[1]} by the minimum-norm attack"
        )
