"""Small blocks of numbers for the right side of a tab."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.form.param_form import group_title


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
        self._grid.setColumnStretch(0, 1)
        layout.addLayout(self._grid)
        self._values: dict[str, QLabel] = {}
        for row in rows:
            self.show_fact(row, "–")

    def show_fact(self, word: str, value: str) -> None:
        """Show one row, a new one at the end."""
        label = self._values.get(word)
        if label is None:
            row = len(self._values)
            title = QLabel(word)
            title.setProperty("role", "muted")
            label = QLabel()
            label.setFont(tabular(label.font()))
            label.setAlignment(Qt.AlignmentFlag.AlignRight)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setObjectName(f"{self._name}.{word}")
            label.setAccessibleName(word)
            self._grid.addWidget(title, row, 0)
            self._grid.addWidget(label, row, 1)
            self._values[word] = label
        if label.text() != value:
            label.setText(value)


def tabular(font: QFont) -> QFont:
    """A font whose digits all have one width, so that running numbers stand still."""
    steady = QFont(font)
    steady.setFeature(QFont.Tag("tnum"), 1)
    return steady
