"""All test digits: filters, order, keyboard, and that only what is in view is painted."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from optgui.gui.attack.victim.digit_filter import parse_range
from optgui.gui.attack.victim.digit_grid import NO_CONFIDENCE, NOT_JUDGED, DigitGrid

COUNT = 10_000


@pytest.fixture(scope="module")
def digits():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)
    labels = random.integers(0, 10, COUNT)
    predictions = np.where(random.random(COUNT) < 0.1, (labels + 1) % 10, labels)
    return images, labels, predictions, random.random(COUNT)


@pytest.fixture
def grid(qtbot, digits):
    made = DigitGrid()
    qtbot.addWidget(made)
    made.resize(620, 400)
    made.show()
    made.show_digits(digits[0], digits[1])
    return made


def choose(grid, name, words):
    box = grid.findChild(object, f"attack.digits.{name}")
    box.setCurrentIndex(box.findText(words))


def search(grid, text):
    grid.findChild(object, "attack.digits.search").setText(text)


def click(grid, place, button=Qt.MouseButton.LeftButton):
    QTest.mouseClick(grid.sheet.viewport(), button, pos=grid.sheet.square(place).center())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", (0, 9_999)),
        ("120", (120, 120)),
        (" 100-200 ", (100, 200)),
        ("100 – 200", (100, 200)),
        ("1,200-20,000", (1_200, 9_999)),
    ],
)
def test_an_index_or_a_range_is_understood(text, wanted):
    assert parse_range(text, COUNT) == wanted


@pytest.mark.parametrize("text", ["abc", "-5", "1.5", "200-100", "10000", "1-2-3"])
def test_what_is_neither_is_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match="Expected an index from 0 to 9,999 or a range like 100-200"):
        parse_range(text, COUNT)


def test_an_empty_grid_says_what_to_do(qtbot):
    grid = DigitGrid()
    qtbot.addWidget(grid)
    assert grid.hint.startswith("Press Start")
    assert grid.count.text() == ""
    grid.set_hint("Wait.")
    assert grid.sheet.accessibleDescription() == "Wait."


def test_all_digits_are_shown_at_first(grid):
    assert np.array_equal(grid.places, np.arange(COUNT))
    assert grid.count.text() == "10,000 of 10,000"
    assert not grid.is_filtered


def test_class_search_and_reading_go_together(grid, digits):
    _, labels, predictions, confidences = digits
    grid.show_judgement(predictions, confidences)
    choose(grid, "class", "3")
    search(grid, "100-4999")
    choose(grid, "judged", "Misread")
    wanted = [i for i in range(100, 5_000) if labels[i] == 3 and predictions[i] != 3]
    assert list(grid.places) == wanted
    assert grid.count.text() == f"{len(wanted)} of 10,000"
    choose(grid, "judged", "Read right")
    assert list(grid.places) == [i for i in range(100, 5_000) if labels[i] == 3 == predictions[i]]


def test_the_order_by_confidence(grid, digits):
    _, _, predictions, confidences = digits
    grid.show_judgement(predictions, confidences)
    search(grid, "0-99")
    choose(grid, "order", "Least sure")
    assert list(grid.places) == sorted(range(100), key=lambda i: confidences[i])
    choose(grid, "order", "Most sure")
    assert list(grid.places) == sorted(range(100), key=lambda i: -confidences[i])


def test_what_waits_for_the_network_says_so(grid, digits):
    judged, order = (grid.findChild(object, f"attack.digits.{name}") for name in ("judged", "order"))
    assert (judged.isEnabled(), judged.toolTip()) == (False, NOT_JUDGED)
    assert (order.isEnabled(), order.toolTip()) == (False, NO_CONFIDENCE)
    grid.show_judgement(digits[2], None)
    assert judged.isEnabled()
    assert not order.isEnabled()
    choose(grid, "judged", "Misread")
    grid.show_judgement(None, None)
    assert not judged.isEnabled()
    assert len(grid.places) == COUNT


def test_an_empty_result_is_a_sentence(grid, digits):
    choose(grid, "class", "3")
    search(grid, str(int(np.flatnonzero(digits[1] != 3)[0])))
    assert grid.hint == "No test digit is like that: choose another class, or search for something else."
    assert grid.count.text() == "0 of 10,000"
    search(grid, "abc")
    assert grid.hint.endswith("got “abc”.")
    search(grid, "")
    choose(grid, "class", "All classes")
    assert grid.hint == ""


def test_a_click_chooses(grid, qtbot):
    search(grid, "500-599")
    with qtbot.waitSignal(grid.chosen) as chosen:
        click(grid, 3)
    assert chosen.args == [503]
    assert grid.sheet.selected == 503
    with qtbot.assertNotEmitted(grid.chosen):
        click(grid, 4, Qt.MouseButton.RightButton)


def test_arrows_move_and_return_chooses(grid, qtbot):
    sheet = grid.sheet
    columns = sum(sheet.square(place).top() == sheet.square(0).top() for place in range(40))
    with qtbot.assertNotEmitted(grid.chosen):
        for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Left):
            QTest.keyClick(sheet, key)
    assert sheet.current == columns
    assert "test digit" in sheet.accessibleDescription()
    with qtbot.waitSignal(grid.chosen) as chosen:
        QTest.keyClick(sheet, Qt.Key.Key_Return)
    assert chosen.args == [columns]
    QTest.keyClick(sheet, Qt.Key.Key_End)
    assert sheet.current == COUNT - 1
    assert sheet.viewport().rect().contains(sheet.square(COUNT - 1))
    QTest.keyClick(sheet, Qt.Key.Key_Home)
    assert sheet.current == 0
    QTest.keyClick(sheet, Qt.Key.Key_PageDown)
    assert sheet.current in sheet.visible_places()


def test_only_what_is_in_view_is_painted(grid, monkeypatch):
    painted = []
    paint = type(grid.sheet)._paint_digit
    monkeypatch.setattr(
        type(grid.sheet), "_paint_digit", lambda *args: (painted.append(args[-1]), paint(*args))
    )
    grid.select(7_000)
    grid.sheet.viewport().repaint()
    assert 7_000 in painted
    assert len(set(painted)) < 150
    painted.clear()
    grid.hide()
    grid.sheet.viewport().repaint()
    assert not painted


def test_every_digit_in_view_is_among_the_visible_places(grid):
    sheet = grid.sheet
    for value in (0, 37, 1_234, sheet.verticalScrollBar().maximum()):
        sheet.verticalScrollBar().setValue(value)
        view = sheet.viewport().rect()
        seen = {place for place in range(COUNT) if sheet.square(place).intersects(view)}
        assert seen <= set(sheet.visible_places())
        for place in list(seen)[:5]:
            assert sheet.place_at(sheet.square(place).center()) == place


def test_a_judgement_with_the_same_order_does_not_scroll(grid, digits):
    bar = grid.sheet.verticalScrollBar()
    bar.setValue(900)
    grid.show_judgement(digits[2], digits[3])
    assert bar.value() == 900


def test_hovering_tells_all_about_a_digit(grid, digits):
    _, labels, predictions, confidences = digits
    wrong = int(np.flatnonzero(predictions != labels)[0])
    grid.show_judgement(predictions, confidences)
    search(grid, str(wrong))
    viewport, at = grid.sheet.viewport(), grid.sheet.square(0).center()
    QApplication.sendEvent(viewport, QHelpEvent(QEvent.Type.ToolTip, at, viewport.mapToGlobal(at)))
    words = (
        f"test digit {wrong:,}: {labels[wrong]}, read as {predictions[wrong]}, {confidences[wrong]:.1%} sure"
    )
    assert QToolTip.text() == words.replace("%", " %")
    QToolTip.hideText()
    assert grid.is_right(wrong) is False
    assert grid.caption(wrong) == f"{labels[wrong]}→{predictions[wrong]}"


def test_other_class_names_are_offered(grid, digits):
    names = tuple(f"a long name {k}" for k in range(10))
    grid.show_judgement(digits[2], digits[3])
    grid.show_digits(digits[0], digits[1], names)
    choose(grid, "class", "a long name 4")
    assert (digits[1][grid.places] == 4).all()
    assert grid.is_right(0) is None
    grid.grab()


def test_there_is_no_digit_beside_the_rows(grid):
    assert grid.sheet.place_at(QPoint(grid.sheet.viewport().width() - 1, 20)) == -1
    search(grid, "5")
    assert grid.sheet.place_at(grid.sheet.square(1).center()) == -1
