"""Fetching: brings the film of a running attack to the window, piece by piece."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from optgui.core.attack import Film, ShowFilm
from optgui.gui.attack.film.reel import Reel
from optgui.gui.job.job_panel import JobPanel
from optgui.jobs.messages import JobState

ENDED = (JobState.FINISHED, JobState.STOPPED)


class Fetching(QObject):
    """Asks the engine for the pictures that `reel` has not, one question at a time while it runs."""

    came = Signal(object, int)  # Film, the iteration at which the attack ends
    whole = Signal()  # the attack has ended and every picture is here

    def __init__(self, panel: JobPanel, reel: Reel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._panel, self._reel = panel, reel
        self._asked = 0  # questions
        self.is_waiting = False  # for the answer to the newest question

    def begin(self) -> None:
        """A new attack: what was asked before is of no use."""
        self.is_waiting = False

    def go_on(self, until: int) -> None:
        """Ask, unless an answer is still on its way."""
        if not self.is_waiting:
            self.ask(until)

    def ask(self, until: int) -> None:
        """Ask anew; only the newest question says that a film is whole."""
        if not self._panel.has_run:
            return
        self.is_waiting = True
        self._asked += 1
        number = self._asked

        def take(film: Film) -> None:
            self.came.emit(film, until)
            if number == self._asked:
                self.is_waiting = False
                if self._panel.state in ENDED:
                    self.whole.emit()

        def give_up(_: str) -> None:
            self.is_waiting = self.is_waiting and number != self._asked

        self._panel.ask(ShowFilm(self._reel.last + 1), take, give_up)
