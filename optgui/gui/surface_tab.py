"""The surface tab: a race of optimizers from one start."""

from __future__ import annotations

import html
import time

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from optgui.core.curvature import Curvature
from optgui.core.optimizers import OptimizerConfig
from optgui.core.surface import DescentConfig, DescentFrame, RacerConfig
from optgui.core.surface.rates import ruler
from optgui.gui import theme
from optgui.gui.form.editors import NumberEditor
from optgui.gui.form.param_form import group_title
from optgui.gui.job.job_panel import JobPanel
from optgui.gui.job.tab_frame import TabFrame
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.plot.surface_view import SurfaceView
from optgui.gui.readings import Facts
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState, Progress

READINGS_S = 0.2  # numbers that change faster cannot be read


class SurfaceTab(TabFrame):
    """Map with paths above, loss of each racer below."""

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        super().__init__(JobPanel("surface", DescentConfig(), budget, restarts=True), parent)
        self.map = SurfaceView()
        self.loss = CurveView("Loss", "f(x, y)", log=True, object_name="surface.loss")
        self.loss.set_hint("Press Start: each racer's loss appears here")
        self.centre.addWidget(self.map)
        self.centre.addWidget(self.loss)
        self.set_shares(5, 2)
        self._formula = QLabel()
        self._formula.setWordWrap(True)
        self._formula.setTextFormat(Qt.TextFormat.RichText)
        self._formula.setObjectName("surface.formula")
        group = QVBoxLayout()
        group.setSpacing(4)
        group.addWidget(group_title("Surface"))
        group.addWidget(self._formula)
        self.readings_layout.addLayout(group)
        self._facts: dict[int, Facts] = {}
        self._facts_at = self.readings_layout.count()
        self.readings_layout.addStretch(1)
        self._lines: list[int] = []
        self._steps = 0
        self._frame: DescentFrame | None = None
        self._readings_at = 0.0
        panel = self.panel
        panel.started.connect(self._on_started)
        panel.progressed.connect(self._on_progressed)
        panel.state_changed.connect(self._on_state)
        panel.marked.connect(self.loss.mark)
        panel.form.edited.connect(self._on_edited)
        self.map.start_moved.connect(self._on_start_moved)
        self._surface_name = self._config.surface.name
        self._show_surface()
        self._choose_scale()
        panel.start(paused=True)

    @property
    def _config(self) -> DescentConfig:
        config = self.panel.form.config
        assert isinstance(config, DescentConfig)
        return config

    def _show_surface(self) -> None:
        config = self._config
        entry = config.surface.entry
        self.map.show_surface(config.surface, config.start, config.constraint)
        minima = ", ".join(f"({x:.4g}, {y:.4g})" for x, y in entry.minima)
        if minima:
            words = f"{'Minimum' if len(entry.minima) == 1 else f'{len(entry.minima)} minima'} at {minima}"
        else:
            words = "No minimum is known."
        muted = theme.colours(self).muted
        self._formula.setText(
            f"<p style='margin: 0'>f(x, y) = {html.escape(config.surface.formula)}</p>"
            f"<p style='margin: 4px 0 0 0; color: {muted}'>{words}</p>"
        )
        self._formula.setToolTip(entry.reference)

    def _choose_scale(self) -> None:
        """Draw losses on a log axis where none can fall below 0."""
        surface = self._config.surface
        lowest = [surface.value(x, y) for x, y in surface.entry.minima]
        self.loss.set_log(bool(lowest) and min(lowest) > -1e-9)

    def _on_edited(self, config: DescentConfig, path: str) -> None:
        if config.surface.name != self._surface_name:
            self._surface_name = config.surface.name
            self._choose_scale()
            x, y = config.surface.entry.start
            self._show_surface()
            self.panel.form.change("start", [x, y], final=True)
            self.panel.form.set_config(self._config)
        self._show_surface()

    def _on_start_moved(self, x: float, y: float, ended: bool) -> None:
        form = self.panel.form
        form.change("start", [x, y], final=ended)
        form.set_config(form.config)

    def _on_started(self, config: DescentConfig) -> None:
        self.loss.clear()
        for identity in self._lines:
            self.loss.remove_line(str(identity))
        self._lines = [racer.id for racer in config.racers]
        for racer in config.racers:
            self.loss.add_line(
                str(racer.id),
                _called(racer),
                racer.id,
                dash=theme.racer_dash(racer.id),
            )
        self.loss.set_span(config.steps)
        self._steps, self._frame = 0, None
        for facts in self._facts.values():
            self.readings_layout.removeWidget(facts)
            facts.hide()
            facts.deleteLater()
        self._facts = {
            racer.id: Facts(_called(racer), f"surface.reading.{racer.id}") for racer in config.racers
        }
        for place, facts in enumerate(self._facts.values()):
            self.readings_layout.insertWidget(self._facts_at + place, facts)

    def _on_progressed(self, progress: Progress) -> None:
        frame = progress.frame
        if not isinstance(frame, DescentFrame):
            return
        config = self._config
        shown = {racer.id: racer.visible for racer in config.racers}
        self.map.show_race(frame, shown)
        self._frame = frame
        if frame.step == 0 or time.perf_counter() - self._readings_at > READINGS_S:
            self._show_readings()
        if frame.step == 0:
            return  # the curves of a race that waits stay empty
        steps = np.arange(self._steps, frame.step + 1)
        for place, identity in enumerate(frame.ids):
            stop = frame.diverged[place]
            losses = frame.losses[place, self._steps : frame.step + 1]
            key = str(identity)
            cut = len(losses) if stop is None else max(0, stop - self._steps)
            self.loss.extend(key, steps[:cut], losses[:cut])
            self.loss.set_line_visible(key, shown.get(identity, True))
        self._steps = frame.step + 1
        self.loss.set_span(config.steps)
        self.loss.refresh()

    def _on_state(self, state: JobState) -> None:
        if state is not JobState.RUNNING:
            self._show_readings()

    def _show_readings(self) -> None:
        """Show the numbers of the last frame."""
        if self._frame is None:
            return
        self._readings_at = time.perf_counter()
        for place, identity in enumerate(self._frame.ids):
            self._show_facts(self._frame, place, identity)

    def _show_facts(self, frame: DescentFrame, place: int, identity: int) -> None:
        facts = self._facts.get(identity)
        if facts is None:
            return
        x, y = frame.heads[place]
        stop = frame.diverged[place]
        facts.show_fact("x, y", f"{x:.4g}, {y:.4g}")
        facts.show_fact(
            "f(x, y)", f"{frame.losses[place, -1]:.4g}" if stop is None else f"diverged at step {stop}"
        )
        facts.show_fact("‖∇f‖", f"{frame.gradient_norms[place, -1]:.4g}")
        curvature = frame.curvatures[place]
        low, high = curvature.eigenvalues
        facts.show_fact("Hessian λ", f"{low:.4g}, {high:.4g}")
        racers = self._config.racers
        if place < len(racers) and racers[place].id == identity:
            self._show_ruler(facts, place, racers[place].optimizer, curvature)

    def _show_ruler(self, facts: Facts, place: int, optimizer: OptimizerConfig, curvature: Curvature) -> None:
        """Say what the learning rate does here, and mark the rates that matter on its slider."""
        if curvature.kind == "not finite":
            return
        rule = ruler(curvature.eigenvalues, optimizer)
        facts.show_fact("Learning rate", rule.regime(optimizer.lr).name)
        editor = self.panel.form.editor(f"racers.{place}.optimizer.lr")
        if isinstance(editor, NumberEditor):
            editor.set_marks(tuple((mark.value, f"{mark.label} ({mark.formula})") for mark in rule.marks))

    def summary(self) -> dict[str, object]:
        """What the tab shows, for the tour's numbers."""
        return {"surface": self._config.surface.name, "losses": self.loss.summary()}


def _called(racer: RacerConfig) -> str:
    """A racer in few words: its number, its optimizer, and its momentum if it has any."""
    momentum = racer.optimizer.values.get("momentum")
    return f"{racer.id + 1} {racer.optimizer.name}" + (f" {momentum:.4g}" if momentum else "")
