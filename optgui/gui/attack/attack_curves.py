"""AttackCurves: loss, size of the change and length of the gradient, iteration by iteration."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QWidget

from optgui.core.attack import AttackRecord
from optgui.gui.plot.curve_view import CurveView

LOSSES = {"CrossEntropy": "cross-entropy", "Margin": "margin", "DLR": "logits ratio"}


class AttackCurves(QSplitter):
    """Three plots side by side over one count of iterations; a click asks to go there."""

    clicked = Signal(int)  # an iteration

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setHandleWidth(1)
        self.setChildrenCollapsible(False)
        self.loss = CurveView("Loss", "cross-entropy", x_label="iteration", object_name="attack.curve.loss")
        self.loss.set_hint("Press Start: the loss climbs here, iteration by iteration")
        self.loss.add_line("loss", "", 3)
        self.change = CurveView("Perturbation", "‖δ‖", x_label="iteration", object_name="attack.curve.change")
        self.change.set_hint("How large the change is, and ε, which it may not exceed")
        self.change.add_line("epsilon", "ε", 7, dash=Qt.PenStyle.DashLine)
        self.change.add_line("size", "‖δ‖", 0)
        self.gradient = CurveView(
            "Gradient", "‖gradient‖₂", x_label="iteration", log=True, object_name="attack.curve.gradient"
        )
        self.gradient.set_hint("How long the gradient is; a raw step is as short as this is small")
        self.gradient.add_line("gradient", "", 2)
        for view in self.views:
            self.addWidget(view)
            view.clicked.connect(lambda x: self.clicked.emit(round(x)))

    @property
    def views(self) -> tuple[CurveView, ...]:
        """All plots."""
        return (self.loss, self.change, self.gradient)

    def begin(self, loss: str, steps: int) -> None:
        """A new attack that climbs a loss of LOSSES."""
        self.loss.set_y_label(LOSSES.get(loss, loss))
        for view in self.views:
            view.clear()
            view.set_span(steps)

    def extend(self, records: Sequence[AttackRecord], epsilon: float | None) -> None:
        """More iterations; `epsilon` is None where there is no ball."""
        steps = [record.step for record in records]
        self.loss.extend("loss", steps, [record.loss for record in records])
        self.change.extend("size", steps, [record.norm for record in records])
        if epsilon is not None:
            self.change.extend("epsilon", steps, [epsilon] * len(steps))
        lengths = [record.gradient_norm or float("nan") for record in records]
        self.gradient.extend("gradient", steps, lengths)
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
