"""Engines without mathematics, for the tests of jobs and of what a tab is made of."""

import threading
import time
from typing import Any, NamedTuple

from optgui.core.engine import RunFailed, Status
from optgui.core.params import Config, param, refuse_locked


class Record(NamedTuple):
    step: int
    thread: int


class CountingEngine:
    """Counts to config['steps'] after config['preparation'] steps that do not count.

    config['fail_at'] raises, config['sleep'] slows a step.
    """

    def __init__(self, config: dict[str, Any], inputs: Any = None) -> None:
        self.config, self.steps, self.prepared = dict(config), 0, 0

    @property
    def done(self) -> bool:
        return self.steps >= self.config["steps"]

    def step(self) -> Record:
        if self.steps == self.config.get("fail_at"):
            raise self.config.get("error", RuntimeError)("planned failure")
        time.sleep(self.config.get("sleep", 0))
        if self.prepared < self.config.get("preparation", 0):
            self.prepared += 1
            return Record(0, threading.get_ident())
        self.steps += 1
        return Record(self.steps, threading.get_ident())

    def frame(self) -> int:
        return self.steps

    def status(self) -> Status:
        if self.prepared < self.config.get("preparation", 0):
            return Status(self.prepared, 100, "%")
        return Status(self.steps, self.config["steps"])

    def apply(self, config: dict[str, Any]) -> None:
        if config["steps"] < 0:
            raise ValueError("expected steps >= 0, got a negative number")
        self.config = dict(config)

    def _slow_count(self):
        for _ in range(20):
            yield
        return self.steps

    def answer(self, request: str) -> Any:
        if request == "slow count":
            return self._slow_count()
        if request != "count":
            raise ValueError(f"expected 'count', got {request!r}")
        return self.steps


class TunableConfig(Config):
    """Something to turn, live and locked."""

    rate: float = param(1.0, title="Rate", help="Live.", above=0, high=100, scale="log", live=True)
    share: float = param(0.5, title="Share", help="Live.", low=0, high=1, live=True)
    steps: int = param(10**9, title="Steps", help="Live.", low=1, high=10**9, live=True)
    size: int = param(1, title="Size", help="Locked while a run has it.", low=1, high=99)
    fail_at: int = param(-1, title="Fails at", help="", low=-1, high=99)


class TunableRecord(NamedTuple):
    step: int
    rate: float
    size: int


class TunableEngine:
    """Counts, and says in each record what it was tuned to; takes no rate above 50."""

    def __init__(self, config: TunableConfig, inputs: Any = None) -> None:
        if config.size == 13:
            raise ValueError("size: expected a lucky number, got 13")
        self.config, self.inputs, self.count = config, inputs, 0

    @property
    def done(self) -> bool:
        return self.count >= self.config.steps

    def step(self) -> TunableRecord:
        if self.count == self.config.fail_at:
            raise RunFailed(f"The count failed at step {self.count}.")
        time.sleep(0.0005)
        self.count += 1
        return TunableRecord(self.count, self.config.rate, self.config.size)

    def frame(self) -> tuple[int, Any]:
        return self.count, self.inputs

    def status(self) -> Status:
        return Status(self.count, self.config.steps)

    def apply(self, config: TunableConfig) -> None:
        refuse_locked(self.config, config)
        if config.rate > 50:
            raise ValueError(f"rate: expected at most 50 here, got {config.rate:g}")
        self.config = config

    def answer(self, request: str) -> Any:
        if request != "count":
            raise ValueError(f"request: expected count, got {request!r}")
        return self.count
