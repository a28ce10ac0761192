"""The buttons in the corner of a curve."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget


class CurveToolbar(QWidget):
    """Fit, Smooth and Log; it lies over the strip above the plot and knows nothing of curves."""

    def __init__(self, name: str, object_name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._stem, self._words = object_name, name
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 4, 0)
        row.setSpacing(4)
        self.fit = self._button("fit", "Fit", "Show the whole run again (F, or double click on the plot)")
        self.smooth = self._button("smooth", "Smooth", "Draw a moving average over the pale exact values")
        self.log = self._button("log", "Log", "Logarithmic scale; values that are not positive are not drawn")
        for button in (self.fit, self.smooth, self.log):
            button.setCheckable(button is not self.fit)
            row.addWidget(button)
        self.fit.setEnabled(False)
        self.smooth.setVisible(False)

    def _button(self, key: str, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(f"{self._words}: {text.lower()}")
        button.setObjectName(f"{self._stem}.{key}")
        return button

    def place(self, width: float, font: QFont | None = None) -> float:
        """Stand in the right corner of a view `width` pixels wide, in `font`; returns the height."""
        if font is not None:
            for button in (self.fit, self.smooth, self.log):
                button.setFont(font)
        self.adjustSize()
        self.move(round(width) - self.width(), 2)
        self.raise_()
        return float(self.sizeHint().height())
