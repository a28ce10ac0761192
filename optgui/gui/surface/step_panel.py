"""The step written out: how one racer came from its last point to this one."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent, QTextOption
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QSizePolicy, QTextEdit, QVBoxLayout, QWidget

from optgui.core.curvature import largest_decreasing_lr
from optgui.core.surface.step import written_step
from optgui.gui import theme
from optgui.gui.form.editors import ChoiceBox
from optgui.gui.form.param_form import group_title, small_button
from optgui.gui.pace import Pace
from optgui.gui.plot.curve_axis import short, short_x
from optgui.gui.readings import Facts, tabular
from optgui.gui.surface.race_numbers import called

if TYPE_CHECKING:
    from optgui.core.surface import DescentFrame
    from optgui.core.surface.rules import Line

_REST_MS = 150  # the largest rate costs milliseconds: only where the head rests
_HAT, _BESIDE = "\u0302", "\u02c6"  # Qt sets the first far above its letter in DejaVu Sans
_PROMISED, _ACTUAL, _LARGEST = "Promised by slope", "Actual", "Largest lr that lowers f"


class StepPanel(QWidget):
    """The update of one racer in symbols and in this step's numbers, and what it brought."""

    chosen = Signal(int)  # id of the racer whose step is shown from now on

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("surface.step_out")
        self.choice = ChoiceBox()
        self.choice.setObjectName("surface.step_out.racer")
        self.choice.setAccessibleName("Racer whose step is written out")
        self.choice.setToolTip("Whose step is written out")
        self.choice.currentIndexChanged.connect(self._on_chosen)
        self.copy_button = small_button("Copy", "surface.step_out.copy", "Copy the step as text")
        self.copy_button.clicked.connect(self.copy)
        self.lines = LinesText("surface.step_out.lines")
        self.facts = Facts("Decrease", "surface.step_out.decrease", (_PROMISED, _ACTUAL, _LARGEST))
        title = QHBoxLayout()
        title.addWidget(group_title("The step written out"), 1)
        title.addWidget(self.copy_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(title)
        layout.addWidget(self.choice)
        layout.addWidget(self.lines)
        layout.addSpacing(4)
        layout.addWidget(self.facts)
        self._frame: DescentFrame | None = None
        self._step = 0
        self._names: tuple[tuple[int, str], ...] = ()
        self._pace = Pace(self._show, self)
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self._on_rest)
        self.lines.say((), "Step once to see the numbers")

    @property
    def racer(self) -> int | None:
        """Id of the racer whose step is shown."""
        identity: int | None = self.choice.currentData()
        return identity

    def select(self, identity: int) -> None:
        """Show the steps of another racer; one that is not there is no error."""
        place = self.choice.findData(identity)
        if place >= 0:
            self.choice.setCurrentIndex(place)

    def show_race(self, frame: DescentFrame, step: int) -> None:
        """Write out the step that led to `step`, at most ten times a second."""
        self._frame, self._step = frame, step
        names = tuple((racer.id, called(racer)) for racer in frame.config.racers)
        if names != self._names:
            self._take(names)
        self._pace.ask()

    def text(self) -> str:
        """The step as it is shown, one line each for name, formula and numbers."""
        return self.lines.toPlainText()

    def copy(self) -> None:
        """Put the step on the clipboard."""
        QApplication.clipboard().setText(self.text())

    def _take(self, names: tuple[tuple[int, str], ...]) -> None:
        chosen, self._names = self.racer, names
        blocker = QSignalBlocker(self.choice)
        self.choice.clear()
        for identity, name in names:
            self.choice.offer(identity, name)
        self.choice.setCurrentIndex(max(0, self.choice.findData(chosen)))
        blocker.unblock()
        self.lines.forget_height()

    @property
    def _place(self) -> int | None:
        """Where the racer stands in the frame."""
        if self._frame is None or self.racer not in self._frame.ids:
            return None
        return self._frame.ids.index(self.racer)

    def _show(self) -> None:
        frame, place, step = self._frame, self._place, self._step
        self._rest.stop()
        if frame is None or place is None:
            return
        stop = frame.diverged[place]
        if stop is not None and step >= stop:
            self.lines.say((), f"Diverged at step {stop:,}: it stays at its last finite point")
            self._show_facts("–", "–", "–")
        elif step == 0:
            lines = written_step(frame, place, 1) if frame.step and stop != 1 else ()
            self.lines.say([line._replace(numbers="") for line in lines], "Step once to see the numbers")
            self._show_facts("–", "–", "–")
        else:
            self.lines.say(written_step(frame, place, step), f"Step {short_x(step)}")
            way = frame.paths[place, step - 1] - frame.paths[place, step]
            promised = float(frame.gradients[place, step - 1] @ way)  # lr ‖∇f‖² for plain descent
            actual = frame.losses[place, step - 1] - frame.losses[place, step]
            self._show_facts(short(promised), short(float(actual)), "…")
            self._rest.start()

    def _show_facts(self, promised: str, actual: str, largest: str) -> None:
        for word, value in ((_PROMISED, promised), (_ACTUAL, actual), (_LARGEST, largest)):
            self.facts.show_fact(word, value)

    def _on_rest(self) -> None:
        frame, place = self._frame, self._place
        if frame is None or place is None or not self.isVisible():
            return
        try:
            largest = largest_decreasing_lr(frame.config.surface.evaluate, frame.paths[place, self._step - 1])
        except ValueError:  # no derivative there
            self.facts.show_fact(_LARGEST, "–")
        else:
            self.facts.show_fact(_LARGEST, short(largest))

    def _on_chosen(self) -> None:
        self.lines.forget_height()
        self._pace.now()
        if self.racer is not None:
            self.chosen.emit(self.racer)

    def showEvent(self, event: QShowEvent) -> None:
        """Find out now what nobody saw before."""
        super().showEvent(event)
        self._pace.now()


class LinesText(QTextEdit):
    """Lines of a step as text to select; it grows with what it says and never shrinks while it changes.

    One document: labels would lay out the whole window with every change.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("The step written out")
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.setFont(tabular(self.font()))
        self._said: tuple[tuple[Line, ...], str] = ((), "")
        self._height = 0

    def say(self, lines: Sequence[Line], note: str) -> None:
        """Show lines below a muted note; the same ones again cost nothing."""
        if self._said != (tuple(lines), note):
            self._said = (tuple(lines), note)
            self._write()

    def forget_height(self) -> None:
        """Be as high as the next text needs, even if that is less."""
        self._height = 0

    def sizeHint(self) -> QSize:
        return QSize(200, max(self._height, self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def _write(self) -> None:
        lines, note = self._said
        muted = theme.colours(self).muted
        caption = f"color: {muted}; font-size: {self.font().pointSizeF() * theme.CAPTION:.1f}pt"
        rows = [f"<p style='margin: 0; {caption}'>{html.escape(note)}</p>"]
        for line in lines:
            rows.append(f"<p style='margin: 6px 0 0 0; {caption}'>{html.escape(line.name)}</p>")
            rows.append(f"<p style='margin: 0'>{html.escape(line.formula)}</p>")
            if line.numbers:  # a point stays in one line
                numbers = html.escape(line.numbers).replace(", ", ",&nbsp;")
                rows.append(f"<p style='margin: 0; color: {muted}'>{numbers}</p>")
        self.setHtml("".join(rows).replace(_HAT, _BESIDE))
        self._fit()

    def _fit(self) -> None:
        height = round(self.document().size().height()) + 1
        if height > self._height:
            self._height = height
            self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap at the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._height = 0
            self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the font."""
        super().changeEvent(event)
        if hasattr(self, "_height") and (theme.repaints(event) or event.type() == QEvent.Type.FontChange):
            self._write()
