"""BoundsPage: how small an epsilon fools this digit, for any wrong answer and for each."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from optgui.core.attack import METHODS, AttackInputs, NormConfig, norm_of
from optgui.core.attack.bounds import BoundsConfig, BoundsFrame
from optgui.gui.attack.bounds.ladder import BoundsLadder
from optgui.gui.form.widgets import Remark, small_button
from optgui.gui.readings import Facts, Figure
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Failure, JobState, Progress

ROWS = ("bisection over PGD", "minimum-norm attack")
USE = "Attack with this ε; slightly less may not suffice"
FINE = {"L1": NormConfig.parse({"name": "L1", "share": 0.01})}  # finds 13 % smaller changes than wide steps
HINT = "Press Start: how near each wrong class is appears here"


class BoundsPage(QWidget):
    """An upper bound by two searches, and the wrong classes ranked by it.

    The search begins with the tab's attack on another digit or network, or in another norm, while the page
    is on screen; it waits while it is not.
    """

    epsilon_wanted = Signal(float)  # use the bound as the attack's epsilon
    target_wanted = Signal(int)  # attack towards this class
    said = Signal(str)  # a sentence for the message bar

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.controller = JobController(budget, self)
        self.figure = Figure("Smallest ε found", "attack.bounds.smallest")
        self.facts = Facts("Found by", "attack.bounds.facts", ROWS)
        self.use = small_button("Use as ε", "attack.bounds.use", USE)
        self.use.clicked.connect(self._on_use)
        self.words = Remark(
            "An upper bound: a change of this size fools the network, as a fresh look at the image shows. A "
            "smaller one may exist; two searches that agree make that less likely."
        )
        self.ladder = BoundsLadder()
        self.ladder.set_hint(HINT)
        self.ladder.chosen.connect(self.target_wanted)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of the search")
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.progress.hide()
        self._inputs: AttackInputs | None = None
        self._norm = NormConfig(name="L2")
        self._names: tuple[str, ...] = tuple("0123456789")
        self._asked_norm = self._norm  # of the tab's attack
        self._begun: tuple[object, ...] | None = None  # what the search was begun for
        self._frame: BoundsFrame | None = None
        self._lay_out()
        self.controller.progressed.connect(self._on_progress)
        self.controller.state_changed.connect(self._on_state)
        self.controller.failed.connect(self._on_failed)
        self._show_nothing()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(24)
        top.addWidget(self.figure, 2)
        top.addWidget(self.facts, 3)
        top.addStretch(1)
        top.addWidget(self.use, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.words)
        layout.addWidget(self.ladder, 1)
        layout.addWidget(self.progress)

    def begin(self, inputs: AttackInputs, norm: NormConfig, names: tuple[str, ...]) -> None:
        """The tab attacks a digit; norms in which nothing smallest can be looked for become L2."""
        self._inputs, self._names, self._asked_norm = inputs, names, norm
        self._norm = FINE.get(norm.name, norm) if norm.name in METHODS["FMN"].norms else NormConfig(name="L2")
        self._search()
        self._offer_use()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._search():
            self.controller.resume()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.controller.pause()

    def _search(self) -> bool:
        """Begin the search, if it is wanted and not the one there is; whether it was."""
        inputs = self._inputs
        if inputs is None or not self.isVisible():
            return False
        digit = (inputs.images.tobytes(), inputs.labels.tobytes())
        wanted = (inputs.snapshot.id, *digit, self._norm.model_dump_json())
        if wanted == self._begun:
            return False
        self._begun = wanted
        self._show_nothing()
        self.controller.start("bounds", BoundsConfig(norm=self._norm), inputs)
        return True

    def _show_nothing(self) -> None:
        self._frame = None
        self.figure.show_value("–", "")
        for row in ROWS:
            self.facts.show_fact(row, "–")
        self._offer_use()
        self.ladder.show_bounds(None, self._names, "px")
        self.progress.setValue(0)

    def _on_progress(self, progress: Progress) -> None:
        status = progress.status
        self.progress.setValue(round(1000 * status.done / max(1, status.total)))
        if isinstance(progress.frame, BoundsFrame):
            self._show(progress.frame)

    def _show(self, frame: BoundsFrame) -> None:
        self._frame = frame
        unit, bound = norm_of(self._norm).unit, float(frame.smallest[0])
        if frame.misread:
            words = f"the network reads {self._names[frame.answer]} without any change"
        elif math.isfinite(bound):
            words = f"in {self._norm.name}; read as {self._names[int(frame.answers[0])]}"
        else:
            words = "nothing that fools was found yet"
        self.figure.show_value(f"{bound:.4g} {unit}" if math.isfinite(bound) else "–", words)
        missing = "not yet" if self.controller.state.is_active else "not found"
        for row, size in zip(ROWS, (frame.pgd[0], frame.minimal[0]), strict=True):
            self.facts.show_fact(row, f"{float(size):.5g} {unit}" if math.isfinite(size) else missing)
        self._offer_use()
        self.ladder.show_bounds(frame, self._names, unit)

    def _offer_use(self) -> None:
        """The bound is an epsilon for the attack only where both measure alike."""
        bound = float(self._frame.smallest[0]) if self._frame is not None else math.inf
        alike = self._norm.name == self._asked_norm.name
        self.use.setEnabled(alike and math.isfinite(bound) and bound > 0)
        here, there = self._norm.name, self._asked_norm.name
        other = f"The search measures in {here}, the attack in {there}: its ε is another"
        self.use.setToolTip(USE if alike else other)

    def _on_use(self) -> None:
        if self._frame is not None:
            self.epsilon_wanted.emit(float(f"{1.001 * float(self._frame.smallest[0]):.5g}"))

    def _on_state(self, state: JobState) -> None:
        self.progress.setVisible(state in (JobState.PREPARING, JobState.RUNNING))
        if self._frame is not None:
            self._show(self._frame)

    def _on_failed(self, failure: Failure) -> None:
        self._begun = None
        self.said.emit(failure.sentence)
