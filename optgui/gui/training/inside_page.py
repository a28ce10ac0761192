"""InsidePage: first-layer weights, the digits the network gets wrong, and one digit on its way through."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from optgui.core.training import TrainingFrame
from optgui.core.training.questions import (
    Activations,
    CellDigits,
    DigitLayers,
    Inside,
    JudgedDigits,
    LookInside,
    WorstDigits,
)
from optgui.gui.form.widgets import group_title
from optgui.gui.pace import Pace
from optgui.gui.plot.digits import ClassBars, PictureView, grey_image, signed_image
from optgui.gui.readings import Readout
from optgui.gui.training.confusion_cells import ConfusionCells
from optgui.gui.training.image_grid import ImageGrid
from optgui.gui.training.layers_view import LayersView

LIVE_MS = 250  # between two looks at a network that goes on
DIGITS = 60  # asked for at once
TEN = tuple("0123456789")
WAIT = "Press Start: there is no network to look into yet"


class InsidePage(QWidget):
    """Weights at the left, who was taken for whom in the middle, one digit's activations at the right.

    While it is visible it asks for a new look about four times a second, whenever the run has gone on.
    """

    wanted = Signal(object)  # a question for the run

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.inside")
        self.frame: TrainingFrame | None = None
        self.digit = 0  # followed through the layers; its place in the test set
        self.shown: JudgedDigits | None = None
        self._asked = (-1, -1)  # step and digit of the last look
        self._names: tuple[str, ...] = TEN
        self._pace = Pace(self._look, self, LIVE_MS)
        columns = QSplitter(Qt.Orientation.Horizontal)
        columns.setHandleWidth(1)
        columns.setChildrenCollapsible(False)
        for column in (self._make_weights(), self._make_digits(), self._make_layers()):
            columns.addWidget(column)
        for place, share in enumerate((3, 3, 2)):
            columns.setStretchFactor(place, share)
        columns.setSizes([300, 300, 220])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(columns)
        self.clear()

    def _make_weights(self) -> QWidget:
        self.weights = ImageGrid("First-layer weights", "training.inside.weights")
        self.weights_words = Readout("First layer", characters=30)
        self.weights_words.setObjectName("training.inside.weights.words")
        self.dead_words = Readout("Units", characters=30)
        self.dead_words.setObjectName("training.inside.dead")
        help = "Each image is what one unit of the first layer looks for: red adds, blue takes away"
        return _column(
            group_title("First-layer weights", help), self.weights, self.weights_words, self.dead_words
        )

    def _make_digits(self) -> QWidget:
        self.confusion = ConfusionCells("training.inside.confusion")
        self.confusion.chosen.connect(self._on_cell)
        self.worst = QPushButton("Worst digits")
        self.worst.setObjectName("training.inside.worst")
        self.worst.clicked.connect(lambda: self._ask_digits(WorstDigits(DIGITS)))
        self.digits_title = Readout("Digits", characters=24)
        self.digits_title.setObjectName("training.inside.digits.title")
        self.digits = ImageGrid("Test digits", "training.inside.digits", selectable=True)
        self.digits.chosen.connect(self._on_digit)
        head = QHBoxLayout()
        head.addWidget(self.digits_title, 1)
        head.addWidget(self.worst)
        help = "Rows are true classes, columns answers. Click a cell to see its digits."
        made = _column(group_title("Confusion: true class down, answer across", help), self.confusion)
        layout = made.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.addLayout(head)
        layout.addWidget(self.digits, 1)
        return made

    def _make_layers(self) -> QWidget:
        self.picture = PictureView("Test digit", "training.inside.digit")
        self.picture.setMaximumHeight(190)
        self.bars = ClassBars("Probability of each class", "training.inside.probabilities")
        self.layers = LayersView("training.inside.layers")
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.layers)
        head = QHBoxLayout()
        head.addWidget(self.picture, 1)
        head.addWidget(self.bars, 1)
        made = _column(group_title("One digit through the network", "Click a digit to follow it"))
        layout = made.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.addLayout(head)
        layout.addWidget(scroll, 1)
        return made

    def clear(self) -> None:
        """Forget the network: another run begins."""
        self.frame, self.shown, self._asked = None, None, (-1, -1)
        self.weights.set_hint(WAIT)
        self.weights.show_images(None, 0)
        self.weights_words.setText("")
        self.dead_words.setText("")
        self._tell_words()
        self.confusion.show_table(None)
        self.confusion.choose(None)
        self._show_digits_hint(WAIT)
        self.picture.set_hint("The digit you choose appears here")
        self.picture.clear()
        self.bars.clear()
        self.layers.show_layers((), TEN)
        self._offer()

    def show_frame(self, frame: TrainingFrame) -> None:
        """Take the run as it stands."""
        first, self.frame = self.frame is None, frame
        if first:
            self._names = frame.class_names
            self._show_digits_hint(
                "Press Worst digits, or click a cell of the table, which fills at the end of an epoch"
            )
            self._offer()
        if self.isVisible():
            self.confusion.show_table(frame.confusion, self._names)
            self._pace.ask()

    def show_answer(self, answer: Inside | DigitLayers | JudgedDigits) -> None:
        """Show what a question of this page brought."""
        match answer:
            case Inside():
                self._show_weights(answer)
            case DigitLayers():
                self._show_layers(answer)
            case JudgedDigits():
                self._show_digits(answer)

    def show_refusal(self, reason: str = "") -> None:
        """Let go of a question that brings no answer: it may be asked again, and no cell waits for it.

        Args:
            reason: in a sentence; it is the hint while there are no digits.
        """
        self._asked = (-1, -1)
        shown = self.shown.request if self.shown is not None else None
        self.confusion.choose((shown.true, shown.predicted) if isinstance(shown, CellDigits) else None)
        if reason and not self.digits.count:
            self.digits.set_hint(reason)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while nobody saw it."""
        super().showEvent(event)
        if self.frame is not None:
            self.show_frame(self.frame)

    def _offer(self) -> None:
        has = self.frame is not None
        self.worst.setEnabled(has)
        self.worst.setToolTip("The test digits with the largest loss, as the network stands" if has else WAIT)

    def _look(self) -> None:
        if self.frame is None or not self.isVisible() or self._asked == (self.frame.step, self.digit):
            return
        if self._asked[0] != self.frame.step:
            self.wanted.emit(LookInside())
        self._asked = (self.frame.step, self.digit)
        self.wanted.emit(Activations(self.digit))

    def _on_digit(self, place: int) -> None:
        if self.shown is not None:
            self.digit = int(self.shown.indices[place])
            self._pace.now()

    def _on_cell(self, true: int, predicted: int) -> None:
        if self.frame is not None:
            self._ask_digits(CellDigits(true, predicted, DIGITS))

    def _ask_digits(self, request: WorstDigits | CellDigits) -> None:
        self.confusion.choose((request.true, request.predicted) if isinstance(request, CellDigits) else None)
        self.wanted.emit(request)

    def _show_weights(self, inside: Inside) -> None:
        images, scale = inside.weights
        count, _, width = images.shape
        scale = scale if np.isfinite(scale) else 1.0
        strip = signed_image(np.nan_to_num(images).reshape(-1, width), scale)
        self.weights.show_images(strip, count, tips=[f"unit {place}" for place in range(count)])
        some = f"{count} of {inside.units}" if count < inside.units else f"{count}"
        self.weights_words.setText(f"{some} units, blue to red: ±{scale:.2g}")
        dead = [unit.share for unit in inside.dead]
        words = ", ".join(f"{share:.0%}".replace("%", " %") for share in dead)
        self.dead_words.setText(f"dead units, layer by layer: {words}" if dead else "")
        self._tell_words()

    def _tell_words(self) -> None:
        for line in (self.weights_words, self.dead_words):
            line.setToolTip(line.text())

    def _show_digits_hint(self, hint: str) -> None:
        self.digits_title.setText("")
        self.digits_title.setToolTip("")
        self.digits.set_hint(hint)
        self.digits.show_images(None, 0)

    def _show_digits(self, found: JudgedDigits) -> None:
        self.shown, request, names = found, found.request, self._names
        if isinstance(request, CellDigits):
            read = f"{names[request.true]} read as {names[request.predicted]}"
            title = meant = f"{read}: {found.total:,}"
        else:
            read, title = "", f"At step {found.step:,}"
            meant = f"Worst digits at step {found.step:,}"
        count = len(found.indices)
        if not count:
            self._show_digits_hint(f"No test digit: {read}")
            return
        self.digits_title.setText(title)
        self.digits_title.setToolTip(f"{meant}. Below each digit: what the network says, and the loss")
        captions = [
            f"{_short(names[answer])} {loss:.{0 if loss >= 10 else 1}f}"
            for answer, loss in zip(found.predictions, found.losses, strict=True)
        ]
        strip = grey_image(found.images.reshape(-1, found.images.shape[-1]))
        self.digits.show_images(strip, count, captions, [self._tip(found, place) for place in range(count)])
        at = np.flatnonzero(found.indices == self.digit)
        self.digits.select(int(at[0]) if len(at) else -1)

    def _tip(self, found: JudgedDigits, place: int) -> str:
        names, shares = self._names, found.probabilities[place]
        likely = np.argsort(-shares)[:3]
        said = ", ".join(f"{names[one]} {100 * shares[one]:.1f} %" for one in likely)
        true, answer = names[found.labels[place]], names[found.predictions[place]]
        return (
            f"Test digit {found.indices[place]:,}: {true} read as {answer}\n"
            f"loss {found.losses[place]:.3g}\n{said}"
        )

    def _show_layers(self, found: DigitLayers) -> None:
        if found.digit != self.digit:
            return
        name = self._names[found.label]
        caption = f"number {found.digit:,}: {name}"
        self.picture.show_image(grey_image(found.image), found.image, caption)
        self.bars.show_probabilities(found.probabilities, found.label, self._names)
        self.layers.show_layers(found.layers, self._names)


def _column(*widgets: QWidget) -> QWidget:
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(12, 8, 12, 8)
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget, 1 if isinstance(widget, ImageGrid) else 0)
    return made


def _short(name: str) -> str:
    return name if len(name) < 3 else name[:4]
