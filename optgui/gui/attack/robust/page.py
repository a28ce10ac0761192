"""RobustPage: robust accuracy against epsilon on the test set, for several networks and norms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QSplitter, QToolButton, QVBoxLayout, QWidget

from optgui.core.attack.robust import RobustFrame, RobustInputs, RobustRecord
from optgui.core.engine import Status
from optgui.gui.attack.robust import files
from optgui.gui.attack.robust.marks import NAMES
from optgui.gui.attack.robust.plot import RobustPlot
from optgui.gui.attack.robust.side import RobustSide
from optgui.gui.attack.robust.table import RobustTable
from optgui.gui.form.widgets import small_button
from optgui.gui.job.run_bar import RunBar
from optgui.gui.networks import NetworkShelf
from optgui.gui.readings import Readout
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Failure, JobState, Progress

NO_DIGITS = "The test digits come with the first training run: train a network first, then press Measure."
NO_NETWORK = "There is no network yet: train one first, then press Measure."
NONE_TICKED = "Open Settings and tick a network first."
NOTHING_YET = "There are no curves yet: press Measure first"
BEGUN = "The curves appear here as soon as the first digits are done."
WIDE = 160  # characters of a page that has room for its settings beside the plots
PICTURES = "Pictures (*.png);;Drawings (*.svg)"


class MeasureBar(RunBar):
    """The run bar of a measurement: its start is called Measure, since the tab has another Start."""

    def __init__(self) -> None:
        super().__init__("attack.robust")
        self.setObjectName("attack.robust.bar")
        self.step_button.hide()
        self.stop_button.setToolTip("End the measurement and keep the curves it has")
        self.progress.setFixedWidth(self.fontMetrics().averageCharWidth() * 16)

    def show_state(self, state: JobState) -> None:
        """Set words and buttons for a state."""
        super().show_state(state)
        if self.start_button.text() == "Start":
            self.start_button.setText("Measure")
            self.start_button.setAccessibleName("Measure")


class RobustPage(QWidget):
    """Bar above, settings at the left where there is room, plots above the table, words and doors below."""

    said = Signal(str)  # a sentence for the message bar

    def __init__(self, budget: PaintBudget, shelf: NetworkShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.robust")
        self.controller = JobController(budget, self)
        self.frame: RobustFrame | None = None  # drawn now
        self._digits: tuple[NDArray[np.uint8], NDArray[Any]] | None = None
        self._shelf = shelf
        self._fresh = False  # whether what is drawn is of the last measurement
        self._at_work = ""
        self._ids: tuple[str, ...] = ()  # of the networks under measurement
        self._shown_before = False
        self.bar = MeasureBar()
        self.side = RobustSide(shelf)
        self.plot, self.table = RobustPlot(), RobustTable()
        self._lay_out()
        self.bar.start_pressed.connect(self.toggle)
        self.bar.stop_pressed.connect(self.controller.stop)
        self.settings.toggled.connect(self.side.setVisible)
        self.side.networks.changed.connect(self._offer)
        self.side.form.edited.connect(lambda *_: self._offer())
        self.side.form.refused.connect(self.said)
        self.table.save_wanted.connect(self.save_numbers)
        self.controller.progressed.connect(self._on_progress)
        self.controller.state_changed.connect(self._on_state)
        self.controller.failed.connect(self._on_failed)
        self._on_state(JobState.IDLE)

    def _lay_out(self) -> None:
        self.settings = small_button("Settings", "attack.robust.settings", "Networks, norms and digits")
        self.settings.setCheckable(True)
        self.bar.insert(self.settings, instead_of_progress=False)
        self.words = Readout("Robust accuracy")
        self.words.setObjectName("attack.robust.words")
        self.copy = small_button("Copy", "attack.robust.copy", "Copy the selected cells of the table, or all")
        self.copy.clicked.connect(self.table.copy)
        self.save = small_button("Save", "attack.robust.save", "Save the numbers or the plot")
        self.save.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.save)
        menu.addAction("All points (CSV) …", self.save_numbers)
        menu.addAction("Plot (PNG or SVG) …", self.save_plot)
        self.save.setMenu(menu)
        self.clear_button = small_button("Clear", "attack.robust.clear", "Take the curves away")
        self.clear_button.clicked.connect(self.clear)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 4, 8, 4)
        foot.setSpacing(4)
        foot.addWidget(self.words, 1)
        for button in (self.copy, self.save, self.clear_button):
            foot.addWidget(button)
        results = QSplitter(Qt.Orientation.Vertical)
        results.addWidget(self.plot)
        results.addWidget(self.table)
        columns = QSplitter(Qt.Orientation.Horizontal)
        columns.addWidget(self.side)
        columns.addWidget(results)
        for splitter, sizes in ((results, (300, 120)), (columns, (1, 10_000))):
            splitter.setHandleWidth(1)
            splitter.setChildrenCollapsible(False)
            splitter.setSizes(list(sizes))
        results.setStretchFactor(0, 3)
        results.setStretchFactor(1, 1)
        columns.setStretchFactor(1, 1)
        self.side.hide()
        self.table.hide()
        self.table.setMinimumHeight(5 * self.fontMetrics().height())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(columns, 1)
        layout.addLayout(foot)

    # What it is given

    def show_data(self, images: NDArray[np.uint8], labels: NDArray[Any], dataset: str) -> None:
        """Take the test digits, (n, 28, 28) of 0..255, their classes (n,), and the name of their set."""
        self._digits = (images, labels)
        self.side.networks.set_dataset(dataset)
        self._offer()

    def set_epsilon(self, norm: str, epsilon: float) -> None:
        """Mark the radius of the tab's attack in the plot of its norm."""
        self.plot.set_epsilon(norm, epsilon)

    # What a person does

    def toggle(self) -> None:
        """Measure, pause or go on, by the state."""
        state = self.controller.state
        if state is JobState.RUNNING:
            self.controller.pause()
        elif state is JobState.PAUSED:
            self.controller.resume()
        elif state is not JobState.PREPARING:
            self.start()

    def start(self) -> None:
        """Measure anew; what is drawn stays until the first digits are done."""
        if refusal := self._refusal():
            self.said.emit(refusal)
            return
        assert self._digits is not None
        try:
            networks = self.side.networks.snapshots()
        except ValueError as error:
            self.said.emit(str(error))
            return
        images, labels = self._digits
        self._fresh, self._at_work = False, ""
        self._ids = tuple(network.id for network in networks)
        inputs = RobustInputs(networks, images, labels.astype(np.int64))
        self.bar.show_status(Status(0, self.side.config.digits, "digits"))
        self.controller.start("robust", self.side.config, inputs)

    def clear(self) -> None:
        """Take the curves away, unless a measurement goes on."""
        if self.controller.state.is_active:
            return
        self._show(None)
        self._fresh = False
        self.bar.show_status(Status(0, 0))
        self._on_state(JobState.IDLE)

    def save_numbers(self) -> None:
        """Ask for a file for all points."""
        self._ask_file("Save all points", "robust.csv", "Numbers (*.csv)", "csv")

    def save_plot(self) -> None:
        """Ask for a file for the plot; its ending says which kind it is."""
        self._ask_file("Save the plot", "robust.png", PICTURES, "png")

    def write(self, path: str) -> None:
        """Write numbers or plot into a file, by its ending; a failure is said in a sentence."""
        if self.frame is None:
            return
        ending = path.rpartition(".")[2].lower()
        if ending == "csv":
            data = files.csv_bytes(self.frame)
        else:
            data = (files.svg_bytes if ending == "svg" else files.png_bytes)(self.plot)
        if failure := files.write(path, data):
            self.said.emit(failure)
        else:
            self.words.setText(f"Saved as {path}")

    def _ask_file(self, title: str, name: str, kinds: str, suffix: str) -> None:
        dialog = QFileDialog(self, title, name, kinds)
        dialog.setObjectName("attack.robust.dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(kind[-4:-1]))
        dialog.fileSelected.connect(self.write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # What can be done now

    def _refusal(self) -> str:
        """Why there is nothing to measure, empty if there is."""
        if not self._shelf.ids:
            return NO_NETWORK
        if self._digits is None:
            return NO_DIGITS
        return "" if self.side.networks.ids else NONE_TICKED

    def _offer(self) -> None:
        """Offer what can be done, and say what will happen."""
        refusal, active = self._refusal(), self.controller.state.is_active
        start = self.bar.start_button
        start.setEnabled(active or not refusal)
        start.setToolTip(refusal if refusal and not active else "Measure, pause or go on")
        self.plot.set_hint(BEGUN if active else refusal or self._plan())
        for button in (self.copy, self.save):
            button.setEnabled(self.frame is not None)
            button.setToolTip(button.accessibleName() if self.frame is not None else NOTHING_YET)
        self.clear_button.setEnabled(self.frame is not None and not active)
        self.clear_button.setToolTip(
            "Stop the measurement first" if active else "Take the curves away" if self.frame else NOTHING_YET
        )

    def _plan(self) -> str:
        config, count = self.side.config, len(self.side.networks.ids)
        norms = [NAMES[norm] for norm in config.norms]
        where = norms[0] if len(norms) == 1 else f"{', '.join(norms[:-1])} and {norms[-1]}"
        who = self.side.networks.ids[0] if count == 1 else f"{count} networks"
        return (
            "How many digits are still read rightly when each may change by ε? Press Measure: it attacks the "
            f"first {config.digits:,} test digits in {where} on {who}. Settings changes that."
        )

    # What happens

    def _on_progress(self, progress: Progress) -> None:
        self.bar.show_status(progress.status)
        if progress.records and isinstance(record := progress.records[-1], RobustRecord):
            self._at_work = f"{NAMES[record.norm]} on {self._ids[record.network]}"
        frame = progress.frame
        if isinstance(frame, RobustFrame) and frame.digits and frame is not self.frame:
            self._fresh = True
            self._show(frame)
        self._say(self.controller.state)

    def _show(self, frame: RobustFrame | None) -> None:
        self.frame = frame
        self.plot.show_frame(frame)
        self.table.show_frame(frame, self.side.networks.words())
        self.table.setVisible(frame is not None)
        self._offer()

    def _say(self, state: JobState) -> None:
        """What the curves are of."""
        old = "; the curves are those of the measurement before" if self.frame and not self._fresh else ""
        count = "" if self.frame is None else f"{self.frame.digits:,} of {self.frame.wanted:,} digits"
        if state.is_active and not self._fresh:
            words = f"Attacking the first digits{old}"
        elif state.is_active:
            words = f"{count} so far, the curves may still move; now {self._at_work}"
        elif state is JobState.STOPPED and not self._fresh:
            words = f"Stopped before the first digits were done{old}"
        elif self.frame is not None and self.frame.digits < self.frame.wanted:
            words = f"Stopped: the curves are of {count}"
        elif self.frame is not None:
            words = f"{self.frame.digits:,} digits; an upper bound, since a stronger attack may fool more"
        else:
            words = ""
        self.words.setText(words)
        self.words.setToolTip(words)

    def _on_state(self, state: JobState) -> None:
        self.bar.show_state(state)
        if state is JobState.STOPPED and self.frame is not None and self._fresh:
            self.bar.show_status(Status(self.frame.digits, self.frame.wanted, "digits"))
        self.side.lock(state.is_active)
        self._offer()
        self._say(state)

    def _on_failed(self, failure: Failure) -> None:
        self.said.emit(failure.sentence)

    def showEvent(self, event: QShowEvent) -> None:
        """Show the settings at first where there is room for them."""
        super().showEvent(event)
        if not self._shown_before:
            self._shown_before = True
            self.settings.setChecked(self.width() >= WIDE * self.fontMetrics().averageCharWidth())
