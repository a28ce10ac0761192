"""Another optimizer in mid-run: the form waits until its rate and its state are settled."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training import TrainingConfig, TrainingFrame
from optgui.core.training.measures.limits import stability_limit
from optgui.gui.job.job_panel import JobPanel
from optgui.gui.training.run_networks import RunNetworks
from optgui.gui.training.switch_bar import SwitchBar
from optgui.jobs.messages import JobState


class Switching(QObject):
    """Holds another optimizer back, asks the run for its rate, and gives the form both at once."""

    chosen = Signal(object)  # TrainingConfig with the other optimizer

    def __init__(
        self, panel: JobPanel, networks: RunNetworks, bar: SwitchBar, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._panel, self._networks, self._bar = panel, networks, bar
        self._frame: TrainingFrame | None = None
        panel.form.gate = self.may_choose
        panel.started.connect(self._on_started)
        panel.state_changed.connect(self._on_state)
        bar.wanted.connect(self._on_wanted)
        bar.confirmed.connect(self._on_confirmed)

    def show_frame(self, frame: TrainingFrame) -> None:
        """Know the run as it stands."""
        self._frame = frame

    def may_choose(self, path: str, old: str, new: str) -> bool:
        """Whether the form may take an entry at once; another optimizer of a run waits for its rate."""
        if path != "optimizer" or not self._panel.state.is_active or not self._networks.ready:
            return True
        wanted = OptimizerConfig.parse(self._panel.form.remembered("optimizer", new))
        config = self._config
        self._bar.offer(config.optimizer, wanted, config.switch, self._known_curvature(wanted))
        return False

    @property
    def _config(self) -> TrainingConfig:
        config = self._panel.form.config
        assert isinstance(config, TrainingConfig)
        return config

    def _known_curvature(self, wanted: OptimizerConfig) -> float | None:
        """λ_max of the plain Hessian where it was just read and limits the optimizer's rate."""
        readings = self._frame.curvature if self._frame is not None else ()
        if not readings or readings[-1].limit.preconditioned:
            return None
        limit = stability_limit(wanted, wanted.lr)
        return None if limit.preconditioned else float(readings[-1].sharpness.value)

    def _on_wanted(self, request: Any) -> None:
        self._panel.ask(
            request,
            lambda proposal: self._bar.show_proposal(request, proposal),
            lambda sentence: self._bar.show_refusal(request, sentence),
        )

    def _on_confirmed(self, lr: float, switch: str) -> None:
        optimizer = self._bar.optimizer
        if optimizer is not None:
            values = {**optimizer.model_dump(mode="json"), "lr": lr}
            try:
                config = self._config.changed("switch", switch).changed("optimizer", values)
            except ValueError as error:
                self._panel.messages.say(str(error))
            else:
                self.chosen.emit(config)
        self._bar.dismiss()

    def _on_started(self) -> None:
        self._frame = None
        self._bar.dismiss()

    def _on_state(self, state: JobState) -> None:
        if not state.is_active:
            self._bar.dismiss()
