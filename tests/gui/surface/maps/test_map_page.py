"""What all map pages share: when a map is computed, and when not."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QColor
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QWidget

from optgui.core.surface import DescentConfig
from optgui.gui import theme
from optgui.gui.surface.maps.basins_page import BasinsPage
from optgui.gui.surface.maps.rate_map_page import RateMapPage
from optgui.gui.surface.maps.sweep_page import SweepPage
from optgui.gui.surface.maps.tuner_page import TunerPage
from optgui.jobs.messages import JobState


def race(lr=0.01, surface="Himmelblau", **rest):
    racers = [{"id": 3, "optimizer": {"name": "SGD", "lr": lr}}]
    return DescentConfig.parse({"surface": {"name": surface}, "racers": racers, "steps": 50, **rest})


def begun(page):
    """Remembers which configs are sent to the job."""
    sent, start = [], page.controller.start
    page.controller.start = lambda subject, config: (sent.append((subject, config)), start(subject, config))
    return sent


def test_nothing_is_computed_for_a_page_that_is_not_wanted(make):
    page = make(SweepPage)
    sent = begun(page)
    page.show_race(race(), ((-5, 5), (-5, 5)), 3, wanted=False)
    assert not sent


def test_a_finished_map_is_kept_while_the_page_is_hidden(show):
    page = show(SweepPage, race(), 3)
    sent = begun(page)
    page.show_race(race(), ((-5, 5), (-5, 5)), 3, wanted=False)
    page.show_race(race(), ((-5, 5), (-5, 5)), 3, wanted=True)
    assert not sent


def test_a_map_that_is_not_finished_is_cancelled_when_hidden_and_begins_anew(qtbot, make):
    page = make(BasinsPage)
    page.side.choose("400")
    long = race(lr=1e-6, steps=100_000)
    domain = long.surface.entry.domain
    page.show_race(long, domain, 3, wanted=True)
    qtbot.waitUntil(lambda: page.controller.state is JobState.RUNNING)
    page.show_race(long, domain, 3, wanted=False)
    qtbot.waitUntil(lambda: page.controller.state is JobState.STOPPED)
    assert page.progress.isHidden()
    sent = begun(page)
    page.show_race(long, domain, 3, wanted=True)
    assert [subject for subject, _ in sent] == ["basins"]


def test_the_newest_of_many_edits_wins(qtbot, show):
    page = show(BasinsPage, race(0.001), 3)
    sent = begun(page)
    for lr in (0.002, 0.003, 0.004, 0.005):
        page.show_race(race(lr), race().surface.entry.domain, 3, wanted=True)
    qtbot.waitUntil(lambda: page.frame.config.racer.optimizer.lr == 0.005, timeout=20_000)
    assert len(sent) < 4
    assert sent[-1][1].racer.optimizer.lr == 0.005


def test_the_last_picture_stays_until_the_new_one_has_something_to_show(qtbot, show):
    page = show(BasinsPage, race(0.001), 3)
    before = page.frame
    page.show_race(race(0.002), race().surface.entry.domain, 3, wanted=True)
    assert page.frame is before
    qtbot.waitUntil(lambda: page.frame is not before, timeout=20_000)
    assert page.frame.level > 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [(BasinsPage, "select another racer"), (SweepPage, "show another one"), (TunerPage, "show another one")],
)
def test_an_optimizer_that_moves_one_point_at_a_time_is_refused_in_words(make, kind, words):
    page = make(kind)
    sent = begun(page)
    slow = DescentConfig.parse({"racers": [{"id": 3, "optimizer": {"name": "LBFGS"}}]})
    page.show_race(slow, slow.surface.entry.domain, 3, wanted=True)
    if kind is TunerPage:
        page.tune_button.click()
    assert words in page.words.text()
    assert not sent


@pytest.mark.parametrize("kind", [BasinsPage, SweepPage, RateMapPage, TunerPage])
def test_every_control_has_a_name_and_every_page_follows_the_theme(qapp, make, kind):
    page = make(kind)
    kinds = (QAbstractButton, QAbstractSpinBox, QComboBox)
    controls = [widget for widget in page.findChildren(QWidget) if isinstance(widget, kinds)]
    for widget in controls:
        if widget.objectName().startswith("qt_"):
            continue
        assert widget.objectName().startswith(f"surface.{kind.subject}.")
        assert QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    for look, colours in (("dark", theme.DARK), ("light", theme.LIGHT)):
        theme.apply(qapp, look)
        if kind is not TunerPage:
            assert page.plot.backgroundBrush().color() == QColor(colours.plot)


def test_closing_while_it_runs_leaves_no_thread(qtbot, make):
    page = make(BasinsPage)
    page.side.choose("400")
    long = race(lr=1e-6, steps=100_000)
    page.show_race(long, long.surface.entry.domain, 3, wanted=True)
    qtbot.waitUntil(lambda: page.controller.state is JobState.RUNNING)
    page.close()
    page.controller.quit()
    assert page.controller.wait(10_000)
