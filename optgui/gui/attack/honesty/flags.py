"""HonestyFlags: what the checks give away of an attack, and what to do about it."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from optgui.core.attack.honesty import HonestyFrame
from optgui.gui.form.widgets import Remark

EMPTY = (
    "Other attacks try the same digits within the same ε. Where one of them does better, the number of the "
    "attack as set says more about the attack than about the network. Press “Check this attack”."
)
SO_FAR = "No sign of gradient masking so far."
NOTHING = (
    "Nothing is flagged: no other attack does much better, and no sign of gradient masking shows. That is no "
    "proof; report the strongest attack's number all the same."
)


class HonestyFlags(QScrollArea):
    """Sentences one below the other: those that warn first, then what the numbers are worth."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.honesty.flags")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self._shown: tuple[tuple[str, str], ...] = ()
        self._body = QWidget()
        self._rows = QVBoxLayout(self._body)
        self._rows.setContentsMargins(0, 0, 12, 0)
        self._rows.setSpacing(2)
        self._rows.addStretch(1)
        self.setWidget(self._body)
        self.viewport().setAutoFillBackground(False)
        self._body.setAutoFillBackground(False)
        self.show_frame(None, running=False)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is said, from top to bottom."""
        return tuple(sentence for sentence, _ in self._shown)

    def show_frame(self, frame: HonestyFrame | None, *, running: bool) -> None:
        """Say what a check has found; None says what a check is."""
        said: list[tuple[str, str]] = []
        if frame is None or (math.isnan(frame.clean) and not running):
            said.append((EMPTY, "muted"))
        else:
            for flag in frame.flags:
                said += [(flag.sentence, "warning"), (flag.advice, "muted")]
            if not frame.flags:
                said.append((NOTHING, "ok") if frame.complete else (SO_FAR, "muted"))
            if not (frame.complete or running):
                said.append(("Stopped before every check was made: what is missing may find more.", "muted"))
            said += [(note, "muted") for note in frame.notes]
        if tuple(said) == self._shown:
            return
        self._shown = tuple(said)
        while self._rows.count() > 1:
            old = self._rows.takeAt(0).widget()
            old.hide()
            old.deleteLater()
        for place, (sentence, role) in enumerate(said):
            remark = Remark(sentence, role)
            if role == "muted" and place and said[place - 1][1] == "warning":
                remark.setContentsMargins(12, 0, 0, 6)
            self._rows.insertWidget(place, remark)
