"""DigitGrid: all test digits, found by class, index, right or wrong, and how sure the network is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from optgui.gui.attack.victim.digit_filter import (
    ALL,
    BY_INDEX,
    LEAST_SURE,
    MOST_SURE,
    RIGHT,
    WRONG,
    DigitFilter,
    Judgement,
)
from optgui.gui.attack.victim.digit_sheet import TEN, DigitSheet, digit_words
from optgui.gui.form.choices import ChoiceBox
from optgui.gui.readings import Readout

EMPTY = "Press Start: the test digits of the network's data appear here."
NOT_JUDGED = "Waits until the network has read all test digits"
NO_CONFIDENCE = "Waits until it is known how sure the network is of each test digit"


class DigitGrid(QWidget):
    """A bar of filters over a sheet of digits."""

    chosen = Signal(int)  # index of a test digit
    filtered = Signal()  # other digits, or another order

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.digits.page")
        self._labels: NDArray[Any] = np.zeros(0, np.int64)
        self._names: tuple[str, ...] = TEN
        self._judgement: Judgement | None = None
        self._hint = EMPTY
        self.sheet = DigitSheet("attack.digits")
        self.sheet.chosen.connect(self.chosen)
        self._label = _box("class", "Class of the digits", "Show digits of one class")
        self._search = QLineEdit()
        self._search.setObjectName("attack.digits.search")
        self._search.setAccessibleName("Index or range of indices")
        self._search.setToolTip("The index of a test digit, like 120, or a range, like 100-200")
        self._search.setPlaceholderText("100-200")
        self._search.setClearButtonEnabled(True)
        self._search.findChild(QToolButton).setAccessibleName("Clear the search")
        self._judged = _box("judged", "Right or wrong", NOT_JUDGED)
        for value, words in ((ALL, "Right or wrong"), (RIGHT, "Read right"), (WRONG, "Misread")):
            self._judged.offer(value, words)
        self._order = _box("order", "Order", NO_CONFIDENCE)
        self._order.setMinimumContentsLength(6)
        for value, words in ((BY_INDEX, "By index"), (LEAST_SURE, "Least sure"), (MOST_SURE, "Most sure")):
            self._order.offer(value, words)
        self.count = Readout("Shown", characters=16)
        self.count.setObjectName("attack.digits.count")
        self.bar = QHBoxLayout()
        self.bar.setSpacing(8)
        for widget, share in ((self._label, 4), (self._search, 5), (self._judged, 5), (self._order, 4)):
            self.bar.addWidget(widget, share)
        self.count.setMinimumWidth(self.count.fontMetrics().horizontalAdvance("10,000 of 10,000") + 4)
        self.bar.addWidget(self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(self.bar)
        layout.addWidget(self.sheet, 1)
        self._offer_classes()
        for box in (self._label, self._judged, self._order):
            box.currentIndexChanged.connect(self._refresh)
        self._search.textChanged.connect(self._refresh)
        self.show_judgement(None, None)

    def sizeHint(self) -> QSize:
        return QSize(620, 400)

    @property
    def places(self) -> NDArray[np.int64]:
        """The indices of the digits shown, in order."""
        return self.sheet.places

    @property
    def hint(self) -> str:
        """Why nothing is shown; empty where something is."""
        return self.sheet.hint

    @property
    def filter(self) -> DigitFilter:
        """What is asked for."""
        return DigitFilter(
            int(self._label.currentData()),
            self._search.text(),
            self._judged.currentData() if self._judged.isEnabled() else ALL,
            self._order.currentData() if self._order.isEnabled() else BY_INDEX,
        )

    @property
    def is_filtered(self) -> bool:
        """Whether some digits are left out."""
        return len(self.places) < len(self._labels)

    def show_digits(
        self, images: NDArray[np.uint8], labels: NDArray[Any], class_names: tuple[str, ...] = TEN
    ) -> None:
        """Show digits (n, 28, 28) and their classes (n,); what was read of others is forgotten."""
        self._labels, self._judgement = labels, None
        self.sheet.show_digits(images, labels, class_names)
        if class_names != self._names:
            self._names = class_names
            self._offer_classes()
        self.show_judgement(None, None)

    def show_judgement(self, predictions: NDArray[Any] | None, confidences: NDArray[Any] | None) -> None:
        """Show what the network reads (n,) and how sure it is (n,) in [0, 1]; None for not known."""
        self._judgement = None if predictions is None else Judgement(predictions, confidences)
        self.sheet.show_judgement(self._judgement)
        sure = confidences is not None and predictions is not None
        for box, known, help, reason in (
            (self._judged, predictions is not None, "Show what the network reads right or wrong", NOT_JUDGED),
            (self._order, sure, "The order of the digits, by how sure the network is", NO_CONFIDENCE),
        ):
            box.setEnabled(known)
            box.setToolTip(help if known else reason)
        self._refresh()

    def set_hint(self, hint: str) -> None:
        """What it says while there are no digits."""
        self._hint = hint
        self._refresh()

    def select(self, index: int) -> None:
        """Mark a digit as chosen, without a signal; -1 for none."""
        self.sheet.select(index)

    def words(self, index: int) -> str:
        """A digit in a line."""
        return digit_words(index, self._labels, self._names, self._judgement)

    def is_right(self, index: int) -> bool | None:
        """Whether the network reads a digit right, None if that is not known."""
        if self._judgement is None:
            return None
        return bool(self._judgement.predictions[index] == self._labels[index])

    def caption(self, index: int) -> str:
        """The class of a digit, and behind an arrow what the network reads instead."""
        name: str = self._names[self._labels[index]][:6]
        if self._judgement is None or self.is_right(index):
            return name
        read: str = self._names[self._judgement.predictions[index]][:6]
        return f"{name}→{read}" if len(name + read) < 6 else read

    def _offer_classes(self) -> None:
        blocker = QSignalBlocker(self._label)
        self._label.clear()
        self._label.offer("-1", "All classes")
        for place, name in enumerate(self._names):
            self._label.offer(str(place), name)
        blocker.unblock()

    def _refresh(self) -> None:
        """Show what the filters ask for, and say how many there are."""
        try:
            places, hint = self.filter.places(self._labels, self._judgement), ""
        except ValueError as error:
            places, hint = np.zeros(0, np.int64), str(error)
        if not len(self._labels):
            hint = self._hint
        elif not len(places) and not hint:
            hint = "No test digit is like that: choose another class, or search for something else."
        self.sheet.show_places(places, hint)
        self.count.setText(f"{len(places):,} of {len(self._labels):,}" if len(self._labels) else "")
        self.filtered.emit()


def _box(name: str, title: str, help: str) -> ChoiceBox:
    box = ChoiceBox()
    box.setObjectName(f"attack.digits.{name}")
    box.setAccessibleName(title)
    box.setToolTip(help)
    return box
