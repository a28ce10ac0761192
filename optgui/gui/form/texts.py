"""Editors of what is typed: text, numbers between commas, points between semicolons."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QEvent, QObject, QRectF, QSignalBlocker, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from optgui.core.params import Kind, Param
from optgui.gui import theme
from optgui.gui.form.editor import Editor, WheelNeedsFocus, number_in
from optgui.gui.settings import Settings

RECENT = 12  # texts that are offered again


class LineEditor(Editor):
    """A line of text, of numbers (`120, 60`) or of points (`1, 2; 3, 4`).

    What is none of it, or is refused by the form, stays to be mended: marked, with the reason as tooltip,
    until it is valid or Escape puts back the last valid one.
    """

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._part, self._line = self._make()
        self._line.editingFinished.connect(self._on_finished)
        self._line.installEventFilter(self)
        self._row.addWidget(self._part, 1)
        self._reason = ""  # why the text on screen is not the value
        self._tried: str | None = None  # what is being given to the form

    def _make(self) -> tuple[QWidget, QLineEdit]:
        """The control, and the line that is typed into."""
        line = QLineEdit()
        return line, line

    def parts(self) -> list[QWidget]:
        """The control with the line."""
        return [self._part]

    @property
    def reason(self) -> str:
        """Why the text on screen was refused, empty if it is the value."""
        return self._reason

    def set_value(self, value: Any) -> None:
        """Show a value without a signal; a refused text goes only with the value it was to replace."""
        if self._tried is not None or (self._reason and value == self._value):
            self._value = value
            return
        self._mark("")
        super().set_value(value)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape puts the last valid text back."""
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if pressed and event.key() == Qt.Key.Key_Escape and self._text() != self._words(self._value):
            self._mark("")
            self._show(self._value)
            return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if theme.repaints(event) and getattr(self, "_reason", ""):
            self._draw_border()

    def _show(self, value: Any) -> None:
        self._line.setText(self._words(value))
        self._line.setCursorPosition(0)

    def _text(self) -> str:
        return self._line.text().strip()

    def _words(self, value: Any) -> str:
        if self.spec.kind is Kind.TEXT:
            return str(value)
        if self.spec.kind is Kind.POINTS:
            return "; ".join(_listed(point) for point in value)
        return _listed(value)

    def _on_finished(self) -> None:
        text = self._text()
        if text == self._words(self._value):
            self._mark("")
            self.settle()
            return
        try:
            value = self._read(text)
        except ValueError as error:
            self._refuse(str(error))
            return
        self._give(text, value)

    def _give(self, text: str, value: Any) -> bool:
        """Make the edit; whether it was accepted."""
        said: list[str] = []
        form = self._form()
        if form is not None:
            form.refused.connect(said.append)  # type: ignore[attr-defined]
        self._tried = text
        self._move(value, final=True)
        self._tried = None
        if form is not None:
            form.refused.disconnect(said.append)  # type: ignore[attr-defined]
        if said or self._value != value:
            _, colon, rest = (said[0] if said else "").partition(": ")
            self._refuse(f"{self.spec.title}: {rest if colon else 'expected another value'}")
            return False
        self._mark("")
        self._show(value)
        return True

    def _form(self) -> QWidget | None:
        """The form around, which says why it refuses a value."""
        around = self.parentWidget()
        while around is not None and not hasattr(around, "refused"):
            around = around.parentWidget()
        return around

    def _refuse(self, sentence: str) -> None:
        again = sentence == self._reason and not self._line.hasFocus()
        self._mark(sentence)
        if not again:  # leaving the line says nothing new
            self.refused.emit(sentence)

    def _mark(self, sentence: str) -> None:
        """Mark the line as refused, for a reason; an empty one takes the mark away."""
        if sentence != self._reason:
            self._reason = sentence
            self._part.setToolTip(sentence)
            self._line.setAccessibleDescription(sentence or self.spec.help)
            self._draw_border()

    def _draw_border(self) -> None:
        colour = theme.colours(self).error if self._reason else ""
        border = f"QLineEdit {{ border: 1px solid {colour}; border-radius: 3px; padding: 1px; }}"
        self._line.setStyleSheet(border if colour else "")

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


class RecentEditor(LineEditor):
    """A line of text that offers what was typed before, the newest first, also after a restart."""

    def _make(self) -> tuple[QWidget, QLineEdit]:
        self._box = _RecentBox()
        self._box.activated.connect(lambda _: self._on_finished())
        return self._box, self._box.line

    def name(self, object_name: str) -> None:
        super().name(object_name)
        self._key = f"recent/{object_name}"
        self._offer()

    def _offer(self) -> None:
        blocker = QSignalBlocker(self._box)
        self._box.clear()
        self._box.addItems(list(Settings().lines(self._key, RECENT)))
        self._show(self._value)
        blocker.unblock()

    def _show(self, value: str) -> None:
        self._box.setEditText(value)
        self._box.line.setCursorPosition(0)

    def _draw_border(self) -> None:
        self._box.border = theme.colours(self).error if self._reason else ""
        self._box.update()

    def _give(self, text: str, value: Any) -> bool:
        accepted = super()._give(text, value)
        if accepted:
            settings = Settings()
            others = [line for line in settings.lines(self._key, RECENT) if line != text]
            settings.remember(self._key, [text, *others][:RECENT])
            self._offer()
        return accepted


class _RecentBox(WheelNeedsFocus, QComboBox):
    """A line with a list; `border` is a colour around it, empty for the style's own."""

    def __init__(self) -> None:
        super().__init__()
        self.border = ""
        self.line = QLineEdit()
        self.setLineEdit(self.line)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setCompleter(None)  # type: ignore[arg-type]  # it would type on behind the cursor
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.border:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self.border), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 3, 3)


def _listed(numbers: tuple[float, ...]) -> str:
    """Numbers between commas, with every digit that tells them from their neighbours."""
    return ", ".join(repr(number).removesuffix(".0") for number in numbers)


def _numbers(text: str) -> tuple[float, ...] | None:
    """The finite numbers between commas, None if one is not."""
    numbers = [number_in(part) for part in text.split(",")]
    return tuple(n for n in numbers if n is not None) if all(map(_finite, numbers)) else None


def _finite(number: float | None) -> bool:
    return number is not None and math.isfinite(number)
