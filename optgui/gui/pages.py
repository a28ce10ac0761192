"""The pages of a tab: a toolbar over one picture at a time."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from optgui.gui.narrow_stack import NarrowStack


class Pages(QWidget):
    """One page on screen; `turned` says which. A page that is not on screen does nothing."""

    turned = Signal(object)  # the page

    def __init__(self, subject: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{subject}.pages")
        self._subject = subject
        self._stack = NarrowStack()
        self._choices = QActionGroup(self)
        self._bar = QHBoxLayout()
        self._bar.setContentsMargins(8, 4, 8, 4)
        self._bar.setSpacing(0)  # eight pages, controls and readings fit into 1,000 pixels
        self._bar.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._bar)
        layout.addWidget(self._stack, 1)
        self._choices.triggered.connect(lambda action: self.turn_to(action.data()))

    def add(self, page: QWidget, title: str, name: str, help: str) -> None:
        """One more page behind the others; the first is on screen."""
        action = QAction(title, self)
        action.setCheckable(True)
        action.setToolTip(help)
        action.setData(page)
        action.setChecked(self._stack.count() == 0)
        self._choices.addAction(action)
        button = QToolButton()
        button.setDefaultAction(action)
        button.setObjectName(f"{self._subject}.page.{name}")
        button.setAccessibleName(title)
        self._bar.insertWidget(self._bar.count() - 1, button)
        self._stack.addWidget(page)

    @property
    def page(self) -> QWidget:
        """What is on screen."""
        return self._stack.currentWidget()

    def turn_to(self, page: QWidget) -> None:
        """Show a page."""
        self._stack.setCurrentWidget(page)
        for action in self._choices.actions():
            action.setChecked(action.data() is page)
        self.turned.emit(page)
