"""PlanePage: the plane through an attacked digit, computed by a job of its own while it is on screen."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from optgui.core.attack.plane import PlaneConfig, PlaneFrame, PlaneInputs, PlanePoint, PointImage
from optgui.gui.attack.plane.marks import is_line, norm_word
from optgui.gui.attack.plane.view import PlaneView
from optgui.gui.form.widgets import small_button
from optgui.gui.plot.curve_axis import short
from optgui.gui.surface.maps.bar import Toggle, bar
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import Answer, Failure, JobState, Progress

EMPTY = "Attack a digit: the plane through it and its adversarial picture appears here."
RESOLUTION = 256  # points along each side of the finest picture
WIDE = 130  # characters of a page on which its words take two lines


class PlanePage(QWidget):
    """The view with its choices above and its words below.

    An attack or a choice begins the plane anew once the page is on screen; hiding it ends what is not done.
    """

    picked = Signal(object)  # PlanePoint that a person has clicked: its picture is `.image`

    def __init__(self, budget: PaintBudget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.plane")
        self.controller = JobController(budget, self)
        self.controller.progressed.connect(self._on_progress)
        self.controller.state_changed.connect(self._on_state)
        self.controller.answered.connect(self._on_answered)
        self.controller.failed.connect(self._on_failed)
        self.frame: PlaneFrame | None = None  # drawn now
        self._inputs: PlaneInputs | None = None
        self._seed = 0
        self._running: tuple[PlaneConfig, PlaneInputs] | None = None  # or finished
        self._finished = self._drawn = False  # what was begun last
        self._pointed: tuple[float, float] | None = None  # waits for the answer to the one asked before
        self._hovered = -1  # number of the request that is under way
        self._clicked: set[int] = set()
        self._build()

    def _build(self) -> None:
        self.shows = Toggle(
            "Show",
            "attack.plane.shows",
            (
                ("Loss", "Loss", "How high the loss is that the attack climbs"),
                ("Regions", "Regions", "Which class the network reads"),
            ),
        )
        self.across = Toggle(
            "Across",
            "attack.plane.across",
            (
                ("random", "Random", "A random direction of the ball"),
                ("attack", "Second attack", "Where another attack ends, from a random start"),
            ),
        )
        self.another = small_button("New seed", "attack.plane.another", "Another direction across")
        self.pictures = Toggle(
            "Pictures",
            "attack.plane.pictures",
            (
                ("clipped", "Clipped", "The network reads pictures clipped to [0, 1]"),
                ("open", "As they are", "The network reads pictures that may leave [0, 1]"),
            ),
        )
        self.shows.changed.connect(lambda _: self._redraw())
        self.across.changed.connect(lambda _: self._begin())
        self.pictures.changed.connect(lambda _: self._begin())
        self.another.clicked.connect(self._on_another)
        self.plot = PlaneView("Plane through the digit", "attack.plane.plot")
        self.plot.hint = EMPTY
        self.plot.pointed.connect(self._on_pointed)
        self.plot.clicked.connect(self._on_clicked)
        self.words = QLabel()
        self.words.setObjectName("attack.plane.words")
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setFixedWidth(self.fontMetrics().averageCharWidth() * 12)
        self.progress.setAccessibleName("Progress of the plane")
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.progress.hide()
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 4, 12, 4)
        foot.setSpacing(16)
        foot.addWidget(self.words, 1)
        foot.addWidget(self.progress)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._bars = (bar(self.shows, self.pictures, None), bar(self.across, self.another, None))
        self._toolbar = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._toolbar.setSpacing(0)
        for part in self._bars:
            self._toolbar.addWidget(part)
        layout.addLayout(self._toolbar)
        layout.addWidget(self.plot, 1)
        layout.addLayout(foot)

    @property
    def config(self) -> PlaneConfig:
        """What the choices say."""
        return PlaneConfig(
            shows=self.shows.value,
            across=self.across.value,
            clipped=self.pictures.value == "clipped",
            resolution=RESOLUTION,
            seed=self._seed,
        )

    @property
    def finished(self) -> bool:
        """Whether the plane that was begun last is complete."""
        return self._running is not None and self._finished

    def show_attack(self, inputs: PlaneInputs) -> None:
        """Take an attack that has ended; its plane is computed once the page is on screen.

        Pictures are clipped as that attack clips, until a person says otherwise.
        """
        if self._inputs is None or inputs.attack.clip != self._inputs.attack.clip:
            self.pictures.choose("clipped" if inputs.attack.clip else "open")
        self._inputs = inputs
        self.plot.lines.pick(None)
        self._begin()

    def show_nothing(self, sentence: str = EMPTY) -> None:
        """Take the picture away and say why."""
        self._cancel()
        self._inputs = self._running = self.frame = None
        self.plot.hint = sentence
        self.plot.lines.pick(None)
        self.plot.draw(None, self.shows.value)
        self.words.setText("")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._begin()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._cancel()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the words room for their lines, not more with more words, and the choices one row or two."""
        super().resizeEvent(event)
        metrics = self.fontMetrics()
        lines = 2 if self.width() >= WIDE * metrics.averageCharWidth() else 3
        self.words.setFixedHeight(lines * metrics.lineSpacing() + 2)
        fits = sum(part.sizeHint().width() for part in self._bars) <= self.width()
        direction = QBoxLayout.Direction
        self._toolbar.setDirection(direction.LeftToRight if fits else direction.TopToBottom)

    def minimumSizeHint(self) -> QSize:
        """As narrow as the window wants."""
        return QSize(200, 160)

    def _begin(self) -> None:
        if self._inputs is None or not self.isVisible():
            return
        wanted = self.config.changed("shows", "Loss"), self._inputs  # what is shown changes no number
        if wanted == self._running:
            return
        self._running = wanted
        self._finished = self._drawn = False
        self._pointed, self._hovered = None, -1
        self._clicked.clear()
        self.plot.say("")
        self.controller.start("plane", *wanted)

    def _cancel(self) -> None:
        """Compute no more; a plane that is not finished begins anew when it is wanted again."""
        if self._running is not None and not self._finished:
            self._running = None
            self.controller.stop()

    def _redraw(self) -> None:
        self.plot.draw(self.frame, self.shows.value)

    def _on_another(self) -> None:
        self._seed += 1
        self._begin()

    def _on_progress(self, progress: Progress) -> None:
        done, total, *_ = progress.status
        self.progress.setValue(round(1000 * done / total) if total else 0)
        frame = progress.frame
        if frame is None or frame is self.frame or not frame.level:
            return
        self.frame, self._drawn = frame, True
        self.plot.hint = ""
        self._redraw()
        self.words.setText(sentence(frame))

    def _on_state(self, state: JobState) -> None:
        self.progress.setVisible(state in (JobState.RUNNING, JobState.PREPARING))
        if state in (JobState.FINISHED, JobState.FAILED):
            self._finished = True

    def _on_failed(self, failure: Failure) -> None:
        self.frame, self._drawn = None, False
        self.plot.hint = f"{failure.sentence[:1].upper()}{failure.sentence[1:]}."
        self._redraw()
        self.words.setText("")

    def _on_pointed(self, at: tuple[float, float] | None) -> None:
        """Say at once what the nearest point is like, and ask for what is under the cursor itself."""
        self._pointed = at
        if at is None or self.frame is None or not self._drawn:
            return
        self.plot.say(near(self.frame, *at))
        if self._hovered < 0:
            self._hovered = self.controller.ask(PointImage(*at))

    def _on_clicked(self, a: float, b: float) -> None:
        if self._drawn and self.frame is not None:
            self._clicked.add(self.controller.ask(PointImage(a, b)))

    def _on_answered(self, answer: Answer) -> None:
        point: Any = answer.reply
        if answer.request_id in self._clicked:
            self._clicked.remove(answer.request_id)
            if point is not None:
                self.plot.lines.pick((point.a, point.b))
                self.picked.emit(point)
        elif answer.request_id == self._hovered:
            self._hovered = -1
            if point is None or self.frame is None or self._pointed is None:
                return
            if (point.a, point.b) == self._pointed:
                self.plot.say(exactly(self.frame, point))
            else:
                self._hovered = self.controller.ask(PointImage(*self._pointed))


def sentence(frame: PlaneFrame) -> str:
    """What is seen, and what of it is not as it looks."""
    parts = []
    if frame.config.across != frame.across:
        parts.append("The second attack went the same way as the first, so the direction across is random.")
    if len(frame.off_plane):
        parts.append(
            f"The attack's path leaves this plane by up to {short(float(frame.off_plane.max()), 3)} px."
        )
    if frame.config.clipped:
        parts.append("Every picture is clipped to [0, 1] before the network reads it.")
    else:
        parts.append("Pictures are read as they are, also outside [0, 1].")
    if is_line(frame):
        parts.append(
            "The plane lies in [0, 1] along a line only: the background is at 0, and every other way leads "
            "some of it below."
        )
    if not len(frame.ball):
        parts.append(f"The ball in {norm_word(frame)} has no outline on a plane.")
    return " ".join(parts)


def near(frame: PlaneFrame, a: float, b: float) -> str:
    """What the sampled point nearest to (a, b) is like; nothing outside the picture."""
    if max(abs(a), abs(b)) > frame.half:
        return ""
    side = len(frame.places)
    column, row = (min(int((at / frame.half + 1) / 2 * side), side - 1) for at in (a, b))
    return (
        f"read as {frame.classes[row, column]}\nloss {short(float(frame.values[row, column]))}\n"
        f"{short(math.hypot(a, b), 3)} px along the plane"
    )


def exactly(frame: PlaneFrame, point: PlanePoint) -> str:
    """What the network says of the picture at a point, and how far it is from the digit."""
    chance = point.probabilities[point.prediction]
    size = f"{short(point.size, 3)} {frame.unit}" if frame.unit == "px" else f"{point.size:,.0f} {frame.unit}"
    return (
        f"read as {point.prediction}, {chance:.1%}\nloss {short(point.loss)}\n"
        f"{size} from the digit in {norm_word(frame)}"
    )
