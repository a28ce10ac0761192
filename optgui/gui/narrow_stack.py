"""NarrowStack: pages of which one is on screen, and none pushes the sides of the window away."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget


class NarrowStack(QStackedWidget):
    """A stack that is as narrow as the window wants, whatever its widest page asks for."""

    resized = Signal()

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 160)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()
