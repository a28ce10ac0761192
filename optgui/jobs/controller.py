"""The GUI-thread face of one job: what a tab talks to. QtCore only, no widgets."""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, Signal, Slot

from optgui.jobs.messages import Answer, Edit, Failure, Job, JobState, Progress
from optgui.jobs.worker import JobWorker

_DRAWN = QEvent.Type(QEvent.registerEventType())
_BELOW_PAINTING = -2  # update requests have priority -1: this event arrives after the paint they cause


class PaintBudget:
    """How long the view may rest between frames so that painting keeps to its share of the time.

    One budget serves the whole window: the share is divided among the running jobs.
    """

    def __init__(self, share: float = 0.12, frames_per_s: float = 30.0) -> None:
        self.share, self.interval_s, self.jobs = share, 1.0 / frames_per_s, 0

    def pause_s(self, drawing_s: float) -> float:
        """Seconds to the next frame after one that took `drawing_s`."""
        return max(self.interval_s, drawing_s * max(1, self.jobs) / self.share) - drawing_s


class JobController(QObject):
    """Starts, pauses, edits and asks the job in its own thread; drops what a replaced run still says."""

    state_changed = Signal(object)  # JobState
    progressed = Signal(object)  # Progress
    edited = Signal(object)  # Edit
    answered = Signal(object)  # Answer
    failed = Signal(object)  # Failure

    _start_requested = Signal(object)
    _pause_requested = Signal()
    _resume_requested = Signal()
    _step_requested = Signal()
    _apply_requested = Signal(object)
    _ask_requested = Signal(int, object)
    _stop_requested = Signal()
    _drawn = Signal(float)

    def __init__(self, budget: PaintBudget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = JobState.IDLE
        self._budget = budget
        self._run_id = 0
        self._request_id = 0
        self._drawing_since: float | None = None
        self._thread = QThread(self)
        self._worker = JobWorker()
        self._worker.moveToThread(self._thread)
        self._start_requested.connect(self._worker.start)
        self._pause_requested.connect(self._worker.pause)
        self._resume_requested.connect(self._worker.resume)
        self._step_requested.connect(self._worker.step_once)
        self._apply_requested.connect(self._worker.apply)
        self._ask_requested.connect(self._worker.ask)
        self._stop_requested.connect(self._worker.stop)
        self._drawn.connect(self._worker.acknowledge)
        self._worker.state_changed.connect(self._on_state)
        self._worker.progressed.connect(self._on_progress)
        self._worker.edited.connect(self._on_edited)
        self._worker.answered.connect(self._on_answered)
        self._worker.failed.connect(self._on_failed)
        self._thread.finished.connect(self._worker.deleteLater)
        self._thread.start()

    def start(self, subject: str, config: Any, inputs: Any = None, *, paused: bool = False) -> int:
        """Replace whatever runs by a fresh engine, built in the worker; returns its run number."""
        self._run_id += 1
        self._start_requested.emit(Job(self._run_id, subject, config, inputs, paused))
        return self._run_id

    def pause(self) -> None:
        """Hold the run after the present slice."""
        self._pause_requested.emit()

    def resume(self) -> None:
        """Go on with a paused or stopped run."""
        self._resume_requested.emit()

    def step_once(self) -> None:
        """One step of a run that is not running."""
        self._step_requested.emit()

    def apply(self, config: Any) -> None:
        """Send a live edit; `edited` says what became of it."""
        self._apply_requested.emit(config)

    def ask(self, request: Any) -> int:
        """Send a request to the engine; `answered` brings the reply with the number returned here."""
        self._request_id += 1
        self._ask_requested.emit(self._request_id, request)
        return self._request_id

    def stop(self) -> None:
        """End the run; the engine stays and can still be asked."""
        self._stop_requested.emit()

    def quit(self) -> None:
        """Ask the thread to end; `wait` for it afterwards, all jobs with one deadline."""
        self._stop_requested.emit()
        self._thread.quit()

    def wait(self, milliseconds: int) -> bool:
        """Whether the thread has ended within the time."""
        return self._thread.wait(milliseconds)

    def customEvent(self, event: QEvent) -> None:
        """The frame is painted: tell the worker how long the view wants to rest."""
        if event.type() == _DRAWN and self._drawing_since is not None:
            drawing_s = time.perf_counter() - self._drawing_since
            self._drawing_since = None
            self._drawn.emit(self._budget.pause_s(drawing_s))

    @Slot(int, object)
    def _on_state(self, run_id: int, state: JobState) -> None:
        if run_id != self._run_id:
            return
        self._budget.jobs += (state is JobState.RUNNING) - (self.state is JobState.RUNNING)
        self.state = state
        self.state_changed.emit(state)

    @Slot(object)
    def _on_progress(self, progress: Progress) -> None:
        self._drawing_since = time.perf_counter()
        if progress.run_id == self._run_id:
            self.progressed.emit(progress)
        QCoreApplication.postEvent(self, QEvent(_DRAWN), _BELOW_PAINTING)

    @Slot(object)
    def _on_edited(self, edit: Edit) -> None:
        if edit.run_id == self._run_id:
            self.edited.emit(edit)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if answer.run_id == self._run_id:
            self.answered.emit(answer)

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        if failure.run_id == self._run_id:
            self.failed.emit(failure)
