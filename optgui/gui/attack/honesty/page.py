"""HonestyPage: is the attack's number the network's? Stronger attacks on the same digits tell."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from optgui.core.attack import NORMS, AttackConfig
from optgui.core.attack.honesty import (
    NO_OTHER,
    HonestyConfig,
    HonestyFrame,
    HonestyInputs,
    planned,
    words,
)
from optgui.core.params import params_of
from optgui.core.snapshot import NetworkSnapshot
from optgui.gui.attack.honesty.flags import HonestyFlags
from optgui.gui.attack.honesty.table import HonestyTable
from optgui.gui.attack.network_choice import NetworkChoice
from optgui.gui.form.numbers import NumberBox
from optgui.gui.form.widgets import Remark, group_title
from optgui.gui.networks import NetworkShelf
from optgui.gui.readings import Figure
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Failure, JobState, Progress

WAIT = "Attack a digit first: its settings are what is checked"
CHECK = "Try stronger attacks on the first test digits, within the same ε"


class HonestyPage(QWidget):
    """The strongest attack's number, a row for each check, and what they give away.

    A check begins with its button, and its numbers stay until the next one, marked if the attack has changed.
    """

    said = Signal(str)  # a sentence for the message bar

    def __init__(self, budget: PaintBudget, shelf: NetworkShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.honesty")
        self.shelf = shelf
        self.controller = JobController(budget, self)
        self.frame: HonestyFrame | None = None
        self._attack: tuple[AttackConfig, NetworkSnapshot] | None = None
        self._digits: tuple[NDArray[np.uint8], NDArray[np.int64]] | None = None
        self._begun: tuple[AttackConfig, NetworkSnapshot] | None = None  # what the numbers are of
        self._build()
        self._lay_out()
        self.controller.progressed.connect(self._on_progress)
        self.controller.state_changed.connect(self._on_state)
        self.controller.failed.connect(self._on_failed)
        self._show()

    def _build(self) -> None:
        self.figure = Figure(
            "Robust accuracy: the strongest attack's number",
            "attack.honesty.strongest",
            "Digits that nothing fooled of all that was tried; the number to report",
        )
        self.stale = Remark("", "warning")
        self.stale.setObjectName("attack.honesty.stale")
        self.subject = Remark()
        self.subject.setObjectName("attack.honesty.subject")
        spec = next(spec for spec in params_of(HonestyConfig) if spec.name == "digits")
        self.digits = NumberBox(spec)
        self.digits.setObjectName("attack.honesty.digits")
        self.digits.setAccessibleName(spec.title)
        self.digits.setToolTip(spec.help)
        self.digits.setValue(spec.default)
        self.digits.valueChanged.connect(lambda _: self._show_subject())
        self.choice = NetworkChoice(
            self.shelf, "attack.honesty.other", live=False, title="Another network, to transfer from"
        )
        self.choice.refused.connect(self.said)
        self.choice.chosen.connect(lambda _: self._show())
        self.check = QPushButton("Check this attack")
        self.check.setObjectName("attack.honesty.check")
        self.check.setProperty("primary", True)
        self.check.clicked.connect(self._on_check)
        self.stop = QPushButton("Stop")
        self.stop.setObjectName("attack.honesty.stop")
        self.stop.setToolTip("End the check; what was found stays")
        self.stop.clicked.connect(self.controller.stop)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of the check")
        self.table = HonestyTable()
        self.flags = HonestyFlags()

    def _lay_out(self) -> None:
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        count = QLabel("Test digits")
        count.setProperty("role", "muted")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(count)
        buttons.addWidget(self.digits)
        buttons.addStretch(1)
        buttons.addWidget(self.check)
        buttons.addWidget(self.stop)
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addWidget(self.figure)
        left.addWidget(self.stale)
        left.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(6)
        right.addLayout(buttons)
        right.addWidget(self.choice)
        right.addWidget(self.subject)
        right.addWidget(self.progress)
        right.addStretch(1)
        top = QHBoxLayout()
        top.setSpacing(24)
        top.addLayout(left, 1)
        top.addLayout(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.table)
        layout.addWidget(group_title("What this says"))
        layout.addWidget(self.flags, 1)

    @property
    def config(self) -> HonestyConfig:
        """What the controls say."""
        return HonestyConfig(digits=round(self.digits.value()))

    @property
    def is_stale(self) -> bool:
        """Whether the numbers are of another attack than the present one."""
        return self.frame is not None and not _same(self._begun, self._attack)

    @property
    def is_running(self) -> bool:
        """Whether a check is under way."""
        return self.controller.state.is_active

    def show_attack(
        self,
        config: AttackConfig,
        snapshot: NetworkSnapshot,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
    ) -> None:
        """Take what would be checked: an attack, its network and the test set, (n, 28, 28) and (n,)."""
        self._attack, self._digits = (config, snapshot), (images, labels)
        self.digits.setMaximum(min(len(images), 10_000))
        self._show()

    def _on_check(self) -> None:
        if self._attack is None or self._digits is None:
            return
        config, snapshot = self._attack
        chosen = self.choice.selected
        other = self.shelf.get(chosen) if chosen else None
        self._begun, self.frame = self._attack, None
        inputs = HonestyInputs(config, snapshot, other, *self._digits)
        self.controller.start("honesty", self.config, inputs)
        self._show()

    def _on_progress(self, progress: Progress) -> None:
        done, total, *_ = progress.status
        self.progress.setValue(round(1000 * done / total) if total else 0)
        if isinstance(progress.frame, HonestyFrame):
            self.frame = progress.frame
            self._show()

    def _on_state(self, state: JobState) -> None:
        self.progress.setVisible(state.is_active)
        self._show()

    def _on_failed(self, failure: Failure) -> None:
        self.said.emit(failure.sentence)

    def _show(self) -> None:
        running = self.is_running
        self.progress.setVisible(running)
        self.check.setEnabled(self._attack is not None)
        self.check.setText(
            "Check again" if self.frame is not None and not self.is_stale else "Check this attack"
        )
        self.check.setToolTip(CHECK if self._attack is not None else WAIT)
        self.stop.setEnabled(running)
        shown = self.frame or self._planned()
        self.table.show_frame(shown, stopped=self.frame is not None and not running)
        self.table.setVisible(shown is not None)
        self.flags.show_frame(self.frame, running=running)
        self._show_figure()
        self._show_subject()
        self.stale.setVisible(self.is_stale)
        if self.is_stale and self._begun is not None:
            self.stale.setText(f"Of an earlier attack: {described(*self._begun)}.")

    def _planned(self) -> HonestyFrame | None:
        """The checks of the present attack before any was made."""
        if self._attack is None:
            return None
        config, snapshot = self._attack
        return planned(config, snapshot.id, self.config.digits, "" if self.choice.selected else NO_OTHER)

    def _show_figure(self) -> None:
        frame = self.frame
        if frame is None or math.isnan(frame.strongest.robust):
            self.figure.show_value("–", "")
            return
        best = frame.strongest
        so_far = "" if frame.complete else "so far, "
        low, high, clean = (f"{100 * share:.1f}" for share in (best.low, best.high, frame.clean))
        self.figure.show_value(
            f"{100 * best.robust:.1f} %",
            f"{so_far}at {ball(frame.attack)}; 95\u00a0% sure between {low} and {high}\u00a0%. "
            f"Without any attack {clean}\u00a0%, {frame.digits:,} digits.",
        )

    def _show_subject(self) -> None:
        if self._attack is None:
            self.subject.setText(f"{WAIT}.")
        else:
            self.subject.setText(f"The attack as set: {described(*self._attack)}.")


def described(config: AttackConfig, snapshot: NetworkSnapshot) -> str:
    """An attack in a line: `PGD, cross-entropy, 40 steps at L2 ε = 2, on run-1@938`."""
    return f"{words(config)} at {ball(config)}, on {snapshot.id}"


def ball(config: AttackConfig) -> str:
    """The norm and epsilon: `L2 ε = 2`."""
    return f"{NORMS[config.norm.name].label.split(' (')[0]} ε = {config.epsilon:g}"


def _same(
    one: tuple[AttackConfig, NetworkSnapshot] | None, other: tuple[AttackConfig, NetworkSnapshot] | None
) -> bool:
    if one is None or other is None:
        return one is other
    return one[0] == other[0] and one[1].id == other[1].id
