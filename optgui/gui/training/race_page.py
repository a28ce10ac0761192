"""RacePage: networks that learn the same digits side by side, with a job and controls of their own."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QSplitter, QVBoxLayout, QWidget

from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import Digits
from optgui.core.training.race import PRESETS, RaceConfig, RaceFrame, RaceRecord
from optgui.gui.data_bar import first_dataset
from optgui.gui.form.choices import ChoiceBox
from optgui.gui.form.widgets import group_title
from optgui.gui.training.race_curves import RaceCurves
from optgui.gui.training.race_numbers import Mark, RaceNumbers, names
from optgui.gui.training.race_panel import NetworkRacePanel
from optgui.gui.training.race_table import EntrantTable
from optgui.gui.training.run_note import RunNote
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import JobState, Progress

FIRST = next(iter(PRESETS))
_PRESET_HELP = "Races worth seeing: one sets up the entrants, which you may then change"
_ATTACK_HELP = "Take the selected network, as it stands, to the attack"


class RacePage(QWidget):
    """Preset and form at the left, losses above test accuracies and the table, run bar below."""

    snapshot = Signal(object, object)  # NetworkSnapshot of an entrant, the Digits it learns

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.race")
        self._dataset = first_dataset()[0]
        self.panel = NetworkRacePanel(PRESETS[FIRST].changed("dataset", self._dataset), budget, self)
        self.curves = RaceCurves(self)
        self.loss, self.accuracy = self.curves.views
        self.table = EntrantTable(self.curves.smoothed)
        self.numbers: RaceNumbers | None = None  # of the race on screen, None before it begins
        self._race = self.panel.config  # the race on screen
        self._digits: Digits | None = None  # what it learns, once they are there
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.panel.messages)
        layout.addWidget(self._make_columns(), 1)
        layout.addWidget(self.panel.run_bar)
        panel = self.panel
        panel.started.connect(self._on_started)
        panel.progressed.connect(self._on_progressed)
        panel.state_changed.connect(self._on_state)
        panel.noted.connect(self._on_noted)
        panel.form.edited.connect(self._on_edited)
        self.table.table.selectionModel().selectionChanged.connect(lambda *_: self._offer_attack())
        self._show_race(self.panel.config)
        self._on_state(JobState.IDLE)

    @property
    def controllers(self) -> tuple[JobController, ...]:
        """Everything that must end before the program does."""
        return (self.panel.controller,)

    def set_dataset(self, name: str) -> None:
        """Let the next race learn other images, unless the person has chosen some for the race alone."""
        form = self.panel.form
        own = self.panel.config.dataset != self._dataset
        self._dataset = name
        if not own:
            form.change("dataset", name, final=True)
            form.set_config(form.config)

    def open_preset(self, name: str) -> None:
        """Set up a race of `PRESETS`; while a race goes on nothing happens."""
        if self.panel.state.is_active:
            return
        self.preset.setCurrentIndex(self.preset.findData(name))
        config = PRESETS[name].changed("dataset", self._dataset)
        self.panel.open(config)
        self.numbers = None
        self._show_race(config)
        self._offer_attack()

    # The parts

    def _make_columns(self) -> QSplitter:
        columns = _splitter(Qt.Orientation.Horizontal)
        right, below = _splitter(Qt.Orientation.Vertical), _splitter(Qt.Orientation.Horizontal)
        below.addWidget(self.accuracy)
        below.addWidget(self._make_table_block())
        right.addWidget(self.loss)
        right.addWidget(below)
        columns.addWidget(self._make_controls())
        columns.addWidget(right)
        columns.setStretchFactor(1, 1)
        for splitter, sizes in ((right, (5, 4)), (below, (5, 7))):
            splitter.setSizes([100 * size for size in sizes])
            for place, size in enumerate(sizes):
                splitter.setStretchFactor(place, size)
        columns.setSizes([1, 10_000])
        return columns

    def _make_controls(self) -> QWidget:
        self.preset = ChoiceBox()
        self.preset.setObjectName("training.race.preset")
        self.preset.setAccessibleName("Race")
        for name in PRESETS:
            self.preset.offer(name, name)
        self.preset.activated.connect(lambda place: self.open_preset(self.preset.itemData(place)))
        body = QWidget()
        body.setObjectName("controls_body")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        head = QVBoxLayout()
        head.setSpacing(4)
        head.addWidget(group_title("Race", _PRESET_HELP))
        head.addWidget(self.preset)
        layout.addLayout(head)
        layout.addWidget(self.panel.form)
        layout.addStretch(1)
        area = _Scroll()
        area.setWidget(body)
        self.note = RunNote(self.panel)
        self.panel.applied.connect(self.note.show_applied)
        side = QWidget()
        side.setObjectName("controls")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(area, 1)
        column.addWidget(self.note)
        return side

    def _make_table_block(self) -> QWidget:
        self.attack = QPushButton("Attack this one")
        self.attack.setObjectName("training.race.attack")
        self.attack.clicked.connect(self._on_attack)
        block = QWidget()
        block.setObjectName("picture")
        block.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 4, 12, 8)
        foot.addWidget(self.attack)
        foot.addStretch(1)
        foot.addWidget(self.table.copy_button)
        layout = QVBoxLayout(block)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.table, 1)
        layout.addLayout(foot)
        return block

    # The race

    def _show_race(self, config: RaceConfig) -> None:
        """Put a race on screen whose numbers are all still to come."""
        self._race, self._digits = config, None
        self.curves.begin(config, self.numbers)
        self.table.show_race(config, self.numbers)
        self.table.show_now()

    def _on_started(self, config: RaceConfig) -> None:
        self.numbers = RaceNumbers(config)
        self._show_race(config)

    def _on_progressed(self, progress: Progress) -> None:
        numbers = self.numbers
        if numbers is None:
            return
        if isinstance(progress.frame, RaceFrame):
            if not numbers.batches:
                self.panel.ask("digits", self._on_digits)
            numbers.look(progress.frame)
            self._offer_attack()
        self.curves.take(*numbers.take(cast("tuple[RaceRecord, ...]", progress.records)))
        self.table.show_race(self._race, numbers)

    def _on_digits(self, digits: Digits) -> None:
        self._digits = digits
        self.curves.set_count(self._race.samples or len(digits.train_images))
        self._offer_attack()

    def _on_noted(self, mark: Mark) -> None:
        self._race = _with_looks(cast(RaceConfig, self.panel.run_config), self.panel.config)
        self.curves.show_config(self._race)
        self.curves.mark(mark)

    def _on_edited(self, config: RaceConfig, path: str) -> None:
        """Show a race that has not begun as it is set up; of one that has, follow names and who is shown."""
        if self.numbers is None and tuple(names(config)) != tuple(names(self._race)):
            self._show_race(config)  # other entrants
            return
        self._race = config if self.numbers is None else _with_looks(self._race, config)
        self.curves.show_config(self._race)
        self.table.show_race(self._race, self.numbers)

    def _on_state(self, state: JobState) -> None:
        self.preset.setEnabled(not state.is_active)
        why = "Stop this race first, then choose another"
        self.preset.setToolTip(why if state.is_active else _PRESET_HELP)
        if state is not JobState.RUNNING:
            if self.numbers is not None:
                self.numbers.rest()
            self.curves.show_now(ended=state in (JobState.FINISHED, JobState.STOPPED))
            self.table.show_now()
        self._offer_attack()

    def _offer_attack(self) -> None:
        """An entrant can be attacked as soon as there are data for it, and as long as it is not out."""
        refusal = ""
        if self.numbers is None or self._digits is None or not self.panel.has_run:
            refusal = "Start a race first: there is no network to attack yet"
        elif self.table.chosen is None:
            refusal = "Select one row of the table first"
        elif self.table.chosen in self.numbers.failures:
            refusal = "This network is out: its weights are no longer finite"
        self.attack.setEnabled(not refusal)
        self.attack.setToolTip(refusal or _ATTACK_HELP)

    def _on_attack(self) -> None:
        self.panel.ask(("snapshot", self.table.chosen), self._on_snapshot)

    def _on_snapshot(self, snapshot: NetworkSnapshot) -> None:
        self.snapshot.emit(snapshot, self._digits)

    def summary(self) -> dict[str, object]:
        """What the page shows, for the tour's numbers."""
        return {"loss": self.loss.summary(), "accuracy": self.accuracy.summary()}


class _Scroll(QScrollArea):
    """Scrolls up and down only: never narrower than what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def minimumSizeHint(self) -> QSize:
        bar = self.verticalScrollBar().sizeHint().width()
        body = self.widget()
        inside = body.minimumSizeHint().width() if body is not None else 0
        return QSize(inside + bar, super().minimumSizeHint().height())


def _splitter(orientation: Qt.Orientation) -> QSplitter:
    made = QSplitter(orientation)
    made.setHandleWidth(1)
    made.setChildrenCollapsible(False)
    return made


def _with_looks(race: RaceConfig, form: RaceConfig) -> RaceConfig:
    """A race whose entrants are named and shown as those with their ids in the form."""
    wanted = {entrant.id: {"label": entrant.label, "visible": entrant.visible} for entrant in form.entrants}
    entrants = tuple(entrant.model_copy(update=wanted.get(entrant.id)) for entrant in race.entrants)
    return race.model_copy(update={"entrants": entrants})
