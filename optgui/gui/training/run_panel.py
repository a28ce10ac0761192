"""Form, run bar and job of one run."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal

from optgui.core.params import Config, changes
from optgui.core.training import TrainingConfig
from optgui.gui.job.job_panel import JobPanel, Previews
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import Answer, JobState

_RULES = ("target_accuracy", "patience")  # another one lets a run go on that it has ended


class RunPanel(JobPanel):
    """A job whose edits act only while it goes on.

    A run that has ended takes those alone that let it go on: more epochs, or another rule for its end. All
    others wait for the next start. A question that was dropped is refused with an empty sentence.
    """

    applied = Signal(int, str)  # step after which an edit acts, what changed

    def __init__(self, config: TrainingConfig, budget: PaintBudget, *, previews: Previews) -> None:
        super().__init__("training", config, budget, previews=previews)
        self._held: list[tuple[int, str]] = []  # edits of a run that has ended
        self.started.connect(lambda _: self._held.clear())
        self.marked.connect(self._on_marked)
        self.state_changed.connect(self._on_went_on)

    def take_over(self, config: Config) -> None:
        self._held.clear()
        super().take_over(config)

    def _on_form_edited(self, config: Config, path: str) -> None:
        if self.state.is_active or self._lets_go_on(config):
            super()._on_form_edited(config, path)
        else:
            self._settled = False

    def _lets_go_on(self, config: Any) -> bool:
        """Whether a finished run goes on with a config: a longer one, or one that ends by another rule."""
        run: Any = self.run_config
        if self.state is not JobState.FINISHED or not all(edit.live for edit in changes(run, config)):
            return False
        same_rules = all(getattr(config, rule) == getattr(run, rule) for rule in _RULES)
        return bool(config.epochs > run.epochs or (config.epochs == run.epochs and not same_rules))

    def _on_marked(self, step: int, text: str) -> None:
        self._held.append((step, text))
        self._on_went_on(self.state)

    def _on_went_on(self, state: JobState) -> None:
        if state.is_active:
            held, self._held = self._held, []
            for step, text in held:
                self.applied.emit(step, text)

    def _on_answered(self, answer: Answer) -> None:
        if not answer.dropped:
            super()._on_answered(answer)
            return
        _, refused = self._replies.pop(answer.request_id, (None, None))
        if refused is not None:
            refused("")
