"""The largest eigenvalues as bars, with how well each is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from optgui.gui import theme
from optgui.gui.plot.surface_layer import caption

LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class EigenBars(QWidget):
    """Bars from the largest to the smallest; a whisker is the residual: an eigenvalue lies within it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName("Largest eigenvalues")
        self.values: NDArray[np.float64] = np.empty(0)
        self._residuals: NDArray[np.float64] = np.empty(0)
        self._limit: float | None = None
        self._hint = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(260, 150)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 110)

    def set_hint(self, hint: str) -> None:
        """What it says while it is empty."""
        self._hint = hint
        self.update()

    def show_values(
        self, values: NDArray[np.float64], residuals: NDArray[np.float64], limit: float | None = None
    ) -> None:
        """Show eigenvalues (k,), descending, none for nothing, and where the optimizer's limit lies."""
        self.values, self._residuals, self._limit = values, residuals, limit
        self.setAccessibleDescription(", ".join(f"{value:.4g}" for value in values) or self._hint)
        self.setToolTip(
            "\n".join(
                f"{place + 1}: {value:.5g} ± {residual:.1g}"
                for place, (value, residual) in enumerate(zip(values, residuals, strict=True))
            )
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, tokens = QPainter(self), theme.colours(self)
        painter.fillRect(self.rect(), QColor(tokens.plot))
        if not len(self.values) or not np.isfinite(self.values).all():
            painter.setPen(QColor(tokens.muted))
            words = self._hint if not len(self.values) else "The loss is no longer finite"
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(12, 0, -12, 0), flags, words)
            return
        painter.setFont(caption())
        line = painter.fontMetrics().height()
        room = QRectF(12, line + 8, self.width() - 24, self.height() - 2 * line - 16)
        limit = self._limit if self._limit is not None and self._limit < 3 * self.values.max() else None
        high = max(float(self.values.max()), limit or 0.0, 0.0) or 1.0
        low = min(float(self.values.min()), 0.0)
        scale = room.height() / (high - low)
        zero, wide = room.top() + high * scale, room.width() / len(self.values)
        for place, value in enumerate(self.values.tolist()):
            left, top = room.left() + place * wide, zero - value * scale
            bar = QRectF(left + 0.15 * wide, zero, 0.7 * wide, -value * scale).normalized()
            painter.fillRect(bar, theme.racer_colour(0, self))
            painter.setPen(QPen(QColor(tokens.text), 1))
            reach, middle = float(self._residuals[place]) * scale, left + wide / 2
            if reach >= 1:
                painter.drawLine(QPointF(middle, top - reach), QPointF(middle, top + reach))
            painter.drawText(
                QRectF(left, min(top, zero) - line - max(reach, 2), wide, line),
                Qt.AlignmentFlag.AlignCenter,
                f"{value:.3g}".replace("-", "−"),
            )
            painter.setPen(QColor(tokens.muted))
            below = QRectF(left, room.bottom() + 4, wide, line)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, f"λ{place + 1}".translate(LOWERED))
        painter.setPen(QPen(QColor(tokens.rule), 1))
        painter.drawLine(QLineF(room.left(), zero, room.right(), zero))
        if limit is not None:
            colour, at = theme.racer_colour(3, self), zero - limit * scale
            painter.setPen(QPen(colour, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(room.left(), at, room.right(), at))
            painter.drawText(
                QRectF(room.left(), at - line, room.width(), line), Qt.AlignmentFlag.AlignRight, "limit"
            )
