"""The bar that asks how another optimizer takes over: its questions, the proposal, the answer."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QPushButton, QWidget

from optgui.core.optimizers import OptimizerConfig
from optgui.core.training.requests import Proposal, ProposeRate
from optgui.gui.form.numbers import NumberBox
from optgui.gui.training.switch_bar import SwitchBar

SGD, ADAM = OptimizerConfig.parse("SGD"), OptimizerConfig.parse({"name": "Adam", "lr": 0.005})


class Heard:
    def __init__(self, bar):
        self.wanted, self.confirmed, self.cancelled = [], [], []
        bar.wanted.connect(self.wanted.append)
        bar.confirmed.connect(lambda lr, switch: self.confirmed.append((lr, switch)))
        bar.cancelled.connect(lambda: self.cancelled.append(True))


@pytest.fixture
def bar(qtbot):
    made = SwitchBar()
    qtbot.addWidget(made)
    made.heard = Heard(made)
    return made


def proposal(lr, limited=""):
    return Proposal(lr, present_norm=0.0456, norm=0.0456, limited=limited)


def click(bar, name):
    QTest.mouseClick(bar.findChild(QPushButton, f"training.switch.{name}"), Qt.MouseButton.LeftButton)


def choose(bar, value):
    box = bar.findChild(QComboBox, "training.switch.state")
    box.setCurrentIndex(box.findData(value))


def type_rate(bar, text):
    box = bar.findChild(NumberBox, "training.switch.lr")
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    box.interpretText()


def test_it_is_hidden_until_it_asks_and_asks_the_run_at_once(bar):
    assert bar.isHidden()
    assert bar.optimizer is None
    bar.offer(SGD, ADAM, "keep", 12.5)
    assert bar.isVisible()
    assert bar.heard.wanted == [ProposeRate(ADAM, 12.5, "keep")]
    assert bar.optimizer == ADAM
    assert bar.lr == 0.005
    assert "Looking for" in bar.reason


def test_the_proposal_is_shown_with_its_reason_and_confirmed(bar):
    bar.offer(SGD, ADAM, "map")
    bar.show_proposal(bar.heard.wanted[-1], proposal(0.00123456))
    assert bar.lr == 0.00123  # no longer than its field
    assert bar.reason == "Matched: its steps will be as long as SGD's are now, 0.0456 on average."
    click(bar, "confirm")
    assert bar.heard.confirmed == [(bar.lr, "map")]
    assert bar.isHidden()
    assert bar.optimizer is None


def test_what_made_the_rate_smaller_is_said(bar):
    bar.offer(SGD, ADAM, "map")
    bar.show_proposal(bar.heard.wanted[-1], proposal(0.001, "half the stability limit"))
    assert bar.reason == "Smaller than the rate that matches SGD's steps: half the stability limit."


def test_another_fate_of_the_state_is_another_question(bar):
    bar.offer(SGD, ADAM, "map")
    choose(bar, "reset")
    first, second = bar.heard.wanted
    assert second == ProposeRate(ADAM, None, "reset")
    bar.show_proposal(first, proposal(0.5))
    assert bar.lr == 0.005
    bar.show_proposal(second, proposal(0.25))
    assert bar.lr == 0.25
    click(bar, "confirm")
    assert bar.heard.confirmed == [(0.25, "reset")]


def test_a_typed_rate_stays_whatever_is_proposed(bar):
    bar.offer(SGD, ADAM, "map")
    type_rate(bar, "0.02")
    bar.show_proposal(bar.heard.wanted[0], proposal(0.5))
    bar.show_refusal(bar.heard.wanted[0], "No.")
    choose(bar, "keep")
    assert len(bar.heard.wanted) == 1
    assert bar.reason == "Your own rate."
    click(bar, "confirm")
    assert bar.heard.confirmed == [(0.02, "keep")]


def test_enter_switches_and_escape_cancels(bar):
    bar.offer(SGD, ADAM, "map")
    QTest.keyClick(bar.findChild(NumberBox, "training.switch.lr"), Qt.Key.Key_Return)
    assert bar.heard.confirmed == [(0.005, "map")]
    bar.offer(SGD, ADAM, "map")
    QTest.keyClick(bar.findChild(NumberBox, "training.switch.lr"), Qt.Key.Key_Escape)
    assert bar.heard.cancelled == [True]
    assert bar.isHidden()
    assert len(bar.heard.confirmed) == 1


def test_enter_on_cancel_cancels(bar):
    bar.offer(SGD, ADAM, "map")
    button = bar.findChild(QPushButton, "training.switch.cancel")
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Return)
    assert bar.heard.cancelled == [True]
    assert bar.heard.confirmed == []


def test_a_refusal_is_said_and_the_rate_can_be_chosen(bar):
    bar.offer(SGD, ADAM, "map")
    bar.show_refusal(bar.heard.wanted[0], "The gradient is 0 here.")
    assert bar.reason == "The gradient is 0 here."
    click(bar, "confirm")
    assert bar.heard.confirmed == [(0.005, "map")]


@pytest.mark.parametrize(("present", "chosen"), [("SGD", "LBFGS"), ("Rprop", "Adam")])
def test_where_no_rate_can_be_proposed_none_is_asked_for(bar, present, chosen):
    bar.offer(OptimizerConfig.parse(present), OptimizerConfig.parse(chosen), "map")
    assert bar.heard.wanted == []
    assert "says little about the length of its steps" in bar.reason


def test_an_answer_to_an_offer_that_is_gone_changes_nothing(bar):
    bar.offer(SGD, ADAM, "map")
    old = bar.heard.wanted[0]
    bar.offer(SGD, OptimizerConfig.parse("RMSprop"), "map")
    bar.show_proposal(old, proposal(0.7))
    assert bar.lr == 0.01
    bar.dismiss()
    bar.show_proposal(bar.heard.wanted[-1], proposal(0.7))
    assert bar.isHidden()
    assert bar.heard.confirmed == bar.heard.cancelled == []


def test_its_parts_are_named(bar):
    bar.offer(SGD, ADAM, "map")
    for name in ("title", "state", "lr", "confirm", "cancel", "reason"):
        assert [w for w in bar.findChildren(QWidget) if w.objectName() == f"training.switch.{name}"]
