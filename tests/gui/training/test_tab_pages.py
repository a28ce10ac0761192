"""The pages of the training tab, wired to a run."""

import pytest
from PySide6.QtWidgets import QPushButton

from optgui.core.training import digits
from optgui.core.training.questions import FindRate, LookInside, NoiseNow, SharpnessNow, WorstDigits
from optgui.core.training.requests import Mark, PauseAfter, Rewind, Unfold
from optgui.gui.networks import NetworkShelf
from optgui.gui.training_tab import TrainingTab
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState
from tests.samples import made_up_digits


@pytest.fixture
def tab(qtbot, monkeypatch):
    monkeypatch.delenv("OPTGUI_DATA", raising=False)
    monkeypatch.delitem(digits._memory, "mnist", raising=False)
    monkeypatch.setitem(digits._memory, "builtin", made_up_digits())
    made = TrainingTab(PaintBudget(), NetworkShelf(), download=False)
    qtbot.addWidget(made)
    made.resize(1280, 760)
    made.show()
    made._edit({"dataset": "builtin", "epochs": 1000})
    yield made
    for controller in made.controllers:
        controller.quit()
    assert all(controller.wait(3000) for controller in made.controllers)


def begin(qtbot, tab, steps=100):
    tab.panel.start()
    qtbot.waitUntil(lambda: tab.steps_done >= steps, timeout=15_000)


def test_another_optimizer_waits_for_its_rate_and_then_takes_over(qtbot, tab):
    begin(qtbot, tab)
    assert not tab._may_choose("optimizer", "SGD", "Adam")
    qtbot.waitUntil(lambda: "Looking" not in tab.switch.reason and tab.switch.lr > 0, timeout=10_000)
    tab.findChild(QPushButton, "training.switch.confirm").click()
    qtbot.waitUntil(lambda: tab.panel.run_config.optimizer.name == "Adam", timeout=5000)
    assert tab.panel.state is JobState.RUNNING
    assert tab.panel.messages.sentence == ""
    assert tab.panel.form.config.optimizer.name == "Adam"
    assert any(text.startswith("SGD → Adam") for _, text in tab.loss.marks)


def test_the_form_chooses_freely_before_a_run(tab):
    assert tab._may_choose("optimizer", "SGD", "Adam")


def test_rewinding_begins_a_branch_with_the_settings_of_then(qtbot, tab):
    begin(qtbot, tab)
    tab.tree.wanted.emit(Mark("here"))
    qtbot.waitUntil(lambda: any(node.label == "here" for node in tab._frame.nodes), timeout=5000)
    node = next(node for node in tab._frame.nodes if node.label == "here")
    tab._edit({"optimizer.lr": 0.02})
    qtbot.waitUntil(lambda: tab.panel.run_config.optimizer.lr == 0.02, timeout=5000)
    tab.tree.wanted.emit(Rewind(node.id, halve_lr=True))
    qtbot.waitUntil(lambda: tab._frame.branch == 1, timeout=5000)
    assert tab.panel.form.config.optimizer.lr == 0.01  # half of the smaller of both
    assert any(key.endswith("1") for key in tab.loss.lines)


def test_rewinding_again_and_again_while_the_run_goes_on_keeps_the_curves_in_order(qtbot, tab):
    begin(qtbot, tab)
    for branch in (1, 2, 3):
        tab.tree.wanted.emit(Rewind(tab._frame.nodes[0].id))
        qtbot.waitUntil(lambda branch=branch: tab._frame.branch == branch, timeout=5000)
        qtbot.waitUntil(lambda: tab.steps_done > 60, timeout=10_000)
    assert tab.panel.messages.sentence == ""
    for line in tab.loss.lines.values():
        assert (line.series.x[1:] >= line.series.x[:-1]).all()


def test_a_rewind_of_a_waiting_run_is_seen_at_once(qtbot, tab):
    begin(qtbot, tab)
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.panel.state is JobState.PAUSED, timeout=5000)
    tab.tree.wanted.emit(Mark("here"))
    qtbot.waitUntil(lambda: any(node.label == "here" for node in tab._frame.nodes), timeout=5000)
    tab.tree.wanted.emit(Rewind(tab._frame.nodes[0].id))
    qtbot.waitUntil(lambda: tab._frame.step == 0 and tab._frame.branch == 1, timeout=5000)
    assert tab.panel.state is JobState.PAUSED


def test_a_run_pauses_after_the_steps_asked_for_also_when_it_has_not_begun(qtbot, tab):
    tab.control.wanted.emit(PauseAfter(steps=40))
    tab.control.go.emit()
    qtbot.waitUntil(lambda: tab.panel.state is JobState.PAUSED, timeout=15_000)
    assert tab.steps_done >= 40
    stood = tab.steps_done
    tab.control.wanted.emit(PauseAfter(steps=25))
    tab.control.go.emit()
    qtbot.waitUntil(lambda: tab.panel.state is JobState.PAUSED and tab.steps_done > stood, timeout=15_000)
    assert tab.steps_done == stood + 25


def test_questions_are_answered_on_their_pages(qtbot, tab):
    begin(qtbot, tab)
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.panel.state is JobState.PAUSED, timeout=5000)
    for request, page in (
        (LookInside(), tab.inside),
        (WorstDigits(), tab.inside),
        (SharpnessNow(), tab.curvature),
        (NoiseNow(), tab.noise),
        (FindRate(), tab.finder),
        (Unfold(), tab.steps),
    ):
        page.wanted.emit(request)
    tab.code.wanted.emit("log")
    qtbot.waitUntil(lambda: "import torch" in tab.code.view.toPlainText(), timeout=20_000)
    qtbot.waitUntil(lambda: tab.finder.rate is not None, timeout=20_000)
    assert tab.panel.messages.sentence == ""


def test_the_race_has_the_tab_to_itself_and_the_keys_act_on_it(tab):
    tab.pages.turn_to(tab.race)
    assert not tab.controls.isVisible()
    assert tab.acting is tab.race.panel
    tab.pages.turn_to(tab.picture)
    assert tab.controls.isVisible()
    assert tab.acting is tab.panel
