"""The table of robust curves: sorted by number, copied as numbers."""

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from optgui.gui.attack.robust.table import COLUMNS, RobustTable
from tests.gui.attack.robust import frame

TITLES = [column.title for column in COLUMNS]
WORDS = {"run-1@9": "run-1@9: MLP 120, 96.00 %"}


@pytest.fixture
def table(qtbot):
    made = RobustTable()
    qtbot.addWidget(made)
    made.resize(900, 240)
    made.show()
    made.show_frame(frame(), WORDS)
    return made


def rows(table, *titles):
    return [
        tuple(table.order.index(row, TITLES.index(title)).data() for title in titles)
        for row in range(table.order.rowCount())
    ]


def test_a_row_for_each_network_in_each_norm(table, qtmodeltester):
    assert rows(table, "Network", "Norm", "Digits", "ε at 50 %", "No attack", "½ of ε", "largest ε") == [
        ("run-1@9", "L2", "4", "1.50", "75.0 %", "50.0 % at 2", "25.0 % at 4"),
        ("run-1@9", "L∞", "4", "0.0600", "75.0 %", "50.0 % at 0.1", "25.0 % at 0.2"),
        ("run-2@9", "L2", "4", "0.700", "100.0 %", "25.0 % at 2", "0.0 % at 4"),
        ("run-2@9", "L∞", "4", "not found", "100.0 %", "100.0 % at 0.1", "100.0 % at 0.2"),
    ]
    assert table.order.index(0, 0).data(Qt.ItemDataRole.ToolTipRole) == WORDS["run-1@9"]
    assert not table.order.index(0, 0).data(Qt.ItemDataRole.DecorationRole).isNull()
    qtmodeltester.check(table.rows)


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("ε at 50 %", ["0.0600", "0.700", "1.50", "not found"]),
        ("½ of ε", ["25.0 % at 2", "50.0 % at 2", "50.0 % at 0.1", "100.0 % at 0.1"]),
    ],
)
def test_a_click_on_a_header_sorts_by_number(table, title, wanted):
    header, column = table.horizontalHeader(), TITLES.index(title)
    place = header.viewport().mapFromParent(header.rect().center())
    place.setX(header.sectionViewportPosition(column) + 5)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    order = [words for (words,) in rows(table, title)]
    if header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder:
        order.reverse()
    numbers = [words.partition(" ")[0] for words in order]
    assert numbers == [words.partition(" ")[0] for words in wanted]


def test_the_numbers_are_at_the_right(table):
    for column in range(len(COLUMNS)):
        side = Qt.AlignmentFlag.AlignLeft if column < 2 else Qt.AlignmentFlag.AlignRight
        assert side in table.order.index(0, column).data(Qt.ItemDataRole.TextAlignmentRole)


def test_selected_cells_are_copied_as_plain_numbers(table, qtbot):
    select = QItemSelectionModel.SelectionFlag.Select
    for row, title in ((0, "ε at 50 %"), (0, "½ of ε"), (3, "½ of ε")):
        table.selectionModel().select(table.order.index(row, TITLES.index(title)), select)
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "1.5\t50.00\n\t100.00"


def test_without_a_selection_everything_is_copied_as_sorted_with_titles_and_radii(table):
    table.sortByColumn(TITLES.index("ε at 50 %"), Qt.SortOrder.DescendingOrder)
    head, *lines = (line.split("\t") for line in table.text().split("\n"))
    assert head[:5] == ["Network", "Norm", "Digits", "ε at 50 %", "No attack"]
    assert head[5:7] == ["¼ of ε (px)", "robust at ¼ of ε (%)"]
    assert [line[3] for line in lines] == ["not found", "1.5", "0.7", "0.06"]
    assert lines[1][4:] == ["75.00", "1", "75.00", "2", "50.00", "3", "25.00", "4", "25.00"]


def test_the_menu_copies_and_saves(table, qtbot):
    actions = {action.text().partition("\t")[0]: action for action in table.menu().actions()}
    actions["Copy"].trigger()
    assert QApplication.clipboard().text() == table.all_text()
    with qtbot.waitSignal(table.save_wanted):
        actions["Save all points as CSV …"].trigger()
    table.show_frame(None, {})
    assert not any(action.isEnabled() for action in table.menu().actions())


def test_new_numbers_leave_order_and_selection_alone(table):
    table.sortByColumn(TITLES.index("No attack"), Qt.SortOrder.DescendingOrder)
    table.selectRow(1)
    table.show_frame(frame(wanted=10), WORDS)
    assert table.selectionModel().isRowSelected(1)
    assert rows(table, "No attack")[0] == ("100.0 %",)
