"""Pace: numbers that change faster than they can be read are shown a few times a second."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

READABLE_MS = 100


class Pace(QObject):
    """Calls `show` at once after a rest, else at the next turn; only the last call of a turn counts."""

    def __init__(self, show: Callable[[], None], parent: QObject, interval: int = READABLE_MS) -> None:
        super().__init__(parent)
        self._show = show
        self._wanted = False
        self._timer = QTimer(self, interval=interval, singleShot=True)
        self._timer.timeout.connect(self._on_turn)

    def ask(self) -> None:
        """Have it shown soon."""
        if self._timer.isActive():
            self._wanted = True
        else:
            self.now()

    def now(self) -> None:
        """Have it shown at once, whatever was shown before."""
        self._wanted = False
        self._timer.start()
        self._show()

    def _on_turn(self) -> None:
        if self._wanted:
            self.now()
