"""The row above a map: choices of a few words side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QWidget

from optgui.gui.form.widgets import small_button


class Toggle(QWidget):
    """One of a few options, all in sight."""

    changed = Signal(str)  # the option that a person chose

    def __init__(self, title: str, name: str, options: Sequence[tuple[str, str, str]]) -> None:
        """Take `(value, word, help)` of each option; the first is chosen."""
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._group = QButtonGroup(self)
        self._values = [value for value, _, _ in options]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        label = QLabel(title)
        label.setProperty("role", "muted")
        row.addWidget(label)
        for place, (value, word, help) in enumerate(options):
            button = small_button(word, f"{name}.{value.replace(' ', '_')}", help)
            button.setCheckable(True)
            button.setChecked(place == 0)
            self._group.addButton(button, place)
            row.addWidget(button)
        self._group.idClicked.connect(lambda place: self.changed.emit(self._values[place]))

    @property
    def value(self) -> str:
        """The option chosen."""
        return self._values[self._group.checkedId()]

    def choose(self, value: str) -> None:
        """Show an option as chosen, without a signal."""
        self._group.button(self._values.index(value)).setChecked(True)


def bar(*widgets: QWidget | None) -> QWidget:
    """Widgets in a row; None is the room between what stands left and right."""
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(12, 4, 12, 0)
    row.setSpacing(12)
    for widget in widgets:
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget)
    return made
