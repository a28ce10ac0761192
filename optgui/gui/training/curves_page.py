"""The first page of a run: its curves, and the first test digits with the network's answers."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

from optgui.core.training import TrainingFrame
from optgui.gui.plot.digits import DigitRow
from optgui.gui.training.training_curves import TrainingCurves


class CurvesPage(QSplitter):
    """Curves over a row of digits."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.setHandleWidth(1)
        self.setChildrenCollapsible(False)
        self.curves = TrainingCurves()
        self.digits = DigitRow("Test digits and what the network says", "training.digits")
        self.digits.set_hint("The first test digits appear here with the network's answers")
        self.addWidget(self.curves)
        self.addWidget(self.digits)
        self.setStretchFactor(0, 1)
        self._run = ""  # whose digits are shown

    def show_frame(self, frame: TrainingFrame) -> None:
        """Show what the network says to the digits, and how far the run will go."""
        self.curves.set_span(frame.total_steps)
        if self._run != frame.run:
            self._run = frame.run
            self.digits.show_digits(frame.digits)
        answers, sure, names = frame.probabilities.argmax(1), frame.probabilities.max(1), frame.class_names
        self.digits.show_words(
            [names[a] if len(names[a]) < 3 else names[a][:6] for a in answers],
            [bool(a == truth) for a, truth in zip(answers, frame.labels, strict=True)],
            [
                f"{names[truth]} read as {names[a]} with {share:.1%}"
                for a, truth, share in zip(answers, frame.labels, sure, strict=True)
            ],
        )
