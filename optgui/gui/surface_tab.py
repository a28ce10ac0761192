"""The surface tab: a race of optimizers from one start."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from optgui.core.constraints import ConstraintConfig
from optgui.core.curvature import Curvature
from optgui.core.surface import DescentConfig, DescentFrame
from optgui.core.surface.frame import FindStationary
from optgui.core.surface.rates import ruler
from optgui.core.surface.story import Chapter
from optgui.gui import theme
from optgui.gui.form.numbers import NumberEditor
from optgui.gui.form.widgets import group_title
from optgui.gui.job.tab_frame import TabFrame
from optgui.gui.surface.maps.basins_page import BasinsPage
from optgui.gui.surface.maps.rate_map_page import RateMapPage
from optgui.gui.surface.maps.sweep_page import SweepPage
from optgui.gui.surface.maps.tuner_page import TunerPage
from optgui.gui.surface.pictures import Pictures
from optgui.gui.surface.race_curves import RaceCurves
from optgui.gui.surface.race_panel import RacePanel
from optgui.gui.surface.race_readings import RaceReadings
from optgui.gui.surface.step_panel import StepPanel
from optgui.gui.surface.story import StoryBar
from optgui.gui.timeline import Timeline
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import JobState

HINT = "Press Start: the racers go down from the ring, which you can drag"


class SurfaceTab(TabFrame):
    """Pictures of the race above, its curves below; controls on the left, numbers on the right."""

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        panel = RacePanel(DescentConfig(), budget)
        super().__init__(panel, parent)
        self.race = panel
        self.playback = panel.playback
        self.timeline = Timeline(self.playback)
        panel.run_bar.insert(self.timeline)
        self.story = StoryBar()
        self.controls_layout.insertWidget(0, self.story)
        self.pictures = Pictures([page(budget) for page in (BasinsPage, SweepPage, RateMapPage, TunerPage)])
        self.curves = RaceCurves()
        self.loss = self.curves.loss
        self.map = self.pictures.map
        self.centre.addWidget(self.pictures)
        self.centre.addWidget(self.curves)
        self.set_shares(5, 2)
        self.pictures.set_hint(HINT)
        self._formula = QLabel()
        self._formula.setWordWrap(True)
        self._formula.setTextFormat(Qt.TextFormat.RichText)
        self._formula.setObjectName("surface.formula")
        group = QVBoxLayout()
        group.setSpacing(4)
        group.addWidget(group_title("Surface"))
        group.addWidget(self._formula)
        self.readings_layout.addLayout(group)
        self.step_panel = StepPanel()
        self.numbers = RaceReadings()
        self.readings_layout.addWidget(self.step_panel)
        self.readings_layout.addWidget(self.numbers)
        self.readings_layout.addStretch(1)
        self._connect()
        self._surface = self._config.surface
        self._show_config()
        panel.compute()

    def _connect(self) -> None:
        panel, pictures = self.race, self.pictures
        panel.raced.connect(self._on_raced)
        panel.state_changed.connect(self._on_state)
        panel.form.edited.connect(self._on_edited)
        self.playback.moved.connect(lambda step: self._draw())
        self.curves.wanted.connect(self._on_wanted)
        self.story.chosen.connect(self._on_chapter)
        pictures.start_moved.connect(self._on_start_moved)
        pictures.constraint_dragged.connect(self._on_constraint_dragged)
        pictures.points_changed.connect(self._on_points_changed)
        pictures.acted.connect(self._on_acted)
        pictures.selected.connect(self.step_panel.select)
        pictures.stationary_wanted.connect(self._on_stationary_wanted)
        pictures.said.connect(panel.messages.say)
        pictures.toggled.connect(panel.toggle)
        pictures.moved_on.connect(self._on_moved_on)
        for page in pictures.pages:
            page.taken.connect(self._on_taken)
            page.said.connect(panel.messages.say)
        self.step_panel.chosen.connect(self._on_selected)
        self.numbers.curved.connect(self._mark_rates)
        self.numbers.balls_changed.connect(pictures.show_noise_balls)

    @property
    def controllers(self) -> tuple[JobController, ...]:
        """The race's job and those of the maps."""
        return (self.race.controller, *(page.controller for page in self.pictures.pages))

    @property
    def _config(self) -> DescentConfig:
        config = self.panel.form.config
        assert isinstance(config, DescentConfig)
        return config

    def _show_config(self) -> None:
        """Show the surface of the form's config, and what is known of it."""
        config = self._config
        try:
            self.pictures.show_config(config)
        except ValueError as error:  # an empty feasible set: the last good picture stays
            self.panel.messages.say(str(error))
            return
        self._describe()

    def _describe(self) -> None:
        """Set the formula and what is known of its minima."""
        surface = self._config.surface
        flat = surface.entry.dimension == 1
        minima = [f"{x:.4g}" if flat else f"({x:.4g}, {y:.4g})" for x, y in surface.minima]
        words = "No minimum is known."
        if minima:
            count = "Minimum" if len(minima) == 1 else f"{len(minima)} minima"
            words = f"{count} at {', '.join(minima)}"
        if surface.entry.note is not None and (note := surface.entry.note(surface.values)):
            words = note
        muted = theme.colours(self).muted
        name = "f(x)" if flat else "f(x, y)"
        self._formula.setText(
            f"<p style='margin: 0'>{name} = {html.escape(surface.formula)}</p>"
            f"<p style='margin: 4px 0 0 0; color: {muted}'>{words}</p>"
        )
        self._formula.setToolTip(surface.entry.reference)

    def _on_edited(self, config: DescentConfig, path: str) -> None:
        if config.surface.name != self._surface.name and path.startswith("surface"):
            self._surface = config.surface
            self._edit({"start": list(config.surface.entry.start)})
        self._surface = config.surface
        self.story.follow(config)
        self._show_config()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "_formula"):
            self._describe()

    def _on_raced(self, frame: DescentFrame) -> None:
        self.step_panel.show_race(frame, self.playback.step)
        self._draw()

    def _draw(self) -> None:
        """Show the race as it stands at the play head."""
        frame = self.race.frame
        if frame is None:
            return
        step = min(self.playback.step, frame.step)
        if step > 0 or self.pictures.hint != HINT:
            self.pictures.set_hint("")
        shown = {racer.id: racer.visible for racer in self._config.racers}
        self.pictures.show_race(frame, shown, step)
        self.curves.show_race(frame, shown, step)
        self.step_panel.show_race(frame, step)
        self.numbers.show_race(frame, step)

    def _on_state(self, state: JobState) -> None:
        if state is not JobState.RUNNING:
            self.numbers.show_now()
        if state is JobState.FAILED:
            self.pictures.set_hint("This race cannot start: paths and numbers are those of the one before")

    def _on_wanted(self, step: int) -> None:
        self.playback.pause()
        self.playback.go(step)

    def _on_moved_on(self, steps: int) -> None:
        self.playback.pause()
        self.playback.forward(steps)

    def _on_selected(self, identity: int) -> None:
        self.pictures.select(identity)
        self.numbers.select(identity)

    def _on_start_moved(self, x: float, y: float, ended: bool) -> None:
        self._edit({"start": [x, y]}, final=ended)

    def _on_constraint_dragged(self, constraint: ConstraintConfig, ended: bool) -> None:
        self._edit({"constraint": constraint.model_dump(mode="json")}, final=ended)

    def _on_points_changed(self, points: Sequence[Sequence[float]], ended: bool) -> None:
        self._edit({"surface.points": [list(point) for point in points]}, final=ended)

    def _on_acted(self, values: dict[str, object]) -> None:
        surface = self._config.surface
        self._edit({"surface": {"name": surface.name, **surface.model_dump(mode="json"), **values}})

    def _on_taken(self, changes: dict[str, object]) -> None:
        self._edit(changes)

    def _edit(self, changes: dict[str, object], *, final: bool = True) -> None:
        """Make edits as a person does in the form, the last one as the end of the gesture."""
        form = self.panel.form
        for place, (path, value) in enumerate(changes.items(), 1):
            form.change(path, value, final=final and place == len(changes))
        form.set_config(form.config)

    def _on_chapter(self, chapter: Chapter) -> None:
        """Open a chapter of the story and play it."""
        config = DescentConfig.parse(chapter.config)
        self._surface = config.surface
        self.playback.pause()
        self.open_config(config)
        self.pictures.choose(self.pictures.map_action)
        self.pictures.map.fit()
        self.pictures.set_overlays(chapter.overlays)
        self.playback.rewind()
        self.playback.play()

    def _on_stationary_wanted(self) -> None:
        self.panel.ask(FindStationary(self._config.surface.entry.domain), self._on_stationary)

    def _on_stationary(self, found: Sequence[Curvature]) -> None:
        self.pictures.show_stationary(found)
        if not found:
            self.panel.messages.say("No stationary point was found in the domain.")

    def _mark_rates(self, curvatures: Sequence[Curvature]) -> None:
        """Mark the rates that matter where each racer stands on the slider of its learning rate."""
        flat = self._config.surface.entry.dimension == 1
        for place, (racer, at) in enumerate(zip(self._config.racers, curvatures, strict=False)):
            editor = self.panel.form.editor(f"racers.{place}.optimizer.lr")
            if not isinstance(editor, NumberEditor):
                continue
            marks = ()
            if at.kind != "not finite":
                eigenvalues = at.hessian[0, :1] if flat else at.eigenvalues
                marks = ruler(eigenvalues, racer.optimizer).marks
            editor.set_marks(tuple((mark.value, f"{mark.label} ({mark.formula})") for mark in marks))

    def summary(self) -> dict[str, object]:
        """What the tab shows, for the tour's numbers."""
        return {"surface": self._config.surface.name, "losses": self.loss.summary()}
