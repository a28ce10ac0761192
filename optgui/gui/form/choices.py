"""Editors of what is chosen: a switch, or one of a few words."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from optgui.core.params import Param
from optgui.gui.form.editor import Editor, WheelNeedsFocus


class ChoiceBox(WheelNeedsFocus, QComboBox):
    """A combo box whose entries can be disabled with a reason."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def offer(self, value: str, label: str, help: str = "", refusal: str = "") -> None:
        """Add one entry; one with a refusal is shown, but cannot be chosen."""
        self.addItem(label, value)
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        item = model.item(self.count() - 1)
        item.setToolTip(f"Not available here: {refusal}" if refusal else help)
        item.setEnabled(not refusal)


class SwitchEditor(Editor):
    """A check box."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._box = QCheckBox()
        self._box.toggled.connect(lambda on: self._move(on, final=True))
        self._row.addWidget(self._box)

    def parts(self) -> list[QWidget]:
        """The check box."""
        return [self._box]

    def _show(self, value: bool) -> None:
        blocker = QSignalBlocker(self._box)
        self._box.setChecked(value)
        blocker.unblock()


class ChoiceEditor(Editor):
    """A combo box of a parameter's choices."""

    def __init__(self, spec: Param, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._box = ChoiceBox()
        for value, label in spec.choices:
            self._box.offer(value, label)
        self._box.currentIndexChanged.connect(lambda _: self._move(self._box.currentData(), final=True))
        self._row.addWidget(self._box, 1)

    def parts(self) -> list[QWidget]:
        """The combo box."""
        return [self._box]

    def _show(self, value: str) -> None:
        blocker = QSignalBlocker(self._box)
        self._box.setCurrentIndex(self._box.findData(value))
        blocker.unblock()
