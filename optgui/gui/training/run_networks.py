"""The networks of the training tab: where the shelf and the attack get them from."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import Digits
from optgui.gui.job.job_panel import JobPanel
from optgui.gui.networks import NetworkShelf
from optgui.jobs.messages import JobState

_KEPT = (JobState.PAUSED, JobState.FINISHED, JobState.STOPPED)
_ENDED = (JobState.FINISHED, JobState.STOPPED, JobState.FAILED)


class RunNetworks(QObject):
    """Puts the network of a run on the shelf whenever the run rests, and hands it to who wants one."""

    came = Signal()  # the present run has prepared its data: there is a network

    def __init__(self, panel: JobPanel, shelf: NetworkShelf, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.shelf = shelf
        self.ready = False  # whether the present run has prepared its data
        self.digits: Digits | None = None  # of the newest network
        self._panel = panel
        self._after: Callable[[], object] | None = None
        panel.started.connect(self._on_started)
        panel.state_changed.connect(self._on_state)

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a network, and an engine that has it."""
        return self.ready and self._panel.has_run

    def take_first_frame(self) -> None:
        """There is a network now; again is no news."""
        if not self.ready:
            self.ready = True
            self._panel.ask("digits", self._keep_digits)
            self.came.emit()

    def train_once(self, then: Callable[[], object]) -> None:
        """Start a run and call `then` when it has finished."""
        self._panel.start()
        self._after = then

    def use(self, use: Callable[[NetworkSnapshot, Digits], None]) -> bool:
        """Hand the network as it stands, and its data, to `use`; False if nothing was trained yet.

        While a fresh run still prepares its data, or after one that failed, the newest network of the
        shelf stands in.
        """
        if self.can_be_asked:
            self._panel.ask("snapshot", lambda snapshot: self._pass_on(snapshot, use))
            return True
        kept = self.shelf.current
        if kept is None or self.digits is None or self.digits.name != kept.dataset:
            return False
        use(kept, self.digits)
        return True

    def take_raced(self, snapshot: NetworkSnapshot, digits: Digits) -> None:
        """Put a network of the race on the shelf, where the attack finds it."""
        self.digits = self.digits or digits
        self.shelf.add(snapshot)

    def keep(self, snapshot: NetworkSnapshot) -> None:
        """Keep a network of an earlier moment on the shelf; the current one stays current."""
        if snapshot.id not in self.shelf.ids:
            self.shelf.pin(snapshot)

    def _pass_on(self, snapshot: NetworkSnapshot, use: Callable[[NetworkSnapshot, Digits], None]) -> None:
        self.shelf.add(snapshot)
        assert self.digits is not None  # asked for with the run's first frame, so answered before
        use(snapshot, self.digits)

    def _keep_digits(self, digits: Digits) -> None:
        self.digits = digits

    def _on_started(self) -> None:
        self.ready, self._after = False, None

    def _on_state(self, state: JobState) -> None:
        if state in _KEPT and self.ready:
            self._panel.ask("snapshot", self.shelf.add)
        if state in _ENDED:
            after, self._after = self._after, None
            if after is not None and state is JobState.FINISHED:
                after()
