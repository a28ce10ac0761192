"""Playback: the play head of a race that is computed faster than eyes can follow."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

STEPS_A_SECOND = 50.0  # at speed 1
SLOWEST, FASTEST = 0.1, 100.0
TICK_MS = 16
_LONGEST_S = 0.1  # a stall beyond this is not caught up


class Playback(QObject):
    """Where the head is, how far it may go, and whether and how fast it moves.

    A head that was sent further than the race is computed waits at `available` and goes on by itself.

    Args:
        clock: Seconds, for tests.
        parent: Owner.
    """

    moved = Signal(int)  # the step at which the head is now
    state_changed = Signal()  # playing, available, total or speed

    def __init__(self, parent: QObject | None = None, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(parent)
        self._clock = clock
        self._step = self._goal = self._available = self._total = 0
        self._speed = 1.0
        self._held = False
        self._carry = self._last = 0.0
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)

    @property
    def step(self) -> int:
        """Where the head is, never beyond `available`."""
        return self._step

    @property
    def available(self) -> int:
        """How many steps are computed."""
        return self._available

    @property
    def total(self) -> int:
        """How many steps there will be."""
        return self._total

    @property
    def playing(self) -> bool:
        """Whether the head moves by itself, or would if more were computed."""
        return self._timer.isActive()

    @property
    def speed(self) -> float:
        """1 is 50 steps a second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        speed = min(max(speed, SLOWEST), FASTEST)
        if speed != self._speed:
            self._speed = speed
            self.state_changed.emit()

    def play(self) -> None:
        """Go; from the start again if the head is at the end."""
        if self.playing:
            return
        if self._step >= self._total:
            self.go(0)
        self._carry, self._last = 0.0, self._clock()
        self._timer.start()
        self.state_changed.emit()

    def pause(self) -> None:
        """Stand still."""
        if self.playing:
            self._timer.stop()
            self.state_changed.emit()

    def toggle(self) -> None:
        """Play or pause."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def hold(self, held: bool) -> None:
        """Stand still as long as a hand holds the head, without a pause."""
        self._held = held

    def forward(self, steps: int = 1) -> None:
        """Go on by some steps."""
        self.go(self._step + steps)

    def back(self, steps: int = 1) -> None:
        """Go back by some steps."""
        self.go(self._step - steps)

    def go(self, step: int) -> None:
        """Go to a step, as near as there is one."""
        self._goal = min(max(step, 0), self._total)
        self._carry = 0.0
        self._follow()

    def rewind(self) -> None:
        """Go to the start."""
        self.go(0)

    def set_available(self, steps: int) -> None:
        """Say how many steps are computed."""
        if steps != self._available:
            self._available = max(0, steps)
            self.state_changed.emit()
            self._follow()

    def set_total(self, steps: int) -> None:
        """Say how many steps there will be."""
        if steps != self._total:
            self._total = max(0, steps)
            self._goal = min(self._goal, self._total)
            self.state_changed.emit()
            self._follow()

    def reset(self) -> None:
        """A new race: nothing is computed, the head stands at the start; total and speed stay."""
        self.pause()
        self._goal = 0
        self._held = False
        self.set_available(0)
        self._follow()

    def tick(self) -> None:
        """Move by the time since the last tick; at the end of the race, pause."""
        now = self._clock()
        due = self._carry + min(now - self._last, _LONGEST_S) * self._speed * STEPS_A_SECOND
        self._last = now
        if self._held:
            return
        steps = int(due)
        self._carry = due - steps
        if self._step + steps >= self._available:
            steps, self._carry = max(0, self._available - self._step), 0.0
        self._goal = max(self._goal, self._step + steps)  # more than that where it waits
        self._follow()
        if self._step >= self._total:
            self.pause()

    def _follow(self) -> None:
        step = min(self._goal, self._available)
        if step != self._step:
            self._step = step
            self.moved.emit(step)
