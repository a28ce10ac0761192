"""One editor for each kind of parameter. All of them speak the same three words.

`changed(value)` comes with every movement of a gesture, `settled(value)` once at its end (release, Enter or
400 ms of rest), `set_value` shows a value without saying anything.
"""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QEvent, QLocale, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QStandardItemModel,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QToolTip,
    QWidget,
)

from optgui.core.params import Kind, Param
from optgui.gui import theme

REST_MS = 400  # this long without movement ends a gesture
TICKS = 1000  # positions of a slider
_HANDLE = 18  # pixels: the style sheet's handle with its border


class _WheelNeedsFocus:
    """Lets the wheel scroll the form instead of changing a control that nobody has chosen."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():  # type: ignore[attr-defined]
            super().wheelEvent(event)  # type: ignore[misc]
        else:
            event.ignore()


class NumberBox(_WheelNeedsFocus, QDoubleSpinBox):
    """A field for a number over many orders of magnitude: four significant digits, `1e-3` may be typed."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = spec.kind in (Kind.INT, Kind.INTS)
        self._log = spec.scale == "log"
        self._span = _span(spec)
        self.setDecimals(0 if self._whole else 15)
        tiny = 1.0 if self._whole else 1e-15
        low = -1e12 if spec.low is None else spec.low + (tiny if spec.low_open else 0.0)
        high = 1e12 if spec.high is None else spec.high - (1e-9 if spec.high_open else 0.0)
        self.setRange(low, high)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedWidth(self.fontMetrics().averageCharWidth() * 13)

    def textFromValue(self, value: float) -> str:
        """Whole numbers with thousands separators, others with four significant digits."""
        return f"{value:,.0f}" if self._whole else f"{value:.4g}"

    def valueFromText(self, text: str) -> float:
        """What was typed, as a number; the four digits shown stand for all digits of the value."""
        number = _number(text)
        return self.value() if number is None or text == self.textFromValue(self.value()) else number

    def validate(self, text: str, position: int) -> Any:
        """A number within the bounds is acceptable; anything that may become one is let through."""
        number = _number(text)
        if number is not None and math.isfinite(number) and self.minimum() <= number <= self.maximum():
            return QValidator.State.Acceptable, text, position
        typed = set(text) <= set("0123456789+-.,eE ")
        return (QValidator.State.Intermediate if typed else QValidator.State.Invalid), text, position

    def stepBy(self, steps: int) -> None:
        """Ten steps a decade on a log scale, a hundredth of the slider's range on a linear one."""
        value = self.value()
        if self._log and value > 0:
            moved = value * 10 ** (steps / 10)
            moved = value + steps if self._whole and abs(moved - value) < 1 else float(f"{moved:.3g}")
        elif self._whole:
            moved = value + steps * max(1, round((self._span[1] - self._span[0]) / 100))
        else:
            moved = float(f"{value + steps * (self._span[1] - self._span[0]) / 100:.6g}")
        self.setValue(moved)


class Slider(_WheelNeedsFocus, QSlider):
    """A horizontal slider that shows a number on a linear or logarithmic scale."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        low, high = _span(spec)
        self._log = spec.scale == "log" and high > 0
        self._zero_at_left = self._log and spec.low == 0 and not spec.low_open
        self._low, self._high = (max(low, 1e-15), high) if self._log else (low, high)
        self._whole = spec.kind is Kind.INT
        self._marks: tuple[tuple[float, str], ...] = ()
        self.setRange(0, TICKS)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(40)

    def set_marks(self, marks: tuple[tuple[float, str], ...]) -> None:
        """Draw a tick at each `(number, what it means)`; those off the slider's range are left out."""
        if marks != self._marks:
            self._marks = marks
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._marks:
            return
        painter = QPainter(self)
        colours = theme.colours(self)
        for place, (number, _) in enumerate(self._marks):
            share = self._share(number)
            if 0 < share < 1:
                x = round(_HANDLE / 2 + share * (self.width() - _HANDLE))
                painter.setPen(
                    QPen(QColor(colours.error if place == len(self._marks) - 1 else colours.ok), 2)
                )
                painter.drawLine(x, self.height() - 4, x, self.height())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and self._marks:
            assert isinstance(event, QHelpEvent)
            words = "\n".join(f"{text}: {number:.4g}" for number, text in self._marks)
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    def number(self) -> float:
        """The number the slider stands at, rounded to what a pixel can mean."""
        share = self.value() / TICKS
        if self._log:
            if self.value() == 0 and self._zero_at_left:
                return 0.0
            number = self._low * (self._high / self._low) ** share
        else:
            number = self._low + (self._high - self._low) * share
        return float(round(number)) if self._whole else float(f"{number:.3g}")

    def show_number(self, number: float) -> None:
        """Stand at a number, at the end of the slider if it lies beyond."""
        blocker = QSignalBlocker(self)
        self.setValue(round(TICKS * min(1.0, max(0.0, self._share(number)))))
        blocker.unblock()

    def _share(self, number: float) -> float:
        if not self._log:
            return (number - self._low) / (self._high - self._low)
        return math.log(number / self._low) / math.log(self._high / self._low) if number > self._low else 0.0


class ChoiceBox(_WheelNeedsFocus, QComboBox):
    """A combo box whose entries can be disabled with a reason."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def offer(self, value: str, label: str, help: str = "", refusal: str = "") -> None:
        """Add one entry; one with a refusal is shown, but cannot be chosen."""
        self.addItem(label, value)
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        item = model.item(self.count() - 1)
        item.setToolTip(f"Not available here: {refusal}" if refusal else help)
        item.setEnabled(not refusal)


class Editor(QWidget):
    """Base of the editors: turns movements into gestures."""

    changed = Signal(object)  # the value, with every movement
    settled = Signal(object)  # the value, once a gesture

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
        several = self.spec.length is not None
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


class NumberEditor(Editor):
    """Slider and field for one number."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._slider, self._box = Slider(spec), NumberBox(spec)
        self._row.addWidget(self._slider, 1)
        self._row.addWidget(self._box)
        self._slider.valueChanged.connect(self._on_slider)
        self._slider.sliderReleased.connect(self.settle)
        self._box.valueChanged.connect(self._on_box)
        self._box.editingFinished.connect(self.settle)

    def set_marks(self, marks: tuple[tuple[float, str], ...]) -> None:
        """Put ticks with a meaning on the slider; the last one is a limit."""
        self._slider.set_marks(marks)

    def parts(self) -> list[QWidget]:
        """The field and the slider."""
        return [self._box, self._slider]

    def _typed(self, number: float) -> float | int:
        return round(number) if self.spec.kind is Kind.INT else number

    def _show(self, value: float) -> None:
        self._slider.show_number(value)
        blocker = QSignalBlocker(self._box)
        self._box.setValue(value)
        blocker.unblock()

    def _on_slider(self) -> None:
        blocker = QSignalBlocker(self._box)
        self._box.setValue(self._slider.number())
        blocker.unblock()
        self._move(self._typed(self._box.value()))

    def _on_box(self, number: float) -> None:
        self._slider.show_number(number)
        self._move(self._typed(number))


class SwitchEditor(Editor):
    """A check box."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._box = QCheckBox()
        self._box.toggled.connect(lambda on: self._move(on, final=True))
        self._row.addWidget(self._box)

    def parts(self) -> list[QWidget]:
        """The check box."""
        return [self._box]

    def _show(self, value: bool) -> None:
        blocker = QSignalBlocker(self._box)
        self._box.setChecked(value)
        blocker.unblock()


class ChoiceEditor(Editor):
    """A combo box of a parameter's choices."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._box = ChoiceBox()
        for value, label in spec.choices:
            self._box.offer(value, label)
        self._box.currentIndexChanged.connect(lambda _: self._move(self._box.currentData(), final=True))
        self._row.addWidget(self._box, 1)

    def parts(self) -> list[QWidget]:
        """The combo box."""
        return [self._box]

    def _show(self, value: str) -> None:
        blocker = QSignalBlocker(self._box)
        self._box.setCurrentIndex(self._box.findData(value))
        blocker.unblock()


class LineEditor(Editor):
    """A line of text, or of numbers between commas; text that is not a list snaps back."""

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
        words = value if self.spec.kind is Kind.TEXT else ", ".join(f"{item:g}" for item in value)
        self._line.setText(words)

    def _on_finished(self) -> None:
        text = self._line.text().strip()
        if self.spec.kind is Kind.TEXT:
            self._move(text, final=True)
            return
        numbers = [_number(part) for part in text.split(",")] if text else []
        whole = self.spec.kind is Kind.INTS
        if any(n is None or not math.isfinite(n) or (whole and n != int(n)) for n in numbers):
            self._show(self._value)
            example = "120, 60" if whole else "0.5, 1.2"
            self.refused.emit(
                f"{self.spec.title}: expected numbers between commas such as {example}, got {text}"
            )
            return
        typed = [int(n) if whole else n for n in numbers if n is not None]
        self._move(tuple(typed), final=True)


class TupleEditor(Editor):
    """A field for each number of a short tuple such as betas or a point."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._boxes = [NumberBox(spec) for _ in range(spec.length or 2)]
        for box in self._boxes:
            box.valueChanged.connect(lambda _: self._move(tuple(b.value() for b in self._boxes)))
            box.editingFinished.connect(self.settle)
            self._row.addWidget(box)
        self._row.addStretch(1)

    def parts(self) -> list[QWidget]:
        """The fields in order."""
        return list(self._boxes)

    def _show(self, value: tuple[float, ...]) -> None:
        for box, number in zip(self._boxes, value, strict=True):
            blocker = QSignalBlocker(box)
            box.setValue(number)
            blocker.unblock()


def make_editor(spec: Param, parent: QObject | None = None) -> Editor:
    """The editor for one parameter that is neither an entry nor a group nor a list of groups."""
    if spec.kind in (Kind.INTS, Kind.FLOATS):
        return TupleEditor(spec) if spec.length else LineEditor(spec)
    return _EDITORS[spec.kind](spec)


_EDITORS: dict[Kind, type[Editor]] = {
    Kind.FLOAT: NumberEditor,
    Kind.INT: NumberEditor,
    Kind.SWITCH: SwitchEditor,
    Kind.CHOICE: ChoiceEditor,
    Kind.TEXT: LineEditor,
}


def _span(spec: Param) -> tuple[float, float]:
    """The numbers at the ends of a slider; a missing bound is guessed from the default."""
    if spec.slider:
        return spec.slider
    low = spec.low or 0.0
    default = spec.default if isinstance(spec.default, (int, float)) else 0.0
    return low, spec.high if spec.high is not None else max(low + 1.0, 2.0 * abs(default))


def _number(text: str) -> float | None:
    cleaned = text.strip().replace(QLocale.c().groupSeparator(), "")
    try:
        return float(cleaned)
    except ValueError:
        return None
