"""ComparePage: two networks under the same attack, side by side."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QSplitter, QVBoxLayout, QWidget

from optgui.core.attack import AttackConfig, AttackFrame, AttackInputs, AttackRecord, Film, ShowFilm
from optgui.gui.attack.compare.side import Bout, Side
from optgui.gui.attack.film.curves import loss_words
from optgui.gui.attack.film.reel import Reel
from optgui.gui.attack.network_choice import NetworkChoice
from optgui.gui.attack.words import dataset_words
from optgui.gui.networks import NetworkShelf
from optgui.gui.playback import Playback
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.timeline import Timeline
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Answer, Edit, Failure, JobState, Progress

NONE_YET = "Choose a second network above: the same attack runs on both"
TITLES = {"first": "First network", "second": "Second network"}


class ComparePage(QWidget):
    """Two sides, one timeline and the losses in one plot. The first attack is the tab's own.

    The second begins with each attack of the tab while the page is on screen; it waits while it is not.

    Args:
        budget: Of painting.
        shelf: Where the second network comes from.
        reel: The film of the first attack, if somebody else has it already.
        parent: Owner.
    """

    said = Signal(str)  # a sentence for the message bar

    def __init__(
        self,
        budget: PaintBudget,
        shelf: NetworkShelf,
        reel: Reel | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.shelf = shelf
        self.controller = JobController(budget, self)
        self.choice = NetworkChoice(shelf, "attack.second", live=False, title=TITLES["second"])
        self.choice.chosen.connect(lambda _: self._begin_second())
        self.choice.refused.connect(self.said)
        self.sides = {"first": Side("first", reel), "second": Side("second")}
        self.playback = Playback(self)
        self.timeline = Timeline(self.playback, "attack.both", "film", play_button=True)
        self.loss = CurveView("Loss", "loss", x_label="iteration", object_name="attack.both.loss")
        self.loss.add_line("first", "first", 0)
        self.loss.add_line("second", "second", 1, dash=Qt.PenStyle.DashLine)
        self.loss.set_hint("The losses of both networks under the same attack")
        self._attack: tuple[AttackConfig, AttackInputs, Bout] | None = None
        self._running: tuple[AttackConfig, str] | None = None  # of the second attack
        self._asked = -1
        self._follows = True
        self._lay_out()
        self.playback.moved.connect(self._on_moved)
        self.loss.clicked.connect(lambda x: self.playback.go(round(x)))
        self.controller.progressed.connect(self._on_progress)
        self.controller.answered.connect(self._on_answered)
        self.controller.state_changed.connect(self._on_state)
        self.controller.failed.connect(self._on_failed)
        self.sides["first"].clear(TITLES["first"])
        self.sides["second"].clear(TITLES["second"], NONE_YET)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        for column, side in enumerate(self.sides.values()):
            grid.addWidget(side, 0, column)
            grid.setColumnStretch(column, 1)
        top = QWidget()
        layout = QVBoxLayout(top)
        layout.setContentsMargins(12, 4, 12, 4)
        layout.setSpacing(8)
        layout.addWidget(self.choice)
        layout.addLayout(grid, 1)
        layout.addWidget(self.timeline)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setHandleWidth(1)
        split.setChildrenCollapsible(False)
        split.addWidget(top)
        split.addWidget(self.loss)
        split.setSizes([300, 140])
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(split)

    # The first attack: the tab tells

    def begin(self, config: AttackConfig, inputs: AttackInputs, names: tuple[str, ...]) -> None:
        """The tab attacks a network; what the second did until now belongs to another attack."""
        bout = Bout(inputs.images[0, 0], int(inputs.labels[0]), names, config.steps)
        self._attack = (config, inputs, bout)
        self._follows = True
        self._end_second()
        self.playback.reset()
        self.playback.set_total(config.steps)
        self.loss.clear()
        self.loss.set_span(config.steps)
        self.loss.set_y_label(loss_words(config))
        self.sides["first"].begin(bout, inputs.snapshot)
        self._begin_second()

    def extend(self, film: Film | None, records: list[AttackRecord]) -> None:
        """More of the tab's attack."""
        self._extend("first", film, records)

    def judge(self, config: AttackConfig, frame: AttackFrame) -> None:
        """What became of the tab's attack."""
        self.sides["first"].judge(config, frame)

    def edit(self, edit: Edit) -> None:
        """A live edit of the tab's attack acts on both."""
        if self._running is not None and not edit.refusal:
            self._running = (edit.config, self._running[1])
            self.controller.apply(edit.config)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        for side in self.sides.values():
            side.show_iteration(self.playback.step)
        if self._running is not None:
            self.controller.resume()
        self._begin_second()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.playback.pause()
        self.controller.pause()

    # The second

    def _begin_second(self) -> None:
        chosen = self.choice.selected
        if self._attack is None or not self.isVisible() or not chosen:
            return
        config, inputs, bout = self._attack
        if self._running is not None and self._running[1] == chosen:
            return
        self._end_second()
        snapshot = self.shelf.get(chosen)
        if snapshot.dataset != inputs.snapshot.dataset:
            expected, got = (dataset_words(name) for name in (inputs.snapshot.dataset, snapshot.dataset))
            self.said.emit(
                f"second network: expected one trained on {expected} as the first is, got {chosen}, "
                f"trained on {got}"
            )
            return
        self._running = (config, chosen)
        self.sides["second"].begin(bout, snapshot)
        self.controller.start("attack", config, AttackInputs(snapshot, inputs.images, inputs.labels))

    def _end_second(self) -> None:
        """Nothing that the second attack still says counts."""
        self._running, self._asked = None, -1
        self.controller.stop()
        self.sides["second"].clear(TITLES["second"], NONE_YET)
        self.loss.set_line("second", [], [])
        self.loss.refresh()

    def _on_progress(self, progress: Progress) -> None:
        if self._running is None:
            return
        records = [record for record in progress.records if isinstance(record, AttackRecord)]
        self._extend("second", None, records)
        if isinstance(progress.frame, AttackFrame):
            self.sides["second"].judge(self._running[0], progress.frame)
        self._ask()

    def _ask(self) -> None:
        if self._asked < 0 and self._running is not None:
            self._asked = self.controller.ask(ShowFilm(self.sides["second"].reel.last + 1))

    def _on_answered(self, answer: Answer) -> None:
        if answer.request_id == self._asked:
            self._asked = -1
            if not answer.refusal:
                self._extend("second", answer.reply, [])

    def _on_state(self, state: JobState) -> None:
        if state in (JobState.PAUSED, JobState.FINISHED, JobState.STOPPED):
            self._asked = -1
            self._ask()

    def _on_failed(self, failure: Failure) -> None:
        if self._running is not None:
            self._running = None
            self.said.emit(f"second network: {failure.sentence}")

    # Both

    def _extend(self, key: str, film: Film | None, records: list[AttackRecord]) -> None:
        side = self.sides[key]
        if records:
            self.loss.extend(key, [record.step for record in records], [record.loss for record in records])
            self.loss.set_span(records[-1].until)
            self.loss.refresh()
        if film is None:
            return
        side.reel.add(film)
        newest = max(side.reel.last for side in self.sides.values())
        at_end = self._follows and not self.playback.playing
        self.playback.set_total(max(newest, 1))
        self.playback.set_available(max(newest, 0))
        if at_end:
            self.playback.go(newest)
        if self.isVisible():
            side.show_iteration(self.playback.step)

    def _on_moved(self, step: int) -> None:
        self._follows = step >= max(side.reel.last for side in self.sides.values())
        self.loss.set_head(step)
        if self.isVisible():
            for side in self.sides.values():
                side.show_iteration(step)
