"""The pages of the training tab, wired to a run."""

import pytest
from PySide6.QtWidgets import QPushButton

from optgui.core.training import digits
from optgui.core.training.questions import FindRate, LookInside, NoiseNow, SharpnessNow, WorstDigits
from optgui.core.training.requests import Mark, NetworkAt, PauseAfter, Rewind, Unfold
from optgui.gui.networks import NetworkShelf
from optgui.gui.readings import Readout
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
    assert not tab.switching.may_choose("optimizer", "SGD", "Adam")
    qtbot.waitUntil(lambda: "Looking" not in tab.switch.reason and tab.switch.lr > 0, timeout=10_000)
    tab.findChild(QPushButton, "training.switch.confirm").click()
    qtbot.waitUntil(lambda: tab.panel.run_config.optimizer.name == "Adam", timeout=5000)
    assert tab.panel.state is JobState.RUNNING
    assert tab.panel.messages.sentence == ""
    assert tab.panel.form.config.optimizer.name == "Adam"
    assert any(text.startswith("SGD → Adam") for _, text in tab.loss.marks)


def test_the_form_chooses_freely_before_a_run(tab):
    assert tab.switching.may_choose("optimizer", "SGD", "Adam")


def test_rewinding_begins_a_branch_with_the_settings_of_then(qtbot, tab):
    begin(qtbot, tab)
    tab.tree.wanted.emit(Mark("here"))
    qtbot.waitUntil(lambda: any(node.label == "here" for node in tab.returns.frame.nodes), timeout=5000)
    node = next(node for node in tab.returns.frame.nodes if node.label == "here")
    tab._edit({"optimizer.lr": 0.02})
    qtbot.waitUntil(lambda: tab.panel.run_config.optimizer.lr == 0.02, timeout=5000)
    tab.tree.wanted.emit(Rewind(node.id, halve_lr=True))
    qtbot.waitUntil(lambda: tab.returns.frame.branch == 1, timeout=5000)
    assert tab.panel.form.config.optimizer.lr == 0.01  # half of the smaller of both
    assert any(key.endswith("1") for key in tab.loss.lines)


def test_rewinding_again_and_again_while_the_run_goes_on_keeps_the_curves_in_order(qtbot, tab):
    begin(qtbot, tab)
    for branch in (1, 2, 3):
        tab.tree.wanted.emit(Rewind(tab.returns.frame.nodes[0].id))
        qtbot.waitUntil(lambda branch=branch: tab.returns.frame.branch == branch, timeout=5000)
        qtbot.waitUntil(lambda: tab.steps_done > 60, timeout=10_000)
    assert tab.panel.messages.sentence == ""
    for line in tab.loss.lines.values():
        assert (line.series.x[1:] >= line.series.x[:-1]).all()


def test_a_rewind_of_a_waiting_run_is_seen_at_once(qtbot, tab):
    begin(qtbot, tab)
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.panel.state is JobState.PAUSED, timeout=5000)
    tab.tree.wanted.emit(Mark("here"))
    qtbot.waitUntil(lambda: any(node.label == "here" for node in tab.returns.frame.nodes), timeout=5000)
    tab.tree.wanted.emit(Rewind(tab.returns.frame.nodes[0].id))
    qtbot.waitUntil(lambda: tab.returns.frame.step == 0 and tab.returns.frame.branch == 1, timeout=5000)
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


def wait_for(qtbot, tab, state):
    qtbot.waitUntil(lambda: tab.panel.state is state, timeout=15_000)


def test_an_edit_is_requested_and_then_applied_at_the_step_of_its_mark(qtbot, tab, monkeypatch):
    begin(qtbot, tab)
    fates = []
    tell = tab.note._tell
    monkeypatch.setattr(tab.note, "_tell", lambda: (tell(), fates.append((tab.note.what, tab.note.fate))))
    tab._edit({"batch_size": 32})
    qtbot.waitUntil(lambda: tab.note.fate.startswith("applied"), timeout=5000)
    [(step, words)] = tab.loss.marks
    assert words == "batch size 64 → 32"
    assert fates[0] == (words, "requested …")
    assert fates[-1] == (words, f"applied at step {step:,.0f}")
    assert words in tab.note.accessibleName()


def test_an_edit_that_is_taken_back_before_it_is_let_go_leaves_what_was_said(qtbot, tab):
    begin(qtbot, tab)
    tab._edit({"optimizer.lr": 0.02})
    qtbot.waitUntil(lambda: tab.note.fate.startswith("applied"), timeout=5000)
    said = tab.note.fate
    for rate in (0.03, 0.02):
        tab.panel.form.change("optimizer.lr", rate)
    assert (tab.note.what, tab.note.fate) == ("lr 0.1 → 0.02", said)


def test_an_edit_is_told_as_it_is_typed(qtbot, tab):
    tab._edit({"scheduler": {"name": "MultiStepLR", "milestones": [1]}})
    begin(qtbot, tab)
    tab._edit({"scheduler.milestones": (2, 3)})
    assert tab.note.what == "milestones 1 → 2, 3"
    qtbot.waitUntil(lambda: tab.note.fate.startswith("applied"), timeout=5000)
    assert [mark[1] for mark in tab.loss.marks] == ["milestones 1 → 2, 3"]
    tab._edit({"scheduler.milestones": ()})
    assert tab.note.what == "milestones 2, 3 → none"


def test_a_refused_edit_says_so(qtbot, tab):
    begin(qtbot, tab)
    tab._edit({"batch_size": 50_000})  # more than there are images
    qtbot.waitUntil(lambda: tab.note.fate.startswith("refused"), timeout=5000)
    assert "batch_size" in tab.panel.messages.sentence
    assert tab.panel.form.config.batch_size == 64
    assert tab.loss.marks == []


def test_edits_of_a_stopped_run_wait_for_the_next_start_and_leave_no_mark(qtbot, tab):
    begin(qtbot, tab)
    tab.panel.stop()
    wait_for(qtbot, tab, JobState.STOPPED)
    tab._edit({"optimizer.lr": 0.02})
    assert tab.note.fate == "acts from the next start"
    logs = []
    tab.panel.ask("log", logs.append)
    qtbot.waitUntil(lambda: bool(logs), timeout=5000)
    assert logs[0].edits == ()
    assert tab.loss.marks == []
    tab.panel.start()
    qtbot.waitUntil(lambda: tab.steps_done > 0, timeout=15_000)
    assert tab.panel.run_config.optimizer.lr == 0.02
    assert tab.note.what == ""


def test_a_finished_run_takes_no_edit_but_one_that_lets_it_go_on(qtbot, tab):
    tab._edit({"epochs": 2})
    begin(qtbot, tab, steps=1)
    wait_for(qtbot, tab, JobState.FINISHED)
    tab._edit({"epochs": 1})
    assert tab.panel.messages.sentence == ""
    tab._edit({"epochs": 2, "optimizer.lr": 0.02})
    assert tab.panel.state is JobState.FINISHED
    assert tab.loss.marks == []
    ended = tab.steps_done
    tab._edit({"epochs": 500})
    qtbot.waitUntil(lambda: tab.steps_done > ended, timeout=10_000)
    [(step, words)] = tab.loss.marks
    assert step == ended
    assert words == "lr 0.1 → 0.02, epochs 2 → 500"
    assert tab.panel.run_config.optimizer.lr == 0.02


def test_why_a_run_waits_covers_nothing_and_is_forgotten_when_it_goes_on(qtbot, tab):
    tab.control.wanted.emit(PauseAfter(steps=40))
    tab.control.go.emit()
    wait_for(qtbot, tab, JobState.PAUSED)
    qtbot.waitUntil(lambda: "is done" in tab.note.what, timeout=5000)
    assert tab.panel.messages.isHidden()
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.note.what == "", timeout=5000)


def test_going_back_says_where_the_run_stands(qtbot, tab):
    begin(qtbot, tab)
    tab.tree.wanted.emit(Rewind(tab.returns.frame.nodes[0].id))
    qtbot.waitUntil(lambda: tab.note.what == "Back at step 0", timeout=5000)
    assert tab.note.fate == "branch 1, with the settings of then"


def test_going_back_in_a_stopped_run_waits_there_for_resume(qtbot, tab):
    begin(qtbot, tab)
    tab.panel.stop()
    wait_for(qtbot, tab, JobState.STOPPED)
    tab.tree.wanted.emit(Rewind(tab.returns.frame.nodes[0].id))
    wait_for(qtbot, tab, JobState.PAUSED)
    qtbot.waitUntil(lambda: tab.returns.frame.branch == 1, timeout=5000)
    tab.panel.toggle()
    qtbot.waitUntil(lambda: tab.steps_done > 50, timeout=10_000)
    assert tab.returns.frame.branch == 1


def test_the_offer_behind_a_spike_goes_back_once_with_half_the_rate(qtbot, tab):
    tab._edit({"optimizer": {"name": "SGD", "lr": 0.2}})
    begin(qtbot, tab)
    tab.control.offer("The loss left the rails.", 0)
    tab.control.spike.rewind.click()
    qtbot.waitUntil(lambda: tab.returns.frame.branch > 0, timeout=5000)
    tab.panel.stop()
    wait_for(qtbot, tab, JobState.STOPPED)
    assert tab.returns.frame.branch == 1
    assert tab._config.optimizer.lr == 0.1


def test_the_offer_behind_a_spike_is_gone_when_the_run_goes_on(qtbot, tab):
    begin(qtbot, tab)
    tab.panel.toggle()
    wait_for(qtbot, tab, JobState.PAUSED)
    tab.control.offer("The loss left the rails.", 0)
    tab.panel.toggle()
    qtbot.waitUntil(tab.control.spike.isHidden, timeout=5000)


def test_a_checkpoint_goes_to_the_attack_once_and_the_newest_network_stays_current(qtbot, tab):
    begin(qtbot, tab)
    tab.panel.toggle()
    wait_for(qtbot, tab, JobState.PAUSED)
    qtbot.waitUntil(lambda: tab.shelf.current is not None, timeout=5000)
    current, node = tab.shelf.current, tab.returns.frame.nodes[0]
    for _ in range(2):
        tab.tree.wanted.emit(NetworkAt(node.id))
        qtbot.waitUntil(lambda: tab.note.what == "The network of step 0", timeout=5000)
        tab.note.say("")
    run = current.id.partition("@")[0]
    assert tab.shelf.ids == (f"{run}@0", current.id)
    assert tab.shelf.get(f"{run}@0").step == 0
    assert tab.shelf.current is current


def test_numbers_are_seen_whole_in_a_narrow_window(tab):
    tab.resize(tab.minimumSizeHint())
    assert tab.width() <= 1000
    for number in tab.numbers.facts.findChildren(Readout):
        assert number.width() >= number.fontMetrics().horizontalAdvance("28,140")


def test_an_edit_that_a_run_cannot_take_waits_for_the_next_start(qtbot, tab):
    begin(qtbot, tab)
    tab._edit({"label_noise": 0.1})
    assert (tab.note.what, tab.note.fate) == ("label noise 0 → 0.1", "acts from the next start")


def test_a_stop_during_the_sweeps_puts_the_finder_to_rest_without_a_complaint(qtbot, tab):
    begin(qtbot, tab)
    rest = tab.finder.words.text()
    tab.pages.turn_to(tab.finder)
    tab.finder.find.click()
    assert tab.finder.words.text() != rest
    tab.panel.stop()
    wait_for(qtbot, tab, JobState.STOPPED)
    assert tab.finder.words.text() == rest
    assert tab.finder.find.isEnabled()
    assert tab.panel.messages.sentence == ""


def test_the_confusion_matrix_is_seen_once(tab):
    assert tab.numbers.confusion.isVisible()
    tab.pages.turn_to(tab.inside)
    assert not tab.numbers.confusion.isVisible()
    tab.pages.turn_to(tab.picture)
    assert tab.numbers.confusion.isVisible()
