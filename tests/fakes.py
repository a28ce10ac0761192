"""Engines without mathematics, for the tests of jobs."""

import threading
import time
from typing import Any, NamedTuple

from optgui.core.engine import Status


class Record(NamedTuple):
    step: int
    thread: int


class CountingEngine:
    """Counts to config['steps']; config['fail_at'] raises, config['sleep'] slows a step."""

    def __init__(self, config: dict[str, Any], inputs: Any = None) -> None:
        self.config, self.steps = dict(config), 0

    @property
    def done(self) -> bool:
        return self.steps >= self.config["steps"]

    def step(self) -> Record:
        if self.steps == self.config.get("fail_at"):
            raise self.config.get("error", RuntimeError)("planned failure")
        time.sleep(self.config.get("sleep", 0))
        self.steps += 1
        return Record(self.steps, threading.get_ident())

    def frame(self) -> int:
        return self.steps

    def status(self) -> Status:
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
