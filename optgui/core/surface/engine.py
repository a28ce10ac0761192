"""DescentEngine: several optimizers race from one start on one surface, in float64."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.curvature import Curvature, find_stationary_points
from optgui.core.engine import RunFailed, Status
from optgui.core.optimizers import OPTIMIZERS
from optgui.core.params import changes
from optgui.core.runtime import use_threads
from optgui.core.snapshot import frozen
from optgui.core.surface.config import DescentConfig, SurfaceConfig
from optgui.core.surface.driving import NoisyGradients, Rates
from optgui.core.surface.feasible import feasible_set, project
from optgui.core.surface.frame import DescentFrame, DescentRecord, FindStationary
from optgui.core.surface.objective import Objective
from optgui.core.surface.optimizers import DescentOptimizer
from optgui.core.surface.problems import Domain
from optgui.core.surface.rules import Rule, make_rules

Array = NDArray[np.float64]
_STATES = (("momenta", "momentum"), ("seconds", "second_moment"), ("scales", "scale"))  # ours, the rules'
Rows = NDArray[np.intp] | slice


class DescentEngine:
    """All racers move one step at a time, by one batched gradient and by rules that move many at once.

    Inside a feasible set every step is followed by the projection onto it, and the start is projected too:
    projected gradient descent (Goldstein, "Convex programming in Hilbert space", 1964).
    A racer takes the steps of a plain torch.optim loop, alone or beside others. `done` when all steps are
    taken or every racer has diverged.

    Raises:
        ValueError: if an optimizer refuses its values, the feasible set is empty, or the surface is not
            finite at the start.
    """

    def __init__(self, config: DescentConfig, inputs: None = None) -> None:
        use_threads(1)  # batches of a few points: a second thread only costs
        self._config = config
        self._step = 0
        self._diverged: list[int | None] = [None] * len(config.racers)
        self._objective = Objective(config.surface.evaluate)
        self._feasible = feasible_set(config)
        self._flat = config.surface.entry.dimension == 1
        self._noise = NoisyGradients(config)
        self._rates = Rates(config)
        self._x = self._start()
        optimizers = [racer.optimizer for racer in config.racers]
        for place, optimizer in enumerate(optimizers):
            _check(place, optimizer)
        self._groups = tuple((_as_slice(rows), rule) for rows, rule in make_rules(optimizers, self._x))
        self._losses, self._gradients = self._objective.gradients(self._x)
        if not np.isfinite(self._losses).all():
            raise ValueError(
                f"start: expected a point where {config.surface.name} is finite, got {config.start}"
            )
        self._given = self._noise.given(self._x, self._gradients)
        racers = len(config.racers)
        self._book = {name: _Series(racers, 2) for name in ("paths", "gradients", "given", "raw")}
        self._book |= {name: _Series(racers, 2) for name in ("momenta", "seconds", "scales")}
        self._book |= {name: _Series(racers) for name in ("losses", "lrs", "measures")}
        self._states: list[tuple[_Series, str, Rows, Rule]] = []
        self._measured = 0
        self._write_down(self._x)

    @property
    def config(self) -> DescentConfig:
        """What is in force now."""
        return self._config

    @property
    def done(self) -> bool:
        """Whether all steps are taken or every racer has diverged."""
        return self._step >= self._config.steps or None not in self._diverged

    @np.errstate(all="ignore")
    def step(self) -> DescentRecord:
        """Move every racer once.

        Raises:
            RunFailed: if there is nothing left to do.
        """
        if self.done:
            reason = "every racer has diverged" if None not in self._diverged else "all steps are taken"
            raise RunFailed(f"steps: expected a race that is not over, got one in which {reason}")
        self._step += 1
        lrs = self._rates.now[:, None]
        led_to = np.empty_like(self._x)
        for rows, rule in self._groups:
            led_to[rows] = rule.step(self._x[rows], self._given[rows], lrs[rows], self._objective)
        if self._flat:
            led_to[:, 1] = 0.0
        x = led_to if self._feasible is None else project(self._feasible, led_to)
        losses, gradients = self._objective.gradients(x)
        self._keep_finite(x, led_to, losses, gradients)
        used = tuple(self._rates.now.tolist())
        self._rates.advance(self._step, self._losses)
        self._given = self._noise.given(self._x, self._gradients)
        self._write_down(led_to)
        norms = np.hypot(self._gradients[:, 0], self._gradients[:, 1])
        return DescentRecord(self._step, tuple(self._losses.tolist()), used, tuple(norms.tolist()))

    def status(self) -> Status:
        """Steps taken and to take."""
        return Status(self._step, self._config.steps)

    def frame(self) -> DescentFrame:
        """The race so far; its arrays never change afterwards."""
        self._measure()
        return DescentFrame(
            config=self._config,
            step=self._step,
            ids=tuple(racer.id for racer in self._config.racers),
            diverged=tuple(self._diverged),
            minima=self._config.surface.minima,
            **{name: series.until(self._step + 1) for name, series in self._book.items()},
        )

    def apply(self, config: DescentConfig) -> None:
        """Take any edit: a path is a function of its config, so the race is computed again from the start.

        Raises:
            ValueError: as at the start; then nothing has changed.
        """
        if all(change.path.endswith(".visible") for change in changes(self._config, config)):
            self._config = config
        else:
            vars(self).update(vars(DescentEngine(config)))

    def answer(self, request: Any) -> Any:
        """Search for stationary points, in slices.

        Raises:
            ValueError: if the request is no `FindStationary`.
        """
        if isinstance(request, FindStationary):
            return _stationary(self._config.surface, request.domain)
        raise ValueError(f"request: expected FindStationary, got {request!r}")

    def _start(self) -> Array:
        start = np.tile(np.array(self._config.start, dtype=np.float64), (len(self._config.racers), 1))
        if self._flat:
            start[:, 1] = 0.0
        return start if self._feasible is None else project(self._feasible, start)

    def _keep_finite(self, x: Array, led_to: Array, losses: Array, gradients: Array) -> None:
        """Take the new positions; a racer that left the finite numbers stays where it last was."""
        finite = np.isfinite(losses) & np.isfinite(x).all(1)
        if not finite.all() or any(step is not None for step in self._diverged):
            for place in np.flatnonzero(~finite):
                if self._diverged[place] is None:
                    self._diverged[place] = self._step
            gone = np.array([step is not None for step in self._diverged])
            x[gone], losses[gone], gradients[gone] = self._x[gone], self._losses[gone], self._gradients[gone]
            led_to[gone] = x[gone]
        self._x, self._losses, self._gradients = x, losses, gradients

    def _write_down(self, led_to: Array) -> None:
        place, book = self._step, self._book
        book["paths"].write(place, self._x)
        book["losses"].write(place, self._losses)
        book["gradients"].write(place, self._gradients)
        book["given"].write(place, self._given)
        book["raw"].write(place, led_to)
        book["lrs"].write(place, self._rates.now)
        if place == 1:  # only now do all rules have the state that they will have
            self._states = [
                (book[name], attribute, rows, rule)
                for name, attribute in _STATES
                for rows, rule in self._groups
                if getattr(rule, attribute) is not None
            ]
        for series, attribute, rows, rule in self._states:
            series.write(place, getattr(rule, attribute), rows)

    def _measure(self) -> None:
        """Measures of the steps since the last frame, all at once."""
        new = slice(self._measured, self._step + 1)
        paths, gradients = (self._book[name].data[:, new] for name in ("paths", "gradients"))
        if self._feasible is None:
            measures = np.hypot(gradients[..., 0], gradients[..., 1])  # squares would overflow at 1e154
        else:
            with np.errstate(all="ignore"):
                sizes = 1 + np.hypot(paths[..., 0], paths[..., 1])
                slopes = np.hypot(gradients[..., 0], gradients[..., 1])
                # A smaller rate would be lost in the rounding of x.
                rates = np.maximum(self._rates.base[:, None], 1e-8 * sizes / np.maximum(slopes, 1e-300))
                mapped = paths - project(self._feasible, paths - rates[..., None] * gradients)
                measures = np.hypot(mapped[..., 0], mapped[..., 1]) / rates
        self._book["measures"].write(new, measures)
        self._measured = self._step


def _check(place: int, optimizer: DescentOptimizer) -> None:
    """Let torch refuse what it would not take.

    Raises:
        ValueError: torch's own sentence behind the racer's path.
    """
    if optimizer.name in OPTIMIZERS:
        try:
            optimizer.make([torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))])
        except ValueError as error:
            raise ValueError(f"racers.{place}.optimizer: {error}") from None


def _stationary(surface: SurfaceConfig, domain: Domain) -> Generator[float, None, tuple[Curvature, ...]]:
    """All stationary points that a search finds; those of a function of x alone lie on y = 0."""
    if surface.entry.dimension == 2:
        return (yield from find_stationary_points(surface.evaluate, domain))

    def bowl(xy: torch.Tensor) -> torch.Tensor:
        return surface.evaluate(xy) + xy[..., 1] ** 2 / 2

    found = yield from find_stationary_points(bowl, domain)
    return tuple(dataclasses.replace(at, kind="maximum") if at.kind == "saddle" else at for at in found)


class _Series:
    """Values of all racers over the steps. It only grows, so what `until` gave out stays as it was."""

    def __init__(self, racers: int, *shape: int) -> None:
        self.data = np.full((racers, 512, *shape), np.nan)

    def write(self, place: int | slice, values: Array, rows: Rows = slice(None)) -> None:
        """Set the values of one step, or of several."""
        self._make_room(place + 1 if isinstance(place, int) else place.stop)
        self.data[rows, place] = values

    def until(self, count: int) -> Array:
        """Read-only view (racers, count, ...); a copy would cost megabytes a frame."""
        self._make_room(count)
        return frozen(self.data[:, :count])

    def _make_room(self, count: int) -> None:
        room = self.data.shape[1]
        if count > room:
            grown = np.full((self.data.shape[0], max(count, 2 * room), *self.data.shape[2:]), np.nan)
            grown[:, :room] = self.data
            self.data = grown


def _as_slice(rows: NDArray[np.intp]) -> Rows:
    """Neighbours as a slice, which costs less to read and write."""
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if np.array_equal(rows, np.arange(first, last + 1)) else rows
