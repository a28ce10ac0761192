"""Advances one engine inside a thread that keeps its event loop.

A zero-interval timer asks for the next slice of steps; start, pause, apply, ask
and stop are queued slots, handled between two slices. So one thread alone
touches the engine and no lock is needed. The engine stays after the run ends,
so that a finished run can still be asked for its network.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from optgui.core.engine import Engine, RunFailed, build, run_slice, take_change, take_pause
from optgui.jobs.messages import Answer, Edit, Failure, Job, JobState, Progress

SLICE_S = 0.012  # with two live plots on two cores: 0.88-0.90 of headless training at 17 frames a second
HANDOVER_S = 0.0005  # gives the GUI thread the interpreter
REST_S = 0.04  # at least this often, so that an edit or a click never waits longer than a slice or three


class JobWorker(QObject):
    """Owns the engine of one job; lives in the job's thread."""

    state_changed = Signal(int, object)  # run_id, JobState
    progressed = Signal(object)  # Progress
    edited = Signal(object)  # Edit
    answered = Signal(object)  # Answer
    failed = Signal(object)  # Failure

    def __init__(self) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._advance)
        self._asked = QTimer(self)
        self._asked.setInterval(0)
        self._asked.timeout.connect(self._advance_answer)
        self._engine: Engine | None = None
        self._answering: list[tuple[int, Generator[Any, None, Any]]] = []
        self._run_id = 0
        self._records: list[Any] = []
        self._view_ready = True
        self._next_frame_at = 0.0
        self._handed_over_at = 0.0
        self._one_step_wanted = False  # after the preparation

    @Slot(object)
    def start(self, job: Job) -> None:
        """Replace whatever runs by a fresh engine."""
        self._timer.stop()
        self._one_step_wanted = False
        self._drop_answers("the run was replaced")
        self._engine, self._records, self._view_ready, self._next_frame_at = None, [], True, 0.0
        self._run_id = job.run_id
        self._set_state(JobState.PREPARING)
        with self._reporting():
            self._engine = build(job.subject, job.config, job.inputs)
            if job.paused:
                self._emit_progress()
                self._set_state(JobState.PAUSED)
            else:
                self._run()

    @Slot()
    def pause(self) -> None:
        """Stop stepping after the present slice; show where the run stands."""
        self._one_step_wanted = False
        if self._timer.isActive():
            self._timer.stop()
            with self._reporting():
                self._emit_progress()
                self._set_state(JobState.PAUSED)

    @Slot()
    def resume(self) -> None:
        """Go on with a paused or stopped run."""
        if self._engine is not None and not self._engine.done:
            self._run()

    @Slot()
    def step_once(self) -> None:
        """One step of a run that is not running; a run that is still preparing prepares to the end first."""
        if self._engine is None or self._engine.done or self._timer.isActive() or self._answering:
            return
        with self._reporting():
            if self._engine.status().unit == "%":
                self._one_step_wanted = True
                self._run()
                return
            self._records.append(self._engine.step())
            self._emit_progress(take_pause(self._engine))
            self._set_state(JobState.FINISHED if self._engine.done else JobState.PAUSED)

    @Slot(object)
    def apply(self, config: Any) -> None:
        """Hand a live edit to the engine and say what became of it."""
        if self._engine is None:
            self.edited.emit(Edit(self._run_id, config, 0))  # nothing runs: it acts at the next start
            return
        with self._reporting():
            was_done = self._engine.done
            done = self._engine.status().steps
            try:
                self._engine.apply(config)
            except ValueError as error:
                self.edited.emit(Edit(self._run_id, config, done, str(error)))
                return
            self.edited.emit(Edit(self._run_id, config, done))
            if was_done and not self._engine.done:  # e.g. a larger epsilon on a finished attack
                self._run()
            elif not self._timer.isActive():
                self._emit_progress()

    @Slot(int, object)
    def ask(self, request_id: int, request: Any) -> None:
        """Answer a request between two steps; a long answer is advanced in slices, before any step."""
        if self._engine is None:
            self.answered.emit(Answer(self._run_id, request_id, None, "nothing has run yet"))
            return
        with self._reporting():
            self._hand_records_over()  # what was done before the answer is told before it
            try:
                reply = self._engine.answer(request)
            except ValueError as error:
                self.answered.emit(Answer(self._run_id, request_id, None, str(error)))
                return
            if isinstance(reply, Generator):
                self._answering.append((request_id, reply))
                self._asked.start()
            else:
                self.answered.emit(Answer(self._run_id, request_id, reply))
                self._show_what_changed()

    @Slot()
    def stop(self) -> None:
        """End the run; its engine stays and can be asked."""
        self._drop_answers("the run was stopped")
        if self._engine is not None and not self._engine.done:
            self._timer.stop()
            with self._reporting():
                close = getattr(self._engine, "close", None)  # of an engine that holds a file or a socket
                if close is not None:
                    close()
                self._emit_progress()
                self._set_state(JobState.STOPPED)

    @Slot(float)
    def acknowledge(self, pause_s: float) -> None:
        """The view has drawn the last Progress and wants the next no sooner than `pause_s` from now."""
        self._view_ready = True
        self._next_frame_at = time.perf_counter() + pause_s

    @Slot()
    def _advance(self) -> None:
        if self._answering:
            return
        assert self._engine is not None
        with self._reporting():
            if self._one_step_wanted:
                self._prepare_for_one_step()
                return
            self._records.extend(run_slice(self._engine, SLICE_S))
            self._hand_over()
            if self._engine.done:
                self._timer.stop()
                self._emit_progress()
                self._set_state(JobState.FINISHED)
            elif self._pause_if_wanted():
                pass
            elif self._view_ready and time.perf_counter() >= self._next_frame_at:
                self._emit_progress()

    def _pause_if_wanted(self) -> bool:
        """Wait if the engine asks for it: behind a step, or an answer that revived an ended run."""
        assert self._engine is not None
        sentence = take_pause(self._engine)
        if not sentence or self._engine.done:
            return False
        self._timer.stop()
        self._emit_progress(sentence)
        self._set_state(JobState.PAUSED)
        return True

    def _prepare_for_one_step(self) -> None:
        assert self._engine is not None
        if self._engine.status().unit == "%":
            self._records.append(self._engine.step())
            if self._view_ready and time.perf_counter() >= self._next_frame_at:
                self._emit_progress()
        else:
            self._one_step_wanted = False
            self._timer.stop()
            self.step_once()

    def _hand_over(self) -> None:
        """Let the GUI thread have the interpreter while it draws, and now and then for its other work.

        Sleeping after every slice costs 5 % of training, because 0.5 ms are 0.65 ms in truth.
        """
        now = time.perf_counter()
        if not self._view_ready or now - self._handed_over_at > REST_S:
            time.sleep(HANDOVER_S)
            self._handed_over_at = now

    @Slot()
    def _advance_answer(self) -> None:
        request_id, steps = self._answering[0]
        with self._reporting():
            try:
                next(steps)
            except StopIteration as end:
                self._finish_answer(Answer(self._run_id, request_id, end.value))
            except ValueError as error:
                self._finish_answer(Answer(self._run_id, request_id, None, str(error)))

    def _finish_answer(self, answer: Answer) -> None:
        self._answering.pop(0)
        if not self._answering:
            self._asked.stop()
        self.answered.emit(answer)
        if not self._pause_if_wanted() and not self._timer.isActive():
            self._emit_progress()  # a paused picture shows what the answer brought

    def _show_what_changed(self) -> None:
        """Behind a short answer: pause if it asks for that, and show a waiting run that it has changed."""
        assert self._engine is not None
        changed = take_change(self._engine)
        if not self._pause_if_wanted() and changed and not self._timer.isActive():
            self._emit_progress()

    def _hand_records_over(self) -> None:
        if self._engine is not None and self._records:
            records, self._records = tuple(self._records), []
            self.progressed.emit(Progress(self._run_id, records, None, self._engine.status()))

    def _drop_answers(self, why: str) -> None:
        self._asked.stop()
        for request_id, _ in self._answering:
            self.answered.emit(Answer(self._run_id, request_id, None, why, dropped=True))
        self._answering = []

    def _run(self) -> None:
        self._timer.start()
        self._set_state(JobState.RUNNING)

    def _emit_progress(self, pause: str = "") -> None:
        assert self._engine is not None
        records, self._records = tuple(self._records), []
        self._view_ready = False
        frame, status = self._engine.frame(), self._engine.status()
        self.progressed.emit(Progress(self._run_id, records, frame, status, pause))

    def _set_state(self, state: JobState) -> None:
        self.state_changed.emit(self._run_id, state)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn an exception of the engine into a `failed` signal and a stopped timer; keep the records."""
        try:
            yield
        except Exception as error:
            self._timer.stop()
            self._drop_answers("the run failed")
            readable = isinstance(error, RunFailed)
            if self._engine is not None and (self._records or readable):
                records, self._records = tuple(self._records), []
                frame = self._engine.frame() if readable else None
                self.progressed.emit(Progress(self._run_id, records, frame, self._engine.status()))
            if isinstance(error, (RunFailed, ValueError)):
                failure = Failure(self._run_id, str(error))
            else:
                text = "".join(traceback.format_exception(error))
                failure = Failure(self._run_id, f"{type(error).__name__}: {error}", text)
            self.failed.emit(failure)
            self._set_state(JobState.FAILED)
