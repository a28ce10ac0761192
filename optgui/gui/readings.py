"""Small blocks of numbers for the right side of a tab."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.form.param_form import group_title


class Readout(QWidget):
    """One line of text that changes often: a QLabel would lay out the whole window with every change."""

    def __init__(
        self,
        words: str = "",
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        characters: int = 21,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._words, self._align, self._characters, self._text = words, align, characters, ""
        self.setFont(tabular(self.font()))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.averageCharWidth() * self._characters, metrics.height())

    def text(self) -> str:
        """What it says."""
        return self._text

    def setText(self, text: str) -> None:
        """Say something else; repaints only this line, and only if it is different."""
        if text != self._text:
            self._text = text
            self.setAccessibleName(f"{self._words}: {text}" if self._words else text)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        words = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), self._align | Qt.AlignmentFlag.AlignVCenter, words)


class Figure(QWidget):
    """One large number with its words."""

    def __init__(self, title: str, name: str, help: str = "") -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(group_title(title, help))
        self.value = theme.sized(QLabel("–"), theme.FIGURE, bold=True)
        self.value.setFont(tabular(self.value.font()))
        self.value.setObjectName(name)
        self.value.setAccessibleName(title)
        layout.addWidget(self.value)
        self.caption = QLabel()
        self.caption.setProperty("role", "muted")
        self.caption.setWordWrap(True)
        layout.addWidget(self.caption)

    def show_value(self, text: str, caption: str = "") -> None:
        """Show the number and what to know of it."""
        self.value.setText(text)
        self.caption.setText(caption)
        self.caption.setVisible(bool(caption))


class Facts(QWidget):
    """Rows of a word and a number."""

    def __init__(self, title: str, name: str, rows: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.setObjectName(name)
        self._name = name
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(group_title(title))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        layout.addLayout(self._grid)
        self._values: dict[str, Readout] = {}
        self._titles: dict[str, QLabel] = {}
        for row in rows:
            self.show_fact(row, "–")

    def show_only(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show these rows and no others."""
        for word, value in rows:
            self.show_fact(word, value)
        shown = {word for word, _ in rows}
        for word, label in self._values.items():
            for widget in (label, self._titles[word]):
                widget.setVisible(word in shown)

    def show_fact(self, word: str, value: str) -> None:
        """Show one row, a new one at the end."""
        label = self._values.get(word)
        if label is None:
            row = len(self._values)
            title = QLabel(word)
            title.setProperty("role", "muted")
            label = Readout(word, Qt.AlignmentFlag.AlignRight)
            label.setObjectName(f"{self._name}.{word}")
            self._grid.addWidget(title, row, 0)
            self._grid.addWidget(label, row, 1)
            self._values[word], self._titles[word] = label, title
        label.setText(value)


def tabular(font: QFont) -> QFont:
    """A font whose digits all have one width, so that running numbers stand still."""
    steady = QFont(font)
    steady.setFeature(QFont.Tag("tnum"), 1)
    return steady
