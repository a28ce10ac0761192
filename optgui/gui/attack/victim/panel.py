"""VictimPanel: where a victim is looked for, drawn or opened; it hangs over the pictures, not modal."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QWidget

from optgui.gui.attack.victim.digit_grid import DigitGrid
from optgui.gui.attack.victim.draw_pad import DrawPad
from optgui.gui.attack.victim.picture_page import PicturePage
from optgui.gui.form.widgets import SignButton

GAP = 4  # pixels above and below the panel


class VictimPanel(QFrame):
    """Three pages: all test digits, drawing, an opened picture.

    It hangs below `strip`, as wide as that one, down to the end of `stage`, whose child it becomes.
    """

    turned = Signal(object)  # the page on screen, None when the panel was closed

    def __init__(self, strip: QWidget, stage: QWidget) -> None:
        super().__init__(stage)
        self.setObjectName("card")
        self.setAccessibleName("Choose the victim")
        self._strip, self._stage = strip, stage
        self.grid, self.draw, self.picture = DigitGrid(), DrawPad(), PicturePage()
        self.pages = QStackedWidget()
        for page in (self.grid, self.draw, self.picture):
            self.pages.addWidget(page)
        self.close_button = SignButton("cross", "attack.victim.close", "Close (Esc)")
        self.close_button.clicked.connect(self.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 12, 8, 12)
        layout.setSpacing(4)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()
        for watched in (strip, stage):
            watched.installEventFilter(self)

    @property
    def page(self) -> QWidget | None:
        """The page on screen, None while the panel is closed."""
        return None if self.isHidden() else self.pages.currentWidget()

    def turn_to(self, page: QWidget) -> None:
        """Open the panel at a page and give it the focus."""
        self.pages.setCurrentWidget(page)
        self._place()
        self.show()
        self.raise_()
        target = {self.grid: self.grid.sheet, self.draw: self.draw.canvas}.get(page, self.picture.open)
        target.setFocus(Qt.FocusReason.OtherFocusReason)
        self.turned.emit(page)

    def dismiss(self) -> None:
        """Close the panel; the strip takes the focus."""
        if not self.isHidden():
            self.hide()
            self._strip.setFocus(Qt.FocusReason.OtherFocusReason)
            self.turned.emit(None)

    def _place(self) -> None:
        """Hang below the strip; where there is too little room, rise over it."""
        corner = self._strip.mapTo(self._stage, QPoint(0, self._strip.height() + GAP))
        least = self.minimumSizeHint()
        room = self._stage.height() - corner.y() - GAP
        height = min(max(room, least.height()), self._stage.height())
        width = min(max(self._strip.width(), least.width()), self._stage.width())
        left = min(corner.x(), self._stage.width() - width)
        self.setGeometry(left, min(corner.y(), self._stage.height() - height), width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move) and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)
