"""CurvaturePage: how sharp the loss is along the run, and how sharp it may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from optgui.core.training import TrainingFrame
from optgui.core.training.questions import (
    Curvature,
    Eigenvalues,
    EigenvaluesFound,
    HessianTrace,
    SharpnessNow,
    TraceFound,
)
from optgui.gui import theme
from optgui.gui.form.widgets import small_button
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.readings import Facts
from optgui.gui.surface.maps.bar import bar
from optgui.gui.training.eigen_bars import EigenBars

TOP = 8  # eigenvalues
WAIT = "Press Start: there is no network to measure yet"
STORY = (
    "Gradient descent is stable where the sharpness, the largest eigenvalue λ₁ of the loss's Hessian, stays "
    "below 2 / lr. With all data in every step the sharpness rises until it gets there, and then hovers "
    "about that line while the loss keeps falling: the edge of stability."
)
# Measured: λ₁ rises from 4 to 2 / 0.1 = 20 within 300 steps and stays between 18 and 25 up to step 940.
# Without the wrong labels there is soon nothing left to learn, and it sinks before it gets there.
PRESET = {
    "model": {"name": "MLP", "hidden": (50, 50), "activation": "Tanh"},
    "optimizer": {"name": "SGD", "lr": 0.1},
    "scheduler": {"name": "None"},
    "samples": 2_000,
    "label_noise": 0.2,
    "batch_size": 2_000,
    "epochs": 1_000,
    "sharpness": True,
}


class CurvaturePage(QWidget):
    """Sharpness and limit over the steps; eigenvalues and trace on demand.

    Readings come of themselves while the live switch is on, or one by one with `Measure`.
    """

    wanted = Signal(object)  # a question for the run
    preset = Signal(object)  # a config as a dict: what to train
    taken = Signal(object)  # changes of the config by path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.curvature")
        self.has_network = False
        self.readings: tuple[Curvature, ...] = ()
        self._single: list[Curvature] = []  # asked for
        self.live = small_button("Live", "training.curvature.live", "")
        self.live.setCheckable(True)
        self.live.clicked.connect(lambda on: self.taken.emit({"sharpness": on}))
        self.measure = small_button("Measure", "training.curvature.measure", "")
        self.measure.clicked.connect(lambda: self.wanted.emit(SharpnessNow()))
        self.eigenvalues = small_button("Eigenvalues", "training.curvature.eigenvalues", "")
        self.eigenvalues.clicked.connect(lambda: self.wanted.emit(Eigenvalues(TOP)))
        self.trace = small_button("Trace", "training.curvature.trace", "")
        self.trace.clicked.connect(lambda: self.wanted.emit(HessianTrace()))
        self.edge = QPushButton("Show the edge of stability")
        self.edge.setObjectName("training.curvature.edge")
        self.edge.setToolTip(
            "Set up gradient descent with 2,000 digits, all in every step, a fifth labelled wrong so that "
            "there is something to learn for long; and read it live"
        )
        self.edge.clicked.connect(lambda: self.preset.emit(dict(PRESET)))
        self.curve = CurveView("Sharpness", "λ₁", log=True, object_name="training.curvature.sharpness")
        self.curve.add_line("sharpness", "sharpness λ₁", 0, marker=True)
        self.curve.add_line("limit", "limit", 3, dash=theme.DASHES[1])
        self.bars = EigenBars("training.curvature.bars")
        self.facts = Facts(
            "This reading", "training.curvature.facts", ("λ₁", "Limit", "Formula", "Loss", "Trace")
        )
        self.note = _words("training.curvature.note")
        story = _words("training.curvature.story")
        story.setText(STORY)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar(self.live, self.measure, self.eigenvalues, self.trace, None, self.edge))
        split = QSplitter(Qt.Orientation.Vertical)
        split.setHandleWidth(1)
        split.setChildrenCollapsible(False)
        split.addWidget(self.curve)
        below = QWidget()
        row = QHBoxLayout(below)
        row.setContentsMargins(12, 4, 12, 4)
        row.setSpacing(16)
        row.addWidget(self.bars, 2)
        row.addWidget(self.facts, 1, Qt.AlignmentFlag.AlignTop)
        split.addWidget(below)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([300, 180])
        layout.addWidget(split, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 4, 12, 8)
        foot.addWidget(self.note)
        foot.addWidget(story)
        layout.addLayout(foot)
        self.clear()

    def clear(self) -> None:
        """Forget the network: another run begins."""
        self.has_network, self.readings, self._single = False, (), []
        self.curve.clear()
        self.curve.set_hint("Switch Live on and press Start: the sharpness and its limit appear here")
        self.bars.show_values(np.empty(0), np.empty(0))
        self.bars.set_hint("Press Eigenvalues: the largest ones appear here")
        for word in ("λ₁", "Limit", "Formula", "Loss", "Trace"):
            self.facts.show_fact(word, "–")
        self.note.setText("")
        self._offer()

    def show_live(self, on: bool) -> None:
        """Show whether the run takes readings by itself."""
        self.live.setChecked(on)
        self._offer()

    def show_frame(self, frame: TrainingFrame) -> None:
        """Take the run as it stands."""
        if not self.has_network:
            self.has_network = True
            self._offer()
        self.curve.set_span(frame.total_steps)
        self.curve.refresh()

    def show_readings(self, readings: Sequence[Curvature]) -> None:
        """Show all readings that the run took by itself, oldest first; a run that went back has fewer."""
        readings = tuple(readings)
        if readings == self.readings:
            return
        before, self.readings = self.readings, readings
        if self._single or readings[: len(before)] != before:
            last = readings[-1].step if readings else -1
            self._single = [one for one in self._single if one.step <= last]
            self._draw_all()
        else:
            self._extend(readings[len(before) :])
        if readings:
            self._show_newest(readings[-1])

    def show_answer(self, answer: Curvature | EigenvaluesFound | TraceFound) -> None:
        """Show what a question of this page brought."""
        match answer:
            case Curvature():
                self._single = [one for one in self._single if one.step < answer.step] + [answer]
                self._draw_all()
                self._show_newest(answer)
            case EigenvaluesFound():
                newest = self._newest()
                plain = newest is not None and not newest.limit.preconditioned
                limit = newest.limit.value if newest is not None and plain else None
                self.bars.show_values(answer.values, answer.residuals, limit)
            case TraceFound():
                self.facts.show_fact("Trace", f"{answer.value:.4g} ± {answer.error:.1g}")

    def show_refusal(self, reason: str = "") -> None:
        """Say why a question brings no answer, or, without a reason, what the newest reading is worth."""
        newest = self._newest()
        self.note.setText(reason or (note(newest) if newest is not None else ""))

    def _newest(self) -> Curvature | None:
        known = [*self.readings[-1:], *self._single[-1:]]
        return max(known, key=lambda one: one.step, default=None)

    def _draw_all(self) -> None:
        every = sorted({one.step: one for one in (*self._single, *self.readings)}.items())
        self.curve.set_line("sharpness", [], [])
        self.curve.set_line("limit", [], [])
        self._extend([one for _, one in every])

    def _extend(self, readings: Sequence[Curvature]) -> None:
        steps = [one.step for one in readings]
        self.curve.extend("sharpness", steps, [one.sharpness.value for one in readings])
        for reading in readings:
            self._extend_limit(reading.step, np.nan if reading.limit.value is None else reading.limit.value)
        self.curve.refresh()

    def _extend_limit(self, step: float, limit: float) -> None:
        """A stair, as the limit jumps with the rate: the last one holds until just before the next."""
        last = self.curve.lines["limit"].series.last
        if last is not None and last[0] < step and last[1] != limit:
            self.curve.extend("limit", [np.nextafter(step, 0)], [last[1]])
        self.curve.extend("limit", [step], [limit])

    def _show_newest(self, reading: Curvature) -> None:
        sharpness, limit = reading.sharpness, reading.limit
        self.facts.show_fact("λ₁", f"{sharpness.value:.4g}")
        self.facts.show_fact("Limit", "–" if limit.value is None else f"{limit.value:.4g}")
        self.facts.show_fact("Formula", limit.formula or "–")
        self.facts.show_fact("Loss", f"{sharpness.loss:.4g}")
        self.note.setText(note(reading))

    def _offer(self) -> None:
        has = self.has_network
        helps = {
            self.measure: "Measure the sharpness once, as the network stands",
            self.eigenvalues: f"The {TOP} largest eigenvalues of the Hessian, as the network stands",
            self.trace: "The sum of all eigenvalues, estimated, as the network stands",
        }
        for button, help in helps.items():
            button.setEnabled(has)
            button.setAccessibleName(help)
            button.setToolTip(help if has else WAIT)
        words = (
            "Stop reading the sharpness"
            if self.live.isChecked()
            else "Read the sharpness while the run goes on"
        )
        self.live.setAccessibleName(words)
        self.live.setToolTip(f"{words}; it costs less than a tenth of the time")


def note(reading: Curvature) -> str:
    """What the limit is worth, in sentences."""
    limit = reading.limit
    if limit.value is None:
        return limit.note
    kind = (
        "Every step follows the gradient of exactly this loss."
        if reading.exact
        else "Full-batch limit: your steps follow mini-batches or another loss, so they can leave earlier."
    )
    return f"{kind} The limit is {limit.note}." if limit.note else kind


def _words(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    return label
