"""AttackCurves: loss, size of the change and length of the gradient, iteration by iteration."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QWidget

from optgui.core.attack import METHODS, AttackConfig, AttackRecord
from optgui.gui.plot.curve_view import CurveView

LOSSES = {"CrossEntropy": "cross-entropy", "Margin": "margin", "DLR": "ratio of logits"}
GRADIENT = "How long the gradient is; a raw step is as short as this is small"
NO_GRADIENT = "This method asks for no gradient"


class AttackCurves(QSplitter):
    """Three plots side by side over one count of iterations; a click asks to go there."""

    clicked = Signal(int)  # an iteration

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setHandleWidth(1)
        self.setChildrenCollapsible(False)
        self.loss = CurveView("Loss", "loss", x_label="iteration", object_name="attack.curve.loss")
        self.loss.set_hint("Press Start: the loss climbs here, iteration by iteration")
        self.loss.add_line("loss", "loss", 3)
        self.change = CurveView("Perturbation", "‖δ‖", x_label="iteration", object_name="attack.curve.change")
        self.change.set_hint("How large the change is, and ε, which it may not exceed")
        self.change.add_line("epsilon", "ε", 7, dash=Qt.PenStyle.DashLine)
        self.change.add_line("size", "‖δ‖", 0)
        self.gradient = CurveView(
            "Gradient", "gradient", x_label="iteration", log=True, object_name="attack.curve.gradient"
        )
        self.gradient.set_hint(GRADIENT)
        self.gradient.add_line("gradient", "gradient", 2)
        for view in self.views:
            self.addWidget(view)
            view.clicked.connect(lambda x: self.clicked.emit(round(x)))

    @property
    def views(self) -> tuple[CurveView, ...]:
        """All plots."""
        return (self.loss, self.change, self.gradient)

    def begin(self, config: AttackConfig) -> None:
        """A new attack."""
        words = loss_words(config)
        self.loss.name = words.capitalize()
        self.loss.set_y_label(words)
        self.loss.lines["loss"].label = words  # a lone line that is called like its axis is not named again
        self.gradient.set_hint(GRADIENT)
        for view in self.views:
            view.clear()
            view.set_span(config.steps)

    def extend(self, records: Sequence[AttackRecord], epsilon: float | None) -> None:
        """More iterations; `epsilon` is None where there is no ball.

        A gradient of length zero is told from none by the images it did not move.
        """
        steps = [record.step for record in records]
        self.loss.extend("loss", steps, [record.loss for record in records])
        self.change.extend("size", steps, [record.norm for record in records])
        if epsilon is not None:
            self.change.extend("epsilon", steps, [epsilon] * len(steps))
        seen = [record for record in records if record.gradient_norm or record.skipped]
        if seen:
            lengths = [record.gradient_norm or math.nan for record in seen]
            self.gradient.extend("gradient", [record.step for record in seen], lengths)
        elif not len(self.gradient.lines["gradient"].series):
            self.gradient.set_hint(NO_GRADIENT)
        for view in self.views:
            view.set_span(records[-1].until)

    def set_head(self, iteration: int) -> None:
        """Show where the film stands."""
        for view in self.views:
            view.set_head(iteration)

    def refresh(self) -> None:
        """Draw what is new."""
        for view in self.views:
            view.refresh()


def loss_words(config: AttackConfig) -> str:
    """What an attack climbs; a method that has its own loss climbs just that."""
    if "loss" not in METHODS[config.method.name].uses:
        return "loss"
    return LOSSES.get(config.loss, config.loss)
