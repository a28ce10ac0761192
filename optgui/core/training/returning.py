"""A run that can be put back to where it was: into memory and files, and out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from optgui.core import runtime
from optgui.core.snapshot import frozen
from optgui.core.training import checkpoint
from optgui.core.training.config import TrainingConfig
from optgui.core.training.digits import Digits
from optgui.core.training.evaluation import Evaluation, is_due
from optgui.core.training.records import Node
from optgui.core.training.requests import Mark, Rewind, Rewound
from optgui.core.training.run import TrainingRun


class ReturningRun(TrainingRun):
    """A run with its checkpoints; what goes on from one equals what went on then, bit for bit."""

    def __init__(self, config: TrainingConfig, inputs: Digits | None = None) -> None:
        super().__init__(config, inputs)
        self._resumed: dict[str, Any] | None = None
        self._resumed_name = ""
        self._closed = False

    def close(self) -> None:
        """A person has ended the run: going back revives it, and it waits there."""
        self._closed = True

    def _begin(self) -> None:
        if self._resumed is None:
            super()._begin()
            return
        state = self._resumed
        self._take(state, self._resumed_name)
        self._resumed = None
        self._timeline.branch = state["progress"][4]
        self._keep("start", "resumed")

    def _end_epoch(self) -> None:
        super()._end_epoch()
        if not self._test_is_due:
            self._evaluation = None

    @property
    def _test_is_due(self) -> bool:
        """Whether the epoch that has just ended is tested and kept; of short ones only some are."""
        config, tested_at, untested = self.config, 0, 0
        if self._epoch >= min(config.epochs, self._pause_epoch):
            return True
        if self._schedule.wants_metric or config.patience or config.target_accuracy:
            return True
        for step, loss in reversed(self._ends):
            if loss is not None:
                tested_at = step
                break
            untested += 1
        images = untested * len(self._data)
        return is_due(self._step - tested_at, images, len(self._data.test_labels))

    def _state(self) -> dict[str, Any]:
        result = self._result
        return {
            **self._loop.state(),
            "config": self.config,
            "start": self._start,
            "edits": self._edits,
            "generator": self._generator.get_state(),
            "order": self._sampler.order,
            "schedule": self._schedule.state(),
            "ends": tuple(self._ends),
            "progress": [self._step, self._epoch, self._sampler.position, self._age, self._timeline.branch],
            "evaluating": self._evaluation is not None,
            "failure": self._failure,
            "stopped": self._stopped,
            "rules": [self._rules.best, self._rules.waited],
            "result": None if result is None else [result.accuracy, result.loss, result.confusion.tolist()],
            "result_step": self._result_step,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        config: TrainingConfig = state["config"]
        self._loop.restore(state, config)
        self.config, self._start, self._edits = config, state["start"], state["edits"]
        self._step, self._epoch, position, self._age, _ = state["progress"]
        if len(state["order"]) != len(self._data):
            raise ValueError(f"{len(self._data)} training images, got {len(state['order'])}")
        self._sampler.order, self._sampler.position = state["order"].to(self._device), position
        self._generator.set_state(state["generator"])
        self._ends = list(state["ends"])
        self._schedule = self._schedule_of(config).restore(state["schedule"])
        self._set_rate()
        self._failure, self._stopped = state["failure"], state["stopped"]
        self._rules.best, self._rules.waited = state["rules"]
        self._result, self._result_step = None, state["result_step"]
        if state["result"] is not None:
            accuracy, loss, confusion = state["result"]
            self._result = Evaluation(accuracy, loss, frozen(np.array(confusion, dtype=np.int64)))
        self._returns += 1
        self._evaluation = self._evaluate() if state["evaluating"] else None
        self._guard.reset()
        self._offer, self.pause_wanted = None, ""

    def _take(self, state: dict[str, Any], name: str) -> None:
        """Become what a state says, or stay as before.

        Raises:
            ValueError: naming the file, if the state does not fit this run.
        """
        before = self._state()
        try:
            self._restore(state)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
            self._restore(before)
            if runtime.out_of_memory(error):
                raise
            raise ValueError(f"{name}: expected a checkpoint of this run, got {error}") from None

    def save_checkpoint(self, path: str | Path) -> None:
        """Write everything a run needs to go on bit for bit; an evaluation going on starts again.

        Raises:
            ValueError: while the data are still being prepared.
        """
        if self._preparation is not None:
            raise ValueError("checkpoint: expected a run that has begun, got one that prepares its data")
        checkpoint.write_run(Path(path), self._state())

    def _load(self, path: Path) -> Rewound:
        state = checkpoint.read_run(path)
        checkpoint.check_fits(path, state["config"], self.config)
        mine = {"device": self.config.device, "threads": self.config.threads}
        state["config"] = state["config"].model_copy(update=mine)
        return self._go_on_from(state, -1, name=path.name)

    @classmethod
    def from_checkpoint(cls, path: str | Path, inputs: Digits | None = None) -> Self:
        """The run of a file of `save_checkpoint`; after its preparation it goes on where that one was.

        Raises:
            ValueError: naming the file, if it is not a checkpoint.
        """
        state = checkpoint.read_run(Path(path))
        engine = cls(state["config"], inputs)
        engine._resumed, engine._resumed_name = state, Path(path).name
        return engine

    def _mark(self, request: Mark) -> Node:
        if self._failure:
            raise ValueError("mark: expected a run whose loss is finite; go back to a checkpoint first")
        self.changed_by_answer = True
        return self._keep("mark", request.label)

    def _rewind(self, request: Rewind) -> Rewound:
        _, state = self._timeline.at(request.node)
        return self._go_on_from(state, request.node, halve_lr=request.halve_lr)

    def _go_on_from(
        self, state: dict[str, Any], node: int, *, halve_lr: bool = False, name: str = ""
    ) -> Rewound:
        waits = self.done or bool(self._failure) or self._closed
        present = self.config.optimizer.lr
        self._take(state, name)
        self.changed_by_answer, self._closed = True, False
        self._timeline.branch_off(node)
        if node < 0:
            node = self._keep("start", f"loaded {name}").id
        if halve_lr:
            lower = min(present, self.config.optimizer.lr) / 2  # the checkpoint's own may be too large
            self.apply(self.config.changed("optimizer.lr", lower))
        if waits:  # who runs the engine has ended the run: let it wait for a person instead
            self.pause_wanted = f"Back at step {self._step:,}"
        return Rewound(self._timeline.branch, node, self._step, self.config)

    def apply(self, config: TrainingConfig) -> None:
        """Take a live edit."""
        raise NotImplementedError
