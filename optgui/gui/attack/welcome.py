"""Welcome: what a person sees on the attack tab before there is a network to fool."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.form.widgets import Remark

NO_NETWORK = "There is no network to fool yet. Train one first; it takes a second or two."
TRAIN = "Train a network now"
WHAT = "Then an attack changes a digit, hardly to be seen, until the network reads another one."


class Welcome(QWidget):
    """A sentence, a button and what happens then, in the middle."""

    def __init__(self, train: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.welcome")
        words = theme.sized(QLabel(NO_NETWORK), theme.BODY, bold=True)
        self.button = QPushButton(TRAIN)
        self.button.setObjectName("attack.welcome.train")
        self.button.setAccessibleName(TRAIN)
        self.button.setProperty("primary", True)
        self.button.clicked.connect(lambda: train())
        what = Remark(WHAT)
        for label in (words, what):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 12, 24, 12)
        layout.setSpacing(16)
        layout.addStretch(2)
        layout.addWidget(words)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(what)
        layout.addStretch(3)
