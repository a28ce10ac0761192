"""DrawPad: a person's own digit, drawn with mouse or pen and centred as MNIST's are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from optgui.core.attack.pictures import centred
from optgui.core.params import Kind, Param
from optgui.gui.attack.victim.ink_canvas import InkCanvas
from optgui.gui.attack.victim.own_digit import OwnDigit
from optgui.gui.form.numbers import NumberEditor
from optgui.gui.form.param_form import small_button
from optgui.gui.form.widgets import group_title

PEN = Param(
    "width",
    Kind.INT,
    24,
    "Stroke width",
    "Width of the stroke; MNIST's are about 24",
    low=6,
    high=60,
    unit="px",
)


class DrawPad(QWidget):
    """Paper at the left; tools, preview, class and the button at the right."""

    drawn = Signal(object, int)  # image (28, 28) float32 in [0, 1], read-only; true class
    previewed = Signal(object)  # the image, after each stroke
    refused = Signal(str)  # a sentence

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.draw")
        self.canvas = InkCanvas("attack.draw.paper")
        self.own = OwnDigit("attack.draw", self.digit)
        self.own.given.connect(self.drawn)
        self.own.refused.connect(self.refused)
        pen = NumberEditor(PEN)
        pen.name("attack.draw.width")
        pen.setToolTip(PEN.help)
        pen.changed.connect(self._on_width)
        pen.set_value(PEN.default)
        self.canvas.width_of_stroke = PEN.default
        self._eraser = small_button("Eraser", "attack.draw.eraser", "Rub ink out (or use the right button)")
        self._eraser.setCheckable(True)
        self._eraser.toggled.connect(self._on_eraser)
        self._undo = small_button("Undo", "attack.draw.undo", "Take the last stroke back (Ctrl+Z)")
        self._undo.clicked.connect(self.canvas.undo)
        self._clear = small_button("Clear", "attack.draw.clear", "Take all ink away (Del)")
        self._clear.clicked.connect(self.canvas.clear)
        tools = QHBoxLayout()
        tools.setSpacing(4)
        for button in (self._eraser, self._undo, self._clear):
            tools.addWidget(button)
        tools.addStretch(1)
        side = QVBoxLayout()
        side.setSpacing(6)
        side.addWidget(group_title("Pen"))
        side.addWidget(pen)
        side.addLayout(tools)
        side.addSpacing(6)
        side.addWidget(self.own)
        side.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(16)
        layout.addWidget(self.canvas, 100)
        layout.addLayout(side)
        layout.addStretch(1)
        self.canvas.changed.connect(self._on_changed)
        self.canvas.rested.connect(self._on_rested)
        self._on_changed()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the tools beside the paper, however wide the window."""
        super().resizeEvent(event)
        self.canvas.setMaximumWidth(self.height())

    def digit(self) -> NDArray[np.float32]:
        """The drawing, centred, (28, 28).

        Raises:
            ValueError: if nothing is drawn.
        """
        return centred(self.canvas.ink())

    def set_classes(self, names: tuple[str, ...]) -> None:
        """Offer these classes."""
        self.own.set_classes(names)

    def set_guess(self, label: int) -> None:
        """Say what the network reads in the drawing."""
        self.own.set_guess(label)

    def _on_width(self, width: int) -> None:
        self.canvas.width_of_stroke = width

    def _on_eraser(self, on: bool) -> None:
        self.canvas.erasing = on

    def _on_changed(self) -> None:
        image = self.own.look()
        self._undo.setEnabled(self.canvas.can_undo)
        self._clear.setEnabled(image is not None)

    def _on_rested(self) -> None:
        image = self.own.look()
        if image is None:
            self.own.forget()
        else:
            self.previewed.emit(image)
