"""Editors of what is typed: text, numbers between commas, points between semicolons."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from optgui.core.params import Kind, Param
from optgui.gui.form.editor import Editor, WheelNeedsFocus, number_in
from optgui.gui.settings import Settings

RECENT = 12  # texts that are offered again


class LineEditor(Editor):
    """A line of text, of numbers (`120, 60`) or of points (`1, 2; 3, 4`); what is none of it snaps back."""

    refused = Signal(str)  # a sentence

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._line = QLineEdit()
        self._line.editingFinished.connect(self._on_finished)
        self._row.addWidget(self._line, 1)

    def parts(self) -> list[QWidget]:
        """The line."""
        return [self._line]

    def _show(self, value: Any) -> None:
        self._line.setText(self._words(value))
        self._line.setCursorPosition(0)

    def _words(self, value: Any) -> str:
        if self.spec.kind is Kind.TEXT:
            return str(value)
        if self.spec.kind is Kind.POINTS:
            return "; ".join(_listed(point) for point in value)
        return _listed(value)

    def _on_finished(self) -> None:
        text = self._line.text().strip()
        if text == self._words(self._value):
            self.settle()
            return
        try:
            value = self._read(text)
        except ValueError as error:
            self._show(self._value)
            self.refused.emit(str(error))
            return
        self._move(value, final=True)

    def _read(self, text: str) -> Any:
        """The value that a text stands for.

        Raises:
            ValueError: with a sentence, if it stands for none.
        """
        spec = self.spec
        if spec.kind is Kind.TEXT:
            return text
        if spec.kind is Kind.POINTS:
            points = [_numbers(part) for part in text.rstrip("; ").split(";")] if text else []
            if all(point is not None and len(point) == spec.length for point in points):
                return tuple(points)
            example = "1, 2; 3, 4" if spec.length == 2 else "1, 2, 3; 4, 5, 6"
            wanted = f"points of {spec.length} numbers between semicolons such as {example}"
        else:
            numbers = _numbers(text) if text else ()
            whole = spec.kind is Kind.INTS
            if numbers is not None and not (whole and any(number != int(number) for number in numbers)):
                return tuple(int(number) for number in numbers) if whole else numbers
            wanted = f"numbers between commas such as {'120, 60' if whole else '0.5, 1.2'}"
        raise ValueError(f"{spec.title}: expected {wanted}, got {text}")


class RecentEditor(Editor):
    """A line of text that offers what was typed before, the newest first, also after a restart."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._box = _RecentBox()
        self._box.line.editingFinished.connect(self._on_finished)
        self._box.activated.connect(lambda _: self._on_finished())
        self._row.addWidget(self._box, 1)

    def name(self, object_name: str) -> None:
        super().name(object_name)
        self._key = f"recent/{object_name}"
        self._offer()

    def parts(self) -> list[QWidget]:
        """The line with its list."""
        return [self._box]

    def _offer(self) -> None:
        blocker = QSignalBlocker(self._box)
        self._box.clear()
        self._box.addItems(list(Settings().lines(self._key, RECENT)))
        self._show(self._value)
        blocker.unblock()

    def _show(self, value: str) -> None:
        self._box.setEditText(value)
        self._box.line.setCursorPosition(0)

    def _on_finished(self) -> None:
        text = self._box.currentText().strip()
        if text == self._value:
            self.settle()
            return
        self._move(text, final=True)
        if self._value != text:  # it was refused, and what was before is shown again
            return
        settings = Settings()
        others = [line for line in settings.lines(self._key, RECENT) if line != text]
        settings.remember(self._key, [text, *others][:RECENT])
        self._offer()


class _RecentBox(WheelNeedsFocus, QComboBox):
    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.setLineEdit(self.line)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setCompleter(None)  # type: ignore[arg-type]  # it would type on behind the cursor
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)


def _listed(numbers: tuple[float, ...]) -> str:
    """Numbers between commas, with every digit that tells them from their neighbours."""
    return ", ".join(repr(number).removesuffix(".0") for number in numbers)


def _numbers(text: str) -> tuple[float, ...] | None:
    """The finite numbers between commas, None if one is not."""
    numbers = [number_in(part) for part in text.split(",")]
    return tuple(n for n in numbers if n is not None) if all(map(_finite, numbers)) else None


def _finite(number: float | None) -> bool:
    return number is not None and math.isfinite(number)
