"""The tuner as a person uses it."""

import math

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from optgui.core.surface import DescentConfig
from optgui.gui.surface.maps.tuner_page import CANCELLED, EARLIER, IDLE, TunerPage
from optgui.jobs.messages import JobState

RACERS = (
    {"id": 3, "optimizer": {"name": "SGD", "lr": 0.001}},
    {"id": 1, "optimizer": {"name": "Adam", "lr": 0.001}},
    {"id": 6, "optimizer": {"name": "LBFGS"}},
)


def race(**rest):
    data = {"surface": {"name": "Booth"}, "racers": RACERS, "steps": 80, **rest}
    return DescentConfig.parse(data)


def give(page, config, *, wanted=True):
    page.show_race(config, config.surface.entry.domain, 3, wanted=wanted)


@pytest.fixture
def page(make):
    page = make(TunerPage)
    page.boxes["seeds"].setValue(3)
    give(page, race())
    return page


@pytest.fixture
def tuned(page, show):
    page.tune_button.click()
    show.settle(page)
    return page


def test_nothing_is_computed_before_the_button_is_pressed(page):
    assert page.controller.state is JobState.IDLE
    assert page.words.text() == IDLE
    assert not page.take_button.isEnabled()


def test_the_budget_goes_into_the_config(page):
    for name, value in {"rates": 12, "low": 1e-3, "high": 0.5, "seeds": 5, "jitter": 0.25, "seed": 7}.items():
        page.boxes[name].setValue(value)
    page.draw_box.setCurrentIndex(1)
    config = page.config_for(race(), ((0, 1), (0, 1)), 3)
    assert (config.rates, config.low, config.high) == (12, 1e-3, 0.5)
    assert (config.seeds, config.jitter, config.seed, config.draw) == (5, 0.25, 7, "random")
    assert config.race == race()


def test_a_budget_that_is_refused_is_said_in_words(page):
    page.boxes["low"].setValue(2.0)
    page.tune_button.click()
    assert "low" in page.words.text()
    assert page.tune_button.text() == "Tune"


def test_the_table_holds_the_numbers_of_the_tuner(tuned):
    frame, order = tuned.frame, tuned.table.order
    assert order.rowCount() == 3
    for place in range(2):
        cells = [order.index(place, column).data() for column in range(6)]
        assert cells[0].startswith(("2 Adam", "4 SGD"))
        number = next(one for one in frame.rows if cells[0].startswith(f"{one.id + 1} "))
        assert float(cells[1]) == pytest.approx(number.lr, rel=1e-3)
        assert cells[5] == f"{100 * number.diverged / 3:.0f} %"
    last = [order.index(2, column).data() for column in range(6)]
    assert last[1:] == ["-"] * 5  # LBFGS is left out
    assert "LBFGS is left out" in tuned.words.text()


def test_the_table_sorts_and_copies(tuned):
    tuned.table.table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    medians = {row.id: row.median for row in tuned.frame.rows if not math.isnan(row.median)}
    best = min(medians, key=medians.get)
    assert tuned.table.order.index(0, 0).data().startswith(f"{best + 1} ")
    tuned.table.copy_button.click()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:3] == ["Racer", "Best lr", "Median"]
    assert float(lines[1].split("\t")[2]) == medians[best]


def test_take_best_rates_changes_every_racer_that_was_tuned(tuned, qtbot):
    with qtbot.waitSignal(tuned.taken) as taken:
        tuned.take_button.click()
    rows = {row.id: row for row in tuned.frame.rows}
    assert taken.args[0] == {
        "racers.0.optimizer.lr": float(f"{rows[3].lr:.4g}"),
        "racers.1.optimizer.lr": float(f"{rows[1].lr:.4g}"),
    }


def test_taking_the_rates_does_not_make_the_table_one_of_an_earlier_race(tuned):
    give(tuned, race().changed("racers.0.optimizer.lr", 0.05))
    assert tuned.take_button.isEnabled()
    assert EARLIER not in tuned.words.text()


def test_a_table_of_an_earlier_race_says_so_and_stays(tuned):
    give(tuned, race(steps=40))
    assert tuned.words.text() == EARLIER
    assert not tuned.take_button.isEnabled()
    assert tuned.table.order.rowCount() == 3
    give(tuned, race())
    assert tuned.take_button.isEnabled()


def test_it_can_be_tuned_again(tuned, show):
    before = tuned.frame
    tuned.tune_button.click()
    show.settle(tuned)
    assert tuned.frame is not before
    assert tuned.frame.rows[0] == before.rows[0]


@pytest.mark.parametrize("how", ["button", "hidden"])
def test_stop_keeps_what_there_is(page, qtbot, how):
    give(page, race(steps=20_000))
    page.boxes["seeds"].setValue(100)
    page.boxes["rates"].setValue(500)
    page.tune_button.click()
    assert page.tune_button.text() == "Stop"
    qtbot.waitUntil(lambda: page.controller.state is JobState.RUNNING)
    if how == "button":
        page.tune_button.click()
    else:
        give(page, race(steps=20_000), wanted=False)
    qtbot.waitUntil(lambda: page.controller.state is JobState.STOPPED)
    assert page.tune_button.text() == "Tune"
    assert page.progress.isHidden()


def test_leaving_while_it_tunes_says_that_it_was_cancelled(tuned, qtbot, show):
    long = race(steps=20_000)
    give(tuned, long)
    tuned.boxes["seeds"].setValue(100)
    tuned.tune_button.click()
    qtbot.waitUntil(lambda: tuned.controller.state is JobState.RUNNING)
    give(tuned, long, wanted=False)
    give(tuned, long)
    assert tuned.words.text() == CANCELLED
    give(tuned, race())
    tuned.boxes["seeds"].setValue(2)
    tuned.tune_button.click()
    show.settle(tuned)
    qtbot.waitUntil(lambda: tuned.current)
    assert "cancelled" not in tuned.words.text()
