import threading

import pytest
from PySide6.QtCore import QThread

from optgui.core import engine as engines
from optgui.core.engine import RunFailed
from optgui.jobs.controller import JobController, PaintBudget
from optgui.jobs.messages import JobState
from tests.fakes import CountingEngine


@pytest.fixture
def controller(qtbot, monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "counting", "tests.fakes:CountingEngine")
    made = JobController(PaintBudget())
    yield made
    made.quit()
    assert made.wait(2000), "the job thread did not end"


def reached(state):
    return lambda seen: seen is state


def run_to(qtbot, controller, state, config):
    with qtbot.waitSignal(controller.state_changed, check_params_cb=reached(state), timeout=5000):
        controller.start("counting", config)


def test_every_record_arrives_once_in_order_from_another_thread(qtbot, controller):
    records, frames = [], []
    controller.progressed.connect(lambda p: (records.extend(p.records), frames.append(p.frame)))
    run_to(qtbot, controller, JobState.FINISHED, {"steps": 20_000})
    qtbot.waitUntil(lambda: len(records) == 20_000)
    assert [r.step for r in records] == list(range(1, 20_001))
    assert {r.thread for r in records} != {threading.get_ident()}
    assert frames[-1] == 20_000
    assert len(frames) < 200


def test_refused_edit_says_why_and_the_run_goes_on(qtbot, controller):
    run_to(qtbot, controller, JobState.RUNNING, {"steps": 10**9})
    with qtbot.waitSignal(controller.edited, timeout=2000) as got:
        controller.apply({"steps": -1})
    assert got.args[0].refusal == "expected steps >= 0, got a negative number"
    assert controller.state is JobState.RUNNING


def test_pause_steps_one_at_a_time_and_never_past_the_end(qtbot, controller):
    run_to(qtbot, controller, JobState.RUNNING, {"steps": 10**9, "sleep": 0.001})
    with qtbot.waitSignal(controller.state_changed, check_params_cb=reached(JobState.PAUSED), timeout=2000):
        controller.pause()
    with qtbot.waitSignal(controller.answered, timeout=2000) as got:
        controller.ask("count")
    at = got.args[0].reply
    with qtbot.waitSignal(controller.edited, timeout=2000):
        controller.apply({"steps": at + 2})
    for _ in range(5):
        controller.step_once()
    with qtbot.waitSignal(controller.answered, timeout=2000) as got:
        controller.ask("count")
    assert got.args[0].reply == at + 2
    assert controller.state is JobState.FINISHED


def test_finished_run_still_answers_and_an_edit_may_revive_it(qtbot, controller):
    run_to(qtbot, controller, JobState.FINISHED, {"steps": 5})
    with qtbot.waitSignal(controller.answered, timeout=2000) as got:
        controller.ask("count")
    assert got.args[0].reply == 5
    with qtbot.waitSignal(controller.state_changed, check_params_cb=reached(JobState.FINISHED), timeout=2000):
        controller.apply({"steps": 9})
    with qtbot.waitSignal(controller.answered, timeout=2000) as got:
        controller.ask("weight")
    assert got.args[0].refusal.startswith("expected 'count'")


def test_failure_is_reported_and_the_next_run_works(qtbot, controller):
    with qtbot.waitSignal(controller.failed, timeout=2000) as got:
        controller.start("counting", {"steps": 10, "fail_at": 3})
    assert got.args[0].sentence == "RuntimeError: planned failure"
    assert "Traceback" in got.args[0].details
    run_to(qtbot, controller, JobState.FINISHED, {"steps": 10})


def test_messages_of_a_replaced_run_never_arrive(qtbot, controller):
    seen = []
    controller.progressed.connect(lambda p: seen.append(p.run_id))
    for _ in range(20):
        last = controller.start("counting", {"steps": 10**9})
    qtbot.waitUntil(lambda: bool(seen) and seen[-1] == last, timeout=5000)
    assert set(seen) == {last}


def test_two_thousand_emissions_do_not_wear_out_the_binding(qtbot, controller):
    run_to(qtbot, controller, JobState.RUNNING, {"steps": 10**9})
    for _ in range(2000):
        controller.apply({"steps": 10**9})
    with qtbot.waitSignal(controller.answered, timeout=5000):
        controller.ask("count")
    assert controller.thread() is QThread.currentThread()


def test_a_run_that_fails_for_a_known_reason_says_it_without_traceback_and_keeps_its_records(
    qtbot, controller
):
    records = []
    controller.progressed.connect(lambda p: records.extend(p.records))
    with qtbot.waitSignal(controller.failed, timeout=2000) as got:
        controller.start("counting", {"steps": 10, "fail_at": 3, "error": RunFailed})
    assert (got.args[0].sentence, got.args[0].details) == ("planned failure", "")
    assert [r.step for r in records] == [1, 2, 3]


def test_a_paused_start_shows_the_engine_and_waits(qtbot, controller):
    frames = []
    controller.progressed.connect(lambda p: frames.append(p.frame))
    with qtbot.waitSignal(controller.state_changed, check_params_cb=reached(JobState.PAUSED), timeout=2000):
        controller.start("counting", {"steps": 10}, paused=True)
    assert frames == [0]
    with qtbot.waitSignal(controller.state_changed, check_params_cb=reached(JobState.FINISHED), timeout=2000):
        controller.resume()


@pytest.mark.parametrize("paused", [True, False])
def test_a_long_answer_comes_from_one_moment_of_the_run(qtbot, controller, paused):
    with qtbot.waitSignal(controller.progressed, timeout=2000):
        controller.start("counting", {"steps": 10**9, "sleep": 0.0001}, paused=paused)
    with qtbot.waitSignal(controller.answered, timeout=2000) as got:
        controller.ask("slow count")
    count = got.args[0].reply
    assert count == 0 if paused else count > 0


def test_stop_refuses_an_answer_that_is_still_being_made(qtbot, controller):
    with qtbot.waitSignal(controller.progressed, timeout=2000):
        controller.start("counting", {"steps": 10}, paused=True)
    with qtbot.waitSignal(controller.answered, timeout=2000) as got:
        controller.ask("slow count")
        controller.stop()
    assert got.args[0].refusal in ("", "the run was stopped")
    assert (got.args[0].reply is None) == bool(got.args[0].refusal)


def test_one_step_of_a_run_that_prepares_is_its_first_real_step(qtbot, controller):
    records = []
    controller.progressed.connect(lambda p: records.extend(p.records))
    with qtbot.waitSignal(controller.state_changed, check_params_cb=reached(JobState.PAUSED), timeout=2000):
        controller.start("counting", {"steps": 10, "preparation": 7}, paused=True)
    with qtbot.waitSignal(controller.state_changed, check_params_cb=reached(JobState.PAUSED), timeout=2000):
        controller.step_once()
    qtbot.waitUntil(lambda: len(records) == 8)
    assert [r.step for r in records] == [0] * 7 + [1]


class PausingEngine(CountingEngine):
    """Asks for a pause behind step config['pause_at']; "revive" makes ten more steps of an ended run."""

    pause_wanted = ""

    def step(self):
        self.pause_wanted = ""
        record = super().step()
        if self.steps == self.config["pause_at"]:
            self.pause_wanted = f"{self.steps} steps are done"
        return record

    def answer(self, request):
        if request == "revive":
            self.config |= {"steps": self.steps + 10, "fail_at": -1}
            self.pause_wanted = "Back again"
            return "revived"
        return super().answer(request)


@pytest.fixture
def pausing(controller, monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "counting", "tests.jobs.test_jobs:PausingEngine")
    return controller


def test_an_engine_that_asks_for_a_pause_gets_it_with_its_sentence_and_can_go_on(qtbot, pausing):
    seen = []
    pausing.progressed.connect(lambda p: seen.append((p.status.done, p.pause)))
    run_to(qtbot, pausing, JobState.PAUSED, {"steps": 2_000, "pause_at": 500})
    assert [entry for entry in seen if entry[1]] == [(500, "500 steps are done")]
    with qtbot.waitSignal(pausing.answered, timeout=2000):
        pausing.ask("count")
    with qtbot.waitSignal(pausing.state_changed, check_params_cb=reached(JobState.FINISHED), timeout=5000):
        pausing.resume()
    assert len([entry for entry in seen if entry[1]]) == 1


def test_a_step_by_hand_says_the_pause_too(qtbot, pausing):
    seen = []
    pausing.progressed.connect(lambda p: seen.append(p.pause))
    with qtbot.waitSignal(pausing.state_changed, check_params_cb=reached(JobState.PAUSED), timeout=5000):
        pausing.start("counting", {"steps": 9, "pause_at": 1}, paused=True)
    with qtbot.waitSignal(pausing.state_changed, check_params_cb=reached(JobState.PAUSED), timeout=5000):
        pausing.step_once()
    qtbot.waitUntil(lambda: seen[-1:] == ["1 steps are done"], timeout=2000)


@pytest.mark.parametrize("end", [{"steps": 30}, {"steps": 99, "fail_at": 30, "error": RunFailed}])
def test_an_answer_that_revives_an_ended_run_leaves_it_waiting(qtbot, pausing, end):
    state = JobState.FAILED if "fail_at" in end else JobState.FINISHED
    run_to(qtbot, pausing, state, {"pause_at": -1, **end})
    with qtbot.waitSignal(pausing.state_changed, check_params_cb=reached(JobState.PAUSED), timeout=5000):
        pausing.ask("revive")
    with qtbot.waitSignal(pausing.state_changed, check_params_cb=reached(JobState.FINISHED), timeout=5000):
        pausing.resume()


def test_a_failed_run_still_shows_its_last_picture(qtbot, controller):
    frames = []
    controller.progressed.connect(lambda p: frames.append(p.frame))
    run_to(qtbot, controller, JobState.FAILED, {"steps": 99, "fail_at": 30, "error": RunFailed})
    qtbot.waitUntil(lambda: frames[-1:] == [30], timeout=2000)
