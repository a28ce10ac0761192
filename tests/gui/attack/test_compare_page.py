"""Two networks under one attack: who runs when, and whose results land where."""

import dataclasses

import numpy as np
import pytest

from optgui.jobs.messages import JobState
from tests.gui.attack.attacked import Networks, attack, close, learned, make_tab, whole


@pytest.fixture
def tab(qtbot):
    networks = Networks(dataclasses.replace(learned((8,), seed=1), id="small@32"), learned())
    made = make_tab(qtbot, networks)
    yield made
    close(made)


@pytest.fixture
def page(qtbot, tab):
    """The page on screen after the tab's first attack."""
    attack(qtbot, tab)
    tab.pages.turn_to(tab.compare)
    return tab.compare


def choose(page, identity):
    page.choice.select(identity)
    page.choice.chosen.emit(identity)


def both_whole(page, last=40):
    return page.controller.state is JobState.FINISHED and all(
        side.reel.last == last for side in page.sides.values()
    )


def test_an_empty_side_says_what_to_do(page):
    assert "Choose a second network" in page.sides["second"].adversarial._hint
    assert page.sides["first"].title.text().startswith("run-0@32: MLP 16")
    assert page.sides["first"].reel.last == 40


def test_the_same_attack_runs_on_the_second_network(qtbot, page):
    choose(page, "small@32")
    qtbot.waitUntil(lambda: both_whole(page), timeout=5000)
    assert page.sides["second"].title.text().startswith("small@32: MLP 8")
    assert set(page.loss.summary()) == {"first", "second"}
    one, other = (side.reel.film.perturbations[-1] for side in page.sides.values())
    assert not np.array_equal(one, other)
    starts = [side.reel.film.perturbations[0] for side in page.sides.values()]
    np.testing.assert_array_equal(*starts)  # one seed, one start


def test_one_head_moves_both(qtbot, page):
    choose(page, "small@32")
    qtbot.waitUntil(lambda: both_whole(page), timeout=5000)
    page.playback.go(13)
    norms = [f"{side.reel.film.norms[13]:.4g}" for side in page.sides.values()]
    captions = [side.perturbation.accessibleDescription() for side in page.sides.values()]
    assert all(norm in caption for norm, caption in zip(norms, captions, strict=True))
    assert page.loss.head == 13


def test_the_same_network_twice_is_attacked_alike(qtbot, page):
    choose(page, "run-0@32")
    qtbot.waitUntil(lambda: both_whole(page), timeout=5000)
    one, other = (side.reel.film.perturbations for side in page.sides.values())
    np.testing.assert_array_equal(one, other)


def test_another_attack_takes_what_the_second_had_away(qtbot, tab, page):
    choose(page, "small@32")
    qtbot.waitUntil(lambda: both_whole(page), timeout=5000)
    tab.pages.turn_to(tab.film)
    tab.choose_digit(4)
    qtbot.waitUntil(lambda: whole(tab) and tab.film.reel.last == 40, timeout=5000)
    assert page.sides["second"].reel.last == -1
    assert "second" not in page.loss.summary()
    tab.pages.turn_to(page)
    qtbot.waitUntil(lambda: both_whole(page), timeout=5000)
    np.testing.assert_array_equal(page._attack[1].images, tab._inputs.images)


def test_a_page_that_is_left_lets_the_second_wait(qtbot, tab, page):
    tab._take({"steps": 1_000_000})
    choose(page, "small@32")
    qtbot.waitUntil(lambda: page.sides["second"].reel.last > 20, timeout=5000)
    tab.pages.turn_to(tab.film)
    qtbot.waitUntil(lambda: page.controller.state is JobState.PAUSED, timeout=5000)
    tab.pages.turn_to(page)
    qtbot.waitUntil(lambda: page.controller.state is JobState.RUNNING, timeout=5000)


def test_a_live_edit_acts_on_both_and_the_cold_attack_too(qtbot, tab, page):
    choose(page, "small@32")
    qtbot.waitUntil(lambda: both_whole(page), timeout=5000)
    tab.panel.form.change("epsilon", 3.0)
    qtbot.waitUntil(lambda: both_whole(page, last=80), timeout=5000)
    assert page.sides["second"].reel.film.norms[-1] > 2.5
    tab.panel.form.settle("epsilon")
    qtbot.waitUntil(lambda: both_whole(page), timeout=5000)


def test_a_network_of_another_data_set_is_refused(qtbot, tab, page):
    heard = []
    page.said.connect(heard.append)
    page.shelf.pin(dataclasses.replace(learned(), id="clothes@1", dataset="fashion-mnist"))
    choose(page, "clothes@1")
    assert heard[0].startswith("second network: expected one trained on")
    assert "clothes@1, trained on Fashion-MNIST" in heard[0]
    assert page.controller.state is JobState.IDLE


def test_several_restarts_end_at_the_best_on_both_sides(qtbot, tab, page):
    tab._take({"restarts": 3, "method": "PGD", "epsilon": 1.0})
    choose(page, "small@32")
    qtbot.waitUntil(lambda: whole(tab) and both_whole(page, last=120), timeout=8000)
    side = page.sides["second"]
    qtbot.waitUntil(lambda: side._shown == side.reel.find(side._result), timeout=2000)
