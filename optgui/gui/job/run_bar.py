"""Start, Step, Stop and how far the job is: the same bar at the bottom of every tab."""

from __future__ import annotations

import time
from collections import deque

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QWidget

from optgui.core.engine import Status
from optgui.gui.readings import Readout
from optgui.jobs.messages import JobState

WINDOW_S = 3.0  # the rate is the mean over this long


class RunBar(QFrame):
    """Buttons and progress of one job; it knows states and statuses, no engine."""

    start_pressed = Signal()  # start, pause or resume, by the state
    step_pressed = Signal()
    stop_pressed = Signal()

    def __init__(self, subject: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("run_bar")
        self._samples: deque[tuple[float, int]] = deque()
        self._status = Status(0, 0)
        self._state = JobState.IDLE
        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        self.start_button = self._button("Start", f"{subject}.start", "Start, pause or go on (F5)")
        self.start_button.setProperty("primary", True)
        self.step_button = self._button("Step", f"{subject}.step", "Make one step and wait (F6)")
        self.stop_button = self._button(
            "Stop", f"{subject}.stop", "End this run and keep what it has (Shift+F5)"
        )
        self.start_button.clicked.connect(self.start_pressed)
        self.step_button.clicked.connect(self.step_pressed)
        self.stop_button.clicked.connect(self.stop_pressed)
        for button in (self.start_button, self.step_button, self.stop_button):
            layout.addWidget(button)
        layout.addSpacing(8)
        self.text = Readout()
        self.text.setObjectName(f"{subject}.status")
        layout.addWidget(self.text, 1)
        self.progress = QProgressBar()
        self.progress.setObjectName(f"{subject}.progress")
        self.progress.setAccessibleName("Progress of the run")
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setFixedWidth(self.fontMetrics().averageCharWidth() * 30)
        layout.addWidget(self.progress)
        self.show_state(JobState.IDLE)

    def insert(self, widget: QWidget, *, instead_of_progress: bool = True) -> None:
        """Put controls of time between Stop and the words, in place of the progress bar or beside it."""
        place = self._row.indexOf(self.stop_button) + 1
        self._row.insertWidget(place, widget, 3 if instead_of_progress else 0)
        if instead_of_progress:
            self._row.setStretchFactor(self.text, 2)
            self.progress.hide()

    def _button(self, text: str, name: str, help: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setAccessibleName(text)
        button.setToolTip(help)
        button.setMinimumWidth(self.fontMetrics().averageCharWidth() * 13)
        return button

    def show_state(self, state: JobState) -> None:
        """Set words and buttons for a state."""
        self._state = state
        running = state in (JobState.RUNNING, JobState.PREPARING)
        self.start_button.setText(
            "Pause" if running else "Resume" if state is JobState.PAUSED and self._status.done else "Start"
        )
        self.start_button.setAccessibleName(self.start_button.text())
        self.step_button.setEnabled(not running)
        self.step_button.setToolTip("Pause first, then step" if running else "Make one step and wait (F6)")
        self.stop_button.setEnabled(state.is_active)
        if not running:
            self._samples.clear()
        self._show()

    def show_status(self, status: Status) -> None:
        """Show how far the job is."""
        now = time.perf_counter()
        if self._samples and (status.unit != self._status.unit or status.done < self._status.done):
            self._samples.clear()
        self._status = status
        self._samples.append((now, status.done))
        while self._samples and now - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()
        if self._state is JobState.PAUSED:
            self.show_state(self._state)
        else:
            self._show()

    def _rate(self) -> float:
        """Units a second over the last few seconds, 0 while unknown."""
        if len(self._samples) < 2:
            return 0.0
        (then, before), (now, done) = self._samples[0], self._samples[-1]
        return (done - before) / (now - then) if now - then > 0.2 else 0.0

    def _show(self) -> None:
        done, total, unit, extra = self._status
        self.progress.setValue(round(1000 * done / total) if total else 0)
        words = []
        if unit == "%":
            words.append(f"{extra}, {done} %")
        elif total:
            words.append(f"{unit.removesuffix('s')} {done:,} of {total:,}")
            words.append(extra)
            rate = self._rate()
            if self._state is JobState.RUNNING and rate > 0:
                words.append(f"{rate:,.0f} {unit}/s")
                words.append(f"{_clock((total - done) / rate)} left")
        state = {
            JobState.PAUSED: "paused" if done else "ready",
            JobState.FINISHED: "finished",
            JobState.STOPPED: "stopped",
            JobState.FAILED: "could not go on",
            JobState.PREPARING: "preparing",
        }.get(self._state, "")
        words.append(state)
        self.text.setText("  ·  ".join(word for word in words if word) or "Ready")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
