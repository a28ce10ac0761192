"""Pages on screen, with a job each that ends with the test."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from optgui.jobs.controller import PaintBudget


@pytest.fixture
def make(qtbot):
    """A page on screen that has no race yet."""
    pages = []

    def make(kind):
        page = kind(PaintBudget())
        qtbot.addWidget(page)
        page.resize(900, 500)
        page.show()
        pages.append(page)
        return page

    yield make
    for page in pages:
        page.controller.quit()
    assert all(page.controller.wait(10_000) for page in pages)


@pytest.fixture
def show(qtbot, make):
    """A page with the finished map of a race."""

    def show(kind, race, racer=0):
        page = make(kind)
        page.show_race(race, race.surface.entry.domain, racer, wanted=True)
        settle(qtbot, page)
        return page

    def settle(qtbot, page):
        qtbot.waitUntil(lambda: page.finished and page.frame is not None, timeout=20_000)

    show.settle = lambda page: settle(qtbot, page)
    return show


@pytest.fixture
def click():
    """A click at data coordinates of a plot."""

    def click(plot, x, y):
        plot.grab()  # axes find their width when they are painted
        at = plot.mapFromScene(plot.view.mapViewToScene(QPointF(x, y)))
        QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=at)

    return click
