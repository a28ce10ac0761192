"""Editors of numbers: slider and field for one, a field for each of a few."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QValidator
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QToolButton,
    QToolTip,
    QWidget,
)

from optgui.core.params import Kind, Param
from optgui.gui import theme
from optgui.gui.form.editor import Editor, WheelNeedsFocus, number_in
from optgui.gui.form.widgets import small_button

TICKS = 1000  # positions of a slider
_HANDLE = 18  # pixels: the style sheet's handle with its border


class NumberBox(WheelNeedsFocus, QDoubleSpinBox):
    """A field for a number over many orders of magnitude: four significant digits, `1e-3` may be typed."""

    refused = Signal(str)  # a sentence: what was typed is out of bounds, the value has snapped back

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec = spec
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
        number = number_in(text)
        return self.value() if number is None or text == self.textFromValue(self.value()) else number

    def validate(self, text: str, position: int) -> Any:
        """A number within the bounds is acceptable; anything that may become one is let through."""
        number = number_in(text)
        if number is not None and math.isfinite(number) and self.minimum() <= number <= self.maximum():
            return QValidator.State.Acceptable, text, position
        typed = set(text) <= set("0123456789+-.,eE ")
        return (QValidator.State.Intermediate if typed else QValidator.State.Invalid), text, position

    def fixup(self, text: str) -> str:
        """Say at the field why a text that was entered is refused; Qt then puts the last value back."""
        if text.strip():
            sentence = f"{self._spec.title}: expected {self._spec.expected}, got {text.strip()}"
            QToolTip.showText(self.mapToGlobal(QPoint(0, self.height())), sentence, self)
            self.refused.emit(sentence)
        return text

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


class Slider(WheelNeedsFocus, QSlider):
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
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # room for marks below

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


class NumberEditor(Editor):
    """Slider and field for one number, and a button for each factor it may be multiplied by at once."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._slider, self._box = Slider(spec), NumberBox(spec)
        self._row.addWidget(self._slider, 1)
        self._row.addWidget(self._box)
        times = QHBoxLayout()
        times.setSpacing(0)
        self._times = [self._button(factor) for factor in spec.factors]
        for button in self._times:
            times.addWidget(button)
        self._row.addLayout(times)
        self._slider.valueChanged.connect(self._on_slider)
        self._slider.sliderReleased.connect(self.settle)
        self._box.valueChanged.connect(self._on_box)
        self._box.editingFinished.connect(self.settle)
        self._box.refused.connect(self.refused)

    def _button(self, factor: float) -> QToolButton:
        words = "×½" if factor == 0.5 else f"×{factor:g}"
        button = small_button(words, "", f"{self.spec.title} × {factor:g}")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setStyleSheet("padding: 3px 0;")  # room for the slider
        button.setFixedWidth(button.fontMetrics().horizontalAdvance(words) + 8)
        button.clicked.connect(lambda: self._multiply(factor))
        return button

    def name(self, object_name: str) -> None:
        super().name(object_name)
        for button, factor in zip(self._times, self.spec.factors, strict=True):
            button.setObjectName(f"{object_name}.x{factor:g}")

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

    def _multiply(self, factor: float) -> None:
        blocker = QSignalBlocker(self._box)
        self._box.setValue(self._box.value() * factor)
        blocker.unblock()
        self._slider.show_number(self._box.value())
        self._move(self._typed(self._box.value()), final=True)

    def _on_slider(self) -> None:
        blocker = QSignalBlocker(self._box)
        self._box.setValue(self._slider.number())
        blocker.unblock()
        self._move(self._typed(self._box.value()))

    def _on_box(self, number: float) -> None:
        self._slider.show_number(number)
        self._move(self._typed(number))


class TupleEditor(Editor):
    """A field for each number of a short tuple such as betas or a point."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._boxes = [NumberBox(spec) for _ in range(spec.length or 2)]
        for box in self._boxes:
            box.valueChanged.connect(lambda _: self._move(tuple(b.value() for b in self._boxes)))
            box.editingFinished.connect(self.settle)
            box.refused.connect(self.refused)
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


def _span(spec: Param) -> tuple[float, float]:
    """The numbers at the ends of a slider; a missing bound is guessed from the default."""
    if spec.slider:
        return spec.slider
    low = spec.low or 0.0
    default = spec.default if isinstance(spec.default, (int, float)) else 0.0
    return low, spec.high if spec.high is not None else max(low + 1.0, 2.0 * abs(default))
