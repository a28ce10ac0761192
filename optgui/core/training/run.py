"""A run by itself: its data, its steps and epochs, its tests, and when it stops."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Generator, Sequence
from typing import Any

import torch

from optgui.core import runtime
from optgui.core.engine import RunFailed, Status
from optgui.core.schedulers import Schedule
from optgui.core.training.config import TrainingConfig
from optgui.core.training.data import Sampler, TrainingData
from optgui.core.training.digits import Digits, prepare
from optgui.core.training.evaluation import Evaluation, evaluate
from optgui.core.training.guard import LossGuard, StopRules
from optgui.core.training.loop import Loop
from optgui.core.training.records import NORM_EVERY, LoggedEdit, Node, TrainingRecord
from optgui.core.training.timeline import Timeline

SUPPOSED = 1_000  # steps of an epoch, until the data tell; shown, never trained with
QUEUED = 256  # most steps sent to a GPU before their losses are read

_runs = itertools.count(1)
_nan = float("nan")


class TrainingRun:
    """A seeded training run on the CPU or a GPU.

    The whole data set lies on the device, normalized once; a batch is one `index_select`. Random numbers
    come from one generator of the run's own: first the weights, then an order for each epoch, and in each
    step what augmentation and dropout draw.
    """

    def __init__(self, config: TrainingConfig, inputs: Digits | None = None) -> None:
        runtime.use_threads(config.threads)
        self.config = self._start = config
        self.run = f"run{next(_runs)}"
        self.pause_wanted = ""
        self._device = runtime.device(config.device)
        self._generator = torch.Generator().manual_seed(config.seed)
        self._loop = Loop(config, self._generator, self._device)
        self._schedule = Schedule(config.scheduler, SUPPOSED, config.epochs)
        self._set_rate()
        self._step = self._epoch = 0
        self._age = 0  # steps of the present optimizer
        self._ends: list[tuple[int, float | None]] = []  # of each epoch: its last step and its test loss
        self._edits: tuple[LoggedEdit, ...] = ()
        self._preparation: Generator[float, None, None] | None = self._prepare(inputs)
        self._prepared = 0.0
        self._evaluation: Generator[int, None, Evaluation] | None = None
        self._result: Evaluation | None = None
        self._result_step = -1
        self._returns = 0  # how often the weights were put back; an evaluation going on is then void
        self._failure = self._stopped = ""
        self._guard, self._rules = LossGuard(), StopRules()
        self._offer: int | None = None
        self._pause_step = self._pause_epoch = math.inf
        self._timeline = Timeline()

    @property
    def network(self) -> torch.nn.Sequential:
        """The module being trained, without dropout; for callers within the core."""
        return self._loop.network

    def _prepare(self, digits: Digits | None) -> Generator[float, None, None]:
        """Load, normalize and move the data, in slices; yields the fraction done."""
        if digits is None:
            digits = yield from prepare(self.config.dataset)
        self._data = TrainingData(digits, self.config, self._device)
        self._check_batch(self.config)
        self._sampler = Sampler(len(self._data), self._generator, self._device)
        yield from self._data.load()
        self._begin()

    def _begin(self) -> None:
        """The data are there: draw the first epoch."""
        self._sampler.draw(self.config.replacement)
        self._schedule = self._schedule_of(self.config)
        self._set_rate()
        self._keep("start", "start")

    def _check_batch(self, config: TrainingConfig) -> None:
        if config.batch_size > len(self._data):
            raise RunFailed(
                f"batch_size: expected at most {len(self._data)}, the training images there are, "
                f"got {config.batch_size}"
            )

    def _schedule_of(self, config: TrainingConfig) -> Schedule:
        """A fresh schedule, brought to the present step."""
        per_epoch = self._sampler.steps_per_epoch(config.batch_size)
        schedule = Schedule(config.scheduler, per_epoch, config.epochs)
        schedule.replay(self._step, self._ends)
        schedule.set_length(self._total_of(config), config.epochs, per_epoch)
        return schedule

    def _total_of(self, config: TrainingConfig) -> int:
        """Mini-batches of the whole run: those done, those left in this epoch, and further epochs."""
        further = config.epochs - self._epoch - 1
        if further < 0:
            return self._step
        size = config.batch_size
        return self._step + self._sampler.steps_left(size) + further * self._sampler.steps_per_epoch(size)

    @property
    def total_steps(self) -> int:
        """Mini-batches of the whole run; 0 until the data are there."""
        return 0 if self._preparation is not None else self._total_of(self.config)

    @property
    def done(self) -> bool:
        """Whether every epoch is trained and evaluated, or a stop rule holds."""
        if self._preparation is not None or self._evaluation is not None:
            return False
        return self._epoch >= self.config.epochs or bool(self._stopped)

    def step(self) -> TrainingRecord:
        """Train on one mini-batch, or advance a preparation or an evaluation by one slice.

        Raises:
            RunFailed: if the loss is no longer finite, with the step and the learning rate.
        """
        if self._failure:
            raise RunFailed(self._failure)
        self.pause_wanted = ""
        if self._preparation is not None:
            self._prepared = next(self._preparation, 1.0)
            if self._prepared == 1.0:
                self._preparation = None
            return TrainingRecord(0, 0, _nan, _nan, self.lr, "prepare")
        if self._evaluation is not None:
            return self._evaluate_slice()
        if self.done:
            raise RunFailed(self._stopped or f"epochs: expected more than the {self._epoch} already trained, "
                            "to go on")  # fmt: skip
        rate = self.lr
        loss, correct, size, norm = self._train_step()
        length = _nan if norm is None else norm.item()
        record = self._record(self._step, loss.item(), correct.item(), size, rate, length)
        self._settle()
        return record

    def run_slice(self, seconds: float) -> list[TrainingRecord]:
        """Step for about `seconds`; on a GPU the losses are read once, at the end of the slice."""
        deadline = time.perf_counter() + seconds
        records: list[TrainingRecord] = []
        if self._device.type == "cpu" or self._preparation or self._evaluation or self._failure:
            self.pause_wanted = ""
            cpu = self._device.type == "cpu"
            while not self.done and time.perf_counter() < deadline:
                records.append(self.step())
                if self._failure or self.pause_wanted:
                    break
                if not (cpu or self._preparation or self._evaluation):
                    break  # a GPU's next steps are read together
            return records
        self.pause_wanted = ""
        numbers: list[torch.Tensor] = []
        norms: list[torch.Tensor | None] = []
        sizes: list[int] = []
        rates: list[float] = []
        most = min(QUEUED, self._pause_step - self._step)
        while not self._sampler.is_empty and len(sizes) < most and time.perf_counter() < deadline:
            rates.append(self.lr)
            loss, correct, size, norm = self._train_step()
            numbers.append(torch.stack([loss, correct.float()]))
            norms.append(norm)
            sizes.append(size)
        if not numbers:
            return []
        taken = [norm for norm in norms if norm is not None]
        found = iter(torch.stack(taken).tolist() if taken else ())
        read = [_nan if norm is None else next(found) for norm in norms]
        return self._recorded(torch.stack(numbers).tolist(), sizes, rates, read)

    def _train_step(self) -> tuple[torch.Tensor, torch.Tensor, int, torch.Tensor | None]:
        """One update: the loss before it, how many answers of how many were right, and now and then |g|."""
        batch = self._sampler.next(self.config.batch_size)
        loss, correct = self._loop.step(self._data, batch)
        norm = self._loop.grad_norm() if self._step % NORM_EVERY == 0 else None
        self._advance()
        return loss, correct, batch.shape[0], norm

    def _advance(self) -> None:
        self._step += 1
        self._age += 1
        if self._schedule.advance_step():
            self._set_rate()

    def _recorded(
        self,
        numbers: Sequence[Sequence[float]],
        sizes: Sequence[int],
        rates: Sequence[float],
        norms: Sequence[float],
    ) -> list[TrainingRecord]:
        """The records of the last steps, up to one that is not finite; ends an epoch behind its last step."""
        step, records = self._step - len(sizes), []
        for (loss, correct), size, rate, norm in zip(numbers, sizes, rates, norms, strict=True):
            step += 1
            records.append(self._record(step, loss, correct, size, rate, norm))
            if self._failure:
                break
        self._settle()
        return records

    def _record(
        self, step: int, loss: float, correct: float, size: int, rate: float, norm: float
    ) -> TrainingRecord:
        """The record of a step; looks whether its loss is finite and on the rails."""
        if not math.isfinite(loss):
            self._fail(loss, step, rate)
        elif self.config.spike_guard and self._guard.spikes(loss, self.config.spike_factor):
            self._warn(step)
        branch = self._timeline.branch
        return TrainingRecord(
            step, self._epoch, loss, correct / size, rate, "train", _nan, _nan, norm, branch
        )

    def _settle(self) -> None:
        """Behind the last steps: a pause asked for, the end of an epoch; nothing after a failure."""
        if self._failure:
            return
        if self._step >= self._pause_step:
            self._pause_step, self.pause_wanted = (
                math.inf,
                self.pause_wanted or f"Step {self._step:,} is done",
            )
        if self._sampler.is_empty:
            self._end_epoch()

    def _fail(self, loss: float, step: int, rate: float) -> None:
        self._offer = self._timeline.before(self._guard.calm)
        self._failure = (
            f"The loss became {loss} at step {step} with learning rate {rate:g}. "
            "Start again with a smaller learning rate, or go back to a checkpoint."
        )

    def _warn(self, step: int) -> None:
        self._offer = self._timeline.before(self._guard.calm)
        self.pause_wanted = (
            f"The loss left the rails at step {step:,}: smoothed it is {self._guard.level:.3g}, more than "
            f"{self.config.spike_factor:g} times its recent minimum. Go back to a checkpoint, or go on."
        )
        self._guard.reset()

    def _set_rate(self) -> None:
        """Give the optimizer the effective learning rate: base lr x schedule factor."""
        self.lr = self.config.optimizer.lr * self._schedule.factor
        self._loop.set_rate(self.lr)

    def _end_epoch(self) -> None:
        self._epoch += 1
        self._ends.append((self._step, None))
        if not self._schedule.wants_metric:
            self._end_epoch_of_schedule()
        self._evaluation = self._evaluate()
        self._sampler.draw(self.config.replacement)

    def _end_epoch_of_schedule(self, test_loss: float | None = None) -> None:
        """A schedule that looks at the test loss acts behind the evaluation, every other one before it."""
        if self._schedule.advance_epoch(test_loss):
            self._set_rate()

    def _evaluate(self) -> Generator[int, None, Evaluation]:
        step, returns = self._step, self._returns
        slices = evaluate(self._loop.body, self._data.test_images, self._data.test_labels)
        while True:
            try:
                done = next(slices)
            except StopIteration as end:
                result: Evaluation = end.value
                break
            yield done
            if returns != self._returns:
                raise ValueError("evaluate: the run went back to a checkpoint meanwhile; ask again")
        self._result, self._result_step = result, step
        return result

    def _evaluate_slice(self) -> TrainingRecord:
        assert self._evaluation is not None
        branch = self._timeline.branch
        record = TrainingRecord(self._step, self._epoch, _nan, _nan, self.lr, "test", branch=branch)
        try:
            next(self._evaluation)
        except StopIteration as end:
            self._evaluation = None
            self._finish_epoch(end.value)
            return record._replace(test_accuracy=end.value.accuracy, test_loss=end.value.loss)
        return record

    def _finish_epoch(self, result: Evaluation) -> None:
        """Behind the test of an epoch: plateau schedules, stop rules, a checkpoint, a pause asked for."""
        self._ends[-1] = (self._ends[-1][0], result.loss)
        if self._schedule.wants_metric:
            self._end_epoch_of_schedule(result.loss)
        self._stopped = self._rules.verdict(self.config, result.accuracy, result.loss)
        self._keep("epoch", f"epoch {self._epoch}")
        if self._epoch >= self._pause_epoch:
            self._pause_epoch, self.pause_wanted = math.inf, f"Epoch {self._epoch} is done"

    def _keep(self, kind: str, label: str, state: dict[str, Any] | None = None) -> Node:
        """Keep the run as it stands, or as `state` has it, among the checkpoints."""
        measured = self._result is not None and self._result_step == self._step
        return self._timeline.add(
            kind,
            label,
            step=self._step,
            epoch=self._epoch,
            accuracy=self._result.accuracy if measured and self._result else None,
            state=self._state() if state is None else state,
            level=self._guard.level,
        )

    def _state(self) -> dict[str, Any]:
        """All that going on bit for bit takes; tensors are copies, or never written to."""
        raise NotImplementedError

    def status(self) -> Status:
        """Mini-batches done and to do; while the data are prepared, percent."""
        if self._preparation is not None:
            return Status(round(self._prepared * 100), 100, "%", "preparing the data")
        if self._evaluation is not None:
            return Status(self._step, self.total_steps, "steps", "testing")
        if self._stopped:
            return Status(self._step, self.total_steps, "steps", self._stopped)
        epoch = min(self._epoch + 1, self.config.epochs)
        return Status(self._step, self.total_steps, "steps", f"epoch {epoch} of {self.config.epochs}")
