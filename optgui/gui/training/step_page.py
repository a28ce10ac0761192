"""What a step is: zero_grad, backward and step one after the other, and the loop beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training.requests import Part, Unfold, Unfolded
from optgui.gui import theme
from optgui.gui.form.widgets import group_title
from optgui.gui.plot.curve_axis import short
from optgui.gui.plot.digits import signed_image
from optgui.gui.training.code_view import CodeBlock
from optgui.gui.training.loop_code import by_hand, with_torch

Floats = NDArray[np.float32]
_LINES = ("before", "optimizer.zero_grad()", "loss.backward()", "optimizer.step()")
_UNITS = 12  # of the first layer, that are shown
_ROWS = (6, 4, 3, 2)  # ways to lay them out; the one with the largest images is taken
_WORDS = {
    False: "optimizer.zero_grad() empties p.grad, and loss.backward() writes the gradient of this mini-batch "
    "into it. optimizer.step() moves the weights along p.grad and leaves it as it is.",
    True: "Nobody empties p.grad: loss.backward() adds to what is there, so the gradients of all "
    "mini-batches pile up. The steps grow longer and point where the loss fell long ago.",
}


class PartView(QWidget):
    """One line of the loop: p.grad behind it as small images, blue below 0 and red above."""

    def __init__(self, line: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = line
        self.setAccessibleName(line)
        self.words: tuple[str, str] = ("", "")
        self._gradients: Floats | None = None
        self._limit = 0.0
        self._image: QImage | None = None
        self._rows = _ROWS[0]
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(190, 220)

    def minimumSizeHint(self) -> QSize:
        return QSize(110, 150)

    def show_part(self, part: Part | None, limit: float, moved: float = 0.0) -> None:
        """Show how the run stands behind the line; None where the line is left out.

        Args:
            part: what is shown.
            limit: the gradient's value that gets the full colour.
            moved: length of the way of all weights in this line.
        """
        self._image, self._limit = None, limit
        self._gradients = None if part is None else part.gradients
        if part is None:
            self.words = ("left out", "")
        else:
            empty = part.gradients is None
            self.words = (
                "p.grad is None" if empty else f"‖p.grad‖ = {short(part.grad_norm)}",
                f"weights moved {short(moved)}" if moved else "weights as they were",
            )
        self.setAccessibleDescription(", ".join(filter(None, self.words)))
        self.setToolTip("\n".join(filter(None, (self.line, *self.words))))
        self.update()

    def clear(self) -> None:
        """Show an empty frame."""
        self._image, self._gradients, self.words = None, None, ("", "")
        self.setToolTip(self.line)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme.colours(self)
        line, left = (
            self.fontMetrics().height() + 4,
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
        )
        code = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        code.setPointSizeF(self.font().pointSizeF() * theme.CAPTION)
        painter.setFont(code)
        painter.setPen(QColor(tokens.text if self.words[0] != "left out" else tokens.muted))
        painter.drawText(QRectF(0, 0, self.width(), line), left, self._fitting(painter, self.line))
        room = QRectF(0, line + 4, self.width(), self.height() - 3 * line - 8)
        cell, rows = max((min(room.width() * rows / _UNITS, room.height() / rows), rows) for rows in _ROWS)
        frame = QRectF(room.left(), room.top(), cell * _UNITS / rows, cell * rows)
        if self._gradients is not None and (self._image is None or rows != self._rows):
            self._image, self._rows = _sheet(self._gradients, self._limit, rows), rows
        if self._image is None:
            painter.setPen(QColor(tokens.rule))
            painter.drawRect(frame.adjusted(0, 0, -1, -1))
        else:
            painter.drawImage(frame, self._image)
        painter.setFont(self.font())
        for row, (words, colour) in enumerate(zip(self.words, (tokens.text, tokens.muted), strict=True)):
            painter.setPen(QColor(colour))
            below = QRectF(0, frame.bottom() + 4 + row * line, self.width(), line)
            painter.drawText(below, left, self._fitting(painter, words))

    def _fitting(self, painter: QPainter, words: str) -> str:
        return painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, self.width())


class StepPage(QWidget):
    """Unfolds one step; a switch forgets zero_grad."""

    wanted = Signal(object)  # Unfold
    forgot = Signal(bool)  # whether zero_grad is to be forgotten from now on

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.step_page")
        self.button = QPushButton("Unfold one step")
        self.button.setObjectName("training.step_page.unfold")
        self.button.setAccessibleName("Unfold one step")
        self.button.setProperty("primary", True)
        self.button.clicked.connect(lambda: self.wanted.emit(Unfold(units=_UNITS)))
        self.forget = QCheckBox("Forget zero_grad")
        self.forget.setObjectName("training.step_page.forget")
        self.forget.setAccessibleName("Forget zero_grad")
        self.forget.setToolTip("Leave optimizer.zero_grad() out from the next step on")
        self.forget.toggled.connect(self._on_forget)
        self.words = QLabel()
        self.words.setObjectName("training.step_page.words")
        self.words.setWordWrap(True)
        self.parts = tuple(PartView(line) for line in _LINES)
        self.hint = QLabel(
            "Press Unfold one step: the gradient of the first layer's first units appears here."
        )
        self.hint.setObjectName("training.step_page.hint")
        self.hint.setProperty("role", "muted")
        self.hint.setWordWrap(True)
        self.hand = CodeBlock("By hand", "training.step_page.hand")
        self.torch = CodeBlock("With torch.optim", "training.step_page.torch")
        self._optimizer = OptimizerConfig.parse({"name": "SGD", "lr": 0.1})
        self._forgets = False
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self.button)
        head.addWidget(self.forget)
        head.addStretch(1)
        columns = QHBoxLayout()
        columns.setSpacing(16)
        for part in self.parts:
            columns.addWidget(part, 1)
        code = QHBoxLayout()
        code.setSpacing(16)
        for block in (self.hand, self.torch):
            block.view.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
            code.addWidget(block, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.words)
        layout.addWidget(
            group_title(
                "p.grad of the first layer behind each line", "Blue below 0, red above; one scale for all"
            )
        )
        layout.addLayout(columns, 1)
        layout.addWidget(self.hint)
        layout.addLayout(code, 1)
        self.allow()
        self._write()

    def allow(self, reason: str = "") -> None:
        """Let a step be unfolded, or say in a sentence why it cannot."""
        self.button.setEnabled(not reason)
        self.button.setToolTip(reason or "Do one step and look at p.grad behind each of its lines")

    def show_settings(self, optimizer: OptimizerConfig, *, zero_grad: bool) -> None:
        """Write the loop of an optimizer, with or without zero_grad; no signal."""
        blocker = QSignalBlocker(self.forget)
        self.forget.setChecked(not zero_grad)
        blocker.unblock()
        self._optimizer, self._forgets = optimizer, not zero_grad
        self._write()

    def show_step(self, unfolded: Unfolded) -> None:
        """Show the parts of a step."""
        self.hint.hide()
        found = {part.line: part for part in unfolded.parts}
        limit = max(
            (float(np.abs(part.gradients).max()) for part in unfolded.parts if part.gradients is not None),
            default=0.0,
        )
        for view in self.parts:
            part = found.get(view.line)
            view.show_part(part, limit, part.moved if part else 0.0)

    def clear(self) -> None:
        """Forget the step: another run begins."""
        self.hint.show()
        for part in self.parts:
            part.clear()

    def _on_forget(self, forgets: bool) -> None:
        self._forgets = forgets
        self._write()
        self.forgot.emit(forgets)

    def _write(self) -> None:
        self.words.setText(_WORDS[self._forgets])
        self.hand.set_code(by_hand(self._optimizer, forgets=self._forgets))
        self.torch.set_code(with_torch(self._optimizer, forgets=self._forgets))


def _sheet(gradients: Floats, limit: float, rows: int) -> QImage:
    """Images (n, height, width) beside each other in so many rows, a thin gap between them."""
    _, height, width = gradients.shape
    columns = _UNITS // rows
    sheet = QImage(columns * (width + 1) - 1, rows * (height + 1) - 1, QImage.Format.Format_ARGB32)
    sheet.fill(Qt.GlobalColor.transparent)
    painter = QPainter(sheet)
    for place, gradient in enumerate(gradients[:_UNITS]):
        row, column = divmod(place, columns)
        painter.drawImage(column * (width + 1), row * (height + 1), signed_image(gradient, limit))
    painter.end()
    return sheet
