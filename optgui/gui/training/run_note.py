"""Two lines below the controls: the last edit, and whether the run has taken it."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from optgui.core.params import Config, changes
from optgui.gui import theme
from optgui.gui.job.job_panel import JobPanel, describe
from optgui.jobs.messages import Edit, JobState

EMPTY = "What you change while it runs is confirmed here"
REQUESTED = "requested …"
REFUSED = "refused, it stays as it was"
NEXT = "acts from the next start"
_COLOURS = {REQUESTED: "accent", REFUSED: "error"}


class RunNote(QWidget):
    """Says of each edit that it is requested, then at which step it was applied; and why a run waits.

    Its height never changes, so nothing moves when it speaks.
    """

    def __init__(self, panel: JobPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{panel.subject}.note")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._panel = panel
        self._begun = False  # before the first run there is nothing that takes an edit
        self._edit = self._taken = self._event = ("", "")
        self._rest = panel.form.config  # as of the last gesture
        panel.form.edited.connect(self._on_edited)
        panel.form.settled.connect(lambda config, _: self._keep(config))
        panel.controller.edited.connect(self._on_answered)
        panel.started.connect(lambda config: self.begin(config))
        panel.state_changed.connect(self._on_state)
        self._tell()

    @property
    def what(self) -> str:
        """The upper line."""
        return (self._event if any(self._event) else self._edit)[0]

    @property
    def fate(self) -> str:
        """The lower line."""
        return (self._event if any(self._event) else self._edit)[1]

    def begin(self, config: Config, what: str = "", more: str = "") -> None:
        """Forget what was said: a run begins with `config`, or goes on elsewhere, which two lines say."""
        self._begun, self._event = True, ("", "")
        self._edit = self._taken = (what, more)
        self._keep(config)
        self._tell()

    def show_applied(self, step: int, text: str) -> None:
        """Say that the run has taken an edit."""
        self._edit = self._taken = (plain(text), f"applied at step {step:,}")
        self._tell()

    def say(self, what: str, more: str = "") -> None:
        """Say what has happened to the run, until it goes on or an edit is made."""
        self._event = (what, more)
        self._tell()

    def _keep(self, config: Config) -> None:
        self._rest = config

    def _on_edited(self, config: Config, _: str) -> None:
        if not self._begun:
            return
        edits = list(changes(self._rest, config))
        words = plain(", ".join(describe(edit) for edit in edits))
        self._event = ("", "")
        if words:
            taken = self._panel.state.is_active and any(edit.live for edit in edits)
            self._edit = (words, REQUESTED if taken else NEXT)
        else:  # back where it was
            self._edit = self._taken
        self._tell()

    def _on_answered(self, edit: Edit) -> None:
        if edit.refusal:
            self._edit = (self._edit[0], REFUSED)
            self._keep(self._panel.form.config)
            self._tell()

    def _on_state(self, state: JobState) -> None:
        if state is JobState.RUNNING:
            self._event = ("", "")
            self._tell()

    def _tell(self) -> None:
        words = ": ".join(filter(None, (self.what, self.fate))) or EMPTY
        self.setAccessibleName(f"Last edit: {words}" if self._edit[0] else words)
        self.setToolTip(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(100, 2 * self.fontMetrics().height() + 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, metrics, tokens = QPainter(self), self.fontMetrics(), theme.colours(self)
        painter.setPen(QColor(tokens.rule))
        painter.drawLine(0, 0, self.width(), 0)
        room, line = self.width() - 24, metrics.height()
        muted = tokens.muted
        rows = [(self.what, tokens.text), (self.fate, getattr(tokens, _COLOURS.get(self.fate, "muted")))]
        if not self.what:
            rows = [(EMPTY, muted)]
        top = (self.height() - line * len(rows)) / 2
        for place, (words, colour) in enumerate(rows):
            painter.setPen(QColor(colour))
            text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
            painter.drawText(12, round(top + place * line) + metrics.ascent(), text)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the font."""
        super().changeEvent(event)
        self.updateGeometry()
        self.update()


def plain(words: str) -> str:
    """The words of an edit without underscores and brackets: `batch size 64 → 128, milestones 1 → 1, 3`."""
    return re.sub(r"\(([^()]*?),?\)", lambda found: found[1] or "none", words.replace("_", " "))
