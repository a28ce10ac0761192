"""The table of a race: numbers at the head, sorted and copied."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from optgui.gui.surface.finals_model import COLUMNS, SORT_ROLE
from optgui.gui.surface.finals_table import FinalsTable
from tests.gui.surface.races import DIVERGING, RACERS, run, shown

TITLES = [column.title for column in COLUMNS]


@pytest.fixture
def table(qtbot):
    made = FinalsTable()
    qtbot.addWidget(made)
    qtbot.addWidget(made.copy_button)
    made.resize(900, 240)
    made.show()
    return made


def rows(table, *titles):
    """What each row says, from above."""
    order = table.order
    return [
        tuple(order.index(row, TITLES.index(title)).data() for title in titles)
        for row in range(order.rowCount())
    ]


def numbers(table, title):
    return [
        table.order.index(row, TITLES.index(title)).data(SORT_ROLE) for row in range(table.order.rowCount())
    ]


def settle(qtbot, table, frame, step, *hidden):
    table.show_race(frame, shown(frame, *hidden), step)
    wanted = frame.paths[:, step, 0].tolist()
    qtbot.waitUntil(lambda: sorted(numbers(table, "x")) == sorted(wanted), timeout=2000)


def test_numbers_are_those_at_the_head(table, qtbot, qtmodeltester):
    frame = run()
    for step in (60, 7):
        settle(qtbot, table, frame, step)
        assert numbers(table, "x") == frame.paths[:, step, 0].tolist()
        assert numbers(table, "y") == frame.paths[:, step, 1].tolist()
        assert numbers(table, "f") == frame.losses[:, step].tolist()
        assert numbers(table, "Gradient") == frame.measures[:, step].tolist()
        away = np.hypot(frame.paths[:, step, 0] - 1, frame.paths[:, step, 1] - 1)
        np.testing.assert_allclose(numbers(table, "Distance"), away)
    assert numbers(table, "lr") == [0.001, 0.001, 0.05]
    qtmodeltester.check(table.model)
    qtmodeltester.check(table.order)


def test_the_value_is_compared_with_the_smallest_known_one(table, qtbot):
    settle(qtbot, table, frame := run("Easom"), 10)
    np.testing.assert_allclose(numbers(table, "f − f*"), frame.losses[:, 10] + 1.0)
    settle(qtbot, table, run({"name": "Formula", "text": "x**2 - y"}), 10)
    assert rows(table, "f − f*", "Distance", "Reached") == [("-", "-", "-")] * 3


def test_a_minimum_is_reached_at_a_thousandth_of_the_first_distance(table, qtbot):
    racers = [
        {"id": 0, "optimizer": {"name": "SGD", "lr": 0.1}},
        {"id": 1, "optimizer": {"name": "SGD", "lr": 1e-5}},
    ]
    frame = run("Booth", racers, steps=400)
    away = np.hypot(*(frame.paths[0] - np.array(frame.minima[0])).T)
    first = next(step for step, one in enumerate(away) if one <= 1e-3 * away[0])
    settle(qtbot, table, frame, 400)
    assert rows(table, "Reached") == [(str(first),), ("-",)]
    settle(qtbot, table, frame, first - 1)
    assert rows(table, "Reached") == [("-",), ("-",)]


def test_a_racer_diverges_at_a_step(table, qtbot):
    frame = run(racers=(*RACERS, DIVERGING))
    settle(qtbot, table, frame, 60)
    assert ("3 SGD", str(frame.diverged[3])) in rows(table, "Racer", "Diverged")
    settle(qtbot, table, frame, 1)
    assert rows(table, "Diverged") == [("-",)] * 4


@pytest.mark.parametrize("way", [Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder])
def test_sorting_is_by_number_and_what_is_none_comes_last(table, qtbot, way):
    frame = run(racers=(*RACERS, DIVERGING))
    settle(qtbot, table, frame, 60)
    table.table.sortByColumn(TITLES.index("f"), way)
    assert numbers(table, "f") == sorted(frame.losses[:, 60], reverse=way is Qt.SortOrder.DescendingOrder)
    table.table.sortByColumn(TITLES.index("Diverged"), way)
    assert [math.isnan(number) for number in numbers(table, "Diverged")] == [False, True, True, True]


def test_a_click_on_a_title_sorts(table, qtbot):
    settle(qtbot, table, frame := run(), 60)
    header = table.table.horizontalHeader()
    section = TITLES.index("f")
    place = header.rect().center()
    place.setX(header.sectionViewportPosition(section) + header.sectionSize(section) // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert numbers(table, "f") in (sorted(frame.losses[:, 60]), sorted(frame.losses[:, 60], reverse=True))
    settle(qtbot, table, frame, 0)
    assert table.order.sortColumn() == section


def test_all_rows_are_copied_with_every_digit(table, qtbot):
    settle(qtbot, table, frame := run(), 33)
    QTest.mouseClick(table.copy_button, Qt.MouseButton.LeftButton)
    lines = [line.split("\t") for line in QApplication.clipboard().text().split("\n")]
    assert lines[0] == TITLES
    assert [line[0] for line in lines[1:]] == ["1 SGD", "2 SGD 0.9", "5 Adam"]
    for place, line in enumerate(lines[1:]):
        assert (float(line[2]), float(line[3])) == tuple(frame.paths[place, 33])
        assert float(line[4]) == frame.losses[place, 33]


def test_selected_rows_are_copied_by_key_in_the_order_shown(table, qtbot):
    settle(qtbot, table, run(), 60)
    table.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    select = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in (1, 0):
        table.table.selectionModel().select(table.order.index(row, 0), select)
    table.table.setFocus()
    QTest.keyClick(table.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().split("\n")
    assert [line.split("\t")[0] for line in lines] == ["Racer", "5 Adam", "2 SGD 0.9"]


def test_it_is_written_at_most_ten_times_a_second(table, qtbot):
    frame, changes = run(), []
    settle(qtbot, table, frame, 0)
    table.model.dataChanged.connect(lambda *_: changes.append(1))
    for step in range(61):
        table.show_race(frame, shown(frame), step)
    assert len(changes) <= 1
    qtbot.waitUntil(lambda: numbers(table, "f") == frame.losses[:, 60].tolist(), timeout=2000)


def test_hidden_racers_are_muted(table, qtbot):
    settle(qtbot, table, run(), 5, 1)
    colours = [table.model.index(row, 1).data(Qt.ItemDataRole.ForegroundRole) for row in range(3)]
    assert [colour is None for colour in colours] == [True, False, True]
