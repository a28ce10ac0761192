"""TunerPage: the best learning rate of every racer, each with the same budget."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from optgui.core.params import Config, Param, params_of
from optgui.core.surface import DescentConfig
from optgui.core.surface.maps.tuner import TunedRacer, TunerConfig, TunerFrame
from optgui.gui.form.numbers import NumberBox
from optgui.gui.plot.curve_axis import short
from optgui.gui.surface.finals_model import Column, plain
from optgui.gui.surface.map_page import Domain, MapPage
from optgui.gui.surface.maps.bar import bar
from optgui.gui.surface.maps.racers import taking_part
from optgui.gui.surface.maps.words import percent
from optgui.gui.surface.race_numbers import called
from optgui.gui.surface.racer_table import RacerTable
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState

BUDGET = (("rates", "low", "high"), ("seeds", "jitter", "seed"))  # fields of TunerConfig, row by row
COLUMNS = (
    Column("Racer", "Number, optimizer and momentum; line and colour as in the curves"),
    Column("Best lr", "The rate with the lowest median", plain),
    Column("Median", "Median of the final losses at this rate, over all seeds"),
    Column("Best", "Lowest of the final losses at this rate"),
    Column("Worst", "Highest of the final losses at this rate; infinite if a run diverged"),
    Column("Diverged", "Share of the runs at this rate that left the finite numbers", percent),
)
IDLE = "Press Tune: every racer tries the same rates from the same starts, under the same noise."
EARLIER = "This table belongs to an earlier race: tune again."
CANCELLED = "Tuning was cancelled when another picture was chosen: tune again."


class TunerPage(MapPage):
    """A table of the best rates; it is computed only when the button is pressed."""

    subject = "tuner"
    title = "Tuner"
    help = "The best learning rate of every racer, each with the same budget"

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        super().__init__(budget, parent)
        self._cancelled = False  # by leaving
        self.tune_button = QPushButton("Tune")
        self.tune_button.setObjectName("surface.tuner.tune")
        self.tune_button.setProperty("primary", True)
        self.take_button = QPushButton("Take best rates")
        self.take_button.setObjectName("surface.tuner.take")
        self.boxes: dict[str, NumberBox] = {}
        self.draw_box = QComboBox()
        self.steps = QLabel()
        self.steps.setObjectName("surface.tuner.steps")
        self.steps.setProperty("role", "muted")
        self.steps.setToolTip("How long each run is: the steps of the race")
        self.table = RacerTable("surface.tuner.results", "Best rates of the racers", COLUMNS)
        self.body.addWidget(self._make_budget())
        self.body.addWidget(bar(self.tune_button, self.steps, None, self.take_button, self.table.copy_button))
        self.body.addWidget(self.table, 1)
        self.tune_button.clicked.connect(self._on_pressed)
        self.take_button.clicked.connect(self._on_take)
        self._show_state()
        self.say(IDLE)

    def _make_budget(self) -> QWidget:
        specs: Mapping[str, Param] = {spec.name: spec for spec in params_of(TunerConfig)}
        made = QWidget()
        grid = QGridLayout(made)
        grid.setContentsMargins(12, 8, 12, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        for row, names in enumerate(BUDGET):
            for column, name in enumerate(names):
                spec, box = specs[name], NumberBox(specs[name])
                box.setObjectName(f"surface.tuner.{name}")
                box.setValue(float(spec.default))
                self._offer(grid, row, column, spec, box)
                self.boxes[name] = box
        spec = specs["draw"]
        self.draw_box.setObjectName("surface.tuner.draw")
        for value, label in spec.choices:
            self.draw_box.addItem(label, value)
        self._offer(grid, 0, len(BUDGET[0]), spec, self.draw_box)
        grid.setColumnStretch(2 * len(BUDGET[0]) + 2, 1)
        return made

    def _offer(self, grid: QGridLayout, row: int, column: int, spec: Param, editor: QWidget) -> None:
        label = QLabel(spec.title)
        label.setBuddy(editor)
        for widget in (label, editor):
            widget.setToolTip(spec.help)
        editor.setAccessibleName(spec.title)
        editor.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        grid.addWidget(label, row, 2 * column)
        grid.addWidget(editor, row, 2 * column + 1)

    def config_for(self, race: DescentConfig, domain: Domain, racer: int | None) -> Config:
        numbers = {
            name: int(box.value()) if isinstance(default, int) else box.value()
            for name, box in self.boxes.items()
            if (default := TunerConfig.model_fields[name].default) is not None
        }
        return TunerConfig.parse(
            {
                "race": race.model_copy(update={"racers": taking_part(race)}),
                "draw": self.draw_box.currentData(),
                **numbers,
            }
        )

    def show_race(self, race: DescentConfig, domain: Domain, racer: int | None, *, wanted: bool) -> None:
        """Take the race to tune; nothing is computed before the button is pressed."""
        self._race = (race, domain, racer)
        self.steps.setText(f"Each run has {race.steps:,} steps")
        if not wanted:
            self._cancelled |= self.tuning
            self.cancel()
        self._show_state()
        self._show_words()

    def recompute(self) -> None:
        """Begin to tune, also if this very race has been tuned before."""
        if self._race is None:
            return
        try:
            config = self.config_for(*self._race)
        except ValueError as error:
            self.say(str(error))
            return
        self.cancel()
        self._cancelled = False
        self._running, self._wanted = None, config
        self._begin()
        self._show_state()

    def is_picture(self, frame: TunerFrame) -> bool:
        return bool(frame.rows)

    def draw(self, frame: TunerFrame) -> None:
        names = {racer.id: called(racer) for racer in frame.config.race.racers}
        seeds = frame.finals.shape[2]
        numbers = np.array([[float(cell) for cell in cells(row, seeds)] for row in frame.rows])
        ids = tuple(row.id for row in frame.rows)
        self.table.model.show_rows(ids, tuple(names[i] for i in ids), (True,) * len(ids), numbers)
        self._show_state()
        self._show_words()

    @property
    def tuning(self) -> bool:
        """Whether it computes now."""
        return self._running is not None and not self._finished

    @property
    def current(self) -> bool:
        """Whether the table belongs to the present race; the racers' own rates do not matter."""
        if self.frame is None or self._race is None:
            return False
        race = self._race[0]
        shown = tuple(one for one in race.racers if one.visible)
        present = race.model_copy(update={"racers": shown})
        return without_rates(present) == without_rates(self.frame.config.race)

    def _best(self) -> dict[str, object]:
        """Changes of the race that give every racer its best rate."""
        if self.frame is None or self._race is None:
            return {}
        best = {row.id: row.lr for row in self.frame.rows if math.isfinite(row.median)}
        return {
            f"racers.{place}.optimizer.lr": float(f"{best[racer.id]:.4g}")
            for place, racer in enumerate(self._race[0].racers)
            if racer.id in best
        }

    def _show_state(self) -> None:
        self.tune_button.setText("Stop" if self.tuning else "Tune")
        help = "Stop, and keep the seeds that are complete" if self.tuning else IDLE
        self.tune_button.setToolTip(help)
        self.tune_button.setEnabled(self._race is not None)
        can = bool(self._best()) and self.current
        self.take_button.setEnabled(can)
        if can:
            words = "Give every racer the rate of this table"
        else:
            words = EARLIER if self.frame is not None and not self.current else "Tune first"
        self.take_button.setToolTip(words)

    def _show_words(self) -> None:
        if self._cancelled:
            self.say(CANCELLED)
        elif self.frame is None:
            self.say(IDLE)
        elif self.current:
            self.say(sentence(self.frame))
        else:
            self.say(EARLIER)
        if not self.tuning:
            self._show_state()

    def _on_pressed(self) -> None:
        if self.tuning:
            self.cancel()
            self._show_state()
        else:
            self.recompute()

    def _on_take(self) -> None:
        if changes := self._best():
            self.taken.emit(changes)

    def _on_state(self, state: JobState) -> None:
        super()._on_state(state)
        self._show_state()


def cells(row: TunedRacer, seeds: int) -> tuple[float, ...]:
    """A racer's numbers in the order of COLUMNS, NaN for none."""
    if math.isnan(row.lr):
        return (row.id, *(math.nan,) * (len(COLUMNS) - 1))
    return row.id, row.lr, row.median, row.best, row.worst, row.diverged / seeds


def without_rates(race: DescentConfig) -> list[object]:
    """What a race is but for its racers' learning rates, to compare."""
    racers = [
        (racer.id, racer.optimizer.name, {**racer.optimizer.values, "lr": 0.0}, racer.scheduler)
        for racer in race.racers
    ]
    return [race.model_copy(update={"racers": ()}), racers]


def sentence(frame: TunerFrame) -> str:
    """Who wins, over how many runs."""
    config, seeds = frame.config, frame.finals.shape[2]
    runs = f"{config.rates} rates × {seeds} seed{'s' * (seeds != 1)}"
    left_out = " ".join(frame.left_out)
    known = [row for row in frame.rows if math.isfinite(row.median)]
    if not known:
        return f"Over {runs} each, more than half of the runs of every racer diverged. {left_out}".strip()
    best = min(known, key=lambda row: row.median)
    name = next(called(racer) for racer in config.race.racers if racer.id == best.id)
    words = f"Over {runs} each, {name} ends lowest: median f {short(best.median)} at lr {best.lr:.3g}."
    ends = config.low, config.high
    if any(math.isclose(row.lr, end) for row in known for end in ends):
        words += " A best rate lies at the end of the range: widen it."
    return f"{words} {left_out}".strip()
