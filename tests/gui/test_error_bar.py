"""The bar of messages lies over a tab and moves nothing."""

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from optgui.gui.error_bar import ErrorBar


@pytest.fixture
def tab(qtbot):
    tab = QWidget()
    layout = QVBoxLayout(tab)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    tab.bar, tab.below = ErrorBar("test"), QLabel("below")
    layout.addWidget(tab.bar)
    layout.addWidget(tab.below, 1)
    qtbot.addWidget(tab)
    tab.resize(400, 300)
    tab.show()
    return tab


def test_a_message_moves_nothing_below(tab):
    before = tab.below.geometry()
    tab.bar.say("What is wrong, in one sentence.")
    QApplication.processEvents()
    assert tab.below.geometry() == before
    assert tab.bar.height() >= tab.bar.fontMetrics().height()
    assert tab.childAt(5, tab.bar.height() // 2) is tab.bar


def test_it_is_as_high_as_its_words(tab):
    tab.bar.say("Short.")
    QApplication.processEvents()
    low = tab.bar.height()
    tab.bar.say("Long words. " * 40, "details")
    QApplication.processEvents()
    high = tab.bar.height()
    assert high > 2 * low
    tab.bar._more.click()
    QApplication.processEvents()
    assert tab.bar.height() > high
    tab.bar.say("Short.")
    QApplication.processEvents()
    assert tab.bar.height() == low
