"""Form, run bar and job of a race of networks."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QObject, Signal

from optgui.core.optimizers import OptimizerConfig
from optgui.core.params import Config
from optgui.core.schedulers import SchedulerConfig
from optgui.core.training.models import ModelConfig
from optgui.core.training.race import RaceConfig
from optgui.gui.job.job_panel import JobPanel
from optgui.gui.training.model_preview import ModelPreview, OptimizerPreview
from optgui.gui.training.race_numbers import marks
from optgui.gui.training.schedule_previews import EntrantSchedule
from optgui.jobs.controller import PaintBudget

_PREVIEWS = {
    SchedulerConfig: EntrantSchedule,
    ModelConfig: ModelPreview,
    OptimizerConfig: OptimizerPreview,
}


class NetworkRacePanel(JobPanel):
    """A job whose edits act only while it goes on: once a race has ended they wait for the next one."""

    noted = Signal(object)  # Mark
    applied = Signal(int, str)  # mini-batches done before an edit acts, what changed

    def __init__(self, config: RaceConfig, budget: PaintBudget, parent: QObject | None = None) -> None:
        super().__init__("race", config, budget, parent, previews=_PREVIEWS)
        self._noted_config = config
        self.started.connect(self._on_race_started)
        self.marked.connect(self._on_race_marked)

    @property
    def config(self) -> RaceConfig:
        """What the form shows."""
        return cast(RaceConfig, self.form.config)

    def open(self, config: RaceConfig) -> None:
        """Show another race; one that has ended does not hear of it."""
        self._run_config = self._marked_config = None
        self._undo_config = config
        self.form.set_config(config)

    def _on_form_edited(self, config: Config, path: str) -> None:
        if not self.state.is_active:
            self._run_config = None
        super()._on_form_edited(config, path)

    def _on_race_started(self, config: RaceConfig) -> None:
        self._noted_config = config

    def _on_race_marked(self, done: int, text: str) -> None:
        before, now = self._noted_config, self.run_config
        assert isinstance(now, RaceConfig)
        self._noted_config = now
        found = list(marks(before, now, done))
        for mark in found:
            self.noted.emit(mark)
        self.applied.emit(done, ", ".join(mark.words for mark in found) or text)
