"""The attack tab while a hand drags epsilon: how long the window is deaf, and how often it attacks anew."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import Qt, QTimer

from optgui.jobs.messages import JobState, Progress
from tests.benchmarks.networks import config, mnist
from tests.benchmarks.report import Row
from tests.benchmarks.screen import screen
from tests.benchmarks.window import BEAT_MS, opened_window, wait_until

SECONDS, DRAG_MS = 6.0, 16  # a mouse moves that often
PAGES = ("film", "plane")


def rows() -> list[Row]:
    mnist()
    with screen(), opened_window() as window:
        training, attack = window.training, window.attack
        training.open_config(config(epochs=1))
        training.panel.start()
        wait_until(lambda: training.panel.state is JobState.FINISHED)
        window.go_to("attack")
        attack.panel.start()
        wait_until(lambda: attack.panel.state is JobState.FINISHED)
        found = []
        for name in PAGES:
            attack.pages.turn_to(getattr(attack, name))
            gaps, answers = _dragged(attack)
            worst = 1000 * np.sort(gaps)
            found.append(
                Row(
                    f"dragging ε, {name} page: beats of a {BEAT_MS} ms timer, gap max",
                    float(worst[-1]),
                    unit="ms",
                    target="< 50",
                    note=f"p99 {np.quantile(worst, 0.99):.0f} ms; {answers / SECONDS:.0f} pictures a second",
                )
            )
        return found


def _dragged(attack: object) -> tuple[np.ndarray, int]:
    """Seconds between beats while ε goes to and fro, and how many pictures came meanwhile."""
    panel = attack.panel  # type: ignore[attr-defined]
    beats: list[float] = []
    pictures: list[Progress] = []
    began = time.perf_counter()

    def drag() -> None:
        phase = (time.perf_counter() - began) / SECONDS
        epsilon = 0.5 + 3 * abs(1 - 2 * (3 * phase % 1))
        panel.form.change("epsilon", round(epsilon, 4))

    beat = QTimer(interval=BEAT_MS)
    beat.setTimerType(Qt.TimerType.PreciseTimer)
    beat.timeout.connect(lambda: beats.append(time.perf_counter()))
    hand = QTimer(interval=DRAG_MS)
    hand.timeout.connect(drag)
    panel.progressed.connect(pictures.append)
    beat.start()
    hand.start()
    wait_until(lambda: time.perf_counter() - began > SECONDS)
    hand.stop()
    beat.stop()
    panel.progressed.disconnect(pictures.append)
    return np.diff(beats), len(pictures)
