import pytest

from optgui.core.training.requests import PauseAfter, Rewind
from optgui.gui.training.run_control import RunControl


@pytest.fixture
def control(qtbot):
    control = RunControl()
    qtbot.addWidget(control)
    qtbot.addWidget(control.spike)
    return control


def test_it_asks_for_a_pause_and_then_to_go(control, qtbot):
    said = []
    control.wanted.connect(said.append)
    control.go.connect(lambda: said.append("go"))
    control.count.setValue(250)
    control.button.click()
    assert said == [PauseAfter(steps=250), "go"]


def test_steps_and_epochs_keep_their_own_numbers(control):
    control.count.setValue(250)
    control.unit.setCurrentIndex(1)
    assert control.request == PauseAfter(epochs=1)
    control.count.setValue(3)
    control.unit.setCurrentIndex(0)
    assert control.request == PauseAfter(steps=250)
    control.unit.setCurrentIndex(1)
    assert control.request == PauseAfter(epochs=3)


def test_it_says_why_it_cannot_act(control):
    control.allow("The run has ended")
    assert not control.button.isEnabled()
    assert control.button.toolTip() == "The run has ended"
    control.allow()
    assert control.button.isEnabled()


def test_a_spike_offers_to_go_back_or_on(control, qtbot):
    control.offer("The loss left the rails.", 7)
    assert control.spike.words.text() == "The loss left the rails."
    with qtbot.waitSignal(control.wanted) as wanted:
        control.spike.rewind.click()
    assert wanted.args == [Rewind(7, halve_lr=True)]
    assert control.spike.isHidden()
    control.offer("The loss left the rails.", 7)
    with qtbot.waitSignal(control.go):
        control.spike.go_on.click()
    assert control.spike.isHidden()


def test_after_a_loss_that_is_not_finite_there_is_no_going_on(control):
    control.offer("The loss became nan.", 7, can_go_on=False)
    assert not control.spike.isHidden()
    assert control.spike.go_on.isHidden()
    control.offer("", None)
    assert control.spike.isHidden()
