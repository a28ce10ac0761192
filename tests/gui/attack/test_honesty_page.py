"""The page that checks an attack: its button, its rows, and what it says of an earlier attack."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtWidgets import QPushButton

from optgui.core.attack import AttackConfig
from optgui.core.attack.honesty import HonestyFrame, checks
from optgui.gui import theme
from optgui.gui.attack.honesty.flags import NOTHING, SO_FAR
from optgui.gui.attack.honesty.page import HonestyPage
from optgui.gui.attack.honesty.table import CHANGE, DETAIL, NAME, ROBUST
from optgui.gui.networks import NetworkShelf
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState
from tests.core.attack.honesty.samples import EPSILON, IMAGES, LABELS, MASKED, OTHER, PLAIN

ATTACK = AttackConfig.parse({"epsilon": EPSILON, "step_size": 0.1, "steps": 20, "loss": "Margin"})
BLIND = ATTACK.changed("loss", "CrossEntropy")


@pytest.fixture
def page(qtbot, monkeypatch):
    monkeypatch.setattr(checks, "QUERIES", 100)
    shelf = NetworkShelf()
    shelf.add(OTHER)
    shelf.add(PLAIN)
    made = HonestyPage(PaintBudget(), shelf)
    qtbot.addWidget(made)
    made.resize(720, 560)
    made.show()
    yield made
    made.controller.quit()
    assert made.controller.wait(5_000)


def show(page, attack=ATTACK, network=PLAIN):
    page.show_attack(attack, network, IMAGES, LABELS)


def press(page, name):
    page.findChild(QPushButton, f"attack.honesty.{name}").click()


def checked(qtbot, page):
    with qtbot.waitSignal(
        page.controller.state_changed, timeout=20_000, check_params_cb=lambda s: s is JobState.FINISHED
    ):
        press(page, "check")


def column(page, place):
    return [page.table.item(row, place).text() for row in range(page.table.rowCount())]


def test_before_any_attack_the_button_says_what_it_waits_for(page):
    assert not page.check.isEnabled()
    assert page.check.toolTip().startswith("Attack a digit first")
    assert not page.stop.isEnabled()
    assert page.table.isHidden()


def test_an_attack_shows_what_would_be_tried_and_tries_nothing(page):
    show(page)
    assert page.check.isEnabled()
    assert column(page, NAME)[0] == "The attack as set"
    assert column(page, NAME)[-1] == "Strongest of all"
    assert set(column(page, ROBUST)) == {"waiting", "not possible"}
    assert "Choose another network to try this" in column(page, DETAIL)
    assert page.subject.text().endswith("L2 ε = 0.4, on plain.")
    assert page.controller.state is JobState.IDLE


def test_a_check_ends_with_the_strongest_number_above_and_below(page, qtbot):
    show(page)
    page.choice.select("other")
    checked(qtbot, page)
    frame = page.frame
    assert isinstance(frame, HonestyFrame)
    assert frame.complete
    number = f"{100 * frame.strongest.robust:.1f} %"
    assert page.figure.value.text() == number
    assert column(page, ROBUST)[-1].startswith(number)
    assert "at L2 ε = 0.4" in page.figure.caption.text()
    assert "30 digits" in page.figure.caption.text()
    assert page.flags.sentences == (NOTHING,)
    transfer = column(page, NAME).index("From another network")
    assert column(page, ROBUST)[transfer].endswith(" %")
    assert column(page, CHANGE)[transfer].startswith("+")
    assert column(page, CHANGE)[0] == ""
    assert page.stale.isHidden()


def test_a_masked_network_is_warned_of_with_what_to_do(page, qtbot):
    show(page, BLIND, MASKED)
    checked(qtbot, page)
    said = page.flags.sentences
    assert len(said) == 2 * len(page.frame.flags) >= 8
    assert any(sentence.startswith("The attack as set is too weak") for sentence in said)
    assert any("vanishes" in sentence for sentence in said)
    assert NOTHING not in said
    margin = column(page, NAME).index("Margin loss")
    assert column(page, CHANGE)[margin].startswith("−")


def test_numbers_of_an_earlier_attack_are_marked_until_the_next_check(page, qtbot):
    show(page)
    checked(qtbot, page)
    show(page, ATTACK.changed("epsilon", 0.2))
    assert (
        page.stale.text() == "Of an earlier attack: PGD, margin of logits, 20 steps at L2 ε = 0.4, on plain."
    )
    assert not page.stale.isHidden()
    show(page, ATTACK)
    assert page.stale.isHidden()
    show(page, ATTACK, dataclasses.replace(PLAIN, id="later"))
    assert not page.stale.isHidden()
    checked(qtbot, page)
    assert page.stale.isHidden()
    assert page.frame.network_id == "later"


def test_stop_keeps_what_was_found(page, qtbot):
    show(page, BLIND.changed("steps", 2_000), MASKED)
    press(page, "check")
    qtbot.waitUntil(lambda: page.frame is not None and page.frame.strongest.digits > 0, timeout=20_000)
    press(page, "stop")
    qtbot.waitUntil(lambda: page.controller.state is JobState.STOPPED, timeout=20_000)
    assert column(page, ROBUST)[0].startswith("100.0 %")
    assert column(page, ROBUST)[-2] == "not tried"
    assert page.figure.value.text().endswith(" %")
    assert page.figure.caption.text().startswith("so far, at L2")
    assert page.flags.sentences[-1].startswith("Stopped before every check was made")
    assert not page.stop.isEnabled()
    assert page.progress.isHidden()


def test_a_check_that_cannot_begin_says_why(page, qtbot):
    broken = {key: value * np.nan for key, value in PLAIN.arrays.items()}
    show(page, network=dataclasses.replace(PLAIN, arrays=broken))
    with qtbot.waitSignal(page.said, timeout=20_000) as said:
        press(page, "check")
    assert "expected finite logits" in said.args[0]
    assert column(page, ROBUST)[0] == "waiting"
    assert SO_FAR not in page.flags.sentences


def test_no_more_digits_are_asked_for_than_there_are(page):
    show(page)
    assert page.digits.maximum() == len(IMAGES)
    assert page.config.digits == len(IMAGES)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_it_is_drawn_in_both_looks(page, qtbot, qapp, look):
    theme.apply(qapp, look)
    show(page, BLIND, MASKED)
    checked(qtbot, page)
    image = page.grab().toImage()
    wanted = theme.colours(page)
    theme.apply(qapp, "light")
    colours = {image.pixelColor(x, y).name() for x in range(0, 720, 3) for y in range(100, 400)}
    assert {wanted.accent.lower(), wanted.warning.lower()} <= colours
