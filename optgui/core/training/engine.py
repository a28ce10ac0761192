"""Trains a network on digits, one mini-batch a step."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core import runtime
from optgui.core.engine import RunFailed, Status
from optgui.core.optimizers import quick_step, retune, wants_closure
from optgui.core.params import refuse_locked
from optgui.core.schedulers import Schedule
from optgui.core.snapshot import NetworkSnapshot, frozen, frozen_copy
from optgui.core.training import checkpoint
from optgui.core.training.closed_gradient import ClosedGradient
from optgui.core.training.config import TrainingConfig
from optgui.core.training.digits import Digits, prepare
from optgui.core.training.evaluation import Evaluation, evaluate
from optgui.core.training.models import Normalize, make_network

SHOWN = 20  # test digits whose predictions travel with each frame
PREPARED_AT_ONCE = 5_000  # images normalized in one step, about 15 ms
SUPPOSED = 1_000  # steps of an epoch, until the data tell; shown, never trained with
QUEUED = 256  # most steps sent to a GPU before their losses are read

_runs = itertools.count(1)
_nan = float("nan")


class TrainingRecord(NamedTuple):
    """Small numbers of one step; of an evaluation's slices only the last carries the test results."""

    step: int  # mini-batches done
    epoch: int  # epochs completed before this step
    loss: float  # mean cross-entropy of the mini-batch
    accuracy: float  # of the mini-batch, before its update
    lr: float  # effective: base lr x schedule factor
    phase: str  # "prepare" | "train" | "test"
    test_accuracy: float = _nan
    test_loss: float = _nan


@dataclasses.dataclass(frozen=True)
class TrainingFrame:
    """A picture of the run; arrays are read-only."""

    run: str
    step: int
    total_steps: int
    epoch: int
    test_accuracy: float | None
    test_loss: float | None
    confusion: NDArray[np.int64] | None  # (10, 10), row: true class
    digits: NDArray[np.uint8]  # (SHOWN, 28, 28), the first test images; the same array in every frame
    labels: NDArray[np.int64]  # (SHOWN,)
    probabilities: NDArray[np.float32]  # (SHOWN, 10), of the network as it stands
    class_names: tuple[str, ...]
    source: str


class TrainingEngine:
    """A seeded training run on the CPU or a GPU.

    The whole data set lies on the device, normalized once; a batch is one `index_select`. Random numbers
    come from one generator of the run's own: first the weights, then a permutation for each epoch.
    """

    def __init__(self, config: TrainingConfig, inputs: Digits | None = None) -> None:
        runtime.use_threads(config.threads)
        self.config = config
        self.run = f"run{next(_runs)}"
        self._device = runtime.device(config.device)
        self._generator = torch.Generator().manual_seed(config.seed)
        self.network = make_network(config.model, self._generator).to(self._device)
        self._body = self.network[1:]
        assert isinstance(self.network[0], Normalize)
        execution = {"foreach": False} if self._device.type == "cpu" else {}
        self._optimizer = config.optimizer.make(self.network.parameters(), **execution)
        self._update = quick_step(self._optimizer)
        self._wants_closure = wants_closure(self._optimizer)
        self._closed = ClosedGradient.of(self._body)
        self._schedule = Schedule(config.scheduler, SUPPOSED, config.epochs)
        self._set_rate()
        self._step = self._epoch = self._position = 0
        self._order = torch.empty(0, dtype=torch.int64)
        self._resumed: dict[str, Any] | None = None
        self._preparation: Generator[float, None, None] | None = self._prepare(inputs)
        self._prepared = 0.0
        self._evaluation: Generator[int, None, Evaluation] | None = None
        self._result: Evaluation | None = None
        self._result_step = -1
        self._failure = ""

    def _prepare(self, digits: Digits | None) -> Generator[float, None, None]:
        """Load, normalize and move the data, in slices; yields the fraction done."""
        if digits is None:
            digits = yield from prepare(self.config.dataset)
        self._digits = digits
        count, batch = len(digits.train_images), self.config.batch_size
        if batch > count:
            raise RunFailed(
                f"batch_size: expected at most {count}, the training images there are, got {batch}"
            )
        self._batches = math.ceil(count / batch)
        self._schedule = Schedule(self.config.scheduler, self._batches, self.config.epochs)
        self._set_rate()
        self._train_labels = torch.tensor(digits.train_labels.astype(np.int64)).to(self._device)
        self._test_labels = torch.tensor(digits.test_labels.astype(np.int64)).to(self._device)
        self._train_images = torch.empty(count, 1, 28, 28, device=self._device)
        self._train_pixels = self._train_images.flatten(1)  # the same memory
        self._test_images = torch.empty(len(digits.test_images), 1, 28, 28, device=self._device)
        normalize = self.network[0]
        for source, target in (
            (digits.train_images, self._train_images),
            (digits.test_images, self._test_images),
        ):
            for start in range(0, len(source), PREPARED_AT_ONCE):
                pixels = torch.tensor(source[start : start + PREPARED_AT_ONCE]).to(self._device)
                target[start : start + PREPARED_AT_ONCE] = normalize(pixels.unsqueeze(1).float() / 255)
                yield start / len(source)
        self._shown_digits = digits.test_images[:SHOWN]
        self._shown_labels = frozen_copy(digits.test_labels[:SHOWN].astype(np.int64))
        self._shuffle()
        if self._resumed is not None:
            self._restore(self._resumed)

    def _shuffle(self) -> None:
        order = torch.randperm(len(self._train_images), generator=self._generator)
        self._order, self._position = order.to(self._device), 0

    @property
    def total_steps(self) -> int:
        """Mini-batches of the whole run; 0 until the data are there."""
        return self.config.epochs * getattr(self, "_batches", 0)

    @property
    def done(self) -> bool:
        """Whether every epoch is trained and evaluated."""
        return self._preparation is None and self._evaluation is None and self._epoch >= self.config.epochs

    def step(self) -> TrainingRecord:
        """Train on one mini-batch, or advance a preparation or an evaluation by one slice.

        Raises:
            RunFailed: if the loss is no longer finite, with the step and the learning rate.
        """
        if self._failure:
            raise RunFailed(self._failure)
        if self._preparation is not None:
            self._prepared = next(self._preparation, 1.0)
            if self._prepared == 1.0:
                self._preparation = None
            return TrainingRecord(0, 0, _nan, _nan, self.lr, "prepare")
        if self._evaluation is not None:
            return self._evaluate_slice()
        if self.done:
            raise RunFailed(f"epochs: expected more than the {self._epoch} already trained, to go on")
        rate = self.lr
        loss, correct, size = self._train_step()
        return self._recorded([(loss.item(), correct.item())], [size], [rate])[0]

    def run_slice(self, seconds: float) -> list[TrainingRecord]:
        """Step for about `seconds`; on a GPU the losses are read once, at the end of the slice."""
        deadline = time.perf_counter() + seconds
        records: list[TrainingRecord] = []
        if self._device.type == "cpu" or self._preparation or self._evaluation or self._failure:
            while not self.done and not (self._failure and records) and time.perf_counter() < deadline:
                records.append(self.step())
            return records
        numbers: list[torch.Tensor] = []
        sizes: list[int] = []
        rates: list[float] = []
        while self._position < len(self._order) and len(sizes) < QUEUED and time.perf_counter() < deadline:
            rates.append(self.lr)
            loss, correct, size = self._train_step()
            numbers.append(torch.stack([loss, correct.float()]))
            sizes.append(size)
        return self._recorded(torch.stack(numbers).tolist(), sizes, rates) if numbers else []

    def _train_step(self) -> tuple[torch.Tensor, torch.Tensor, int]:
        """One update; the loss before it and how many answers of how many were right."""
        batch = self._order[self._position : self._position + self.config.batch_size]
        size = len(batch)
        backward = self._gather(batch)
        if self._wants_closure:
            first: list[tuple[torch.Tensor, torch.Tensor]] = []

            def closure() -> torch.Tensor:
                loss, correct = backward()
                first.append((loss.clone(), correct))
                return loss

            self._optimizer.step(closure)  # type: ignore[arg-type]
            loss, correct = first[0]
        else:
            loss, correct = backward()
            self._update()
        self._step += 1
        self._position += size
        if self._schedule.advance_step():
            self._set_rate()
        return loss, correct, size

    def _recorded(
        self, numbers: Sequence[Sequence[float]], sizes: Sequence[int], rates: Sequence[float]
    ) -> list[TrainingRecord]:
        """The records of the last steps, up to one that is not finite; ends an epoch behind its last step."""
        first = self._step - len(sizes) + 1
        records = []
        for index, ((loss, correct), size, rate) in enumerate(zip(numbers, sizes, rates, strict=True)):
            step = first + index
            records.append(TrainingRecord(step, self._epoch, loss, correct / size, rate, "train"))
            if not math.isfinite(loss):
                self._failure = (
                    f"The loss became {loss} at step {step} with learning rate {rate:g}. "
                    "Start again with a smaller learning rate."
                )
                return records
        if self._position == len(self._order):
            self._end_epoch()
        return records

    def _gather(self, batch: torch.Tensor) -> Callable[[], tuple[torch.Tensor, torch.Tensor]]:
        """Collect a mini-batch; what is returned sets the gradients and gives loss and correct answers."""
        labels = self._train_labels.index_select(0, batch)
        closed = self._closed
        if closed is not None:
            buffers = closed.buffers(len(batch))
            torch.index_select(self._train_pixels, 0, batch, out=buffers.inputs)

            def by_hand() -> tuple[torch.Tensor, torch.Tensor]:
                loss, logits = closed(buffers, labels)
                return loss, logits.argmax(1).eq_(labels).sum()

            return by_hand
        images = self._train_images.index_select(0, batch)

        def by_autograd() -> tuple[torch.Tensor, torch.Tensor]:
            self._optimizer.zero_grad()
            logits = self._body(images)
            loss = nn.functional.cross_entropy(logits, labels)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.detach(), logits.detach().argmax(1).eq(labels).sum()

        return by_autograd

    def _set_rate(self) -> None:
        """Give the optimizer the effective learning rate: base lr x schedule factor."""
        self.lr = self.config.optimizer.lr * self._schedule.factor
        for group in self._optimizer.param_groups:
            group["lr"] = self.lr

    def _end_epoch(self) -> None:
        self._epoch += 1
        if not self._schedule.wants_metric:
            self._end_epoch_of_schedule()
        self._evaluation = self._evaluate()
        self._shuffle()

    def _end_epoch_of_schedule(self, test_loss: float | None = None) -> None:
        """A schedule that looks at the test loss acts behind the evaluation, every other one before it."""
        if self._schedule.advance_epoch(test_loss):
            self._set_rate()

    def _evaluate(self) -> Generator[int, None, Evaluation]:
        step = self._step
        result = yield from evaluate(self._body, self._test_images, self._test_labels)
        self._result, self._result_step = result, step
        return result

    def _evaluate_slice(self) -> TrainingRecord:
        assert self._evaluation is not None
        record = TrainingRecord(self._step, self._epoch, _nan, _nan, self.lr, "test")
        try:
            next(self._evaluation)
        except StopIteration as end:
            self._evaluation = None
            if self._schedule.wants_metric:
                self._end_epoch_of_schedule(end.value.loss)
            return record._replace(test_accuracy=end.value.accuracy, test_loss=end.value.loss)
        return record

    def status(self) -> Status:
        """Mini-batches done and to do; while the data are prepared, percent."""
        if self._preparation is not None:
            return Status(round(self._prepared * 100), 100, "%", "preparing the data")
        if self._evaluation is not None:
            return Status(self._step, self.total_steps, "steps", "testing")
        epoch = min(self._epoch + 1, self.config.epochs)
        return Status(self._step, self.total_steps, "steps", f"epoch {epoch} of {self.config.epochs}")

    def frame(self) -> TrainingFrame | None:
        """The run as it stands; None until the data are there."""
        if self._preparation is not None:
            return None
        with torch.no_grad():
            probabilities = self._body(self._test_images[:SHOWN]).softmax(1)
        result = self._result
        return TrainingFrame(
            run=self.run,
            step=self._step,
            total_steps=self.total_steps,
            epoch=self._epoch,
            test_accuracy=result.accuracy if result else None,
            test_loss=result.loss if result else None,
            confusion=result.confusion if result else None,
            digits=self._shown_digits,
            labels=self._shown_labels,
            probabilities=frozen_copy(probabilities),
            class_names=self._digits.class_names,
            source=self._digits.source,
        )

    def apply(self, config: TrainingConfig) -> None:
        """Take a live edit: every number of the optimizer, and the number of epochs.

        Raises:
            ValueError: naming the field, if it cannot change now; then nothing has changed.
        """
        refuse_locked(self.config, config)
        if config.epochs < self._epoch or (config.epochs == self._epoch and not self.done and self._position):
            raise ValueError(
                f"epochs: expected more than the {self._epoch} already trained, got {config.epochs}"
            )
        retune(self._optimizer, config.optimizer)
        self._update = quick_step(self._optimizer)
        self.config = config
        self._schedule.set_epochs(config.epochs)
        self._set_rate()

    def answer(self, request: Any) -> Any:
        """`"snapshot"`: the network; `"digits"`: its data; `"evaluate"`: its test results, in slices."""
        if self._preparation is not None:
            raise ValueError("network: the data are still being prepared; ask again in a moment")
        if request == "snapshot":
            return self.snapshot()
        if request == "digits":
            return self._digits
        if request == "evaluate":
            return self._evaluate()
        raise ValueError(f"request: expected snapshot, digits or evaluate, got {request!r}")

    def save_checkpoint(self, path: str | Path) -> None:
        """Write everything a run needs to go on bit for bit; an evaluation going on starts again.

        Raises:
            ValueError: while the data are still being prepared.
        """
        if self._preparation is not None:
            raise ValueError("checkpoint: expected a run that has begun, got one that prepares its data")
        result = self._result
        state = {
            "config": self.config.model_dump(mode="json"),
            "network": dict(self.network.state_dict()),
            "optimizer": self._optimizer.state_dict()["state"],
            "generator": self._generator.get_state(),
            "order": self._order,
            "schedule": self._schedule.state(),
            "progress": [self._step, self._epoch, self._position],
            "evaluating": self._evaluation is not None,
            "failure": self._failure,
            "result": None if result is None else [result.accuracy, result.loss, result.confusion.tolist()],
            "result_step": self._result_step,
        }
        checkpoint.write(Path(path), state)

    @classmethod
    def from_checkpoint(cls, path: str | Path, inputs: Digits | None = None) -> TrainingEngine:
        """The run of a file of `save_checkpoint`; after its preparation it goes on where that one was.

        Raises:
            ValueError: naming the file, if it is not a checkpoint.
        """
        state = checkpoint.read(Path(path))
        engine = cls(TrainingConfig.parse(state["config"]), inputs)
        engine._resumed = state
        return engine

    def _restore(self, state: dict[str, Any]) -> None:
        self._resumed = None
        self.network.load_state_dict(state["network"])
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state["optimizer"], "param_groups": groups})
        self._step, self._epoch, self._position = state["progress"]
        self._order = state["order"].to(self._device)
        self._generator.set_state(state["generator"])
        self._schedule.restore(state["schedule"])
        self._set_rate()
        self._failure = state["failure"]
        self._result_step = state["result_step"]
        if state["result"] is not None:
            accuracy, loss, confusion = state["result"]
            self._result = Evaluation(accuracy, loss, frozen(np.array(confusion, dtype=np.int64)))
        if state["evaluating"]:
            self._evaluation = self._evaluate()

    def snapshot(self) -> NetworkSnapshot:
        """A frozen copy of the network."""
        measured = self._result is not None and self._result_step == self._step
        return NetworkSnapshot(
            id=f"{self.run}@{self._step}",
            model=self.config.model.model_dump(mode="json"),
            arrays={name: frozen_copy(value) for name, value in self.network.state_dict().items()},
            dataset=self.config.dataset,
            step=self._step,
            test_accuracy=self._result.accuracy if measured and self._result else None,
        )
