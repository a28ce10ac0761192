"""A run that goes on on the CPU when its GPU has no memory left."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import torch

from optgui.core import runtime
from optgui.core.training.config import TrainingConfig
from optgui.core.training.data import Sampler, TrainingData
from optgui.core.training.digits import Digits
from optgui.core.training.guard import LossGuard
from optgui.core.training.loop import Loop
from optgui.core.training.measures.slices import finish
from optgui.core.training.records import TrainingRecord
from optgui.core.training.returning import ReturningRun

Result = TypeVar("Result")
CPU = torch.device("cpu")


class FallbackRun(ReturningRun):
    """A run that survives its GPU.

    On a GPU its state is copied before each slice of steps (0.03 to 0.6 ms of 12, measured on a CPU), because
    an optimizer that fails in the midst leaves nothing to go on with. After a failure the slice is done again
    on the CPU, from that copy, and a sentence says so. The config keeps the device that was asked for.
    """

    def __init__(self, config: TrainingConfig, inputs: Digits | None = None) -> None:
        self._inputs = inputs
        self._moved = ""  # why the CPU computes where a GPU was asked for
        self._tells = False  # whether a person still has to be told
        try:
            super().__init__(config, inputs)
        except RuntimeError as error:
            if not runtime.out_of_memory(error):
                raise
        else:
            return
        super().__init__(config.model_copy(update={"device": "cpu"}), inputs)
        self.config = self._start = config
        self._moved, self._tells = _sentence(0), True

    def step(self) -> TrainingRecord:
        """Train on one mini-batch, or advance a preparation or an evaluation by one slice."""
        return self._tell(self._survive(super().step))

    def run_slice(self, seconds: float) -> list[TrainingRecord]:
        """Step for about `seconds`."""
        return self._tell(self._survive(functools.partial(super().run_slice, seconds)))

    def _tell(self, result: Result) -> Result:
        if self._tells and self._preparation is None:
            self.pause_wanted, self._tells = self.pause_wanted or self._moved, False
        return result

    def _survive(self, work: Callable[[], Result]) -> Result:
        """Do `work`; without memory on the GPU once more, on the CPU, from where the run stood before it."""
        if self._device.type == "cpu":
            return work()
        before = None
        try:
            before = self._state() if self._preparation is None else None
            return work()
        except RuntimeError as error:
            if not runtime.out_of_memory(error):
                raise
        # Only here, behind the except, nothing holds what the failed work had allocated.
        self._moved, self._tells = _sentence(self._step), True
        self._move_to_cpu(before)
        return work()

    def _move_to_cpu(self, state: dict[str, Any] | None) -> None:
        """Go on on the CPU from a state, or from where the run stands if there was no memory for a copy."""
        old, self._device = self._loop, CPU
        prepared = self._preparation is None
        if prepared and state is None:
            old.network.to(CPU)
            old.optimizer.state.update(_on_cpu(dict(old.optimizer.state)))
            state = self._state()
        self._generator.manual_seed(self.config.seed)
        self._loop = Loop(self.config, self._generator, CPU)  # the weights the run began with
        if not prepared:
            self._set_rate()
            self._preparation = self._prepare(self._inputs)
            return
        assert state is not None
        self._data = TrainingData(self._data.digits, self.config, CPU)
        finish(self._data.load())
        self._sampler = Sampler(len(self._data), self._generator, CPU)
        for node in self._timeline.nodes:
            kept = self._timeline.at(node.id)[1]
            kept.update(_on_cpu(kept))
        guard, self._guard = self._guard, LossGuard()
        self._restore(_on_cpu(state))
        self._guard = guard

    def _refusing(self, answer: Generator[Any, None, Result]) -> Generator[Any, None, Result]:
        """An answer in slices that touches nothing of the run: refused where the GPU has no memory for it."""
        try:
            return (yield from answer)
        except RuntimeError as error:
            if self._device.type == "cpu" or not runtime.out_of_memory(error):
                raise
        raise ValueError("device: expected memory for this on the GPU, got none; the run is as it was")


def _sentence(step: int) -> str:
    where = f" behind step {step:,}" if step else ""
    return f"The GPU has no memory left{where}: from here on the CPU computes. A smaller batch needs less."


def _on_cpu(value: Any) -> Any:
    """The same with every tensor on the CPU, in nested dicts, lists and tuples."""
    if isinstance(value, torch.Tensor):
        return value.to(CPU)
    if isinstance(value, dict):
        return {key: _on_cpu(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_on_cpu(item) for item in value)
    return value
