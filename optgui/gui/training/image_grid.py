"""Small images side by side, as large as fits, with a line of words below each; one can be chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
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
from optgui.gui.plot.surface_layer import caption

LEAST, MOST = 22.0, 72.0  # pixels of an image's side
GAP = 4.0
SMOOTH = 16  # pixels of an image from which on it is scaled smoothly; a kernel shows its squares


class ImageGrid(QWidget):
    """Images of one size in rows.

    Args:
        title: For the screen reader.
        name: Object name.
        selectable: Whether one of them can be chosen, by click or arrow key.
    """

    chosen = Signal(int)  # place among the images

    def __init__(
        self, title: str, name: str, *, selectable: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._strip: QImage | None = None
        self._count = 0
        self._captions: Sequence[str] = ()
        self._tips: Sequence[str] = ()
        self._hint = ""
        self.selected = -1
        self._selectable = selectable
        if selectable:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(300, 240)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 80)

    @property
    def count(self) -> int:
        """How many images there are."""
        return self._count

    def set_hint(self, hint: str) -> None:
        """What it says while it is empty."""
        self._hint = hint
        self.update()

    def show_images(
        self, strip: QImage | None, count: int, captions: Sequence[str] = (), tips: Sequence[str] = ()
    ) -> None:
        """Show `count` images that lie one below the other in `strip`; None for none."""
        self._strip, self._count = strip, count if strip is not None else 0
        self._captions, self._tips = captions, tips
        self.selected = self.selected if self.selected < self._count else -1
        self.setAccessibleDescription("; ".join(tips[:10]) or (self._hint if not count else ""))
        self.update()

    def select(self, place: int) -> None:
        """Mark one as chosen, without a signal; -1 for none."""
        if place != self.selected:
            self.selected = place
            self.update()

    def tip_at(self, position: QPointF) -> str:
        """What hovering says."""
        place = self.place_at(position)
        return self._tips[place] if 0 <= place < len(self._tips) else ""

    def place_at(self, position: QPointF) -> int:
        """Which image lies there, -1 for none."""
        columns, side, height = self._layout()
        column, row = int(position.x() // (side + GAP)), int(position.y() // height)
        place = row * columns + column
        return place if 0 <= column < columns and 0 <= place < self.shown_count else -1

    def square(self, place: int) -> QRectF:
        """Where an image lies."""
        columns, side, height = self._layout()
        return QRectF(
            place % columns * (side + GAP) + GAP / 2, place // columns * height + GAP / 2, side, side
        )

    @property
    def shown_count(self) -> int:
        """How many images have room."""
        columns, _, height = self._layout()
        return min(self._count, columns * max(1, int(self.height() / height)))

    def _layout(self) -> tuple[int, float, float]:
        """Columns, side of an image and height of a row: the largest side with which all have room.

        Where there is none, the least one below which the words of neighbours would touch.
        """
        metrics = QFontMetricsF(caption())
        words = metrics.height() if any(self._captions) else 0.0
        longest = max((metrics.horizontalAdvance(one) for one in self._captions), default=0.0)
        least = min(max(LEAST, longest + 2), MOST)
        count = max(1, self._count)
        best = (max(1, int(self.width() / (least + GAP))), least)
        for columns in range(1, count + 1):
            rows = math.ceil(count / columns)
            side = min(MOST, self.width() / columns - GAP, self.height() / rows - GAP - words)
            if side > best[1]:
                best = (columns, side)
        return best[0], best[1], best[1] + GAP + words

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens = QPainter(self), theme.colours(self)
        if self._strip is None:
            painter.setPen(QColor(tokens.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(12, 0, -12, 0), flags, self._hint)
            return
        smooth = self._strip.width() >= SMOOTH
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.setFont(caption())
        size = self._strip.height() / self._count
        line = painter.fontMetrics().height()
        columns, side, height = self._layout()
        for place in range(self.shown_count):
            left, top = place % columns * (side + GAP) + GAP / 2, place // columns * height + GAP / 2
            square = QRectF(left, top, side, side)
            painter.drawImage(square, self._strip, QRectF(0, place * size, self._strip.width(), size))
            if place == self.selected:
                painter.setPen(QPen(QColor(tokens.accent), 2))
                painter.drawRect(square)
            if place < len(self._captions):
                painter.setPen(QColor(tokens.text))
                below = QRectF(left - GAP / 2, top + side, side + GAP, line)
                painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._captions[place])
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1, Qt.PenStyle.DotLine))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position())
        if self._selectable and place >= 0:
            self.select(place)
            self.chosen.emit(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, columns = Qt.Key, self._layout()[0]
        steps = {key.Key_Left: -1, key.Key_Right: 1, key.Key_Up: -columns, key.Key_Down: columns}
        step = steps.get(Qt.Key(event.key()), 0)
        wanted = max(self.selected, 0) + step if self.selected >= 0 else 0
        if self._selectable and step and 0 <= wanted < self.shown_count:
            self.select(wanted)
            self.chosen.emit(wanted)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            if words := self.tip_at(QPointF(event.pos())):
                QToolTip.showText(event.globalPos(), words, self)
                return True
            QToolTip.hideText()
        return super().event(event)
