"""Training as an engine: a run that is edited, asked, rewound and saved between two steps."""

from __future__ import annotations

import functools
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import torch

from optgui.core.params import Change
from optgui.core.snapshot import NetworkSnapshot, frozen_copy
from optgui.core.training import live
from optgui.core.training.answers import Standing, answer
from optgui.core.training.config import TrainingConfig
from optgui.core.training.digits import Digits
from optgui.core.training.fallback import FallbackRun
from optgui.core.training.layers import LayerReadings
from optgui.core.training.live_readings import LiveNoise, LiveSharpness
from optgui.core.training.measures.slices import finish
from optgui.core.training.proposal import Prober, initial_state, propose
from optgui.core.training.questions import Question
from optgui.core.training.records import (
    SHOWN,
    LoggedEdit,
    RunLog,
    TrainingFrame,
    TrainingRecord,
)
from optgui.core.training.requests import (
    Load,
    Mark,
    NetworkAt,
    PauseAfter,
    ProposeRate,
    Rewind,
    Save,
    Unfold,
    Unfolded,
)
from optgui.core.training.switch import States
from optgui.core.training.unfold import unfolded

__all__ = ["SHOWN", "TrainingEngine", "TrainingFrame", "TrainingRecord"]

BESIDE = {"sharpness", "noise_reading"}  # what does not touch the run
GESTURE_S = 0.4  # edits of the same fields that follow each other faster share one checkpoint


class TrainingEngine(FallbackRun):
    """A run with its controls: live edits, checkpoints in memory and in files, answers."""

    def __init__(self, config: TrainingConfig, inputs: Digits | None = None) -> None:
        super().__init__(config, inputs)
        self._readings = LayerReadings(self._loop)
        self._sharpness, self._noise = LiveSharpness(), LiveNoise()
        self._last_gesture: tuple[int, frozenset[str], float] = (-1, frozenset(), 0.0)

    def notes(self) -> dict[str, str]:
        """A sentence for each control that cannot act now, by its path."""
        notes = live.notes(self.config, self._schedule, self._age)
        return {**notes, "device": self._moved} if self._moved else notes

    def frame(self) -> TrainingFrame | None:
        """The run as it stands; None until the data are there."""
        return None if self._preparation is not None else self._survive(self._picture)

    def _picture(self) -> TrainingFrame:
        data, result, timeline = self._data, self._result, self._timeline
        with torch.no_grad():
            probabilities = self._loop.body(data.test_images[:SHOWN]).softmax(1)
        self._loop.watching = True
        return TrainingFrame(
            run=self.run,
            step=self._step,
            total_steps=self.total_steps,
            epoch=self._epoch,
            test_accuracy=result.accuracy if result else None,
            test_loss=result.loss if result else None,
            confusion=result.confusion if result else None,
            digits=data.shown_digits,
            labels=data.shown_labels,
            probabilities=frozen_copy(probabilities),
            class_names=data.digits.class_names,
            source=data.digits.source,
            layers=self._readings.read(data, self._step),
            nodes=timeline.nodes,
            here=timeline.here,
            branch=timeline.branch,
            offer=self._offer,
            notes=self.notes(),
            curvature=self._sharpness.readings,
            noise=self._noise.readings,
        )

    def apply(self, config: TrainingConfig) -> None:
        """Take a live edit: everything but the model, the data, the seed, the device and the threads.

        It acts at the next step. A schedule is replayed to the present step; a batch size cuts the rest of
        the epoch anew; another optimizer takes over as `switch` says.

        Raises:
            ValueError: naming the field, if it cannot change now; then nothing has changed.
        """
        self._survive(functools.partial(self._take_edit, config))

    def _take_edit(self, config: TrainingConfig) -> None:
        old, found = self.config, live.edits(self.config, config)
        if {change.path for change in found} <= BESIDE:
            self.config = config
            return
        prepared = self._preparation is None
        inside = prepared and self._sampler.position > 0
        if config.epochs < self._epoch or (config.epochs == self._epoch and inside):
            raise ValueError(
                f"epochs: expected more than the {self._epoch} already trained, got {config.epochs}"
            )
        if prepared:
            self._check_batch(config)
        schedule = self._schedule_of(config) if prepared and config.scheduler != old.scheduler else None
        keeps = prepared and not self._failure and self._begins_gesture(found)
        state = self._state() if keeps else None
        self._change_optimizer(config)
        paths = frozenset(change.path for change in found)
        self._last_gesture = (self._timeline.branch, paths, time.monotonic())
        if state is not None:
            self._keep("edit", f"before {live.describe(found)}", state)
        self.config = config
        self._log(config, only_rate=[change.path for change in found] == ["optimizer.lr"])
        if schedule is not None:
            self._schedule = schedule
        elif prepared:
            per_epoch = self._sampler.steps_per_epoch(config.batch_size)
            self._schedule.set_length(self.total_steps, config.epochs, per_epoch)
        else:
            self._schedule = type(self._schedule)(config.scheduler, 1, config.epochs)
        if prepared and config.replacement != old.replacement:
            self._sampler.draw_rest(config.replacement)
        gradient = ("zero_grad", "augmentation", "model")
        if any(getattr(old, field) != getattr(config, field) for field in gradient):
            self._loop.set_gradient(config)
        if old.augmentation != config.augmentation or old.model != config.model:
            self._guard.reset()  # another dropout is another loss: a higher one is no spike
        if (config.target_accuracy, config.patience) != (old.target_accuracy, old.patience):
            self._stopped = ""
        self._set_rate()
        if self.done and self._ends and self._ends[-1][1] is None:
            self._evaluation = self._evaluate()  # what is now the last epoch was not tested

    def _change_optimizer(self, config: TrainingConfig) -> None:
        old = self.config.optimizer
        if config.optimizer.name == old.name:
            if config.optimizer != old:
                self._loop.retune(config.optimizer)
            return
        new = self._loop.make(config.optimizer)
        states: States = {}
        if self._preparation is None:
            prober = Prober(self._loop, self._data, self.config, self._step)
            states = finish(initial_state(config.switch, prober, old, self._age, new, config.optimizer))
        new.state.update(states)
        self._loop.use(new)
        self._age = max((int(state["step"]) for state in states.values() if "step" in state), default=0)

    def _begins_gesture(self, found: list[Change]) -> bool:
        """Whether this edit begins a gesture, which a checkpoint is kept of."""
        branch, paths, last = self._last_gesture
        same = (branch, paths) == (self._timeline.branch, frozenset(change.path for change in found))
        return not same or time.monotonic() - last > GESTURE_S

    def _log(self, config: TrainingConfig, *, only_rate: bool) -> None:
        edits = self._edits
        if only_rate and edits and edits[-1].step == self._step:
            edits = edits[:-1]
        self._edits = (*edits, LoggedEdit(self._step, config))

    def answer(self, request: Any) -> Any:
        """Reply to "snapshot", "digits", "evaluate" or "log", or to one of `requests`.

        Raises:
            ValueError: if it cannot be answered now.
        """
        if self._preparation is not None:
            raise ValueError("network: the data are still being prepared; ask again in a moment")
        reply = self._survive(functools.partial(self._reply, request))
        waits = isinstance(reply, Generator) and not isinstance(request, Unfold)
        return self._refusing(reply) if waits else reply

    def _reply(self, request: Any) -> Any:
        match request:
            case "snapshot":
                return self.snapshot()
            case "digits":
                return self._data.digits
            case "evaluate":
                return self._evaluate()
            case "log":
                timeline = self._timeline
                return RunLog(self._start, self._edits, timeline.branch, timeline.rewinds)
            case Mark():
                return self._mark(request)
            case Rewind():
                return self._rewind(request)
            case PauseAfter():
                return self._pause_after(request)
            case ProposeRate():
                return self._propose(request)
            case Unfold():
                return self._unfold(request)
            case NetworkAt():
                return self._network_at(request.node)
            case Save():
                self.save_checkpoint(request.path)
                return request.path
            case Load():
                return self._load(Path(request.path))
        if isinstance(request, Question):
            return answer(request, self._standing)
        raise ValueError(f"request: expected snapshot, digits or evaluate, got {request!r}")

    @property
    def _standing(self) -> Standing:
        return Standing(self._loop, self._data, self.config, self.lr, self._step)

    def _advance(self) -> None:
        """Behind a step, the measures that go on beside the run take their share of the time."""
        super()._advance()
        if self.config.sharpness and self._sharpness.due(self._step):
            self._sharpness.advance(self._standing)
        if self.config.noise_reading and self._noise.due(self._step):
            self._noise.advance(self._standing)

    def _move_to_cpu(self, state: dict[str, Any] | None) -> None:
        super()._move_to_cpu(state)
        self._readings = LayerReadings(self._loop)

    def _restore(self, state: dict[str, Any]) -> None:
        super()._restore(state)
        self._sharpness.rewind(self._step)
        self._noise.rewind(self._step)

    def _pause_after(self, request: PauseAfter) -> int:
        if request.steps < 0 or request.epochs < 0:
            raise ValueError("pause: expected steps and epochs >= 0")
        self._pause_step = self._step + request.steps if request.steps else float("inf")
        self._pause_epoch = self._epoch + request.epochs if request.epochs else float("inf")
        return self._step + request.steps if request.steps else self._epoch + request.epochs

    def _propose(self, request: ProposeRate) -> Generator[int, None, Any]:
        return propose(
            Prober(self._loop, self._data, self.config, self._step),
            self.config.optimizer,
            self._age,
            request.optimizer,
            mode=request.switch or self.config.switch,
            factor=self._schedule.factor,
            lambda_max=request.lambda_max,
        )

    def _unfold(self, request: Unfold) -> Generator[None, None, Unfolded]:
        """The test of an epoch that is going on is finished first."""
        records: list[TrainingRecord] = []
        while self._evaluation is not None:
            records.append(self.step())
            yield
        return self._survive(functools.partial(self._unfold_step, request, records))

    def _unfold_step(self, request: Unfold, records: list[TrainingRecord]) -> Unfolded:
        if self.done or self._failure:
            raise ValueError("step: expected a run that goes on, got one that has ended")
        if self._loop.wants_closure:
            raise ValueError(
                f"step: {self.config.optimizer.name} evaluates the loss several times a step; "
                "it has no three parts"
            )
        rate, batch = self.lr, self._sampler.next(self.config.batch_size)
        zeroes = self.config.zero_grad
        parts, (loss, correct) = unfolded(self._loop, self._data, batch, request.units, zeroes=zeroes)
        norm = self._loop.grad_norm().item()
        self._loop.set_gradient(self.config)
        self._advance()
        done = self._recorded([(loss.item(), correct.item())], [len(batch)], [rate], [norm])
        return Unfolded(parts, (*records, *done))

    def snapshot(self) -> NetworkSnapshot:
        """A frozen copy of the network."""
        measured = self._result is not None and self._result_step == self._step
        accuracy = self._result.accuracy if measured and self._result else None
        return self._snapshot(self._timeline.branch, self._step, self.network.state_dict(), accuracy)

    def _network_at(self, number: int) -> NetworkSnapshot:
        node, state = self._timeline.at(number)
        return self._snapshot(node.branch, node.step, state["network"], node.test_accuracy)

    def _snapshot(
        self, branch: int, step: int, weights: Mapping[str, torch.Tensor], accuracy: float | None
    ) -> NetworkSnapshot:
        name = f"{self.run}.{branch}" if branch else self.run
        return NetworkSnapshot(
            id=f"{name}@{step}",
            model=self.config.model.model_dump(mode="json"),
            arrays={name: frozen_copy(value) for name, value in weights.items()},
            dataset=self.config.dataset,
            step=step,
            test_accuracy=accuracy,
        )
