"""The rows of the table of a race, and the order of their numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from optgui.gui import theme
from optgui.gui.plot.curve_axis import short
from optgui.gui.surface.race_numbers import Array

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole

SORT_ROLE = Role.UserRole
REACHED = 1e-3  # of the first distance
CHIP = QSize(22, 12)


def plain(number: float) -> str:
    """As in the form."""
    return f"{number:.4g}"


def _digits(number: float) -> str:
    return f"{number:.0f}"


class Column(NamedTuple):
    """One column: its title, what it means, and how a number is written in the table and in a copy."""

    title: str
    help: str
    written: Callable[[float], str] = short
    exact: Callable[[float], str] = repr


COLUMNS = (
    Column("Racer", "Number, optimizer and momentum; line and colour as in the curves"),
    Column("lr", "Base learning rate", plain),
    Column("x", "Where the racer stands"),
    Column("y", "Where the racer stands"),
    Column("f", "The value of the function there"),
    Column("f − f*", "How far the value is above the smallest known one"),
    Column("Gradient", "Gradient norm, or projected gradient inside a feasible set"),
    Column("Distance", "To the nearest known minimum"),
    Column(
        "Reached",
        f"The first step within {REACHED:g} of the first distance to the nearest minimum",
        _digits,
        _digits,
    ),
    Column("Diverged", "The step at which the racer left the finite numbers", _digits, _digits),
)
STEP_COLUMNS = (8, 9)  # the last two, which are step numbers


class RaceModel(QAbstractTableModel):
    """Rows are racers; numbers are NaN where there is none."""

    def __init__(self, owner: QWidget, columns: tuple[Column, ...] = COLUMNS) -> None:
        super().__init__(owner)
        self._owner, self.columns = owner, columns
        self._ids: tuple[int, ...] = ()
        self._names: tuple[str, ...] = ()
        self._shown: tuple[bool, ...] = ()
        self._numbers = np.empty((0, len(columns)))
        self._icons: dict[int, QIcon] = {}

    def show_rows(
        self, ids: tuple[int, ...], names: tuple[str, ...], shown: tuple[bool, ...], numbers: Array
    ) -> None:
        """Show numbers (racers, columns); the first column is the racer's own number."""
        same = (ids, names) == (self._ids, self._names)
        if not same:
            self.beginResetModel()
        self._ids, self._names, self._shown, self._numbers = ids, names, shown, numbers
        if not same:
            self.endResetModel()
        elif ids:
            self.dataChanged.emit(self.index(0, 0), self.index(len(ids) - 1, len(self.columns) - 1))

    def restyle(self) -> None:
        """Take the theme's colours as they are now."""
        self._icons.clear()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return self.columns[section].title
        if role == Role.ToolTipRole:
            return self.columns[section].help
        if role == Role.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        if role == Role.DisplayRole:
            return self._names[row] if column == 0 else self._text(row, column, self.columns[column].written)
        if role == SORT_ROLE:
            return float(self._numbers[row, column])
        if role == Role.TextAlignmentRole:
            return _alignment(column)
        if role == Role.DecorationRole and column == 0:
            return self._icon(self._ids[row])
        if role == Role.ForegroundRole and not self._shown[row]:
            return QColor(theme.colours(self._owner).muted)
        return None

    def exact(self, row: int) -> list[str]:
        """A row with every digit."""
        numbers = range(1, len(self.columns))
        return [self._names[row], *(self._text(row, place, self.columns[place].exact) for place in numbers)]

    def _text(self, row: int, column: int, write: Callable[[float], str]) -> str:
        number = float(self._numbers[row, column])
        return "-" if math.isnan(number) else write(number)

    def _icon(self, identity: int) -> QIcon:
        icon = self._icons.get(identity)
        if icon is None:
            ratio = self._owner.devicePixelRatioF()
            picture = QPixmap(CHIP * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            colour = theme.racer_colour(identity, self._owner)
            pen = QPen(colour, 2, theme.racer_dash(identity))
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            painter.drawLine(0, CHIP.height() // 2, CHIP.width(), CHIP.height() // 2)
            painter.end()
            icon = self._icons[identity] = QIcon(picture)
        return icon


class NumericOrder(QSortFilterProxyModel):
    """Sorts by numbers; what is not a number comes last, whichever way."""

    def lessThan(self, left: Index, right: Index) -> bool:
        one, other = left.data(SORT_ROLE), right.data(SORT_ROLE)
        if math.isnan(one) or math.isnan(other):
            last = math.isnan(one) and not math.isnan(other)
            first = math.isnan(other) and not math.isnan(one)
            return last if self.sortOrder() is Qt.SortOrder.DescendingOrder else first
        return bool(one < other)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
