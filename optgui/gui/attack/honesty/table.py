"""HonestyTable: one row for each check of an attack, with its robust accuracy as a bar."""

from __future__ import annotations

import dataclasses
import math

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from optgui.core.attack.honesty import HonestyFrame, HonestyRow, RowState
from optgui.gui import theme
from optgui.gui.readings import tabular

NAME, DETAIL, ROBUST, CHANGE = range(4)
HEADS = (
    ("Check", "What is tried"),
    ("How", "Method and settings, or why it cannot be tried"),
    ("Robust accuracy", "Share of the digits that it leaves read rightly, with its 95 % confidence band"),
    ("Change", "In points against the attack as set; below 0 it finds more than the attack does"),
)
WEAK = -5.0  # points from which a change is flagged
_ROW = Qt.ItemDataRole.UserRole
_PAD = 4  # pixels beside what a cell holds


class HonestyTable(QTableWidget):
    """The checks in their order, the strongest of all last and bold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(HEADS), parent)
        self.setObjectName("attack.honesty.table")
        self.setAccessibleName("Checks of the attack")
        for column, (title, help) in enumerate(HEADS):
            head = QTableWidgetItem(title)
            head.setToolTip(help)
            right = column == CHANGE
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            head.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, head)
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setFrameShape(self.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setWordWrap(False)
        self.setItemDelegate(_Cell(self))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        character = self.fontMetrics().averageCharWidth()
        for column, characters in ((NAME, 25), (DETAIL, 0), (ROBUST, 0), (CHANGE, 11)):
            mode = QHeaderView.ResizeMode.Fixed if characters else QHeaderView.ResizeMode.Stretch
            header.setSectionResizeMode(column, mode)
            if characters:
                self.setColumnWidth(column, characters * character)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 7)
        self._fit()

    def show_frame(self, frame: HonestyFrame | None, *, stopped: bool = False) -> None:
        """Show the rows of a check; None empties the table. One that was stopped waits for nothing."""
        rows = frame.rows if frame is not None else ()
        if self.rowCount() != len(rows):
            self.setRowCount(len(rows))
            for place in range(len(rows)):
                for column in range(len(HEADS)):
                    self.setItem(place, column, QTableWidgetItem())
            self._fit()
        for place, row in enumerate(rows):
            if stopped and row.state is RowState.RUNNING and row.key != "strongest":
                row = dataclasses.replace(row, state=RowState.WAITING)
            for column, text in enumerate((row.name, _detail(row), _robust(row, stopped), _change(row))):
                item = self.item(place, column)
                item.setText(text)
                item.setToolTip(_tip(row, stopped) if column != DETAIL else _detail(row))
                item.setData(_ROW, row)

    def _fit(self) -> None:
        """Be as high as the rows, and never less than the header."""
        rows = max(1, self.rowCount()) * self.verticalHeader().defaultSectionSize()
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows + 2)


class _Cell(QStyledItemDelegate):
    """Draws a cell; that of the robust accuracy as a bar with its band."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: HonestyRow = index.data(_ROW)
        colours = theme.colours(option.widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        last = index.row() == index.model().rowCount() - 1
        if last:
            painter.setPen(QPen(QColor(colours.rule), 1))
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())
        plain, bold = tabular(option.font), tabular(option.font)
        bold.setBold(True)
        painter.setFont(bold if last and index.column() != DETAIL else plain)
        painter.setPen(QColor(_ink(row, index.column(), colours)))
        place = option.rect.adjusted(_PAD, 0, -_PAD, 0)
        if index.column() == ROBUST and not math.isnan(row.robust):
            figures = QFontMetrics(bold).horizontalAdvance("100.0 %")
            painter.drawText(
                place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, _percent(row.robust)
            )
            _bar(painter, QRectF(place.adjusted(0, 0, -figures - 2 * _PAD, 0)), row, colours, strongest=last)
        else:
            side = Qt.AlignmentFlag.AlignRight if index.column() == CHANGE else Qt.AlignmentFlag.AlignLeft
            words = painter.fontMetrics().elidedText(
                str(index.data()), Qt.TextElideMode.ElideRight, place.width()
            )
            painter.drawText(place, side | Qt.AlignmentFlag.AlignVCenter, words)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, option.fontMetrics.height() + 7)


def _bar(
    painter: QPainter, place: QRectF, row: HonestyRow, colours: theme.Colours, *, strongest: bool
) -> None:
    """The share as a bar in a track, and its band as a line with ends."""
    track = QRectF(place.left(), place.center().y() - 4, place.width(), 8)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.rule))
    painter.drawRoundedRect(track, 3, 3)
    fill = QColor(colours.accent if strongest else colours.series[0])
    fill.setAlphaF(1.0 if strongest else 0.55)
    painter.setBrush(fill)
    painter.drawRoundedRect(
        QRectF(track.left(), track.top(), track.width() * row.robust, track.height()), 3, 3
    )
    painter.setPen(QPen(QColor(colours.text), 1))
    low, high = (track.left() + track.width() * share for share in (row.low, row.high))
    middle = track.center().y()
    painter.drawLine(round(low), round(middle), round(high), round(middle))
    for end in (low, high):
        painter.drawLine(round(end), round(middle) - 3, round(end), round(middle) + 3)


def _ink(row: HonestyRow, column: int, colours: theme.Colours) -> str:
    if row.state in (RowState.WAITING, RowState.IMPOSSIBLE) or column == DETAIL:
        return colours.muted
    if column == CHANGE and row.change < WEAK and row.key != "strongest":
        return colours.warning
    if column == ROBUST and row.key == "unbounded" and row.robust > 0:
        return colours.warning
    if row.state is RowState.RUNNING and row.key != "strongest":
        return colours.accent
    return colours.text


def _detail(row: HonestyRow) -> str:
    if row.state is RowState.IMPOSSIBLE:
        return f"{row.detail[:1].upper()}{row.detail[1:]}"
    return row.detail


def _robust(row: HonestyRow, stopped: bool) -> str:
    if math.isnan(row.robust):
        return "not tried" if stopped and row.state is not RowState.IMPOSSIBLE else row.state.value
    return f"{_percent(row.robust)}, between {_percent(row.low)} and {_percent(row.high)}"


def _change(row: HonestyRow) -> str:
    if math.isnan(row.change) or row.key == "as_set":
        return ""
    return f"{row.change:+.1f}".replace("-", "−").replace("+0.0", "0.0").replace("−0.0", "0.0")


def _tip(row: HonestyRow, stopped: bool) -> str:
    if math.isnan(row.robust):
        return f"{row.help}\n{_robust(row, stopped)}"
    return f"{row.help}\n{_robust(row, stopped)}; {row.digits:,} digits, {row.seconds:.1f} s"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
