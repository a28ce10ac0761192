"""What a training tab offers, and when."""

import pytest

from optgui.core.training import TrainingConfig, digits
from optgui.gui.networks import NetworkShelf
from optgui.gui.training_tab import TrainingTab
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState
from tests.samples import made_up_digits

EXPLODING = {
    "optimizer": {"name": "SGD", "lr": 1e3, "weight_decay": 1.0},
    "model": {"name": "MLP", "hidden": []},
}


@pytest.fixture
def tab(qtbot, monkeypatch):
    monkeypatch.delenv("OPTGUI_DATA", raising=False)
    monkeypatch.setitem(digits._memory, "builtin", made_up_digits())
    made = TrainingTab(PaintBudget(), NetworkShelf(), download=False)
    qtbot.addWidget(made)
    made.show()
    yield made
    for controller in made.controllers:
        controller.quit()
    assert all(controller.wait(2000) for controller in made.controllers)


def begin(tab, **config):
    tab.open_config(TrainingConfig.parse({"dataset": "builtin", **config}))
    tab.panel.start()


def wait_for(qtbot, tab, state):
    qtbot.waitUntil(lambda: tab.panel.state is state, timeout=10_000)


def test_a_network_can_be_tested_while_it_learns(qtbot, tab):
    assert not tab.numbers.evaluate.isEnabled()
    begin(tab, epochs=10_000)
    qtbot.waitUntil(tab.numbers.evaluate.isEnabled, timeout=5000)
    assert tab.panel.state is JobState.RUNNING
    tab.numbers.evaluate.click()
    qtbot.waitUntil(lambda: "%" in tab.figure.value.text(), timeout=5000)


def test_a_stop_in_the_first_moments_complains_of_nothing(qtbot, tab):
    begin(tab)
    tab.panel.stop()
    wait_for(qtbot, tab, JobState.STOPPED)
    assert tab.panel.messages.sentence == ""


def test_a_pause_does_not_forget_that_an_attack_waits_for_the_network(qtbot, tab):
    heard = []
    tab.open_config(TrainingConfig.parse({"dataset": "builtin", "epochs": 200}))
    tab.train_once(lambda: heard.append("trained"))
    qtbot.waitUntil(lambda: tab.steps_done > 0, timeout=5000)
    tab.panel.toggle()
    wait_for(qtbot, tab, JobState.PAUSED)
    tab.panel.toggle()
    wait_for(qtbot, tab, JobState.FINISHED)
    assert heard == ["trained"]


def test_a_failed_training_never_takes_a_later_run_to_the_attack(qtbot, tab):
    heard = []
    tab.open_config(TrainingConfig.parse({"dataset": "builtin", **EXPLODING}))
    tab.train_once(lambda: heard.append("trained"))
    wait_for(qtbot, tab, JobState.FAILED)
    begin(tab)
    wait_for(qtbot, tab, JobState.FINISHED)
    assert heard == []


def test_after_a_failed_run_the_attack_still_gets_the_newest_network(qtbot, tab):
    begin(tab)
    wait_for(qtbot, tab, JobState.FINISHED)
    qtbot.waitUntil(lambda: tab.shelf.current is not None and tab.networks.digits is not None)
    begin(tab, **EXPLODING)
    wait_for(qtbot, tab, JobState.FAILED)
    got = []
    assert tab.networks.use(lambda snapshot, data: got.append(snapshot.id))
    assert got == [tab.shelf.current.id]
