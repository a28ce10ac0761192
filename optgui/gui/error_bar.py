"""The quiet bar over the top of a tab: a sentence, at most one action, details folded beneath."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget


class ErrorBar(QFrame):
    """Shows one message until it is dismissed or replaced; hidden when there is nothing to say.

    It takes no height in a layout and lies over what comes below, so that nothing moves under the mouse.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("error_bar")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        row = QHBoxLayout()
        self._sentence = QLabel()
        self._sentence.setObjectName(f"{name}.message")
        self._sentence.setWordWrap(True)
        self._sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(self._sentence, 1)
        self._action = QPushButton()
        self._action.setObjectName(f"{name}.message.action")
        self._action.clicked.connect(self._on_action)
        self._more = QPushButton("Details")
        self._more.setObjectName(f"{name}.message.details")
        self._more.setCheckable(True)
        self._close = QPushButton("Dismiss")
        self._close.setObjectName(f"{name}.message.dismiss")
        self._close.clicked.connect(self.dismiss)
        for button in (self._action, self._more, self._close):
            row.addWidget(button)
        layout.addLayout(row)
        self._details = QPlainTextEdit(readOnly=True)
        self._details.setAccessibleName("Details of the message")
        self._details.setMaximumHeight(160)
        self._details.hide()
        self._more.toggled.connect(self._details.setVisible)
        layout.addWidget(self._details)
        self._do: Callable[[], None] | None = None
        self.hide()

    def hasHeightForWidth(self) -> bool:
        """To the layout its height never depends on its words."""
        return False

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), 0)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._unfold()

    def event(self, event: QEvent) -> bool:
        """Follow what its contents ask for."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._unfold()
        return done

    def _unfold(self) -> None:
        """Be as high as its words, over what comes below."""
        layout = self.layout()
        if layout is not None and self.width() > 0:
            wanted = max(layout.heightForWidth(self.width()), layout.minimumSize().height())
            self.raise_()
            if wanted != self.height():
                self.resize(self.width(), wanted)
            layout.setGeometry(self.rect())  # at once: who presses a button does not wait for the event loop

    @property
    def sentence(self) -> str:
        """What is being said, empty when nothing is."""
        return self._sentence.text() if not self.isHidden() else ""

    def say(
        self,
        sentence: str,
        details: str = "",
        *,
        action: str = "",
        do: Callable[[], None] | None = None,
        note: bool = False,
    ) -> None:
        """Show a sentence; `action` and `do` offer one way on, `note` is for what is no error."""
        self.setProperty("kind", "note" if note else "error")
        self.style().unpolish(self)
        self.style().polish(self)
        self._sentence.setText(sentence)
        self._do = do
        self._action.setText(action)
        self._action.setVisible(do is not None)
        self._more.setVisible(bool(details))
        self._more.setChecked(False)
        self._details.setPlainText(details)
        self.show()
        self._unfold()

    def dismiss(self) -> None:
        """Hide the bar."""
        self.hide()

    def _on_action(self) -> None:
        do = self._do
        self.dismiss()
        if do is not None:
            do()
