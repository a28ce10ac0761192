"""Measures that go on beside a run, a slice now and then between two steps."""

from __future__ import annotations

import time
from collections import deque
from typing import Generic, TypeVar

from optgui.core.training.answers import Standing, curvature
from optgui.core.training.measures.gradient_noise import GradientNoise, gradient_noise, moments, pooled
from optgui.core.training.measures.sharpness import Sharpness
from optgui.core.training.measures.slices import Slices
from optgui.core.training.questions import Curvature, NoiseReading

SHARPNESS_SHARE, NOISE_SHARE = 0.08, 0.04  # of the run's time
FIRST_SHARE = 0.3  # until the first reading, which costs 5 warm ones, 0.1 to 0.2 s in all
REST_S = 0.1  # at least, between the beginnings of two readings
SAMPLED = 300  # training images behind one reading of the noise
POOLED = 20  # readings behind each number of the noise

Reading = TypeVar("Reading", bound=Curvature | NoiseReading)


class Live(Generic[Reading]):
    """Takes one reading after the other, each of the network as it stood at one step.

    After every slice the run has the time to itself until the slice is no more than a share of both. So
    when a reading is taken depends on the clock, and what the run does never depends on a reading.
    `readings` holds all of them, oldest first; a new one makes a new tuple.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self.restart()

    def restart(self) -> None:
        """Forget everything."""
        self.readings: tuple[Reading, ...] = ()
        self._work: Slices[Reading] | None = None
        self._last = -1  # step of the newest reading
        self._slice_at = self._reading_at = 0.0

    def rewind(self, step: int) -> None:
        """The run went back to a step: forget what came after it."""
        kept = tuple(reading for reading in self.readings if reading.step <= step)
        self.restart()
        self.readings = kept

    def due(self, step: int) -> bool:
        """Whether the run should give a slice away before its next step."""
        now = time.perf_counter()
        if now < self._slice_at:
            return False
        return self._work is not None or (step != self._last and now >= self._reading_at)

    def advance(self, run: Standing) -> None:
        """Do a slice of the reading under way, or begin one."""
        began = time.perf_counter()
        if self._work is None:
            self._work, self._last, self._reading_at = self._measure(run), run.step, began + REST_S
        try:
            next(self._work)
        except StopIteration as end:
            self._work = None
            self.readings = (*self.readings, end.value)
        now = time.perf_counter()
        share = self._share if self.readings else FIRST_SHARE
        self._slice_at = now + (now - began) * (1 - share) / share

    def _measure(self, run: Standing) -> Slices[Reading]:
        raise NotImplementedError


class LiveSharpness(Live[Curvature]):
    """λ_max beside the optimizer's limit, each reading started from the last."""

    def __init__(self, share: float = SHARPNESS_SHARE) -> None:
        super().__init__(share)

    def restart(self) -> None:
        """Forget everything, the warm start too."""
        super().restart()
        self._sharpness: Sharpness | None = None
        self._images = 0  # whose loss it is of

    def _measure(self, run: Standing) -> Slices[Curvature]:
        images, labels = run.curved
        if self._sharpness is None or len(labels) != self._images:
            self._sharpness, self._images = Sharpness(images, labels), len(labels)
        return curvature(self._sharpness, run)


class LiveNoise(Live[NoiseReading]):
    """The gradient noise, each number the mean of the last readings, each of images drawn anew."""

    def __init__(self, share: float = NOISE_SHARE) -> None:
        super().__init__(share)

    def restart(self) -> None:
        """Forget everything, the readings to pool too."""
        super().restart()
        self._recent: deque[GradientNoise] = deque(maxlen=POOLED)

    def _measure(self, run: Standing) -> Slices[NoiseReading]:
        found = yield from moments(run.body, *run.sample(SAMPLED))
        self._recent.append(gradient_noise(found))
        return NoiseReading(run.step, pooled(self._recent))
