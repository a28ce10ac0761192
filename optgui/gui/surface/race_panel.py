"""Form, run bar and computation of a race: every edit computes it again, and a play head moves over it."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Signal

from optgui.core.engine import Status
from optgui.core.params import Config, changes
from optgui.core.surface import DescentConfig, DescentFrame
from optgui.core.surface.schedules import RaceSchedulerConfig
from optgui.gui.job.job_panel import JobPanel
from optgui.gui.playback import Playback
from optgui.gui.plot.schedule_preview import SchedulePreview
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState, Progress

PATIENCE_S = 0.1  # so long the last picture stays while a new race has not yet come as far as the play head


class RacePanel(JobPanel):
    """A job whose whole path is a function of its config.

    The worker computes ahead as fast as it can; Start, Pause and Step move the play head. While a race is
    being computed newer edits wait, and of those only the newest is computed next.
    """

    raced = Signal(object)  # DescentFrame: draw it up to the play head

    def __init__(self, config: DescentConfig, budget: PaintBudget, parent: QObject | None = None) -> None:
        previews = {RaceSchedulerConfig: lambda: SchedulePreview(lambda race: (1, race.steps))}
        super().__init__("surface", config, budget, parent, restarts=True, previews=previews)
        self.playback = Playback(self)
        self.frame: DescentFrame | None = None
        self._computing = False
        self._began = 0.0
        self._stopped = self._failed = False
        self.playback.moved.connect(lambda step: self._show_state())
        self.playback.state_changed.connect(self._show_state)

    @property
    def state(self) -> JobState:
        """What a person sees: the play head's state, or that the race could not be computed."""
        if self._failed:
            return JobState.FAILED
        if self.playback.playing:
            return JobState.RUNNING
        if self._stopped:
            return JobState.STOPPED
        return JobState.FINISHED if self._at_end else JobState.PAUSED

    @property
    def computed(self) -> bool:
        """Whether the newest config is computed to its end."""
        return not self._computing and not self._failed

    @property
    def _at_end(self) -> bool:
        playback = self.playback
        return self.computed and playback.step >= playback.total

    def toggle(self) -> None:
        """Play or pause; at the end play again from the start."""
        if self._failed:
            self.start()
            return
        if self._stopped:
            self.playback.rewind()
        self._stopped = False
        self.playback.toggle()

    def step(self) -> None:
        """Move the play head one step on."""
        self._stopped = False
        if self._failed:
            self.start()
        self.playback.pause()
        self.playback.forward()

    def stop(self) -> None:
        """End playing; the picture stays, and Start begins anew."""
        if self.state.is_active:
            self._stopped = True
            self.playback.pause()
            self._show_state()

    def compute(self) -> None:
        """Compute the race of the form's config."""
        self._computing, self._failed = True, False
        self._began = time.perf_counter()
        config = self.form.config
        assert isinstance(config, DescentConfig)
        self.playback.set_total(config.steps)
        super().start()

    def start(self, *, paused: bool = False, then: object = None) -> None:
        """Compute the race anew and, unless `paused`, play it from its start."""
        self._stopped = False
        self.playback.rewind()
        self.compute()
        if not paused:
            self.playback.play()
        if callable(then):
            then()

    def _on_form_edited(self, config: Config, path: str) -> None:
        self._settled = False
        if self._run_config is not None and all(
            change.path.endswith(".visible") for change in changes(self._run_config, config)
        ):
            self._run_config = self._marked_config = config
            if self.frame is not None:
                self.raced.emit(self.frame)
        elif not self._computing:
            self.compute()

    def _on_state(self, state: JobState) -> None:
        if state is JobState.FAILED:
            self._computing, self._failed = False, True
            self.playback.pause()
            self._show_state()
            self._catch_up()
        elif state is JobState.FINISHED:
            self._computing = False
            if self.frame is not None:
                self.playback.set_total(max(1, self.frame.step))  # fewer if every racer diverged
            self._show_state()
            self._catch_up()

    def _on_progress(self, progress: Progress) -> None:
        frame = progress.frame
        if not isinstance(frame, DescentFrame):
            return
        done, total, *_ = progress.status
        late = time.perf_counter() - self._began > PATIENCE_S
        over = done >= total or None not in frame.diverged
        if not (late or over or frame.step >= self.playback.step):
            return
        self.frame = frame
        self.playback.set_available(frame.step)
        self.raced.emit(frame)
        self._show_state()
        if not over:
            self._catch_up()

    def _catch_up(self) -> None:
        """Compute the newest edit that has waited."""
        if self._run_config is not None and self.form.config != self._run_config:
            self.compute()

    def _show_state(self) -> None:
        playback = self.playback
        self.run_bar.show_status(Status(playback.step, playback.total))
        self.run_bar.show_state(self.state)
        self.state_changed.emit(self.state)
