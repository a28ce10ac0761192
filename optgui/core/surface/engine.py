"""DescentEngine: several optimizers race from one start on one surface, in float64."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.curvature import Curvature, curvatures_at
from optgui.core.engine import RunFailed, Status
from optgui.core.optimizers import retune, wants_closure
from optgui.core.params import refuse_locked
from optgui.core.runtime import use_threads
from optgui.core.snapshot import frozen, frozen_copy
from optgui.core.surface.config import DescentConfig, DescentOptimizer, SurfaceConfig
from optgui.core.surface.problems import Point


class DescentRecord(NamedTuple):
    """One step of all racers, in their order: the rates it used, and where it led."""

    step: int
    losses: tuple[float, ...]
    lrs: tuple[float, ...]
    gradient_norms: tuple[float, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class DescentFrame:
    """A race so far; index 0 of the second axis is the start. All arrays are read-only float64.

    `paths` (racers, step + 1, 2); `losses` and `gradient_norms` (racers, step + 1); `heads` (racers, 2).
    `diverged` holds, per racer, the step at which its position or loss was no longer finite, or None;
    from that step on it stays at its last finite position.
    """

    step: int
    ids: tuple[int, ...]
    paths: NDArray[np.float64]
    losses: NDArray[np.float64]
    gradient_norms: NDArray[np.float64]
    heads: NDArray[np.float64]
    curvatures: tuple[Curvature, ...]  # at the heads
    diverged: tuple[int | None, ...]
    surface: SurfaceConfig
    minima: tuple[Point, ...]


class DescentEngine:
    """All racers move one step at a time, by one batched gradient and each by its own torch optimizer.

    Under a constraint every step is followed by the projection onto it, and the start is projected too:
    projected gradient descent (Goldstein, "Convex programming in Hilbert space", 1964).
    With the same numbers a racer equals a plain torch.optim loop (`foreach=False`) bit for bit, alone
    or beside others. `done` when all steps are taken or every racer has diverged.

    Raises:
        ValueError: if torch refuses an optimizer's values or the surface is not finite at the start.
    """

    def __init__(self, config: DescentConfig, inputs: None = None) -> None:
        use_threads(1)  # batches of a few points: a second thread only costs
        self._config = config
        self._step = 0
        self._ahead = self._slice_at = 0.0
        self._diverged: list[int | None] = [None] * len(config.racers)
        self._feasible = config.constraint.make()
        start = self._feasible.project(torch.tensor(config.start, dtype=torch.float64))
        self._parameters = [torch.nn.Parameter(start.clone()) for _ in config.racers]
        self._optimizers = [
            _make(racer.optimizer, parameter, place)
            for place, (racer, parameter) in enumerate(zip(config.racers, self._parameters, strict=True))
        ]
        self._closures = [
            self._closure(parameter) if wants_closure(optimizer) else None
            for parameter, optimizer in zip(self._parameters, self._optimizers, strict=True)
        ]
        self._positions = start.expand(len(config.racers), 2).clone()
        self._losses, self._gradients = self._evaluate(self._positions)
        if not bool(self._losses.isfinite().all()):
            raise ValueError(
                f"start: expected a point where {config.surface.name} is finite, got {config.start}"
            )
        self._paths = _Series(self._positions)
        self._loss_series = _Series(self._losses)
        self._norm_series = _Series(self._norms)

    @property
    def config(self) -> DescentConfig:
        """What is in force now."""
        return self._config

    @property
    def done(self) -> bool:
        """Whether all steps are taken or every racer has diverged; more steps revive the first case."""
        return self._step >= self._config.steps or None not in self._diverged

    def step(self) -> DescentRecord:
        """Move every racer once.

        Raises:
            RunFailed: if there is nothing left to do.
        """
        if self.done:
            reason = "every racer has diverged" if None not in self._diverged else "all steps are taken"
            raise RunFailed(f"steps: expected a race that is not over, got one in which {reason}")
        self._step += 1
        lrs = tuple(float(optimizer.param_groups[0]["lr"]) for optimizer in self._optimizers)
        for place, optimizer in enumerate(self._optimizers):
            if self._diverged[place] is not None:
                continue
            if closure := self._closures[place]:
                optimizer.step(closure)  # type: ignore[arg-type]  # torch wants a tensor where it says float
            else:
                self._parameters[place].grad = self._gradients[place]
                optimizer.step()
        self._look()
        losses, norms = tuple(self._losses.tolist()), tuple(self._norms.tolist())
        return DescentRecord(self._step, losses, lrs, norms)

    def run_slice(self, seconds: float) -> list[DescentRecord]:
        """The steps that are due in `seconds` at the config's speed, as many as fit; sleeps the rest away."""
        began = time.perf_counter()
        passed = min(began - self._slice_at, 4 * seconds)  # a pause, or a slow slice, is not caught up
        self._slice_at = began
        self._ahead = min(self._ahead, 1) + passed * self._config.speed
        records: list[DescentRecord] = []
        while not self.done and self._ahead >= 1 and time.perf_counter() - began < seconds:
            self._ahead -= 1
            records.append(self.step())
        time.sleep(max(0.0, seconds - (time.perf_counter() - began)))
        return records

    def status(self) -> Status:
        """Steps taken and to take."""
        return Status(self._step, self._config.steps)

    def frame(self) -> DescentFrame:
        """The race so far; its arrays never change afterwards."""
        return DescentFrame(
            step=self._step,
            ids=tuple(racer.id for racer in self._config.racers),
            paths=self._paths.filled(),
            losses=self._loss_series.filled(),
            gradient_norms=self._norm_series.filled(),
            heads=frozen_copy(self._positions),
            curvatures=tuple(curvatures_at(self._config.surface.evaluate, self._positions.numpy())),
            diverged=tuple(self._diverged),
            surface=self._config.surface,
            minima=self._config.surface.entry.minima,
        )

    def apply(self, config: DescentConfig) -> None:
        """Take new numeric hyperparameters, a new number of steps, and what is visible.

        Raises:
            ValueError: if anything else differs, torch refuses a value, or fewer steps are asked for than
                are taken; then nothing has changed.
        """
        refuse_locked(self._config, config)
        if config.steps < self._step:
            raise ValueError(f"steps: expected at least the {self._step} already taken, got {config.steps}")
        edited = [
            (place, now.optimizer)
            for place, (was, now) in enumerate(zip(self._config.racers, config.racers, strict=True))
            if was.optimizer != now.optimizer
        ]
        for place, optimizer in edited:  # torch's refusal must come before the first racer has changed
            trial = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
            with _named(place):
                retune(self._config.racers[place].optimizer.make([trial], foreach=False), optimizer)
        for place, optimizer in edited:
            retune(self._optimizers[place], optimizer)
        self._config = config

    def answer(self, request: Any) -> Any:
        """No request is known yet.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"request: expected one that a race can answer, got {request!r}")

    @property
    def _norms(self) -> torch.Tensor:
        return torch.hypot(*self._gradients.unbind(1))  # squares would overflow at 1e154

    def _evaluate(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses (n,) and gradients (n, 2) at positions (n, 2)."""
        points = positions.detach().requires_grad_()
        with torch.enable_grad():
            losses = self._config.surface.evaluate(points)
            (gradients,) = torch.autograd.grad(losses.sum(), points)
        return losses.detach(), gradients

    def _closure(self, parameter: torch.nn.Parameter) -> Callable[[], torch.Tensor]:
        def closure() -> torch.Tensor:
            loss, gradient = self._evaluate(parameter)
            parameter.grad = gradient
            return loss

        return closure

    def _look(self) -> None:
        """Project, evaluate where the racers stand now, put back those that left the finite numbers."""
        positions = torch.stack([parameter.detach() for parameter in self._parameters])
        if self._config.constraint.name != "None":
            known = positions.isfinite().all(1)
            positions[known] = self._feasible.project(positions[known])
            with torch.no_grad():
                for parameter, position in zip(self._parameters, positions, strict=True):
                    parameter.copy_(position)
        losses, gradients = self._evaluate(positions)
        finite = positions.isfinite().all(1) & losses.isfinite()
        for place in (~finite).nonzero().flatten().tolist():
            self._diverged[place] = self._step
            with torch.no_grad():
                self._parameters[place].copy_(self._positions[place])
        self._positions = torch.where(finite[:, None], positions, self._positions)
        self._losses = torch.where(finite, losses, self._losses)
        self._gradients = torch.where(finite[:, None], gradients, self._gradients)
        self._paths.append(self._positions)
        self._loss_series.append(self._losses)
        self._norm_series.append(self._norms)


class _Series:
    """Values of all racers over the steps. It only grows, so what `filled` gave out stays as it was."""

    def __init__(self, first: torch.Tensor) -> None:
        self._data = np.empty((first.shape[0], 512, *first.shape[1:]))
        self._count = 0
        self.append(first)

    def append(self, values: torch.Tensor) -> None:
        """Add one value (or pair) per racer."""
        if self._count == self._data.shape[1]:
            grown = np.empty((self._data.shape[0], 2 * self._count, *self._data.shape[2:]))
            grown[:, : self._count] = self._data
            self._data = grown
        self._data[:, self._count] = values.numpy()
        self._count += 1

    def filled(self) -> NDArray[np.float64]:
        """Read-only view (racers, count, ...); a copy would cost 32 MB a racer after a million steps."""
        return frozen(self._data[:, : self._count])


def _make(config: DescentOptimizer, parameter: torch.nn.Parameter, place: int) -> torch.optim.Optimizer:
    with _named(place):
        return config.make([parameter], foreach=False)


@contextlib.contextmanager
def _named(place: int) -> Iterator[None]:
    """Put the racer's path in front of torch's own sentence."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"racers.{place}.optimizer: {error}") from None
