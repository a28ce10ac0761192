"""What sections and cards are put together from: titles, small buttons, folds, and the order of reading."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFormLayout,
    QLabel,
    QLayout,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from optgui.core.params import Param
from optgui.gui import theme

LABEL_CHARACTERS = 16  # so that the fields of all sections stand in one column
LOCKED = "Takes effect at the next start."
_SIGN = 14  # pixels of a drawn sign


class RowLabel(QLabel):
    """A row's title; a double click puts the default back."""

    reset = Signal()

    def __init__(self, spec: Param) -> None:
        super().__init__(spec.title)
        self.setToolTip(f"{spec.help}\nDouble-click to put back the default.".strip())
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * LABEL_CHARACTERS)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset.emit()


class Fold(QWidget):
    """What is rarely needed behind a small arrow, closed at first."""

    def __init__(self, title: str, body: QWidget, name: str) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self._body = body
        self._button = SignButton("right", name, f"{title} settings", title)
        self._button.setToolTip("Settings that are rarely changed")
        self._button.setCheckable(True)
        self._button.toggled.connect(self._on_toggled)
        body.hide()
        layout.addWidget(self._button)
        layout.addWidget(body)

    def set_title(self, title: str) -> None:
        """Show another title."""
        self._button.set_words(title)

    def _on_toggled(self, opened: bool) -> None:
        self._body.setVisible(opened)
        self._button.set_sign("down" if opened else "right")


class SignButton(QAbstractButton):
    """A small flat button: a drawn sign of `SIGNS` in the colours of the look, and words if there are any."""

    def __init__(self, sign: str, name: str, help: str, words: str = "") -> None:
        super().__init__()
        self._sign = sign
        self.setObjectName(name)
        self.explain(help)
        self.setText(words)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def explain(self, help: str) -> None:
        """Say what it does, or why it cannot."""
        self.setAccessibleName(help)
        self.setToolTip(help)

    def set_words(self, words: str) -> None:
        """Show other words."""
        self.setText(words)
        self.setAccessibleName(words)
        self.updateGeometry()

    def set_sign(self, sign: str) -> None:
        """Draw another sign."""
        self._sign = sign
        self.update()

    def sizeHint(self) -> QSize:
        words = self.fontMetrics().horizontalAdvance(self.text()) if self.text() else 0
        return QSize(_SIGN + 8 + words, max(_SIGN, self.fontMetrics().height()) + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.colours(self.window())
        touched = self.isEnabled() and (self.underMouse() or self.hasFocus())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if touched:
            painter.setPen(QColor(colours.accent if self.hasFocus() else colours.rule))
            painter.setBrush(QColor(colours.rule) if self.isDown() else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        colour = QColor(colours.text if touched or self.text() else colours.muted)
        pen = QPen(colour if self.isEnabled() else QColor(colours.rule), 1.4)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawText(self.rect().adjusted(_SIGN + 2, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.translate(-2 if self.text() else 4, (self.height() - _SIGN) / 2)
        painter.drawPath(SIGNS[self._sign])


def _lines(*strokes: tuple[tuple[float, float], ...]) -> QPainterPath:
    path = QPainterPath()
    for first, *rest in strokes:
        path.moveTo(*first)
        for point in rest:
            path.lineTo(*point)
    return path


def _eye() -> QPainterPath:
    path = QPainterPath()
    path.moveTo(0.5, 7)
    path.quadTo(7, -1, 13.5, 7)
    path.quadTo(7, 15, 0.5, 7)
    path.addEllipse(QRectF(5, 5, 4, 4))
    return path


def _copy() -> QPainterPath:
    path = _lines(((4, 10), (1.5, 10), (1.5, 1.5), (10, 1.5), (10, 4)))
    path.addRect(QRectF(4.5, 4.5, 8, 8))
    return path


def _closed_eye() -> QPainterPath:
    path = _eye()
    path.addPath(_lines(((2, 12.5), (12, 1.5))))
    return path


SIGNS = {
    "left": _lines(((9, 3), (5, 7), (9, 11))),
    "right": _lines(((5, 3), (9, 7), (5, 11))),
    "down": _lines(((3, 5), (7, 9), (11, 5))),
    "raise": _lines(((7, 12), (7, 2)), ((3.5, 5.5), (7, 2), (10.5, 5.5))),
    "lower": _lines(((7, 2), (7, 12)), ((3.5, 8.5), (7, 12), (10.5, 8.5))),
    "copy": _copy(),
    "eye": _eye(),
    "closed eye": _closed_eye(),
    "cross": _lines(((3, 3), (11, 11)), ((11, 3), (3, 11))),
}


def group_title(title: str, help: str = "") -> QLabel:
    """The small muted title above a group of controls or readings."""
    label = QLabel(title)
    label.setProperty("role", "group")
    label.setToolTip(help)
    label.setWordWrap(True)
    return theme.sized(label, theme.CAPTION, bold=True)


class Remark(QLabel):
    """A small sentence below what it is about, as high as its lines; `role` is muted or warning."""

    def __init__(self, sentence: str = "", role: str = "muted") -> None:
        super().__init__(sentence)
        self.setProperty("role", role)
        self.setWordWrap(True)
        theme.sized(self, theme.CAPTION)

    def hasHeightForWidth(self) -> bool:
        """No: a form layout would give it the height of another width."""
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def setText(self, sentence: str) -> None:
        """Say another sentence."""
        super().setText(sentence)
        self._fit()

    def _fit(self) -> None:
        """Take just the height of the lines."""
        self.setFixedHeight(max(0, super().heightForWidth(self.width())))


def small_button(text: str, name: str, help: str) -> QToolButton:
    """A flat button of a word or a sign, with its help as tooltip and accessible name."""
    button = QToolButton()
    button.setText(text)
    button.setObjectName(name)
    button.setAccessibleName(help)
    button.setToolTip(help)
    return button


def rows_layout() -> QFormLayout:
    """Labels at the left, editors at the right."""
    rows = QFormLayout()
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setHorizontalSpacing(8)
    rows.setVerticalSpacing(6)
    rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    return rows


def in_reading_order(widget: QWidget) -> Iterator[QWidget]:
    """The widgets below `widget` in the order of their layouts, from top to bottom and left to right."""

    def walk(layout: QLayout) -> Iterator[QWidget]:
        for index in range(layout.count()):
            item = layout.itemAt(index)
            if item is None:
                continue
            if (inner := item.widget()) is not None:
                yield inner
                yield from in_reading_order(inner)
            elif (nested := item.layout()) is not None:
                yield from walk(nested)

    if (layout := widget.layout()) is not None:
        yield from walk(layout)
