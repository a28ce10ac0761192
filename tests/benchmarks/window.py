"""Training inside the real window, its live curves on screen, against the same engine in a bare thread."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEventLoop, QSettings, Qt, QThread, QTimer

from optgui.app import make_application, make_window
from optgui.core import runtime
from optgui.core.training import Digits, TrainingEngine
from optgui.gui.settings import Settings
from optgui.jobs.messages import JobState, Progress
from tests.benchmarks.networks import config, mnist
from tests.benchmarks.report import Row, interleaved
from tests.benchmarks.screen import screen

EPOCHS, FIRST, LAST = 12, 1, 11  # of a run of EPOCHS, those between are timed, evaluations included
BATCHES = 938  # of an epoch
REPEATS = 3
BEAT_MS = 5
LIMIT_S = 120.0


def rows() -> list[Row]:
    data = mnist()
    with screen(), opened_window() as window:
        tab = window.training
        window.go_to("training")
        tab.open_config(config(epochs=EPOCHS))
        in_window = WindowRun(window)
        in_window.speed()  # warms up
        speeds = interleaved(REPEATS, ours=in_window.speed, other=lambda: _bare_speed(data))
        frames = in_window.frames_per_s
        gaps = np.sort(in_window.gaps())
    p50, p99 = (1000 * float(np.quantile(gaps, share)) for share in (0.5, 0.99))
    return [
        Row(
            "training in the window against the same engine in a bare thread",
            max(speeds["ours"]),
            max(speeds["other"]),
            "steps/s",
            ">= 0.85",
            note=f"{frames:.0f} frames a second; window "
            + _list(speeds["ours"])
            + "; bare "
            + _list(speeds["other"]),
        ),
        Row(f"beats of a {BEAT_MS} ms timer while training, gap p50", p50, unit="ms"),
        Row(f"beats of a {BEAT_MS} ms timer while training, gap p99", p99, unit="ms"),
        Row(
            f"beats of a {BEAT_MS} ms timer while training, gap max",
            1000 * float(gaps[-1]),
            unit="ms",
            target="< 50",
            note=f"the longest five: {_list(1000 * gaps[-5:])}; {len(gaps):,} beats",
        ),
    ]


def _list(values: Any) -> str:
    return ", ".join(f"{value:,.0f}" for value in values)


class opened_window:
    """The program's window, 1280 x 800, ready, with empty settings."""

    def __enter__(self) -> Any:
        app = make_application()
        self._folder = tempfile.TemporaryDirectory()
        store = QSettings(str(Path(self._folder.name) / "empty.ini"), QSettings.Format.IniFormat)
        self._window = make_window(app, Settings(store))
        self._window.resize(1280, 800)
        ready: list[bool] = []
        self._window.ready.connect(lambda: ready.append(True))
        self._window.show()
        wait_until(lambda: bool(ready))
        return self._window

    def __exit__(self, *_: object) -> None:
        self._window.close()
        self._window.shutdown()
        self._folder.cleanup()


def wait_until(true: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Run the event loop, as the program does, until a condition holds.

    Raises:
        RuntimeError: if it does not within the limit.
    """
    loop = QEventLoop()
    deadline = time.perf_counter() + limit_s
    timer = QTimer(interval=20)
    timer.timeout.connect(lambda: loop.quit() if true() or time.perf_counter() > deadline else None)
    timer.start()
    loop.exec()
    timer.stop()
    if not true():
        raise RuntimeError(f"expected what was waited for within {limit_s:g} s, got nothing")


class WindowRun:
    """Runs of the training tab, started as its Start button does."""

    def __init__(self, window: Any) -> None:
        self.panel = window.training.panel
        self.panel.progressed.connect(self._on_progressed)
        self._seen: list[tuple[float, int]] = []  # when a Progress came, its last step
        self.frames_per_s = 0.0

    def _on_progressed(self, progress: Progress) -> None:
        steps = [record.step for record in progress.records if record.phase == "train"]
        if steps and steps[-1] >= FIRST * BATCHES:
            self._seen.append((time.perf_counter(), steps[-1]))

    def speed(self) -> float:
        """Steps a second from epoch FIRST to epoch LAST."""
        self._seen.clear()
        self.panel.start()
        wait_until(lambda: bool(self._seen) and self._seen[-1][1] >= LAST * BATCHES)
        self.panel.stop()
        wait_until(lambda: self.panel.state is JobState.STOPPED)
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        self.frames_per_s = (len(self._seen) - 1) / (end - start)
        return (last - first) / (end - start)

    def gaps(self) -> np.ndarray:
        """Seconds between the beats of a timer, over such a run; in a run of its own, for it costs some."""
        beats: list[float] = []
        timer = QTimer(interval=BEAT_MS)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(lambda: beats.append(time.perf_counter()) if self._seen else None)
        timer.start()
        self.speed()
        timer.stop()
        return np.diff([beat for beat in beats if beat <= self._seen[-1][0]])


class _Bare(QThread):
    """Steps the engine as fast as it goes."""

    def __init__(self, data: Digits) -> None:
        super().__init__()
        self.data, self.times = data, {FIRST: 0.0, LAST: 0.0}

    def run(self) -> None:
        runtime.use_threads(1)
        engine = TrainingEngine(config(epochs=EPOCHS), self.data)
        for epoch in self.times:
            while engine.step().step < epoch * BATCHES:
                pass
            self.times[epoch] = time.perf_counter()


def _bare_speed(data: Digits) -> float:
    thread = _Bare(data)
    thread.start()
    wait_until(thread.isFinished)
    return (LAST - FIRST) * BATCHES / (thread.times[LAST] - thread.times[FIRST])
