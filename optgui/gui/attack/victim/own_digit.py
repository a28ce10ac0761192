"""OwnDigit: a digit that is not of the data set, in 28 x 28, with the class a person says it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.attack.victim.digit_sheet import TEN
from optgui.gui.form.choices import ChoiceBox
from optgui.gui.plot.digits import grey_image
from optgui.gui.readings import Readout

SAY_CLASS = "Say which digit this is before it is attacked: choose a class beside “This is”."


class DigitPreview(QWidget):
    """What the network will see, four pixels for one."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName("The digit as the network sees it, 28 × 28")
        self.setToolTip("The digit as the network sees it: 28 × 28, centred as those of MNIST")
        self.setFixedSize(114, 114)
        self._image: QImage | None = None

    def show_image(self, image: NDArray[np.float32] | None) -> None:
        """Show an image (28, 28), or none."""
        self._image = None if image is None else grey_image(image)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        square = self.rect().adjusted(1, 1, -1, -1)
        painter.fillRect(square, Qt.GlobalColor.black)
        if self._image is not None:
            painter.drawImage(square, self._image)
        painter.setPen(QColor(theme.colours(self).rule))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class OwnDigit(QWidget):
    """A preview, "This is [class]", and the button that hands image and class over."""

    given = Signal(object, int)  # image (28, 28) float32 in [0, 1], read-only; true class
    refused = Signal(str)  # a sentence

    def __init__(
        self, name: str, digit: Callable[[], NDArray[np.float32]], parent: QWidget | None = None
    ) -> None:
        """`digit` gives the image, or raises a ValueError that says why there is none."""
        super().__init__(parent)
        self._digit = digit
        self._said = False  # whether the person chose the class
        self.preview = DigitPreview(f"{name}.preview")
        self.label = ChoiceBox()
        self.label.setObjectName(f"{name}.label")
        self.label.setAccessibleName("True class")
        self.label.setToolTip("What this digit really is; the attack wants the network to read it as another")
        self.label.setPlaceholderText("Choose")
        self.label.activated.connect(self._on_label)
        self.attack = QPushButton("Attack this digit")
        self.attack.setObjectName(f"{name}.attack")
        self.attack.setToolTip("Take this digit as the victim")
        self.attack.setProperty("primary", True)
        self.attack.clicked.connect(self.give)
        self.reading = Readout("Reading", characters=20)
        self.reading.setObjectName(f"{name}.reading")
        words = QLabel("This is")
        words.setBuddy(self.label)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(words)
        row.addWidget(self.label, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.preview)
        layout.addLayout(row)
        layout.addWidget(self.reading)
        layout.addWidget(self.attack)
        self.set_classes(TEN)

    def set_classes(self, names: tuple[str, ...]) -> None:
        """Offer these classes; none is chosen."""
        self._names = names
        self.label.clear()
        for place, name in enumerate(names):
            self.label.offer(str(place), name)
        self.forget()

    def forget(self) -> None:
        """Ask for the class anew, as for another digit."""
        self._said = False
        self.label.setCurrentIndex(-1)
        self.reading.setText("")

    def set_guess(self, label: int) -> None:
        """Say what the network reads; that is the class until the person chooses one."""
        self.reading.setText(f"The network reads {self._names[label]}.")
        if not self._said:
            self.label.setCurrentIndex(label)

    def look(self) -> NDArray[np.float32] | None:
        """Show the digit as it is now in the preview, and return it; None where there is none."""
        try:
            image = self._digit()
        except ValueError:
            image = None
        self.preview.show_image(image)
        return image

    def give(self) -> None:
        """Hand the digit over, or say why not."""
        try:
            image = self._digit()
        except ValueError as error:
            self.refused.emit(_sentence(str(error)))
            return
        if self.label.currentIndex() < 0:
            self.refused.emit(SAY_CLASS)
            self.label.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.given.emit(image, self.label.currentIndex())

    def _on_label(self) -> None:
        self._said = True


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
