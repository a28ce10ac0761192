"""The smallest epsilon on screen: when it is looked for, and what can be done with it."""

import dataclasses
import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from optgui.core.attack import NormConfig
from optgui.jobs.messages import JobState
from tests.gui.attack.attacked import Networks, attack, close, learned, make_tab, whole


@pytest.fixture
def tab(qtbot):
    made = make_tab(qtbot, Networks(learned()))
    made.started = []
    made.bounds.controller.state_changed.connect(
        lambda state: made.started.append(state) if state is JobState.PREPARING else None
    )
    yield made
    close(made)


@pytest.fixture
def page(qtbot, tab):
    """The search of the tab's first digit, ended."""
    attack(qtbot, tab)
    tab.pages.turn_to(tab.bounds)
    qtbot.waitUntil(lambda: tab.bounds.controller.state is JobState.FINISHED, timeout=20_000)
    return tab.bounds


def test_a_hidden_page_looks_for_nothing(qtbot, tab):
    attack(qtbot, tab)
    assert tab.started == []
    assert not tab.bounds.use.isEnabled()


def test_the_bound_and_both_searches_are_shown(page):
    frame = page._frame
    assert page.figure.value.text() == f"{float(frame.smallest[0]):.4g} px"
    assert math.isfinite(frame.smallest[0])
    words = page.ladder.words(0)
    assert "by bisection over PGD" in words
    assert "by the minimum-norm attack" in words


def test_what_is_still_looked_for_is_not_called_missing(page, monkeypatch):
    frame = dataclasses.replace(page._frame, pgd=np.full_like(page._frame.pgd, math.inf))
    page._show(frame)
    assert page.facts._values["bisection over PGD"].text() == "not found"
    monkeypatch.setattr(page.controller, "state", JobState.RUNNING)
    page._show(frame)
    assert page.facts._values["bisection over PGD"].text() == "not yet"


def test_another_epsilon_is_no_reason_to_look_again(qtbot, tab, page):
    tab.panel.form.change("epsilon", 1.0, final=True)
    qtbot.waitUntil(lambda: whole(tab) and not tab._warm and tab._cold.epsilon == 1.0, timeout=5000)
    assert len(tab.started) == 1
    assert page.figure.value.text() != "–"


def test_another_digit_and_another_norm_are(qtbot, tab, page):
    tab.choose_digit(4)
    qtbot.waitUntil(lambda: len(tab.started) == 2, timeout=5000)
    tab._take({"norm": "Linf", "epsilon": 0.1, "step_size": 0.01})
    qtbot.waitUntil(lambda: len(tab.started) == 3, timeout=5000)
    qtbot.waitUntil(lambda: page.figure.caption.text().startswith("in Linf"), timeout=20_000)


def test_a_page_that_is_left_waits_and_goes_on(qtbot, tab):
    attack(qtbot, tab)
    tab.pages.turn_to(tab.bounds)
    qtbot.waitUntil(lambda: tab.bounds.controller.state is JobState.RUNNING, timeout=5000)
    tab.pages.turn_to(tab.film)
    qtbot.waitUntil(lambda: tab.bounds.controller.state is not JobState.RUNNING, timeout=5000)
    tab.pages.turn_to(tab.bounds)
    qtbot.waitUntil(lambda: tab.bounds.controller.state is JobState.FINISHED, timeout=20_000)
    assert len(tab.started) == 1


def test_the_bound_is_taken_as_epsilon_and_fools(qtbot, tab, page):
    bound = float(page._frame.smallest[0])
    page.use.click()
    assert tab._config.epsilon == pytest.approx(1.001 * bound, rel=1e-4)
    qtbot.waitUntil(lambda: whole(tab) and not tab._warm, timeout=5000)


def test_a_norm_that_cannot_be_searched_offers_no_epsilon(qtbot, tab, page):
    page.begin(tab._inputs, NormConfig(name="Subspace"), tab.opponents.names)
    assert not page.use.isEnabled()
    assert "its ε is another" in page.use.toolTip()


def test_finer_steps_in_l1_still_measure_alike(qtbot, tab, page):
    page.begin(tab._inputs, NormConfig(name="L1"), tab.opponents.names)
    qtbot.waitUntil(lambda: page.use.isEnabled(), timeout=20_000)
    assert "its ε is another" not in page.use.toolTip()


def test_a_row_asks_for_its_class(qtbot, tab, page):
    nearest = int(page._frame.ranking[0])
    qtbot.mouseClick(page.ladder, Qt.MouseButton.LeftButton, pos=QPoint(60, 8))
    assert (tab._config.goal, tab._config.target) == ("targeted", nearest)
    page.ladder.setFocus()
    qtbot.keyClick(page.ladder, Qt.Key.Key_Down)
    qtbot.keyClick(page.ladder, Qt.Key.Key_Return)
    assert tab._config.target == int(page._frame.ranking[1])


def test_a_digit_that_is_misread_has_a_bound_of_nothing(qtbot, tab):
    image, label = tab.opponents.chosen
    tab.victim.picture_given.emit(image, (label + 1) % 10, "your drawing")
    tab.pages.turn_to(tab.bounds)
    qtbot.waitUntil(lambda: tab.bounds.controller.state is JobState.FINISHED, timeout=20_000)
    assert "without any change" in tab.bounds.figure.caption.text()
    assert not tab.bounds.use.isEnabled()


def test_a_failed_search_is_said(qtbot, tab):
    heard = []
    tab.bounds.said.connect(heard.append)
    attack(qtbot, tab)
    arrays = {name: array * float("nan") for name, array in learned().arrays.items()}
    broken = dataclasses.replace(tab._inputs, snapshot=dataclasses.replace(learned(), id="b", arrays=arrays))
    tab.pages.turn_to(tab.bounds)
    tab.bounds.begin(broken, NormConfig(name="L2"), tab.opponents.names)
    qtbot.waitUntil(lambda: len(heard) == 1, timeout=5000)
    assert "finite logits" in heard[0]
