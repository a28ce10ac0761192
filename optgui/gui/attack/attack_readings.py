"""AttackReadings: the numbers at the right of the attack tab."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from optgui.core.attack import METHODS, AttackConfig, AttackFrame, AttackRecord
from optgui.core.snapshot import NetworkSnapshot
from optgui.gui.attack.network_choice import model_words
from optgui.gui.attack.words import equivalents, flag, percent, saturation, size_of
from optgui.gui.form.widgets import Remark
from optgui.gui.readings import Facts, Figure

ROWS = ("Iteration", "Loss", "Gradient", "Perturbation", "Network", "Model")


class Words(Remark):
    """A remark that takes no room while it says nothing."""

    def __init__(self, role: str = "muted") -> None:
        super().__init__(role=role)
        self.hide()

    def setText(self, text: str) -> None:
        """Say something else, or nothing."""
        super().setText(text)
        self.setVisible(bool(text))


class AttackReadings(QWidget):
    """When it was fooled, where the attack stands, and epsilon in other words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fooled = Figure("Fooled at iteration", "attack.fooled_at")
        self.fooled.show_value("–", "no attack has run yet")
        self.facts = Facts("This attack", "attack.facts", ROWS)
        self.note = Words()
        self.note.setObjectName("attack.note")
        self.equivalents = Facts("Epsilon in other words", "attack.equivalents")
        self.flag = Words(role="warning")
        self.flag.setObjectName("attack.flag")
        self.newer = Words()
        self.newer.setObjectName("attack.newer")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(16)
        for widget in (self.fooled, self.facts, self.newer, self.note, self.equivalents, self.flag):
            layout.addWidget(widget)

    def show_config(self, config: AttackConfig) -> None:
        """Say what the form's epsilon means."""
        rows = [] if METHODS[config.method.name].minimal else equivalents(config)
        self.equivalents.setVisible(bool(rows))
        self.equivalents.show_only(rows)
        self.flag.setText(flag(config))

    def begin(self, config: AttackConfig, snapshot: NetworkSnapshot) -> None:
        """A new attack on a network."""
        self.newer.setText("")
        self.note.setText("")
        self.facts.show_fact("Network", snapshot.id)
        self.facts.show_fact("Model", model_words(snapshot))

    def show_newer(self, identity: str) -> None:
        """Say that training has a newer network than the one under attack."""
        self.newer.setText(f"A newer network is there: {identity}. Press Start to attack it.")

    def show_record(self, config: AttackConfig, record: AttackRecord, *, preview: bool) -> None:
        """Say where the attack stands; a `preview` goes on from the last result."""
        words = f"{record.step:,} of {record.until:,}"
        if config.restarts > 1:
            words += f", start {record.restart + 1}"
        self.facts.show_fact("Iteration", f"{words}, preview" if preview else words)
        self.facts.show_fact("Loss", f"{record.loss:.4g}")
        self.facts.show_fact("Gradient", f"{record.gradient_norm:.3g}" if record.gradient_norm else "none")
        self.note.setText(saturation(config, record))

    def show_frame(self, config: AttackConfig, frame: AttackFrame, names: tuple[str, ...]) -> None:
        """Say what became of the first image, as a fresh look at it has it."""
        answer, size = int(frame.predictions[0]), size_of(config, frame)
        if METHODS[config.method.name].minimal:
            words = f"{size}, smallest" if frame.success[0] else size
        else:
            number, unit = size.split(" ", 1)
            words = f"{number} of {config.epsilon:.4g} {unit}"
        self.facts.show_fact("Perturbation", words)
        if frame.success[0]:
            sure = percent(float(frame.probabilities[0, answer]))
            at = int(frame.fooled_at[0])
            self.fooled.show_value(
                f"{at:,}" if at >= 0 else "–", f"the network reads {names[answer]}, {sure} sure"
            )
        else:
            self.fooled.show_value("–", "not fooled yet" if frame.step else "ready to start")
