"""The quiet bar that asks how another optimizer shall take over a run."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from optgui.core.optimizers import OPTIMIZERS, OptimizerConfig
from optgui.core.params import Param, params_of
from optgui.core.training.config import TrainingConfig
from optgui.core.training.proposal import SCALELESS
from optgui.core.training.requests import Proposal, ProposeRate
from optgui.gui.form.choices import ChoiceEditor
from optgui.gui.form.numbers import NumberBox
from optgui.gui.form.widgets import Remark

_DIGITS = 3  # of a proposed rate
_WAITING = "Looking for the rate whose steps are as long as the present ones ..."


class SwitchBar(QFrame):
    """Asks what becomes of the state and for a learning rate, which the run proposes; hidden otherwise."""

    wanted = Signal(object)  # ProposeRate
    confirmed = Signal(float, str)  # learning rate, what becomes of the state
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("error_bar")
        self.setProperty("kind", "note")
        self._request: ProposeRate | None = None
        self._present = ""  # what the optimizer of the run is called
        self._typed = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(8)
        layout.addLayout(row)
        self._title = QLabel()
        self._title.setObjectName("training.switch.title")
        self._state = ChoiceEditor(_spec(TrainingConfig, "switch"))
        self._state.name("training.switch.state")
        self._state.setToolTip(self._state.spec.help)
        self._state.changed.connect(lambda _: self._ask())
        self._rate = NumberBox(_spec(OptimizerConfig, "lr"))
        self._rate.setObjectName("training.switch.lr")
        self._rate.setAccessibleName("Learning rate of the new optimizer")
        self._rate.valueChanged.connect(self._on_typed)
        self._switch = self._button("Switch", "confirm", "Go on with this optimizer and this rate (Enter)")
        self._switch.setProperty("primary", True)
        self._switch.clicked.connect(self._on_confirmed)
        cancel = self._button("Cancel", "cancel", "Keep the present optimizer (Esc)")
        cancel.clicked.connect(self._on_cancelled)
        row.addWidget(self._title)
        row.addSpacing(8)
        for words, widget in (("State", self._state), ("Learning rate", self._rate)):
            label = QLabel(words)
            label.setBuddy(widget)
            row.addWidget(label)
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self._switch)
        row.addWidget(cancel)
        self._reason = Remark()
        self._reason.setObjectName("training.switch.reason")
        layout.addWidget(self._reason)
        self.hide()

    def _button(self, words: str, name: str, help: str) -> QPushButton:
        button = QPushButton(words)
        button.setObjectName(f"training.switch.{name}")
        button.setToolTip(help)
        button.setAutoDefault(True)
        return button

    @property
    def optimizer(self) -> OptimizerConfig | None:
        """The optimizer that waits to take over, None while nothing is asked."""
        return self._request.optimizer if self._request is not None else None

    @property
    def lr(self) -> float:
        """The learning rate as shown."""
        return self._rate.value()

    @property
    def reason(self) -> str:
        """Where the rate comes from, in a sentence."""
        return self._reason.text()

    def offer(
        self,
        present: OptimizerConfig,
        optimizer: OptimizerConfig,
        switch: str,
        lambda_max: float | None = None,
    ) -> None:
        """Ask whether `optimizer` shall take over from `present`.

        Args:
            present: the optimizer of the run.
            optimizer: the chosen one; its rate is shown until there is a proposal.
            switch: what the config says of the state.
            lambda_max: largest eigenvalue of the chosen one's (preconditioned) Hessian, if it is known.
        """
        self._present = OPTIMIZERS[present.name].label
        self._title.setText(f"Switch to {OPTIMIZERS[optimizer.name].label}")
        self._request = ProposeRate(optimizer, lambda_max, switch)
        self._typed = False
        self._state.set_value(switch)
        self._show_rate(optimizer.lr)
        self.show()
        for config in (present, optimizer):
            if config.name in SCALELESS:
                label = OPTIMIZERS[config.name].label
                self._typed = True
                self._say(f"The rate of {label} says little about the length of its steps: choose one.")
        self._ask()
        self._rate.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_proposal(self, request: ProposeRate, proposal: Proposal) -> None:
        """Show the answer to a request; to an older one, or after a rate was typed, it changes nothing."""
        if request is not self._request or self._typed:
            return
        self._show_rate(float(f"{proposal.lr:.{_DIGITS}g}"))
        if proposal.limited:
            self._say(f"Smaller than the rate that matches {self._present}'s steps: {proposal.limited}.")
        else:
            norm = f"{proposal.present_norm:.3g}"
            self._say(f"Matched: its steps will be as long as {self._present}'s are now, {norm} on average.")

    def show_refusal(self, request: ProposeRate, sentence: str) -> None:
        """Say why no rate can be proposed."""
        if request is self._request and not self._typed:
            self._say(sentence)

    def dismiss(self) -> None:
        """Stop asking, as when the run has ended."""
        self._request = None
        self.hide()

    def _ask(self) -> None:
        if self._request is None:
            return
        self._request = self._request._replace(switch=self._state.value())
        if not self._typed:
            self._say(_WAITING)
            self.wanted.emit(self._request)

    def _show_rate(self, lr: float) -> None:
        self._rate.blockSignals(True)
        self._rate.setValue(lr)
        self._rate.blockSignals(False)

    def _say(self, sentence: str) -> None:
        self._reason.setText(sentence)
        self._rate.setAccessibleDescription(sentence)

    def _on_typed(self) -> None:
        self._typed = True
        self._say("Your own rate.")

    def _on_confirmed(self) -> None:
        if self._request is None:
            return
        switch, lr = self._request.switch, self.lr
        self.confirmed.emit(lr, switch)  # who hears it still finds the optimizer here
        self.dismiss()

    def _on_cancelled(self) -> None:
        self.dismiss()
        self.cancelled.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_confirmed()
        elif event.key() == Qt.Key.Key_Escape:
            self._on_cancelled()
        else:
            super().keyPressEvent(event)


def _spec(config: type[TrainingConfig] | type[OptimizerConfig], name: str) -> Param:
    """The words and bounds of a field."""
    return next(spec for spec in params_of(config) if spec.name == name)
