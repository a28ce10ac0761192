"""VictimChooser: a strip of test digits, with doors to all of them, to drawing and to picture files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from optgui.core.attack.pictures import Opened
from optgui.gui.attack.victim.digit_grid import EMPTY
from optgui.gui.attack.victim.digit_sheet import TEN
from optgui.gui.attack.victim.panel import VictimPanel
from optgui.gui.attack.victim.picture_file import dropped_picture, holds_picture, read_picture
from optgui.gui.form.param_form import small_button
from optgui.gui.form.widgets import SignButton
from optgui.gui.plot.digits import PAGE, DigitRow

DRAWING = "your drawing"


class VictimChooser(QWidget):
    """One row of digits; `panel`, when opened, hangs below it over what else is in `stage` (no splitter).

    A picture file may be dropped on the row, on the panel, and on what was given to `take_drops`.
    """

    test_digit_chosen = Signal(int)  # index
    picture_given = Signal(object, int, str)  # image (28, 28) float32 in [0, 1], true class, where it is from
    previewed = Signal(object)  # an image that may be given next; `set_guess` answers
    refused = Signal(str)  # a sentence

    def __init__(self, stage: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.victim")
        self._images: NDArray[np.uint8] = np.zeros((0, 28, 28), np.uint8)
        self._places: NDArray[np.int64] = np.zeros(0, np.int64)  # those the grid shows
        self._first = 0  # place of the first digit of the row among those the grid shows
        self.index = -1  # of the chosen test digit, -1 for a picture
        self.row = DigitRow("Test digits to choose from", "attack.strip", selectable=True)
        self.row.set_hint(EMPTY)
        self.row.chosen.connect(self._on_place)
        self.setFocusProxy(self.row)
        self._back = SignButton("left", "attack.page_back", "Earlier digits")
        self._forth = SignButton("right", "attack.page_forth", "Later digits")
        self._back.clicked.connect(lambda: self._show_row(self._first - self.row.capacity()))
        self._forth.clicked.connect(lambda: self._show_row(self._first + self.row.capacity()))
        self.panel = panel = VictimPanel(self, stage)
        self._doors: dict[QWidget, QToolButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self._make_doors())
        layout.addSpacing(4)
        layout.addWidget(self._back)
        layout.addWidget(self.row, 1)
        layout.addWidget(self._forth)
        panel.turned.connect(self._on_turned)
        panel.grid.chosen.connect(self._on_digit)
        panel.grid.filtered.connect(self._on_filtered)
        panel.draw.drawn.connect(lambda image, label: self._give(image, label, DRAWING))
        panel.picture.given.connect(self._give)
        panel.draw.previewed.connect(self.previewed)
        panel.picture.path_chosen.connect(self.open_file)
        for page in (panel.draw, panel.picture):
            page.refused.connect(self.refused)
        for field in panel.findChildren(QLineEdit):
            field.setAcceptDrops(False)  # it would take a dropped file for its name
        for widget in (self, panel):
            self.take_drops(widget)
        self._show_row(0)

    def _make_doors(self) -> QVBoxLayout:
        panel, doors = self.panel, QVBoxLayout()
        doors.setSpacing(3)
        for page, words, name, help in (
            (panel.grid, "All digits", "all", "Find a test digit by class, index or what the network reads"),
            (panel.draw, "Draw", "draw", "Draw your own digit with the mouse or a pen"),
            (panel.picture, "Open …", "open", "Open a picture of a digit; you can also drop one here"),
        ):
            button = small_button(words, f"attack.victim.{name}", help)
            button.setCheckable(True)
            button.setStyleSheet("QToolButton:!focus:!hover { border-color: palette(mid); }")
            button.clicked.connect(lambda on, page=page: self._on_door(page, on))
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance("10,000 digits") + 14)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self._doors[page] = button
            doors.addWidget(button)
        return doors

    def sizeHint(self) -> QSize:
        return QSize(600, super().sizeHint().height())

    def show_digits(
        self, images: NDArray[np.uint8], labels: NDArray[Any], class_names: tuple[str, ...] = TEN
    ) -> None:
        """Offer test digits (n, 28, 28) of 0..255 with their classes (n,)."""
        self._images = images
        self._first = 0
        self.panel.draw.set_classes(class_names)
        self.panel.picture.own.set_classes(class_names)
        self.panel.grid.show_digits(images, labels, class_names)
        self.select(self.index)

    def show_judgement(
        self, predictions: NDArray[Any] | None, confidences: NDArray[Any] | None = None
    ) -> None:
        """Show what the network reads in all test digits (n,) and how sure it is; None for not known."""
        self.panel.grid.show_judgement(predictions, confidences)

    def select(self, index: int) -> None:
        """Mark the test digit that is the victim, without a signal; -1 for a picture."""
        self.index = index
        self.panel.grid.select(index)
        found = np.flatnonzero(self.panel.grid.places == index)
        place = int(found[0]) if len(found) else self._first
        inside = self._first <= place < self._first + self.row.capacity()
        self._show_row(self._first if inside else place)

    def set_guess(self, label: int) -> None:
        """Say what the network reads in the picture or drawing last announced by `previewed`."""
        page = self.panel.picture if self.panel.page is self.panel.picture else self.panel.draw
        page.own.set_guess(label)

    def set_hint(self, hint: str) -> None:
        """What row and grid say while there are no digits."""
        self.panel.grid.set_hint(hint)

    def open_file(self, path: str | Path) -> None:
        """Open a picture file and ask for its class; say why not where it is none."""
        try:
            self._show_picture(read_picture(path), Path(path).name)
        except ValueError as error:
            self.refused.emit(str(error))

    def take_drops(self, widget: QWidget) -> None:
        """Let a picture be dropped on a widget."""
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent) and holds_picture(
            event.mimeData()
        ):  # entering and moving are drops, too
            event.acceptProposedAction()
            if event.type() == QEvent.Type.Drop:
                try:
                    self._show_picture(*dropped_picture(event.mimeData()))
                except ValueError as error:
                    self.refused.emit(str(error))
            return True
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_row(self._first)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk on where the row of digits ends."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        place = self._first + self.row.selected + step
        if (
            step
            and self.row.hasFocus()
            and self.row.selected >= 0
            and 0 <= place < len(self.panel.grid.places)
        ):
            self._show_row(place - (self.row.capacity() - 1 if step < 0 else 0))
            self._on_digit(int(self.panel.grid.places[place]))
        else:
            super().keyPressEvent(event)

    def _on_door(self, page: QWidget, on: bool) -> None:
        if not on:
            self.panel.dismiss()
            return
        self.panel.turn_to(page)
        if page is self.panel.grid:
            self.panel.grid.select(self.index)
        elif page is self.panel.picture and not self.panel.picture.is_open:
            self.panel.picture.ask()

    def _on_turned(self, shown: QWidget | None) -> None:
        for page, button in self._doors.items():
            button.setChecked(page is shown)

    def _on_place(self, place: int) -> None:
        self._on_digit(int(self.panel.grid.places[self._first + place]))

    def _on_digit(self, index: int) -> None:
        self.panel.dismiss()
        self.select(index)
        self.test_digit_chosen.emit(index)

    def _on_filtered(self) -> None:
        grid = self.panel.grid
        button = self._doors[grid]
        button.setText(f"{len(grid.places):,} digits" if grid.is_filtered else "All digits")
        same = np.array_equal(self._places, grid.places)
        self._places = grid.places
        self.row.set_hint(grid.hint)
        self._show_row(self._first if same else 0)

    def _give(self, image: NDArray[np.float32], label: int, source: str) -> None:
        self.panel.dismiss()
        self.select(-1)
        self.picture_given.emit(image, label, source)

    def _show_picture(self, opened: Opened, name: str) -> None:
        self.panel.picture.show_picture(opened, name)
        self.panel.turn_to(self.panel.picture)
        self.previewed.emit(opened.image)

    def _short(self, words: str) -> str:
        """Words that do not touch those of the next digit."""
        room = self.row.width() // self.row.capacity() - 2
        short: str = self.row.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room)
        return short

    def _show_row(self, first: int) -> None:
        """Show the digits from a place on, moved so that a whole row is seen."""
        grid = self.panel.grid
        last = max(0, len(grid.places) - self.row.capacity())
        self._first = min(max(0, first), last)
        self._back.setEnabled(self._first > 0)
        self._forth.setEnabled(self._first < last)
        shown = grid.places[self._first : self._first + PAGE]
        self.row.show_digits(self._images[shown])
        self.row.show_words(
            [self._short(grid.caption(index)) for index in shown],
            [grid.is_right(index) for index in shown],
            [grid.words(index) for index in shown],
        )
        found = np.flatnonzero(shown == self.index)
        self.row.select(int(found[0]) if len(found) else -1)
