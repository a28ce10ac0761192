"""ClassColumns: what a network says of an image, class by class, before and now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from optgui.gui import theme

_LINES = 4.5  # height in lines of text, and with the names 5.5


class ClassColumns(QWidget):
    """Ten columns: an outline for the probability before, a filled bar for that of now."""

    def __init__(self, title: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._before: NDArray[np.float32] | None = None
        self._now: NDArray[np.float32] | None = None
        self._label, self._target = -1, -1
        self._names: tuple[str, ...] = tuple("0123456789")
        self.setFont(theme.sized(self, theme.CAPTION).font())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(400, round((_LINES + 2.4) * self.fontMetrics().height()))

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
        """Show empty columns."""
        self._before = self._now = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens, metrics = theme.colours(self), self.fontMetrics()
        line = metrics.height()
        width = self.width() / 10
        top, height = line + 2.0, self.height() - 2.0 * line - 6
        best = int(self._now.argmax()) if self._now is not None else -1
        centred = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        for digit in range(10):
            left = digit * width
            bar = QRectF(left + 0.2 * width, top, 0.6 * width, height)
            groove = QColor(tokens.rule)
            groove.setAlpha(90)
            painter.fillRect(bar, groove)
            marked = digit in (best, self._label)
            painter.setPen(QColor(tokens.text if marked else tokens.muted))
            name = metrics.elidedText(self._names[digit], Qt.TextElideMode.ElideRight, int(width))
            painter.drawText(QRectF(left, top + height + 2, width, line), centred, name)
            if digit == self._target:
                painter.setPen(QPen(QColor(tokens.accent), 2))
                painter.drawLine(bar.bottomLeft(), bar.bottomRight())
            if self._now is None or self._before is None:
                continue
            share, earlier = float(self._now[digit]), float(self._before[digit])
            colour = tokens.ok if digit == self._label else tokens.error if digit == best else tokens.muted
            painter.fillRect(bar.adjusted(0, (1 - share) * height, 0, 0), QColor(colour))
            if earlier >= 0.005:
                painter.setPen(QPen(QColor(tokens.text), 1, Qt.PenStyle.DotLine))
                painter.drawRect(bar.adjusted(-2, (1 - earlier) * height, 2, 0))
            if share >= 0.005:
                painter.setPen(QColor(tokens.text if marked else tokens.muted))
                painter.drawText(QRectF(left, 0, width, line), centred, f"{100 * share:.1f} %")

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._now is not None:
            digit = min(9, max(0, int(10 * event.pos().x() / max(1, self.width()))))
            assert self._before is not None
            before, now = 100 * float(self._before[digit]), 100 * float(self._now[digit])
            QToolTip.showText(
                event.globalPos(), f"{self._names[digit]}: {before:.4g} % before, {now:.4g} % now", self
            )
            return True
        return super().event(event)
