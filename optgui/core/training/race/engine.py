"""Trains k networks side by side, one mini-batch each a step."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import torch

from optgui.core import runtime
from optgui.core.engine import RunFailed, Status
from optgui.core.params import refuse_locked
from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training.data import TrainingData
from optgui.core.training.digits import Digits, prepare
from optgui.core.training.measures.slices import finish
from optgui.core.training.race.config import RaceConfig
from optgui.core.training.race.entrant import Entrant
from optgui.core.training.race.team import RaceRecord, Team

Result = TypeVar("Result")
CPU = torch.device("cpu")

_runs = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class EntrantState:
    """How far one entrant is."""

    id: int
    step: int  # mini-batches done
    samples: int  # images seen
    epoch: int  # epochs completed
    lr: float  # of its next step
    test_accuracy: float | None  # of its last evaluation
    test_loss: float | None
    finished: bool  # every epoch trained and evaluated, with a finite loss
    failure: str  # a sentence once its loss is no longer finite, else empty


@dataclasses.dataclass(frozen=True)
class RaceFrame:
    """A picture of the race: its entrants in the order of the config."""

    run: str
    entrants: tuple[EntrantState, ...]
    batches: tuple[int, ...]  # of an epoch, for each entrant
    source: str  # of the data

    @property
    def finished(self) -> tuple[int, ...]:
        """The ids of those that have reached the end."""
        return tuple(entrant.id for entrant in self.entrants if entrant.finished)


class RaceEngine:
    """A seeded race on the CPU or a GPU.

    Entrants of one batch size are a team, which takes one mini-batch each in one step; of several teams the
    one that has seen the fewest images goes next. An entrant whose loss is no longer finite is out, and the
    others go on. A race with one seed gives each entrant the numbers of a training run of its own.

    Where a GPU has no memory for a step, the race goes on on the CPU from before it. Only within an update,
    which torch's fused kernels do in place, there is nothing to go on from.
    """

    def __init__(self, config: RaceConfig, inputs: Digits | None = None) -> None:
        runtime.use_threads(config.threads)
        self.config = config
        self.run = f"race{next(_runs)}"
        self._device = runtime.device(config.device)
        self._moved = ""  # why the CPU computes where a GPU was asked for
        self._inputs = inputs
        self._entrants: tuple[Entrant, ...] = ()
        self._teams: tuple[Team, ...] = ()
        self._survive(self._enter)
        self._preparation: Generator[float, None, None] | None = self._prepare(inputs)
        self._prepared = 0.0

    def _enter(self) -> None:
        self._entrants = tuple(Entrant(one, self.config, self._device) for one in self.config.entrants)

    def _prepare(self, digits: Digits | None) -> Generator[float, None, None]:
        """Load, normalize and move the data, in slices, and form the teams; yields the fraction done."""
        if digits is None:
            digits = yield from prepare(self.config.dataset)
        self._digits = digits
        config = self.config.shared
        count = config.samples or len(digits.train_images)
        for place, entrant in enumerate(self.config.entrants):
            if entrant.batch_size > count:
                raise RunFailed(
                    f"entrants.{place}.batch_size: expected at most {count}, the training images there are, "
                    f"got {entrant.batch_size}"
                )
        data = TrainingData(digits, config, self._device)
        yield from data.load()
        self._form_teams(data)

    def _form_teams(self, data: TrainingData) -> None:
        together: dict[tuple[int, int | None], list[Entrant]] = {}
        for place, entrant in enumerate(self._entrants):
            alone = place if entrant.wants_closure else None
            together.setdefault((entrant.config.batch_size, alone), []).append(entrant)
        epochs, dropout = self.config.epochs, self.config.model.dropout_rate
        self._teams = tuple(Team(entrants, data, epochs, dropout) for entrants in together.values())

    @property
    def _racing(self) -> list[Team]:
        """Teams that have something left to do."""
        return [team for team in self._teams if not team.done and not team.failed]

    @property
    def done(self) -> bool:
        """Whether every entrant has finished or is out, and one has finished."""
        return self._preparation is None and not self._racing and not self._failed

    @property
    def _failed(self) -> bool:
        return all(entrant.failure for entrant in self._entrants)

    def step(self) -> RaceRecord:
        """Train a team on one mini-batch each, or advance a preparation or an evaluation by one slice.

        Raises:
            RunFailed: if no network has a finite loss any more.
        """
        return self._survive(self._advance)

    def _survive(self, work: Callable[[], Result]) -> Result:
        """Do `work`; without memory on the GPU once more, on the CPU, from where the race stood before it."""
        if self._device.type == "cpu":
            return work()
        self._check_updates()
        draws = [entrant.generator.get_state() for entrant in self._entrants]
        try:
            return work()
        except RuntimeError as error:
            if not runtime.out_of_memory(error):
                raise
        # Only here, behind the except, nothing holds what the failed work had allocated.
        self._check_updates()
        self._device, self._moved = CPU, "the GPU has no memory left: the CPU computes"
        self._move_to_cpu(draws)
        return work()

    def _check_updates(self) -> None:
        if any(team.is_updating for team in self._teams):
            raise RunFailed("The GPU has no memory left for an update: start again with the CPU as device.")

    def _move_to_cpu(self, draws: list[torch.Tensor]) -> None:
        if not self._teams:
            self._enter()
            self._preparation = self._prepare(self._inputs)
            return
        data = TrainingData(self._digits, self.config.shared, CPU)
        finish(data.load())
        for entrant, draw in zip(self._entrants, draws, strict=True):
            entrant.move(CPU)
            entrant.generator.set_state(draw)
        for team in self._teams:
            team.move(data)

    def _advance(self) -> RaceRecord:
        if self._preparation is not None:
            self._prepared = next(self._preparation, 1.0)
            if self._prepared == 1.0:
                self._preparation = None
            return RaceRecord((), 0, 0, 0, (), (), (), "prepare")
        if self._failed:
            raise RunFailed(f"Every network is out. {self._entrants[0].failure}")
        if self.done:
            raise RunFailed(f"epochs: expected more than the {self.config.epochs} already trained, to go on")
        return min(self._racing, key=lambda team: team.samples).advance()

    def status(self) -> Status:
        """Mini-batches done and to do, of all teams; while the data are prepared, percent."""
        if self._preparation is not None:
            return Status(round(self._prepared * 100), 100, "%", "preparing the data")
        done, total = sum(team.step for team in self._teams), sum(team.total_steps for team in self._teams)
        epoch = min(min(team.epoch for team in self._teams) + 1, self.config.epochs)
        testing = any(team.testing for team in self._teams)
        text = "testing" if testing else f"epoch {epoch} of {self.config.epochs}"
        return Status(done, total, "steps", f"{text} ({self._moved})" if self._moved else text)

    def frame(self) -> RaceFrame | None:
        """The race as it stands; None until the data are there."""
        if self._preparation is not None:
            return None
        teams = [self._team_of(entrant) for entrant in self._entrants]
        states = tuple(
            EntrantState(
                id=entrant.config.id,
                step=team.step,
                samples=team.samples,
                epoch=team.epoch,
                lr=entrant.lr,
                test_accuracy=entrant.test_accuracy,
                test_loss=entrant.test_loss,
                finished=team.done and not entrant.failure,
                failure=entrant.failure,
            )
            for entrant, team in zip(self._entrants, teams, strict=True)
        )
        return RaceFrame(self.run, states, tuple(team.batches for team in teams), self._digits.source)

    def _team_of(self, entrant: Entrant) -> Team:
        return next(team for team in self._teams if entrant in team.entrants)

    def apply(self, config: RaceConfig) -> None:
        """Take a live edit: every number of any optimizer, dropout, names, the number of epochs.

        Raises:
            ValueError: naming the field, if it cannot change now; then nothing has changed.
        """
        refuse_locked(self.config, config)
        if any(team.refuses(config.epochs) for team in self._teams):
            trained = max(team.epoch for team in self._teams)
            raise ValueError(f"epochs: expected more than the {trained} already trained, got {config.epochs}")
        for edited in config.entrants:
            edited.optimizer.make([torch.nn.Parameter(torch.zeros(1, 1))])
        self.config = config
        for team in self._teams:
            team.edit(config.epochs, config.model.dropout_rate)
        for entrant, edited in zip(self._entrants, config.entrants, strict=True):
            entrant.edit(edited, config.epochs)

    def answer(self, request: Any) -> Any:
        """`("snapshot", id)`: that entrant's network; `"snapshots"`: all of them; `"digits"`: the data."""
        if self._preparation is not None:
            raise ValueError("network: the data are still being prepared; ask again in a moment")
        if request == "digits":
            return self._digits
        by_id = {entrant.config.id: entrant for entrant in self._entrants}
        if request == "snapshots":
            return tuple(self._snapshot(entrant) for entrant in self._entrants)
        if isinstance(request, tuple) and len(request) == 2 and request[0] == "snapshot":
            if request[1] not in by_id:
                raise ValueError(f"snapshot: expected one of {list(by_id)}, got {request[1]!r}")
            return self._snapshot(by_id[request[1]])
        raise ValueError(f"request: expected (snapshot, id), snapshots or digits, got {request!r}")

    def _snapshot(self, entrant: Entrant) -> NetworkSnapshot:
        model = self.config.model.model_dump(mode="json")
        return entrant.snapshot(self.run, self._team_of(entrant).step, model, self.config.dataset)
