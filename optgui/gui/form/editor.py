"""What all editors have in common: they speak the same three words.

`changed(value)` comes with every movement of a gesture, `settled(value)` once at its end (release, Enter or
400 ms of rest), `set_value` shows a value without saying anything.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QLocale, QTimer, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from optgui.core.params import Kind, Param

REST_MS = 400  # this long without movement ends a gesture


class WheelNeedsFocus:
    """Lets the wheel scroll the form instead of changing a control that nobody has chosen."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():  # type: ignore[attr-defined]
            super().wheelEvent(event)  # type: ignore[misc]
        else:
            event.ignore()


class Editor(QWidget):
    """Base of the editors: turns movements into gestures."""

    changed = Signal(object)  # the value, with every movement
    settled = Signal(object)  # the value, once a gesture
    refused = Signal(str)  # a sentence: what was typed is no value

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._value: Any = spec.default
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self.settle)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)

    def value(self) -> Any:
        """The value shown."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Show a value without a signal."""
        self._value = value
        self._show(value)

    def name(self, object_name: str) -> None:
        """Give the editor and its parts names that tests, scripts and screen readers find."""
        self.setObjectName(object_name)
        words = self.spec.title + (f" in {self.spec.unit}" if self.spec.unit else "")
        several = self.spec.kind in (Kind.INTS, Kind.FLOATS) and self.spec.length is not None
        for index, part in enumerate(self.parts()):
            part.setObjectName(f"{object_name}.{index}" if index or several else object_name)
            part.setAccessibleName(words)
            part.setAccessibleDescription(self.spec.help)
        self.setObjectName(f"{object_name}.editor")

    def parts(self) -> list[QWidget]:
        """The controls inside, the one that shows the exact value first."""
        raise TypeError(f"expected an editor with parts, got {type(self).__name__}")

    def _show(self, value: Any) -> None:
        raise TypeError(f"expected an editor that shows a value, got {type(self).__name__}")

    def _move(self, value: Any, *, final: bool = False) -> None:
        if value != self._value:
            self._value = value
            self.changed.emit(value)
            self._rest.start()
        if final:
            self.settle()

    def settle(self) -> None:
        """End the gesture, if one is going on."""
        if self._rest.isActive() or self.sender() is self._rest:
            self._rest.stop()
            self.settled.emit(self._value)


def number_in(text: str) -> float | None:
    """The number that a text stands for, None if it stands for none."""
    cleaned = text.strip().replace(QLocale.c().groupSeparator(), "")
    try:
        return float(cleaned)
    except ValueError:
        return None
