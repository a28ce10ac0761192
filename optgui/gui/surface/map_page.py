"""MapPage: a picture made of many races, computed by a job of its own while it is on screen."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from optgui.core.params import Config
from optgui.core.surface import DescentConfig, RacerConfig
from optgui.gui import theme
from optgui.gui.surface.maps.words import minus
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Failure, JobState, Progress

Domain = tuple[tuple[float, float], tuple[float, float]]
PATIENCE_MS = 120  # while a slider is dragged: how often a new map is begun
WIDE = 130  # characters of a page on which its words take two lines
TURNS = 8  # of patience at most that a map gets until its first picture


class MapPage(QWidget):
    """One picture of the toolbar. A subclass says what to compute and draws the frames.

    The map is computed only while it is on screen. An edit begins it anew, the newest one only; while edits
    come fast each map that is begun still gets to its first picture.
    """

    subject = ""  # in ENGINES
    title = ""
    help = ""

    taken = Signal(object)  # changes of the race by path, as a click on a cell asks for
    said = Signal(str)  # a sentence for the message bar

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"surface.{self.subject}")
        self.controller = JobController(budget, self)
        self.controller.progressed.connect(self._on_progress)
        self.controller.state_changed.connect(self._on_state)
        self.controller.failed.connect(self._on_failed)
        self.frame: Any = None  # drawn now
        self._race: tuple[DescentConfig, Domain, int | None] | None = None
        self._wanted: Config | None = None
        self._running: Config | None = None  # or finished
        self._finished = self._drawn = False
        self._turns = 0
        self._pace = QTimer(self, interval=PATIENCE_MS, singleShot=True)
        self._pace.timeout.connect(self._begin)
        self.words = QLabel()
        self.words.setObjectName(f"surface.{self.subject}.words")
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setFixedWidth(self.fontMetrics().averageCharWidth() * 16)
        self.progress.setAccessibleName(f"Progress of {self.title}")
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.progress.hide()
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 4, 12, 4)
        foot.setSpacing(16)
        foot.addWidget(self.words, 1)
        foot.addWidget(self.progress)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self.body, 1)
        layout.addLayout(foot)

    def config_for(self, race: DescentConfig, domain: Domain, racer: int | None) -> Config:
        """What to compute for a race, the part of the plane in view and the selected racer's id.

        Raises:
            ValueError: with a sentence, if there is nothing to compute.
        """
        raise NotImplementedError

    def draw(self, frame: Any) -> None:
        """Draw a picture of the engine."""
        raise NotImplementedError

    def is_picture(self, frame: Any) -> bool:
        """Whether there is something to see in a frame; until then the last picture stays."""
        return True

    def fit(self) -> None:
        """Show the whole picture; axes that never move have nothing to do."""

    def show_nothing(self, sentence: str) -> None:
        """Take the picture away and say why: there is nothing to compute."""

    def show_race(self, race: DescentConfig, domain: Domain, racer: int | None, *, wanted: bool) -> None:
        """Take the race to map; with `wanted` the page is on screen and computes."""
        self._race = (race, domain, racer)
        if wanted:
            self.recompute()
        else:
            self.cancel()

    def recompute(self) -> None:
        """Begin the map of the present race, unless it is the one that runs or is finished."""
        if self._race is None:
            return
        try:
            config = self.config_for(*self._race)
        except ValueError as error:
            self.cancel()
            self._running = self.frame = None
            self.show_nothing(str(error))
            self.say(str(error))
            return
        self._wanted = config
        if not self._pace.isActive():
            self._begin()

    def cancel(self) -> None:
        """Compute no more; a map that is not finished begins anew when it is wanted again."""
        self._wanted = None
        self._pace.stop()
        if self._running is not None and not self._finished:
            self._running = None
            self.controller.stop()

    def say(self, sentence: str) -> None:
        """Write the words below the picture."""
        text = minus(sentence)
        if text != self.words.text():
            self.words.setText(text)
            self.words.setToolTip(text)

    @property
    def finished(self) -> bool:
        """Whether the map that was begun last is complete."""
        return self._running is not None and self._finished

    @property
    def racer(self) -> RacerConfig | None:
        """The selected racer of the present race, else its first that is shown."""
        return None if self._race is None else chosen(self._race[0], self._race[2])

    def restyle(self) -> None:
        """Take the theme's colours as they are now."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the words room for their lines; not more with more words, or what is in view would change."""
        super().resizeEvent(event)
        metrics = self.fontMetrics()
        lines = 2 if self.width() >= WIDE * metrics.averageCharWidth() else 3
        self.words.setFixedHeight(lines * metrics.lineSpacing() + 2)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "words"):
            self.restyle()

    def _begin(self) -> None:
        if self._wanted is None or self._wanted == self._running:
            return
        if self._running is not None and not (self._drawn or self._finished) and self._turns < TURNS:
            self._turns += 1
            self._pace.start()
            return
        self._running, self._turns = self._wanted, 0
        self._finished = self._drawn = False
        self._pace.start()
        self.controller.start(self.subject, self._running)

    def _on_progress(self, progress: Progress) -> None:
        done, total, *_ = progress.status
        self.progress.setValue(round(1000 * done / total) if total else 0)
        frame = progress.frame
        if frame is not None and frame is not self.frame and self.is_picture(frame):
            self.frame, self._drawn = frame, True
            self.draw(frame)
            if self._turns:  # a newer one has waited for this picture alone
                self._begin()

    def _on_state(self, state: JobState) -> None:
        self.progress.setVisible(state in (JobState.RUNNING, JobState.PREPARING))
        if state in (JobState.FINISHED, JobState.FAILED):
            self._finished = True

    def _on_failed(self, failure: Failure) -> None:
        self.say(failure.sentence)


def chosen(race: DescentConfig, identity: int | None) -> RacerConfig:
    """The racer with this id, else the first that is shown, else the first."""
    shown = [racer for racer in race.racers if racer.visible]
    same = [racer for racer in race.racers if racer.id == identity]
    return (same or shown or list(race.racers))[0]


def place_of(race: DescentConfig, identity: int) -> int:
    """Where a racer stands in the list, for the path of its fields."""
    return [racer.id for racer in race.racers].index(identity)
