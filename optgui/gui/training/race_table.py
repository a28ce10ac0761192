"""The entrants of a race as a table: rate, loss, test accuracy and pace of each, or why it is out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QHeaderView, QWidget

from optgui.core.training.race import RaceConfig
from optgui.gui import theme
from optgui.gui.pace import Pace
from optgui.gui.surface.finals_model import SORT_ROLE, Column, Index, RaceModel, plain
from optgui.gui.surface.racer_table import RacerTable
from optgui.gui.training.race_numbers import RaceNumbers, names

READABLE_MS = 200
COLUMNS = (
    Column("Entrant", "Line and colour as in the curves"),
    Column("lr", "Effective learning rate: base rate × schedule factor", plain),
    Column("Loss", "Smoothed loss of the newest mini-batches", lambda loss: f"{loss:.3g}"),
    Column("Test", "Share of right answers in the last test", lambda share: f"{100 * share:.2f} %"),
    Column("img/s", "Training images a second, of each entrant alone", lambda rate: f"{rate:,.0f}"),
)
_FIRST = 1  # from this column on a row says why its entrant is out
_WIDEST = ("0.0001", "0.0956", "96.58 %", "15,904")
_ROOM = 14  # pixels beside the words of a cell


class _Model(RaceModel):
    """Rows of entrants; one that is out has a sentence instead of its numbers."""

    failures: tuple[str, ...] = ()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        failure = self.failures[index.row()]
        if failure and index.column() >= _FIRST:
            if role == Qt.ItemDataRole.DisplayRole:
                return failure if index.column() == _FIRST else ""
            if role == Qt.ItemDataRole.ForegroundRole:
                return QColor(theme.colours(self._owner).error)
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if failure and role == Qt.ItemDataRole.ToolTipRole:
            return failure
        return super().data(index, role)

    def exact(self, row: int) -> list[str]:
        """A row with every digit, or with its sentence."""
        cells = super().exact(row)
        return [*cells[:_FIRST], self.failures[row]] if self.failures[row] else cells


class EntrantTable(RacerTable):
    """One row for each entrant; `shown_loss` says the loss to show of one."""

    def __init__(self, shown_loss: Callable[[int], float], parent: QWidget | None = None) -> None:
        super().__init__("training.race.table", "Numbers of the entrants", COLUMNS, parent)
        self._loss = shown_loss
        self._entrants: _Model = _Model(self, COLUMNS)
        self.model = self._entrants
        self.order.setSourceModel(self.model)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.table.setSelectionMode(self.table.SelectionMode.ExtendedSelection)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setHorizontalScrollMode(self.table.ScrollMode.ScrollPerPixel)
        self._config: RaceConfig | None = None
        self._numbers: RaceNumbers | None = None
        self._pace = Pace(self._show, self, READABLE_MS)
        self.order.layoutChanged.connect(self._span_sentences)
        self.order.modelReset.connect(self._span_sentences)
        self._restyle()

    def show_race(self, config: RaceConfig, numbers: RaceNumbers | None) -> None:
        """Show the entrants of a race, a few times a second; without numbers it has not begun."""
        self._config, self._numbers = config, numbers
        self._pace.ask()

    def show_now(self) -> None:
        """Show it at once: the race rests."""
        self._pace.now()

    @property
    def chosen(self) -> int | None:
        """The id of the entrant in the one selected row, None if there is not exactly one."""
        rows = self.table.selectionModel().selectedRows()
        return round(rows[0].data(SORT_ROLE)) if len(rows) == 1 else None

    def choose(self, identity: int) -> None:
        """Select the row of an entrant."""
        for row in range(self.order.rowCount()):
            if round(self.order.index(row, 0).data(SORT_ROLE)) == identity:
                self.table.selectRow(row)

    def _show(self) -> None:
        config, numbers = self._config, self._numbers
        if config is None or not self.isVisible():
            return
        ids = tuple(entrant.id for entrant in config.entrants)
        called: Mapping[int, str] = names(config)
        values = np.full((len(ids), len(COLUMNS)), np.nan)
        values[:, 0] = ids
        failures = [""] * len(ids)
        for row, entrant in enumerate(config.entrants):
            if numbers is None or numbers.course(entrant.id) is None:
                values[row, 1] = entrant.optimizer.lr
                continue
            values[row, 1] = numbers.lr(entrant.id)
            failures[row] = numbers.failures.get(entrant.id, "")
            if not failures[row]:
                values[row, 2] = self._loss(entrant.id)
                values[row, 3] = numbers.accuracies.get(entrant.id, np.nan)
                values[row, 4] = numbers.rate(entrant.id)
        changed = tuple(failures) != self._entrants.failures
        self._entrants.failures = tuple(failures)
        shown = tuple(entrant.visible for entrant in config.entrants)
        self.model.show_rows(ids, tuple(called.values()), shown, values)
        if changed:
            self._span_sentences()

    def _span_sentences(self) -> None:
        """Let each sentence have the room of the numbers that are not there."""
        self.table.clearSpans()
        for row in range(self.order.rowCount()):
            source = self.order.mapToSource(self.order.index(row, 0)).row()
            if self._entrants.failures[source]:
                self.table.setSpan(row, _FIRST, 1, len(COLUMNS) - _FIRST)

    def _restyle(self) -> None:
        super()._restyle()
        for column, words in enumerate(_WIDEST, 1):
            self.table.setColumnWidth(column, self.fontMetrics().horizontalAdvance(words) + _ROOM)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what came while nobody saw it."""
        super().showEvent(event)
        self._pace.now()
