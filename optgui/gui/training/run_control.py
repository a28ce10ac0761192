"""Run so many steps or epochs and pause; and what to do about a loss that left the rails."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSpinBox, QWidget

from optgui.core.training.requests import PauseAfter, Rewind
from optgui.gui.form.choices import ChoiceBox

_MOST = 10_000_000
_START = {"steps": 100, "epochs": 1}


class SpikeOffer(QFrame):
    """A quiet bar over the picture: the sentence, and the two ways on."""

    wanted = Signal(object)  # Rewind
    went_on = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("error_bar")
        self._node = -1
        self.words = QLabel()
        self.words.setObjectName("training.spike.words")
        self.words.setWordWrap(True)
        self.rewind = _button("Rewind with half the rate", "training.spike.rewind")
        self.rewind.setToolTip("Go back to the last checkpoint before, and on with half the learning rate")
        self.go_on = _button("Go on", "training.spike.go_on")
        self.go_on.setToolTip("Go on as if nothing had happened")
        self.rewind.clicked.connect(self._on_rewind)
        self.go_on.clicked.connect(self._on_go_on)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(8)
        row.addWidget(self.words, 1)
        row.addWidget(self.rewind)
        row.addWidget(self.go_on)
        self.hide()

    def offer(self, sentence: str, node: int, *, can_go_on: bool = True) -> None:
        """Say what happened and offer to go back to `node`, or to go on where that is possible."""
        self._node = node
        self.words.setText(sentence)
        self.go_on.setVisible(can_go_on)
        self.setProperty("kind", "note" if can_go_on else "error")
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()

    def _on_rewind(self) -> None:
        self.hide()
        self.wanted.emit(Rewind(self._node, halve_lr=True))

    def _on_go_on(self) -> None:
        self.hide()
        self.went_on.emit()


class RunControl(QWidget):
    """A row for the run bar. `spike` is a bar of its own, to be put where messages stand."""

    wanted = Signal(object)  # PauseAfter, or the Rewind of the spike offer
    go = Signal()  # start or resume, behind PauseAfter; or go on in spite of a spike

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.control")
        self.button = _button("Run", "training.control.run")
        self.button.clicked.connect(self._on_run)
        self.count = QSpinBox()
        self.count.setObjectName("training.control.count")
        self.count.setAccessibleName("How many steps or epochs to run")
        self.count.setToolTip("How many steps or epochs to run before the pause")
        self.count.setRange(1, _MOST)
        self.count.setGroupSeparatorShown(True)
        self.count.setValue(_START["steps"])
        self.count.setFixedWidth(self.fontMetrics().averageCharWidth() * 14)
        self.unit = ChoiceBox()
        self.unit.setObjectName("training.control.unit")
        self.unit.setAccessibleName("Steps or epochs")
        self.unit.setToolTip("What is counted")
        self.unit.offer("steps", "steps", "Mini-batches")
        self.unit.offer("epochs", "epochs", "Passes over the training images, each with its test")
        self.unit.currentIndexChanged.connect(self._on_unit)
        self._counts = dict(_START)
        self._unit = "steps"
        self.then = QLabel("then pause")
        self.then.setProperty("role", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 0, 0)
        row.setSpacing(6)
        for widget in (self.button, self.count, self.unit, self.then):
            row.addWidget(widget)
        row.addStretch(1)
        self.spike = SpikeOffer()
        self.spike.wanted.connect(self.wanted)
        self.spike.went_on.connect(self.go)
        self.allow()

    def allow(self, reason: str = "") -> None:
        """Let it be used, or say in a sentence why it cannot."""
        self.button.setEnabled(not reason)
        self.button.setToolTip(reason or "Run so far from where the run stands now, then pause")

    def offer(self, sentence: str, node: int | None, *, can_go_on: bool = True) -> None:
        """Show the spike offer; no node takes it away."""
        if node is None:
            self.spike.hide()
        else:
            self.spike.offer(sentence, node, can_go_on=can_go_on)

    @property
    def request(self) -> PauseAfter:
        """What the fields say."""
        count = self.count.value()
        return PauseAfter(epochs=count) if self._unit == "epochs" else PauseAfter(steps=count)

    def _on_run(self) -> None:
        self.count.interpretText()
        self.wanted.emit(self.request)
        self.go.emit()

    def _on_unit(self) -> None:
        """Each unit keeps a number of its own: 100 epochs are not meant by who had 100 steps."""
        self._counts[self._unit] = self.count.value()
        self._unit = self.unit.currentData()
        self.count.setValue(self._counts[self._unit])


def _button(text: str, name: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text)
    return button
