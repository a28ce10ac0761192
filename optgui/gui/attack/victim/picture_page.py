"""PicturePage: an opened picture as the network sees it, and what was done to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from optgui.core.attack.pictures import Opened
from optgui.gui.attack.victim.own_digit import OwnDigit
from optgui.gui.attack.victim.picture_file import picture_dialog
from optgui.gui.plot.digits import PictureView, grey_image

NONE_OPEN = "no picture is open: open one first, or drop one here"


class PicturePage(QWidget):
    """The picture at the left; its note, class and the button at the right."""

    path_chosen = Signal(str)
    given = Signal(object, int, str)  # image (28, 28) float32, true class, name of the file
    refused = Signal(str)  # a sentence

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.open.page")
        self._opened: Opened | None = None
        self._name = ""
        self.picture = PictureView("As the network sees it", "attack.open.picture")
        self.picture.set_hint("Drop a picture of a digit here, or open one. Any size and colour will do.")
        self.note = QLabel()
        self.note.setObjectName("attack.open.note")
        self.note.setWordWrap(True)
        self.note.setMinimumWidth(self.fontMetrics().averageCharWidth() * 32)
        self.own = OwnDigit("attack.open", self.digit)
        self.own.preview.hide()
        self.own.given.connect(lambda image, label: self.given.emit(image, label, self._name))
        self.own.refused.connect(self.refused)
        self.open = QPushButton("Open a picture …")
        self.open.setObjectName("attack.open.file")
        self.open.setToolTip("Choose a picture on this computer (PNG, JPEG and others)")
        self.open.clicked.connect(self.ask)
        side = QVBoxLayout()
        side.setSpacing(8)
        side.addWidget(self.open)
        side.addWidget(self.note)
        side.addWidget(self.own)
        side.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(16)
        layout.addWidget(self.picture, 100)
        layout.addLayout(side)
        layout.addStretch(1)
        self.own.hide()
        self.note.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the words beside the picture, however wide the window."""
        super().resizeEvent(event)
        self.picture.setMaximumWidth(self.height())

    @property
    def is_open(self) -> bool:
        """Whether there is a picture."""
        return self._opened is not None

    def ask(self) -> None:
        """Ask for a file, beside which all goes on."""
        dialog = picture_dialog(self)
        dialog.fileSelected.connect(self.path_chosen)
        dialog.open()

    def show_picture(self, opened: Opened, name: str) -> None:
        """Show a picture and ask for its class."""
        self._opened, self._name = opened, name
        self.picture.show_image(grey_image(opened.image), opened.image, name)
        self.note.setText(f"{opened.note}.")
        self.note.show()
        self.own.forget()
        self.own.show()

    def digit(self) -> NDArray[np.float32]:
        """The picture, (28, 28).

        Raises:
            ValueError: if none is open.
        """
        if self._opened is None:
            raise ValueError(NONE_OPEN)
        return self._opened.image
