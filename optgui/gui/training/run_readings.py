"""The numbers of a run beside its pictures: test accuracy large, the last step, who was taken for whom."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from optgui.core.training import TrainingFrame, TrainingRecord
from optgui.gui.form.widgets import group_title
from optgui.gui.plot.digits import ConfusionView
from optgui.gui.readings import Facts, Figure, Readout

_NUMBER = 8  # characters that are seen of each number, however narrow the window


class RunReadings(QWidget):
    """Shows records and frames; asks for a test."""

    wanted = Signal()  # a test of the network as it stands

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figure = Figure("Test accuracy", "training.test_accuracy", "Share of test images read correctly")
        self.facts = Facts("This run", "training.facts", ("Step", "Epochs", "Loss", "Rate", "Test loss"))
        for number in self.facts.findChildren(Readout):
            number.setMinimumWidth(self.fontMetrics().averageCharWidth() * _NUMBER)
        self.confusion = ConfusionView("training.confusion")
        self._confusion_title = group_title("Confusion: true class down, answer across")
        self.evaluate = QPushButton("Test now")
        self.evaluate.setObjectName("training.evaluate")
        self.evaluate.clicked.connect(self.wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(16)
        for widget in (
            self.figure,
            self.evaluate,
            self.facts,
            self._confusion_title,
            self.confusion,
        ):
            layout.addWidget(widget)
        self.clear()

    def clear(self) -> None:
        """Another run begins."""
        self.figure.show_value("–", "measured at the end of each epoch")
        self.confusion.show_table(None)

    def set_confusion_visible(self, visible: bool) -> None:
        """Show or hide the confusion matrix: a page may have one of its own."""
        self._confusion_title.setVisible(visible)
        self.confusion.setVisible(visible)

    def allow(self, reason: str = "") -> None:
        """Offer the test, or say why there is nothing to test."""
        self.evaluate.setEnabled(not reason)
        self.evaluate.setToolTip(reason or "Measure the test accuracy of the network as it stands")

    def show_test(self, accuracy: float, loss: float, when: str) -> None:
        """Show the result of a test."""
        self.figure.show_value(f"{100 * accuracy:.2f} %", when)
        self.facts.show_fact("Test loss", f"{loss:.4g}")

    def show_rewound(self, step: int) -> None:
        """The weights are others, those of a step: what was measured is not of them."""
        self.figure.show_value("–", "not measured on these weights")
        self.facts.show_fact("Step", f"{step:,}")
        for fact in ("Loss", "Rate", "Test loss"):
            self.facts.show_fact(fact, "–")

    def take_records(self, records: Sequence[TrainingRecord]) -> None:
        """Show the last step, and the last test if there was one."""
        trained = next((record for record in reversed(records) if record.phase == "train"), None)
        if trained is not None:
            self.facts.show_fact("Step", f"{trained.step:,}")
            self.facts.show_fact("Loss", f"{trained.loss:.4g}")
            self.facts.show_fact("Rate", f"{trained.lr:.4g}")
        for record in records:
            if not math.isnan(record.test_accuracy):
                self.show_test(record.test_accuracy, record.test_loss, f"after epoch {record.epoch}")

    def show_frame(self, frame: TrainingFrame) -> None:
        """Show the epoch and the confusion matrix."""
        self.facts.show_fact("Epochs", str(frame.epoch))
        self.confusion.show_table(frame.confusion, frame.class_names)
