"""ComparePage: two networks under the same attack, side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from optgui.core.attack import AttackConfig, AttackFrame, AttackInputs, AttackRecord, Film, ShowFilm
from optgui.core.snapshot import NetworkSnapshot
from optgui.gui.attack.class_columns import ClassColumns
from optgui.gui.attack.network_choice import NetworkChoice, words_of
from optgui.gui.attack.reel import Reel
from optgui.gui.attack.words import verdict
from optgui.gui.form.widgets import Remark, group_title
from optgui.gui.networks import NetworkShelf
from optgui.gui.playback import Playback
from optgui.gui.plot.curve_view import CurveView
from optgui.gui.plot.digits import PictureView, grey_image, signed_image
from optgui.gui.timeline import Timeline
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Answer, Edit, Failure, JobState, Progress

NONE_YET = "Choose a second network: the same attack runs on both"
KEYS = ("first", "second")


class Bout(NamedTuple):
    """One attack on one network: what both sides are shown of."""

    image: NDArray[np.float32]  # (28, 28)
    label: int
    names: tuple[str, ...]
    steps: int


class Side(QWidget):
    """What one network makes of the attack: the change, the picture and the probabilities."""

    def __init__(self, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reel = Reel()
        self.until = 0
        self._bout: Bout | None = None
        self.title = group_title("")
        self.title.setObjectName(f"attack.{key}.network")
        self.perturbation = PictureView("Perturbation", f"attack.{key}.perturbation")
        self.adversarial = PictureView("Adversarial", f"attack.{key}.adversarial")
        self.classes = ClassColumns("Probability of each class, before and now", f"attack.{key}.classes")
        self.verdict = Remark()
        self.verdict.setObjectName(f"attack.{key}.verdict")
        pictures = QHBoxLayout()
        pictures.setSpacing(8)
        pictures.addWidget(self.perturbation, 1)
        pictures.addWidget(self.adversarial, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.title)
        layout.addLayout(pictures, 1)
        layout.addWidget(self.classes)
        layout.addWidget(self.verdict)

    def begin(self, bout: Bout, snapshot: NetworkSnapshot) -> None:
        """A new attack on a network."""
        self._bout = bout
        self.reel.clear()
        self.title.setText(words_of(snapshot))
        self.clear()

    def clear(self, hint: str = "") -> None:
        """Show nothing but a hint."""
        self.adversarial.set_hint(hint)
        for part in (self.perturbation, self.adversarial, self.classes):
            part.clear()
        self.verdict.setText("")

    def show_iteration(self, iteration: int) -> None:
        """Show the picture of an iteration, or the newest before it."""
        if self._bout is None or not len(self.reel):
            return
        film, place, bout = self.reel.film, self.reel.place(iteration), self._bout
        change = film.perturbations[place]
        result = np.clip(bout.image + change, 0, 1)
        answer = bout.names[int(film.probabilities[place].argmax())]
        limit = float(np.abs(change).max())
        norm = f"‖δ‖ = {film.norms[place]:.4g}"
        self.perturbation.show_image(signed_image(change, limit), change, norm)
        self.adversarial.show_image(grey_image(result), result, f"read as: {answer}")
        self.classes.show_probabilities(
            film.probabilities[0], film.probabilities[place], bout.label, bout.names
        )


class ComparePage(QWidget):
    """Two sides, one timeline and the losses in one plot. The first attack is the tab's own.

    The second begins with each attack of the tab while the page is on screen.
    """

    said = Signal(str)  # a sentence for the message bar

    def __init__(self, budget: PaintBudget, shelf: NetworkShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shelf = shelf
        self.controller = JobController(budget, self)
        self.choice = NetworkChoice(shelf, "attack.second", live=False, title="Second network")
        self.choice.chosen.connect(lambda _: self._begin_second())
        self.choice.refused.connect(self.said)
        self.sides = {key: Side(key) for key in KEYS}
        self.playback = Playback(self)
        self.timeline = Timeline(self.playback, "attack.both", "film", play_button=True)
        self.loss = CurveView("Loss", "what is climbed", x_label="iteration", object_name="attack.both.loss")
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
        self.sides["second"].clear(NONE_YET)

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
        """The tab attacks a network."""
        bout = Bout(inputs.images[0, 0], int(inputs.labels[0]), names, config.steps)
        self._attack = (config, inputs, bout)
        self._running = None
        self._follows = True
        self.playback.reset()
        self.playback.set_total(config.steps)
        self.loss.clear()
        self.loss.set_span(config.steps)
        self.sides["first"].begin(bout, inputs.snapshot)
        self._begin_second()

    def extend(self, film: Film | None, records: list[AttackRecord]) -> None:
        """More of the tab's attack."""
        self._extend("first", film, records)

    def judge(self, config: AttackConfig, frame: AttackFrame) -> None:
        """What became of the tab's attack."""
        self._judge("first", config, frame)

    def edit(self, edit: Edit) -> None:
        """A live edit of the tab's attack acts on both."""
        if self._running is not None and not edit.refusal:
            self._running = (edit.config, self._running[1])
            self.controller.apply(edit.config)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        for side in self.sides.values():
            side.show_iteration(self.playback.step)
        self._begin_second()

    # The second

    def _begin_second(self) -> None:
        chosen = self.choice.selected
        if self._attack is None or not self.isVisible():
            return
        if not chosen:
            self.sides["second"].clear(NONE_YET)
            return
        config, inputs, bout = self._attack
        if self._running == (config, chosen):
            return
        snapshot = self.shelf.get(chosen)
        if snapshot.dataset != inputs.snapshot.dataset:
            self.said.emit(
                f"second network: expected one trained on {inputs.snapshot.dataset}, got one trained on "
                f"{snapshot.dataset}"
            )
            return
        self._running, self._asked = (config, chosen), -1
        self.sides["second"].begin(bout, snapshot)
        self.loss.set_line("second", [], [])
        self.controller.start("attack", config, AttackInputs(snapshot, inputs.images, inputs.labels))

    def _on_progress(self, progress: Progress) -> None:
        records = [record for record in progress.records if isinstance(record, AttackRecord)]
        self._extend("second", None, records)
        if isinstance(progress.frame, AttackFrame) and self._running is not None:
            self._judge("second", self._running[0], progress.frame)
        self._ask()

    def _ask(self) -> None:
        if self._asked < 0:
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
        self._running = None
        self.said.emit(failure.sentence)

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

    def _judge(self, key: str, config: AttackConfig, frame: AttackFrame) -> None:
        if self._attack is not None:
            self.sides[key].verdict.setText(verdict(config, frame, self._attack[2].names))

    def _on_moved(self, step: int) -> None:
        self._follows = step >= max(side.reel.last for side in self.sides.values())
        self.loss.set_head(step)
        if self.isVisible():
            for side in self.sides.values():
                side.show_iteration(step)
