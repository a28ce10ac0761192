"""Form, run bar and controller of one job: words, buttons, edits, marks, undo and failures."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDoubleSpinBox, QPlainTextEdit, QPushButton, QSlider, QVBoxLayout, QWidget

from optgui.core import engine as engines
from optgui.gui.job.job_panel import JobPanel
from optgui.jobs.controller import PaintBudget
from optgui.jobs.messages import JobState
from tests.fakes import TunableConfig


class Bench:
    """A panel in a window, and what it has said."""

    def __init__(self, qtbot, config, restarts):
        self.qtbot = qtbot
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.panel = JobPanel("fake", config, PaintBudget(), self.window, restarts=restarts)
        layout = QVBoxLayout(self.window)
        for widget in (self.panel.messages, self.panel.form, self.panel.run_bar):
            layout.addWidget(widget)
        self.marks, self.records, self.frames, self.started = [], [], [], []
        self.panel.marked.connect(lambda step, text: self.marks.append((step, text)))
        self.panel.progressed.connect(self._on_progressed)
        self.panel.started.connect(self.started.append)
        self.window.show()

    def _on_progressed(self, progress):
        self.records += progress.records
        self.frames.append(progress.frame)

    @property
    def form(self):
        return self.panel.form

    @property
    def bar(self):
        return self.panel.run_bar

    def press(self, name):
        QTest.mouseClick(self.window.findChild(QPushButton, name), Qt.MouseButton.LeftButton)

    def wait_for(self, *states):
        self.qtbot.waitUntil(lambda: self.panel.state in states, timeout=3000)

    def wait_until(self, condition):
        self.qtbot.waitUntil(condition, timeout=3000)

    def run(self):
        """Start and wait until it counts."""
        self.press("fake.start")
        self.wait_for(JobState.RUNNING)
        self.wait_until(lambda: bool(self.records))

    def type_into(self, name, text):
        box = self.window.findChild(QDoubleSpinBox, name)
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, text)
        QTest.keyClick(box, Qt.Key.Key_Return)

    def ask(self):
        """How far the engine has counted."""
        replies = []
        self.panel.ask("count", replies.append)
        self.wait_until(lambda: bool(replies))
        return replies[0]

    def shown(self, field):
        return self.window.findChild(QDoubleSpinBox, f"fake.{field}").value()


@pytest.fixture
def make(qtbot, monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "fake", "tests.fakes:TunableEngine")
    benches = []

    def build(restarts=False, **config):
        benches.append(Bench(qtbot, TunableConfig(**config), restarts))
        return benches[-1]

    yield build
    for bench in benches:
        bench.panel.controller.quit()
    assert all(bench.panel.controller.wait(2000) for bench in benches)


def buttons(bench):
    """The word on Start, and which of Start, Step, Stop can be pressed."""
    bar = bench.bar
    row = (bar.start_button, bar.step_button, bar.stop_button)
    return (bar.start_button.text(), *(button.isEnabled() for button in row))


def test_words_and_buttons_follow_the_life_of_a_run(make):
    bench = make()
    assert buttons(bench) == ("Start", True, True, False)
    assert bench.bar.text.text() == "Ready"
    bench.run()
    assert buttons(bench) == ("Pause", True, False, True)
    bench.press("fake.start")
    bench.wait_for(JobState.PAUSED)
    assert buttons(bench) == ("Resume", True, True, True)
    assert bench.bar.text.text().endswith("paused")
    bench.press("fake.start")
    bench.wait_for(JobState.RUNNING)
    assert buttons(bench) == ("Pause", True, False, True)
    bench.press("fake.stop")
    bench.wait_for(JobState.STOPPED)
    assert buttons(bench) == ("Start", True, True, False)
    assert bench.bar.text.text().endswith("stopped")


def test_start_is_called_by_what_it_does_now(make):
    bench = make()
    assert bench.bar.start_button.accessibleName() == "Start"
    bench.run()
    assert bench.bar.start_button.accessibleName() == "Pause"


def test_a_disabled_step_says_when_it_can(make):
    bench = make()
    bench.run()
    assert bench.bar.step_button.toolTip() == "Pause first, then step"


def test_the_end_is_said_and_start_begins_afresh(make):
    bench = make(steps=30)
    bench.press("fake.start")
    bench.wait_for(JobState.FINISHED)
    assert buttons(bench) == ("Start", True, True, False)
    assert "30 of 30" in bench.bar.text.text()
    assert bench.bar.text.text().endswith("finished")
    assert bench.bar.progress.value() == bench.bar.progress.maximum()
    bench.records.clear()
    bench.press("fake.start")
    bench.wait_until(lambda: [record.step for record in bench.records] == list(range(1, 31)))


def test_steps_are_single_from_the_first_on(make):
    bench = make()
    for count in (1, 2, 3):
        bench.press("fake.step")
        bench.wait_until(lambda count=count: len(bench.records) == count)
        assert bench.panel.state is JobState.PAUSED
    assert bench.ask() == 3
    assert buttons(bench) == ("Resume", True, True, True)


def test_a_resumed_run_goes_on_where_it_was(make):
    bench = make()
    bench.run()
    bench.press("fake.start")
    bench.wait_for(JobState.PAUSED)
    at = bench.ask()
    bench.press("fake.start")
    bench.wait_until(lambda: bench.records[-1].step > at)
    assert [record.step for record in bench.records] == list(range(1, len(bench.records) + 1))


def test_a_running_job_locks_what_it_cannot_take(make):
    bench = make()
    size, rate = (bench.window.findChild(QDoubleSpinBox, f"fake.{field}") for field in ("size", "rate"))
    bench.run()
    assert not size.isEnabled()
    assert rate.isEnabled()
    bench.press("fake.stop")
    bench.wait_for(JobState.STOPPED)
    assert size.isEnabled()


def test_an_edit_reaches_the_running_job_and_leaves_one_mark_with_its_words(make):
    bench = make()
    bench.run()
    bench.type_into("fake.rate", "0.25")
    bench.wait_until(lambda: bench.records[-1].rate == 0.25)
    bench.wait_until(lambda: bool(bench.marks))
    [(step, text)] = bench.marks
    assert text == "rate 1 → 0.25"
    first = next(record.step for record in bench.records if record.rate == 0.25)
    assert step == first - 1  # the last step with the old value
    assert {record.rate for record in bench.records} == {1.0, 0.25}


def test_a_gesture_leaves_one_mark_however_many_values_it_goes_through(make):
    bench = make()
    bench.run()
    slider = bench.window.findChild(QSlider, "fake.share.1")
    slider.setSliderDown(True)
    for position in (600, 700, 800):
        slider.setSliderPosition(position)
        bench.wait_until(lambda position=position: bench.panel.run_config.share == position / 1000)
        assert bench.marks == []
    slider.setSliderDown(False)
    bench.wait_until(lambda: bool(bench.marks))
    bench.type_into("fake.rate", "2")
    bench.wait_until(lambda: len(bench.marks) == 2)
    assert [text for _, text in bench.marks] == ["share 0.5 → 0.8", "rate 1 → 2"]


def test_a_gesture_that_comes_back_leaves_no_mark(make):
    bench = make()
    bench.run()
    slider = bench.window.findChild(QSlider, "fake.share.1")
    slider.setSliderDown(True)
    for position in (600, 500):
        slider.setSliderPosition(position)
        bench.wait_until(lambda position=position: bench.panel.run_config.share == position / 1000)
    slider.setSliderDown(False)
    bench.type_into("fake.rate", "2")
    bench.wait_until(lambda: bool(bench.marks))
    assert [text for _, text in bench.marks] == ["rate 1 → 2"]


def test_edits_before_the_first_start_are_in_the_run_without_a_mark(make):
    bench = make()
    bench.type_into("fake.rate", "3")
    bench.type_into("fake.size", "7")
    bench.run()
    assert (bench.records[0].rate, bench.records[0].size) == (3.0, 7)
    assert bench.marks == []


def test_an_edit_that_the_engine_refuses_snaps_back_with_its_sentence(make):
    bench = make()
    bench.run()
    bench.type_into("fake.rate", "80")
    bench.wait_until(lambda: bool(bench.panel.messages.sentence))
    assert bench.panel.messages.sentence == "rate: expected at most 50 here, got 80"
    assert bench.form.config.rate == bench.shown("rate") == 1.0
    assert bench.panel.state is JobState.RUNNING
    assert bench.marks == []


def test_a_refused_edit_is_not_in_the_history(make):
    bench = make()
    bench.run()
    bench.type_into("fake.rate", "80")
    bench.wait_until(lambda: bool(bench.panel.messages.sentence))
    bench.type_into("fake.share", "0.25")
    bench.wait_until(lambda: bool(bench.marks))
    bench.panel.edits.undo()
    bench.wait_until(lambda: bench.panel.run_config.share == 0.5)
    assert bench.form.config == TunableConfig()


def test_what_the_form_refuses_is_said(make):
    bench = make()
    bench.form.change("size", 100)
    assert bench.panel.messages.sentence == "size: expected a whole number from 1 to 99, got 100"


def test_live_edits_reach_the_job_while_a_locked_field_waits_for_the_next_start(make):
    """A download that ends during a run chooses its data set; undo and an opened file do the same."""
    bench = make()
    bench.run()
    bench.form.change("size", 5, final=True)
    bench.type_into("fake.rate", "2")
    bench.wait_until(lambda: bench.records[-1].rate == 2.0)
    assert bench.records[-1].size == 1


def test_a_locked_field_waits_for_the_next_start(make):
    bench = make()
    bench.run()
    bench.form.change("size", 5, final=True)
    count = len(bench.records)
    bench.wait_until(lambda: len(bench.records) > count + 20)
    assert bench.records[-1].size == 1
    bench.press("fake.stop")
    bench.wait_for(JobState.STOPPED)
    bench.records.clear()
    bench.run()
    assert bench.records[0] == (1, 1.0, 5)


@pytest.mark.parametrize("running", [True, False])
def test_a_panel_that_restarts_begins_anew_with_a_locked_edit(make, running):
    bench = make(restarts=True)
    bench.panel.start(paused=not running)
    bench.wait_for(JobState.RUNNING if running else JobState.PAUSED)
    bench.type_into("fake.size", "5")
    bench.wait_until(lambda: len(bench.started) == 2)
    bench.wait_for(JobState.RUNNING if running else JobState.PAUSED)
    if not running:
        bench.press("fake.step")
    bench.wait_until(lambda: bool(bench.records) and bench.records[-1].size == 5)


def test_a_panel_that_restarts_locks_nothing(make):
    bench = make(restarts=True)
    bench.run()
    assert bench.window.findChild(QDoubleSpinBox, "fake.size").isEnabled()


def test_a_live_edit_does_not_restart(make):
    bench = make(restarts=True)
    bench.run()
    bench.type_into("fake.rate", "2")
    bench.wait_until(lambda: bench.records[-1].rate == 2.0)
    assert len(bench.started) == 1
    assert [record.step for record in bench.records] == list(range(1, len(bench.records) + 1))


def test_more_steps_revive_a_finished_run(make):
    bench = make(steps=20)
    bench.press("fake.start")
    bench.wait_for(JobState.FINISHED)
    bench.type_into("fake.steps", "40")
    bench.wait_until(lambda: bench.records[-1].step == 40)
    bench.wait_for(JobState.FINISHED)
    assert bench.marks == [(20, "steps 20 → 40")]


def test_undo_and_redo_go_through_the_gestures_and_reach_the_job(make):
    bench = make()
    bench.run()
    for rate in ("2", "3"):
        bench.type_into("fake.rate", rate)
        bench.wait_until(lambda rate=rate: bench.records[-1].rate == float(rate))
    bench.panel.edits.undo()
    bench.wait_until(lambda: bench.records[-1].rate == 2.0)
    assert bench.shown("rate") == 2.0
    bench.panel.edits.undo()
    bench.wait_until(lambda: bench.records[-1].rate == 1.0)
    assert not bench.panel.edits.can_undo
    bench.panel.edits.redo()
    bench.wait_until(lambda: bench.records[-1].rate == 2.0)
    bench.wait_until(lambda: len(bench.marks) == 5)
    assert [text for _, text in bench.marks][2:] == ["rate 3 → 2", "rate 2 → 1", "rate 1 → 2"]
    assert bench.panel.edits.can_redo


def test_a_gesture_is_one_entry_of_the_history_and_is_called_by_its_words(make):
    bench = make()
    slider = bench.window.findChild(QSlider, "fake.share.1")
    slider.setSliderDown(True)
    for position in (600, 700, 800):
        slider.setSliderPosition(position)
    slider.setSliderDown(False)
    assert len(bench.panel.edits) == 1
    assert bench.panel.edits.undo_words == "share 0.5 → 0.8"
    bench.panel.edits.undo()
    assert bench.shown("share") == 0.5
    assert len(bench.panel.edits) == 1


def test_a_run_that_fails_says_why_and_can_be_started_again(make):
    bench = make(fail_at=5)
    bench.press("fake.start")
    bench.wait_for(JobState.FAILED)
    assert bench.panel.messages.sentence == "The count failed at step 5."
    assert bench.bar.text.text().endswith("could not go on")
    assert buttons(bench) == ("Start", True, True, False)
    assert [record.step for record in bench.records] == [1, 2, 3, 4, 5]
    assert bench.window.findChild(QDoubleSpinBox, "fake.size").isEnabled()
    bench.form.change("fail_at", -1, final=True)
    bench.run()
    assert bench.panel.messages.sentence == ""


def test_an_engine_that_cannot_be_made_says_why(make):
    bench = make(size=13)
    bench.press("fake.start")
    bench.wait_for(JobState.FAILED)
    assert bench.panel.messages.sentence == "size: expected a lucky number, got 13"
    assert not bench.panel.has_run


def test_a_defect_shows_its_traceback_folded(make, monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "fake", "tests.fakes:NoSuchEngine")
    bench = make()
    bench.press("fake.start")
    bench.wait_for(JobState.FAILED)
    details = bench.window.findChild(QPlainTextEdit)
    assert "Traceback" in details.toPlainText()
    assert not details.isVisible()
    bench.press("fake.message.details")
    assert details.isVisible()
    bench.press("fake.message.dismiss")
    assert bench.panel.messages.sentence == ""


def test_an_answer_goes_to_who_asked_and_a_refusal_to_the_message_bar(make):
    bench = make()
    replies = []
    bench.panel.ask("count", replies.append)
    bench.wait_until(lambda: bool(bench.panel.messages.sentence))
    assert bench.panel.messages.sentence == "nothing has run yet"
    bench.press("fake.step")
    bench.wait_until(lambda: len(bench.records) == 1)
    assert bench.ask() == 1
    bench.panel.ask("weather", replies.append)
    bench.wait_until(lambda: "weather" in bench.panel.messages.sentence)
    assert replies == []


def test_gather_brings_the_inputs_or_holds_the_start(make):
    bench = make()
    bench.panel.gather = lambda proceed: None
    bench.press("fake.start")
    assert bench.started == []
    assert bench.panel.state is JobState.IDLE
    bench.panel.gather = lambda proceed: proceed("inputs")
    bench.press("fake.step")
    bench.wait_until(lambda: bool(bench.records))
    assert bench.frames[-1] == (1, "inputs")


def test_an_adopted_config_is_one_edit(make):
    bench = make()
    bench.run()
    bench.form.set_config(TunableConfig(rate=4.0, share=0.25))
    bench.panel.adopt()
    bench.wait_until(lambda: bench.records[-1].rate == 4.0)
    bench.wait_until(lambda: bool(bench.marks))
    assert [text for _, text in bench.marks] == ["rate 1 → 4, share 0.5 → 0.25"]
    bench.panel.edits.undo()
    assert bench.form.config == TunableConfig()


def test_what_was_refused_is_forgotten_when_it_is_mended_and_other_messages_stay(make):
    bench = make()
    bench.form.change("rate", -1.0)
    assert "rate" in bench.panel.messages.sentence.lower()
    bench.form.change("rate", 2.0, final=True)
    assert bench.panel.messages.sentence == ""
    bench.panel.messages.say("Something else.")
    bench.form.change("rate", 3.0, final=True)
    assert bench.panel.messages.sentence == "Something else."
