"""The attack tab under a hand: what restarts, what is refused, and what stays on screen."""

import dataclasses

import numpy as np
import pytest

from optgui.gui.attack.network_choice import LIVE
from optgui.jobs.messages import JobState
from tests.gui.attack.attacked import Networks, attack, close, learned, make_tab, whole


@pytest.fixture
def tab(qtbot):
    made = make_tab(qtbot, Networks(learned()))
    yield made
    close(made)


@pytest.fixture
def attacked(qtbot, tab):
    attack(qtbot, tab)
    tab.starts = []
    tab.panel.started.connect(tab.starts.append)
    return tab


def edit(tab, path, *values):
    for value in values:
        tab.panel.form.change(path, value)


def at_rest(tab):
    return whole(tab) and not tab._warm


def other_set(snapshot):
    return dataclasses.replace(snapshot, id="run-9@1", dataset="fashion-mnist")


def label(tab):
    return int(tab.opponents.digits.test_labels[tab.victim.index])


def unlike(tab, wanted):
    """Index of a test digit of another class than the chosen one, or of the class `wanted`."""
    labels = tab.opponents.digits.test_labels
    return int(np.flatnonzero(labels != label(tab) if wanted is None else labels == wanted)[0])


# Before there is anything


def test_without_a_network_there_is_one_sentence_and_one_button(qtbot):
    pressed = []
    networks = Networks()
    tab = make_tab(qtbot, networks, lambda: pressed.append(True))
    assert tab.welcome.isVisible()
    assert not tab.pages.isVisible()
    assert not tab.curves.isVisible()
    tab.welcome.button.click()
    assert pressed == [True]
    networks.shelf.add(learned())
    assert not tab.welcome.isVisible()
    assert tab.pages.isVisible()
    assert tab.curves.isVisible()
    close(tab)


def test_start_without_a_network_offers_to_train_one(qtbot):
    tab = make_tab(qtbot, Networks())
    tab.panel.start()
    assert "no network to fool yet" in tab.panel.messages.sentence
    assert tab.panel.state is JobState.IDLE
    close(tab)


def test_before_the_first_attack_the_chosen_digit_is_shown(tab):
    tab.choose_digit(3)
    names = tab.opponents.names
    assert tab.film.pictures.original.accessibleDescription() == f"true class: {names[label(tab)]}"
    assert tab.panel.state is JobState.IDLE


# Live edits


def test_a_dragged_epsilon_attacks_at_once_and_says_that_it_is_a_preview(qtbot, attacked):
    edit(attacked, "epsilon", 2.5)
    qtbot.waitUntil(lambda: attacked.panel.run_config.epsilon == 2.5 and whole(attacked))
    iterations = attacked.numbers.facts.findChild(object, "attack.facts.Iteration")
    assert iterations.text().endswith("preview")
    assert attacked.film.reel.last > 40  # it went on from the last result
    assert attacked.starts == []


def test_when_the_hand_rests_one_cold_attack_replaces_the_preview(qtbot, attacked):
    edit(attacked, "epsilon", 2.2, 2.4, 2.6)
    attacked.panel.form.settle("epsilon")
    qtbot.waitUntil(lambda: len(attacked.starts) == 1 and at_rest(attacked), timeout=5000)
    assert attacked.starts[0].epsilon == 2.6
    assert attacked.film.reel.film.iterations.tolist() == list(range(41))
    warm = attacked.film.reel.film.perturbations[-1].copy()
    attacked.panel.start()
    qtbot.waitUntil(lambda: len(attacked.starts) == 2 and at_rest(attacked), timeout=5000)
    np.testing.assert_array_equal(attacked.film.reel.film.perturbations[-1], warm)


def test_a_gesture_that_ends_before_the_attack_has_answered_is_replaced_too(qtbot, attacked):
    attacked.panel.form.change("epsilon", 2.6, final=True)
    qtbot.waitUntil(lambda: len(attacked.starts) == 1 and at_rest(attacked), timeout=5000)
    assert attacked.starts[0].epsilon == 2.6


def test_a_hand_that_comes_back_to_where_it_was_leaves_no_preview_behind(qtbot, attacked):
    before = attacked.film.reel.film.perturbations[-1].copy()
    edit(attacked, "epsilon", 3.0, 2.0)
    attacked.panel.form.settle("epsilon")
    qtbot.waitUntil(lambda: len(attacked.starts) == 1 and at_rest(attacked), timeout=5000)
    np.testing.assert_array_equal(attacked.film.reel.film.perturbations[-1], before)


def test_a_hand_that_changed_nothing_starts_nothing(qtbot, attacked):
    attacked.panel.form.settle("epsilon")
    edit(attacked, "epsilon", 2.0)
    attacked.panel.form.settle("epsilon")
    with qtbot.waitSignal(attacked.panel.controller.answered):  # behind whatever was sent before
        attacked.fetching.ask(40)
    assert attacked.starts == []


def test_undo_and_redo_attack_once_each(qtbot, attacked):
    attacked.panel.form.change("epsilon", 2.6, final=True)
    qtbot.waitUntil(lambda: len(attacked.starts) == 1 and at_rest(attacked), timeout=5000)
    attacked.panel.edits.undo()
    qtbot.waitUntil(lambda: len(attacked.starts) == 2 and at_rest(attacked), timeout=5000)
    attacked.panel.edits.redo()
    qtbot.waitUntil(lambda: len(attacked.starts) == 3 and at_rest(attacked), timeout=5000)
    assert [config.epsilon for config in attacked.starts] == [2.6, 2.0, 2.6]


def test_an_edit_the_attack_cannot_take_begins_it_anew_once(qtbot, attacked):
    attacked.panel.form.change("restarts", 3, final=True)
    qtbot.waitUntil(lambda: len(attacked.starts) == 1 and at_rest(attacked), timeout=5000)
    assert attacked.film.reel.last == 120


def test_edits_keep_the_network_and_start_takes_the_newest(qtbot, attacked):
    shelf = attacked.network.shelf
    shelf.add(dataclasses.replace(learned(seed=1), id="run-2@32"))
    assert "run-2@32" in attacked.numbers.newer.text()
    assert attacked.numbers.newer.isVisible()
    attacked.panel.form.change("epsilon", 2.6, final=True)
    qtbot.waitUntil(lambda: len(attacked.starts) == 1 and at_rest(attacked), timeout=5000)
    attacked.choose_digit(5)
    qtbot.waitUntil(lambda: len(attacked.starts) == 2 and at_rest(attacked), timeout=5000)
    assert attacked.summary()["network"] == learned().id
    attack(qtbot, attacked)
    qtbot.waitUntil(lambda: attacked.summary()["network"] == "run-2@32" and at_rest(attacked))
    assert not attacked.numbers.newer.isVisible()


# Target


def test_who_asks_for_a_target_never_gets_the_digits_own_class(qtbot, attacked):
    attacked.choose_digit(unlike(attacked, 0))
    qtbot.waitUntil(lambda: at_rest(attacked), timeout=5000)
    assert attacked._config.target == 0
    attacked.panel.form.change("goal", "targeted", final=True)
    qtbot.waitUntil(lambda: attacked.panel.run_config.goal == "targeted" and at_rest(attacked), timeout=5000)
    assert attacked._config.target == attacked.panel.run_config.target != 0
    assert attacked.panel.messages.sentence == ""


def test_the_digits_own_class_as_a_target_is_refused_and_snaps_back(qtbot, attacked):
    own = label(attacked)
    attacked._take({"goal": "targeted", "target": (own + 1) % 10})
    qtbot.waitUntil(lambda: len(attacked.starts) == 1 and at_rest(attacked), timeout=5000)
    edit(attacked, "target", own)
    qtbot.waitUntil(lambda: "own" in attacked.panel.messages.sentence)
    assert attacked._config.target == (own + 1) % 10


def test_a_digit_of_the_targets_class_is_refused_and_the_earlier_one_stays(qtbot, attacked):
    target = (label(attacked) + 1) % 10
    attacked._take({"goal": "targeted", "target": target})
    qtbot.waitUntil(lambda: len(attacked.starts) == 1 and at_rest(attacked), timeout=5000)
    before, verdict = attacked.victim.index, attacked.film.pictures.verdict.text()
    attacked.choose_digit(unlike(attacked, target))
    assert attacked.panel.messages.sentence.startswith("target: expected a class other than the digit's own")
    assert attacked.victim.index == before
    assert attacked.film.pictures.verdict.text() == verdict
    assert len(attacked.starts) == 1


# Who is attacked


def test_another_network_is_attacked_at_once(qtbot, attacked):
    attacked.network.shelf.add(dataclasses.replace(learned(seed=1), id="run-2@32"))
    attacked.network.select("run-2@32")
    attacked.network.chosen.emit("run-2@32")
    qtbot.waitUntil(lambda: attacked.summary()["network"] == "run-2@32" and at_rest(attacked))
    assert len(attacked.starts) == 1


def test_a_network_of_another_data_set_is_refused_and_the_results_stay(qtbot, attacked):
    attacked.network.shelf.pin(other_set(learned()))
    before = attacked.summary()
    attacked.network.select("run-9@1")
    attacked.network.chosen.emit("run-9@1")
    assert attacked.panel.messages.sentence.startswith("network: expected one trained on")
    assert attacked.network.selected == LIVE
    assert attacked.starts == []
    assert attacked.summary() == before


def test_a_network_that_cannot_be_attacked_leaves_the_earlier_results(qtbot, attacked):
    arrays = {name: np.full_like(array, np.nan) for name, array in learned().arrays.items()}
    attacked.network.shelf.pin(dataclasses.replace(learned(), id="broken@1", arrays=arrays))
    verdict, count = attacked.film.pictures.verdict.text(), len(attacked.film.reel)
    attacked.network.select("broken@1")
    attacked.network.chosen.emit("broken@1")
    qtbot.waitUntil(lambda: attacked.panel.state is JobState.FAILED)
    assert "expected finite logits" in attacked.panel.messages.sentence
    assert (attacked.film.pictures.verdict.text(), len(attacked.film.reel)) == (verdict, count)
    attacked.network.select(LIVE)
    attacked.network.chosen.emit(LIVE)
    qtbot.waitUntil(lambda: at_rest(attacked), timeout=5000)
    assert attacked.panel.messages.sentence == ""


def test_a_drawing_is_attacked_at_once(qtbot, attacked):
    image = np.zeros((28, 28), np.float32)
    image[4:24, 13:16] = 0.9
    attacked.victim.select(-1)
    attacked.victim.picture_given.emit(image, 1, "your drawing")
    qtbot.waitUntil(lambda: len(attacked.starts) == 1 and at_rest(attacked), timeout=5000)
    np.testing.assert_array_equal(attacked._inputs.images[0, 0], image)
    attacked.choose_digit(2)
    qtbot.waitUntil(lambda: len(attacked.starts) == 2 and at_rest(attacked), timeout=5000)
    expected = attacked.opponents.digits.test_images[2] / np.float32(255)
    np.testing.assert_array_equal(attacked._inputs.images[0, 0], expected)


def test_rapid_choices_end_with_the_film_of_the_last_digit_alone(qtbot, attacked):
    for index in range(12):
        attacked.choose_digit(index)
        if index % 3 == 0:
            with qtbot.waitSignal(attacked.panel.controller.progressed):
                pass
    qtbot.waitUntil(lambda: at_rest(attacked) and attacked.film.reel.last == 40, timeout=5000)
    result = attacked._frame.perturbation[0, 0]
    np.testing.assert_allclose(attacked.film.reel.film.perturbations[-1], result, atol=1e-5)
    assert attacked.victim.index == 11
    np.testing.assert_array_equal(attacked._frame.original[0], attacked._inputs.images[0])


# How it goes


def test_one_step_at_a_time_shows_each_picture(qtbot, tab):
    for step in (1, 2, 3):
        tab.panel.step()
        qtbot.waitUntil(lambda step=step: tab.film.iteration == step, timeout=5000)
    assert tab.panel.state is JobState.PAUSED


def test_a_stopped_attack_keeps_its_film(qtbot, tab):
    tab._take({"steps": 1_000_000})
    tab.panel.start()
    qtbot.waitUntil(lambda: tab.film.reel.last > 50, timeout=5000)
    tab.panel.stop()
    qtbot.waitUntil(lambda: whole(tab))
    assert tab.film.playback.total == tab.film.reel.last == tab._frame.step


def test_a_paused_attack_that_is_edited_waits_at_its_start(qtbot, tab):
    tab._take({"steps": 1_000_000})
    tab.panel.start()
    qtbot.waitUntil(lambda: tab.film.reel.last > 50, timeout=5000)
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.panel.state is JobState.PAUSED)
    tab.panel.form.change("epsilon", 2.6, final=True)
    qtbot.waitUntil(lambda: tab.panel.state is JobState.PAUSED and tab.film.reel.last == 0, timeout=5000)
    assert tab._cold.epsilon == 2.6


def test_epsilon_zero_changes_nothing_and_is_said(qtbot, tab):
    tab._take({"epsilon": 0.0})
    attack(qtbot, tab)
    assert not tab.film.reel.film.perturbations.any()
    assert "With ε = 0 nothing may change." in tab.film.pictures.verdict.text()
    assert tab.numbers.flag.text() == "With ε = 0 nothing may change."


def test_several_restarts_end_at_the_best_of_them(qtbot, tab):
    tab._take({"restarts": 3})
    attack(qtbot, tab)
    result = tab._frame.perturbation[0, 0]
    shown = tab.film.reel.film.perturbations[tab.film.reel.place(tab.film.iteration)]
    np.testing.assert_allclose(shown, result, atol=1e-5)


@pytest.mark.parametrize("method", ["DeepFool", "DDN", "FMN", "CarliniWagner"])
def test_a_method_without_a_ball_says_so_at_epsilon_and_reads_the_smallest(qtbot, tab, method):
    values = {"method": {"name": method}}
    tab._take(values)
    assert "Has no effect" in tab.panel.form._body._rows["epsilon"].note
    attack(qtbot, tab)
    assert "The smallest change found has size" in tab.film.pictures.verdict.text()
    assert tab.numbers.facts.findChild(object, "attack.facts.Perturbation").text().endswith("smallest")
    assert not tab.numbers.equivalents.isVisible()
    assert "epsilon" not in tab.curves.change.summary()
    tab.choose_preset("PGD")
    assert tab.panel.form._body._rows["epsilon"].note == ""


def test_a_method_without_a_gradient_has_no_curve_of_it(qtbot, tab):
    tab._take({"method": {"name": "Square"}})
    attack(qtbot, tab)
    assert tab.curves.gradient.summary() == {}
    assert "no gradient" in tab.curves.gradient.hint


def test_a_click_on_a_curve_goes_there_in_the_film(qtbot, attacked):
    attacked.curves.clicked.emit(17)
    assert attacked.film.iteration == 17
    assert attacked.loss.head == 17
