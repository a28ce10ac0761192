"""A table with a row for each racer: sortable, and copied with every digit."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableView, QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.form.widgets import small_button
from optgui.gui.readings import tabular
from optgui.gui.surface.finals_model import CHIP, Column, NumericOrder, RaceModel


class RacerTable(QWidget):
    """A click on a header sorts, Ctrl+C copies; `copy_button` stands where the owner puts it."""

    def __init__(
        self, name: str, title: str, columns: tuple[Column, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.columns = columns
        self.model = RaceModel(self, columns)
        self.order = NumericOrder(self)
        self.order.setSourceModel(self.model)
        self.table = QTableView()
        self.table.setObjectName(f"{name}.table")
        self.table.setAccessibleName(title)
        self.table.setModel(self.order)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setShowGrid(False)
        self.table.setFrameShape(QTableView.Shape.NoFrame)
        self.table.setWordWrap(False)
        self.table.setIconSize(CHIP)
        self.table.setFont(tabular(self.table.font()))
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.copy_button = small_button(
            "Copy", f"{name}.copy", "Copy the selected rows, or all, with every digit (Ctrl+C)"
        )
        self.copy_button.clicked.connect(self.copy)
        QShortcut(
            QKeySequence.StandardKey.Copy, self.table, self.copy, context=Qt.ShortcutContext.WidgetShortcut
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 4)
        layout.addWidget(self.table)
        self._restyle()

    def text(self) -> str:
        """The selected rows, or all, as they stand, with their titles and every digit, between tabs."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        rows = rows or list(range(self.order.rowCount()))
        lines = [[column.title for column in self.columns]]
        lines += [self.model.exact(self.order.mapToSource(self.order.index(row, 0)).row()) for row in rows]
        return "\n".join("\t".join(line) for line in lines)

    def copy(self) -> None:
        """Put `text` on the clipboard."""
        QApplication.clipboard().setText(self.text())

    def _restyle(self) -> None:
        """Take the theme's colours and the font as they are now."""
        tokens = theme.colours(self)
        self.model.restyle()
        self.table.setFont(tabular(self.font()))
        sheet = (
            f"RacerTable, QTableView, QHeaderView {{ background: {tokens.plot}; }}"
            f"QTableView {{ color: {tokens.text}; selection-color: {tokens.text};"
            f" selection-background-color: {tokens.rule}; }}"
            f"QHeaderView::section {{ background: {tokens.plot}; color: {tokens.muted}; border: 0;"
            f" border-bottom: 1px solid {tokens.rule}; padding: 2px 6px; }}"
        )
        if sheet != self.styleSheet():  # setting one is a change of style itself
            self.setStyleSheet(sheet)
        character = self.fontMetrics().averageCharWidth()
        for column in range(len(self.columns)):
            self.table.setColumnWidth(column, character * (22 if column == 0 else 12))
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the font."""
        super().changeEvent(event)
        if hasattr(self, "copy_button") and (theme.repaints(event) or event.type() == QEvent.Type.FontChange):
            self._restyle()
