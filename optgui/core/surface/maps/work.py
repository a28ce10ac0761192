"""MapEngine: a map as an engine that does its work in short steps, coarse first."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.engine import RunFailed, Status
from optgui.core.optimizers import OPTIMIZERS
from optgui.core.params import Config
from optgui.core.runtime import use_threads
from optgui.core.surface.optimizers import DescentOptimizer
from optgui.core.surface.rules import RULES
from optgui.core.surface.rules.torch_rule import TorchRule

C = TypeVar("C", bound=Config)


class MapRecord(NamedTuple):
    """How much of a map is done after a step, in the units of its status."""

    done: int


class MapEngine(abc.ABC, Generic[C]):
    """A map of `config`. A subclass computes in `_work`, a generator that yields after each few milliseconds.

    Its frame always holds the last level that is complete, so a run that is stopped keeps what there is.
    Any edit computes the map again.

    Raises:
        ValueError: if the map cannot be made, with a sentence that says why.
    """

    unit = "runs"

    def __init__(self, config: C, inputs: None = None) -> None:
        use_threads(1)  # beside other work a second one made the steps of 40,000 starts five times as long
        self._config = config
        self._done = False
        self._count = self._total = 0
        self._begin()
        self._slices = self._work()

    @property
    def config(self) -> C:
        """What is in force now."""
        return self._config

    @property
    def done(self) -> bool:
        """Whether the finest level is complete."""
        return self._done

    def step(self) -> MapRecord:
        """Go on for a few milliseconds.

        Raises:
            RunFailed: if there is nothing left to do.
        """
        if self._done:
            raise RunFailed("map: expected one that is not complete, got one that is")
        with np.errstate(all="ignore"):
            self._done = next(self._slices, self) is self
        return MapRecord(self._count)

    def status(self) -> Status:
        """How many of the map's runs are over."""
        return Status(self._count, self._total, self.unit)

    def apply(self, config: C) -> None:
        """Take any edit; the map is computed again.

        Raises:
            ValueError: as at the start; then nothing has changed.
        """
        vars(self).update(vars(type(self)(config)))
        self._slices = self._work()  # the other object's would compute there

    def answer(self, request: Any) -> Any:
        """No request is known.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"request: expected one that a map can answer, got {request!r}")

    @abc.abstractmethod
    def frame(self) -> Any:
        """The levels that are complete."""

    @abc.abstractmethod
    def _begin(self) -> None:
        """Check the config and make the empty map."""

    @abc.abstractmethod
    def _work(self) -> Iterator[None]:
        """Compute; yields after each few milliseconds."""


def refine(
    shape: tuple[int, ...], strides: Sequence[int], offset: int = 0
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Levels of a grid, coarse to fine: each stride, and the flat indices that no level before it has."""
    seen = np.zeros(shape, np.bool_)
    for stride in strides:
        places = np.zeros(shape, np.bool_)
        places[level(shape, stride, offset)] = True
        yield stride, np.flatnonzero(places & ~seen)
        seen |= places


def level(shape: tuple[int, ...], stride: int, offset: int = 0) -> tuple[slice, ...]:
    """Where the points of a level lie in the finest grid; an axis of one point belongs to every level."""
    return tuple(slice(offset % stride if size > 1 else 0, None, stride) for size in shape)


def moves_many(optimizer: DescentOptimizer) -> bool:
    """Whether an optimizer's rule moves many points at once; torch's own move one by one."""
    return not issubclass(RULES[optimizer.name], TorchRule)


def refuse_bad(optimizer: DescentOptimizer) -> None:
    """Let torch refuse what it would not take.

    Raises:
        ValueError: with torch's own sentence.
    """
    if optimizer.name in OPTIMIZERS:
        try:
            optimizer.make([torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))])
        except ValueError as error:
            raise ValueError(f"racer.optimizer: {error}") from None


def log_spaced(low: float, high: float, count: int) -> NDArray[np.float64]:
    """Learning rates (count,), both ends exact."""
    return np.geomspace(low, high, count)
