"""The slim bar that says which data training uses when it is not simply there, and fetches the other."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from optgui.core.training import DATASETS, DigitsConfig, DigitsFrame, best_dataset, is_ready
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Failure, JobState, Progress

BUILT_IN, PREFERRED = "builtin", "mnist"


def first_dataset() -> tuple[str, str]:
    """The data set to start with, and a sentence if the place to look for it is wrong."""
    try:
        return best_dataset(), ""
    except ValueError as error:
        return BUILT_IN, str(error)


def _at_hand(name: str) -> bool:
    """Whether a data set can be used without a download."""
    try:
        return is_ready(name)
    except ValueError:
        return False


class DataBar(QFrame):
    """Shows what is known of the chosen data set; downloads or draws it in a job of its own.

    With `download` MNIST is fetched once by itself where it is missing, after the built-in digits are drawn.
    """

    chosen = Signal(str)  # a data set that the person wants to use
    arrived = Signal(str)  # a data set that was downloaded

    def __init__(self, budget: PaintBudget, *, download: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("run_bar")
        self.controller = JobController(budget, self)
        self._fetching = ""
        self._shown = ""
        self._downloads_by_itself = download
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(8)
        self.text = QLabel()
        self.text.setObjectName("data.text")
        self.text.setWordWrap(True)
        layout.addWidget(self.text, 1)
        self.progress = QProgressBar()
        self.progress.setObjectName("data.progress")
        self.progress.setAccessibleName("Progress of the data")
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setFixedWidth(self.fontMetrics().averageCharWidth() * 24)
        layout.addWidget(self.progress)
        self.fetch = QPushButton()
        self.fetch.setObjectName("data.download")
        self.fetch.clicked.connect(self._on_fetch)
        self.other = QPushButton("Use built-in digits")
        self.other.setObjectName("data.builtin")
        self.other.clicked.connect(lambda: self.chosen.emit(BUILT_IN))
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName("data.cancel")
        self.cancel.clicked.connect(self._on_cancel)
        for button in (self.fetch, self.other, self.cancel):
            layout.addWidget(button)
        self.controller.progressed.connect(self._on_progressed)
        self.controller.state_changed.connect(self._on_state)
        self.controller.failed.connect(self._on_failed)

    @property
    def is_busy(self) -> bool:
        """Whether data are being fetched or drawn."""
        return bool(self._fetching)

    def show_dataset(self, name: str) -> None:
        """Say whether `name` is at hand; the built-in digits are drawn in the background if need be."""
        self._shown = name
        if self._fetching:
            return
        try:
            ready = is_ready(name)
        except ValueError as error:
            self._say(str(error), other=name != BUILT_IN)
            return
        if name == BUILT_IN:
            self._say(
                "Training uses the built-in digits, drawn by the program itself. MNIST is the real thing.",
                fetch=PREFERRED,
            )
            if not ready:
                self._start(BUILT_IN)
            elif self._downloads_by_itself:
                self._downloads_by_itself = False
                if not _at_hand(PREFERRED):
                    self._start(PREFERRED)
        elif ready:
            self.hide()
        else:
            self._say(f"{DATASETS[name].label} is not on this computer.", fetch=name, other=True)

    def _say(self, text: str, *, fetch: str = "", other: bool = False, progress: bool = False) -> None:
        self.text.setText(text)
        self.progress.setVisible(progress)
        self.cancel.setVisible(progress)
        self.other.setVisible(other)
        self.fetch.setVisible(bool(fetch))
        if fetch:
            self._offer(fetch)
        self.show()

    def _offer(self, name: str) -> None:
        entry = DATASETS[name]
        words = f"Download {entry.label} ({entry.download_bytes / 1e6:.0f} MB)"
        self.fetch.setProperty("dataset", name)
        self.fetch.setText(f"Use {entry.label}" if _at_hand(name) else words)

    def _on_fetch(self) -> None:
        name = self.fetch.property("dataset")
        if _at_hand(name):
            self.chosen.emit(name)
        else:
            self._start(name)

    def _start(self, name: str) -> None:
        self._fetching = name
        self._say(f"Preparing {DATASETS[name].label} …", progress=True)
        self.controller.start("digits", DigitsConfig(dataset=name))

    def _on_cancel(self) -> None:
        self.controller.stop()

    def _on_progressed(self, progress: Progress) -> None:
        frame = progress.frame
        if not isinstance(frame, DigitsFrame) or not self._fetching:
            return
        self.progress.setValue(round(1000 * frame.fraction))
        if frame.unit == "bytes":
            amount = f"{frame.done / 1e6:.1f} of {frame.total / 1e6:.1f} MB"
            rate = f", {frame.rate / 1e6:.2g} MB/s" if frame.rate else ""
        else:
            amount, rate = f"{frame.done:,} of {frame.total:,} images", ""
        self.text.setText(f"{frame.text}: {amount}{rate}")

    def _on_state(self, state: JobState) -> None:
        if state not in (JobState.FINISHED, JobState.STOPPED):
            return
        name, self._fetching = self._fetching, ""
        if state is JobState.FINISHED and name and name != BUILT_IN:
            self.arrived.emit(name)
        if state is JobState.STOPPED and name == BUILT_IN:
            self._say("The built-in digits are drawn when you press Start.", fetch=PREFERRED)
        else:
            self.show_dataset(self._shown)

    def _on_failed(self, failure: Failure) -> None:
        name, self._fetching = self._fetching, ""
        own = self._shown == BUILT_IN
        uses = "Training uses the built-in digits. " if own else ""
        self._say(uses + failure.sentence, fetch=name, other=not own)
