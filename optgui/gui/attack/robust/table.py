"""RobustTable: the robust accuracy of each network in each norm, to sort, to copy and to save."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QMenu, QTableView, QWidget

from optgui.core.attack.robust import RobustCurve, RobustFrame
from optgui.gui import theme
from optgui.gui.attack.robust.marks import CHIP, NAMES, chip, percent
from optgui.gui.plot.curve_axis import short
from optgui.gui.readings import tabular
from optgui.gui.surface.finals_model import SORT_ROLE, NumericOrder

ARROW = 30  # pixels beside a title, for the arrow of the order
Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole


class Column(NamedTuple):
    """A title, what it means, the number to sort by, and how it is written in a cell and in a copy."""

    title: str
    help: str
    number: Callable[[RobustCurve], float]
    shown: Callable[[RobustCurve], str]
    plain: Callable[[RobustCurve], str]
    characters: int = 11


def half_fooled(curve: RobustCurve) -> float:
    """The smallest radius within which half of the digits are fooled, infinite if no such was found."""
    half = (len(curve.thresholds) + 1) // 2 - 1
    return float(np.partition(curve.thresholds, half)[half])


def _share_of(part: float, title: str, help: str) -> Column:
    """Robust accuracy at the radius nearest to a part of the largest."""

    def place(curve: RobustCurve) -> int:
        return round(part * (len(curve.epsilons) - 1))

    def share(curve: RobustCurve) -> float:
        return float(curve.robust[place(curve)])

    return Column(
        title,
        f"Robust accuracy at {help}, and that ε in pixels",
        share,
        lambda curve: f"{percent(share(curve))} at {curve.epsilons[place(curve)]:.4g}",
        lambda curve: f"{100 * share(curve):.2f}",
        18,
    )


def _written(number: float, text: str) -> str:
    return "not found" if math.isinf(number) else text


COLUMNS = (
    Column(
        "Network",
        "Line and colour as in the plot",
        lambda curve: 0.0,
        lambda curve: curve.network_id,
        lambda curve: curve.network_id,
        22,
    ),
    Column(
        "Norm",
        "How the size of a change is measured",
        lambda curve: list(NAMES).index(curve.norm),
        lambda curve: NAMES[curve.norm],
        lambda curve: NAMES[curve.norm],
        5,
    ),
    Column(
        "Digits",
        "How many test digits these numbers are of",
        lambda curve: len(curve.thresholds),
        lambda curve: f"{len(curve.thresholds):,}",
        lambda curve: str(len(curve.thresholds)),
        8,
    ),
    Column(
        "ε at 50 %",
        "The smallest ε found within which half of the digits are fooled, in pixels",
        half_fooled,
        lambda curve: _written(half_fooled(curve), short(half_fooled(curve), 3)),
        lambda curve: _written(half_fooled(curve), f"{half_fooled(curve):.6g}"),
    ),
    Column(
        "No attack",
        "Read rightly without any change",
        lambda curve: float(curve.robust[0]),
        lambda curve: percent(float(curve.robust[0])),
        lambda curve: f"{100 * curve.robust[0]:.2f}",
    ),
    _share_of(0.25, "¼ of ε", "a quarter of the largest ε"),
    _share_of(0.5, "½ of ε", "half of the largest ε"),
    _share_of(0.75, "¾ of ε", "three quarters of the largest ε"),
    _share_of(1.0, "largest ε", "the largest ε"),
)


class RobustModel(QAbstractTableModel):
    """A row for each network in each norm."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._words: Mapping[str, str] = {}
        self._places: dict[str, int] = {}
        self._icons: dict[int, QIcon] = {}
        self.curves: tuple[RobustCurve, ...] = ()

    def show_curves(self, curves: tuple[RobustCurve, ...], words: Mapping[str, str]) -> None:
        """Show other curves; `words` says by id what a network is."""
        same = [(c.network_id, c.norm) for c in curves] == [(c.network_id, c.norm) for c in self.curves]
        if not same:
            self.beginResetModel()
        self.curves, self._words = curves, words
        self._places = {name: at for at, name in enumerate(dict.fromkeys(c.network_id for c in curves))}
        if not same:
            self.endResetModel()
        elif curves:
            self.dataChanged.emit(self.index(0, 0), self.index(len(curves) - 1, len(COLUMNS) - 1))

    def restyle(self) -> None:
        """Take the theme's colours as they are now."""
        self._icons.clear()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self.curves)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return COLUMNS[section].title
        if role == Role.ToolTipRole:
            return COLUMNS[section].help
        if role == Role.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        curve, column = self.curves[index.row()], index.column()
        if role == Role.DisplayRole:
            return COLUMNS[column].shown(curve)
        if role == SORT_ROLE:
            return float(self._places[curve.network_id] if column == 0 else COLUMNS[column].number(curve))
        if role == Role.TextAlignmentRole:
            return _alignment(column)
        if role == Role.ToolTipRole and column == 0:
            return self._words.get(curve.network_id, curve.network_id)
        if role == Role.DecorationRole and column == 0:
            place = self._places[curve.network_id]
            if place not in self._icons:
                self._icons[place] = chip(place, self._owner)
            return self._icons[place]
        return None


class RobustTable(QTableView):
    """A click on a header sorts; Ctrl+C copies the selected cells, or everything with its titles."""

    save_wanted = Signal()  # of all points

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.robust.table")
        self.setAccessibleName("Robust accuracy of each network in each norm")
        self.rows = RobustModel(self)
        self.order = NumericOrder(self)
        self.order.setSourceModel(self.rows)
        self.setModel(self.order)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setWordWrap(False)
        self.setIconSize(CHIP)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        QShortcut(QKeySequence.StandardKey.Copy, self, self.copy, context=Qt.ShortcutContext.WidgetShortcut)
        self._restyle()

    def show_frame(self, frame: RobustFrame | None, words: Mapping[str, str]) -> None:
        """Show the numbers of a frame, or none."""
        self.rows.show_curves(frame.curves if frame is not None else (), words)

    def text(self) -> str:
        """The selected cells between tabs; without a selection all of them, with titles and the radii."""
        cells = self.selectionModel().selectedIndexes()
        if not cells:
            return self.all_text()
        chosen = {(index.row(), index.column()) for index in cells}
        rows, columns = (sorted({cell[side] for cell in chosen}) for side in (0, 1))
        lines = (
            (self._plain(row, column) if (row, column) in chosen else "" for column in columns)
            for row in rows
        )
        return "\n".join("\t".join(line) for line in lines)

    def all_text(self) -> str:
        """Every row as sorted, with titles; shares in percent."""
        titles = [column.title for column in COLUMNS[:-4]]
        for column in COLUMNS[-4:]:
            titles += [f"{column.title} (px)", f"robust at {column.title} (%)"]
        lines = [titles]
        for row in range(self.order.rowCount()):
            curve = self._curve(row)
            line = [column.plain(curve) for column in COLUMNS[:-4]]
            for column in COLUMNS[-4:]:
                line += [column.shown(curve).rpartition(" at ")[2], column.plain(curve)]
            lines.append(line)
        return "\n".join("\t".join(line) for line in lines)

    def copy(self) -> None:
        """Put `text` on the clipboard."""
        QApplication.clipboard().setText(self.text())

    def menu(self) -> QMenu:
        """What can be done with the numbers."""
        menu = QMenu(self)
        menu.addAction("Copy", QKeySequence(QKeySequence.StandardKey.Copy), self.copy)
        menu.addAction("Select all", QKeySequence(QKeySequence.StandardKey.SelectAll), self.selectAll)
        menu.addSeparator()
        menu.addAction("Save all points as CSV …", self.save_wanted.emit)
        for action in menu.actions():
            action.setEnabled(bool(self.rows.curves))
        return menu

    def _open_menu(self, place: QPoint) -> None:
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.viewport().mapToGlobal(place))

    def _curve(self, row: int) -> RobustCurve:
        source: QModelIndex = self.order.mapToSource(self.order.index(row, 0))
        return self.rows.curves[source.row()]

    def _plain(self, row: int, column: int) -> str:
        return COLUMNS[column].plain(self._curve(row))

    def _restyle(self) -> None:
        """Take the theme's colours and the font as they are now."""
        tokens = theme.colours(self)
        self.rows.restyle()
        font = tabular(QApplication.font())
        if font != self.font():
            self.setFont(font)
        sheet = (
            f"QTableView, QHeaderView {{ background: {tokens.plot}; }}"
            f"QTableView {{ color: {tokens.text}; selection-color: {tokens.text};"
            f" selection-background-color: {tokens.rule}; }}"
            f"QHeaderView::section {{ background: {tokens.plot}; color: {tokens.muted}; border: 0;"
            f" border-bottom: 1px solid {tokens.rule}; padding: 2px 6px; }}"
        )
        if sheet != self.styleSheet():  # setting one is a change of style itself
            self.setStyleSheet(sheet)
        metrics = self.fontMetrics()
        for place, column in enumerate(COLUMNS):
            title = metrics.horizontalAdvance(column.title) + ARROW
            self.setColumnWidth(place, max(title, metrics.averageCharWidth() * column.characters))
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the font."""
        super().changeEvent(event)
        if hasattr(self, "order") and (theme.repaints(event) or event.type() == QEvent.Type.FontChange):
            self._restyle()


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column < 2 else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
