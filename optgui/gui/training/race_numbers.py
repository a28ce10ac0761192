"""What a race of networks has brought so far: where its entrants are, how fast, and who is out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.params import Change, changes
from optgui.core.training.race import RaceConfig, RaceFrame, RaceRecord
from optgui.gui.job.job_panel import describe

Floats = NDArray[np.float64]

WINDOW_S = 3.0  # the throughput is the mean over this long
SHORTEST_S = 0.1  # of fewer it says nothing
_LOOKS = ("label", "visible")  # fields of an entrant that do not touch its training


class Fresh(NamedTuple):
    """New numbers of one entrant: mini-batches done, images seen, loss of each; each of shape (n,)."""

    id: int
    steps: Floats
    samples: Floats
    losses: Floats


class Tested(NamedTuple):
    """One entrant's test at the end of an epoch."""

    id: int
    epoch: int
    accuracy: float


class Mark(NamedTuple):
    """An edit: mini-batches of all teams done before it, whose it is (None: of all), and its words."""

    done: int
    id: int | None
    words: str


class Course:
    """Where the entrants of one team are, which take their steps together."""

    def __init__(self, ids: tuple[int, ...], now: Callable[[], float]) -> None:
        self.ids, self._now = ids, now
        self.lrs = (np.nan,) * len(ids)
        self.rate = np.nan  # images a second
        self._chunks: list[Floats] = []  # each (3, n): mini-batches of all teams, own ones, images
        self._times: deque[tuple[float, float]] = deque()

    def extend(self, totals: list[int], records: list[RaceRecord]) -> Floats:
        """Take records; the new places, shape (3, n)."""
        steps, samples = [record.step for record in records], [record.samples for record in records]
        fresh = np.array([totals, steps, samples], np.float64)
        self._chunks.append(fresh)
        self.lrs = records[-1].lrs
        now = self._now()
        self._times.append((now, samples[-1]))
        while now - self._times[0][0] > WINDOW_S:
            self._times.popleft()
        then, before = self._times[0]
        if now - then >= SHORTEST_S:
            self.rate = (samples[-1] - before) / (now - then)
        return fresh

    def rest(self) -> None:
        """Forget the times: what follows is no part of the present pace."""
        self._times.clear()

    @property
    def places(self) -> Floats:
        """Mini-batches of all teams, of this team, and images seen after each of its steps, (3, steps)."""
        if len(self._chunks) > 1:
            self._chunks = [np.concatenate(self._chunks, axis=1)]
        return self._chunks[0] if self._chunks else np.empty((3, 0))

    def at(self, done: int) -> tuple[float, float]:
        """Own mini-batches and images when all teams together had done `done` mini-batches."""
        places = self.places
        count = int(np.searchsorted(places[0], done, side="right"))
        return (float(places[1, count - 1]), float(places[2, count - 1])) if count else (0.0, 0.0)


class RaceNumbers:
    """The numbers of one race, made from its records and frames."""

    def __init__(self, config: RaceConfig, now: Callable[[], float] = time.perf_counter) -> None:
        self.config, self._now = config, now
        self.total = 0  # mini-batches of all teams whose records are here
        self.out: set[int] = set()  # ids of those whose loss is no longer finite
        self.accuracies: dict[int, float] = {}  # of the last test
        self.failures: dict[int, str] = {}  # a sentence for each that is out
        self.batches: dict[int, int] = {}  # of an epoch
        self._courses: dict[int, Course] = {}  # by id

    def take(self, records: Iterable[RaceRecord]) -> tuple[list[Fresh], list[Tested]]:
        """Take records in their order; what is new of each entrant, up to where it goes out."""
        teams: dict[tuple[int, ...], tuple[list[int], list[RaceRecord]]] = {}
        tests: list[Tested] = []
        for record in records:
            if record.phase == "train":
                self.total += 1
                totals, own = teams.setdefault(record.ids, ([], []))
                totals.append(self.total)
                own.append(record)
            elif record.test_accuracies:
                found = zip(record.ids, record.test_accuracies, strict=True)
                tests += [Tested(identity, record.epoch, share) for identity, share in found]
        fresh = [new for ids, (totals, own) in teams.items() for new in self._extend(ids, totals, own)]
        tests = [test for test in tests if test.id not in self.out]
        self.accuracies |= {test.id: test.accuracy for test in tests}
        return fresh, tests

    def _extend(self, ids: tuple[int, ...], totals: list[int], records: list[RaceRecord]) -> list[Fresh]:
        course = self._courses.get(ids[0])
        if course is None:
            course = Course(ids, self._now)
            self._courses |= dict.fromkeys(ids, course)
        _, steps, samples = course.extend(totals, records)
        losses = np.array([record.losses for record in records], np.float64)
        fresh = []
        for place, identity in enumerate(ids):
            if identity in self.out:
                continue
            finite = np.isfinite(losses[:, place])
            end = len(finite) if finite.all() else int(finite.argmin())
            if end < len(finite):
                self.out.add(identity)
            fresh.append(Fresh(identity, steps[:end], samples[:end], losses[:end, place]))
        return fresh

    def look(self, frame: RaceFrame) -> None:
        """Take what only a frame says."""
        ids = [entrant.id for entrant in frame.entrants]
        self.batches = dict(zip(ids, frame.batches, strict=True))
        self.failures = {entrant.id: entrant.failure for entrant in frame.entrants if entrant.failure}

    def rest(self) -> None:
        """The race stands still: the throughput stays what it was."""
        for course in self._courses.values():
            course.rest()

    def course(self, identity: int) -> Course | None:
        """Where an entrant is; None before its first step."""
        return self._courses.get(identity)

    def lr(self, identity: int) -> float:
        """The rate of an entrant's newest step, NaN before the first."""
        course = self._courses.get(identity)
        return course.lrs[course.ids.index(identity)] if course is not None else np.nan

    def rate(self, identity: int) -> float:
        """Images a second of an entrant, NaN while unknown or once it is out."""
        course = self._courses.get(identity)
        return np.nan if course is None or identity in self.out else course.rate

    def place_of(self, mark: Mark) -> tuple[float, float, float] | None:
        """Steps, images and epochs at a mark, of its entrant or else the first; None if not yet known."""
        identity = self.config.entrants[0].id if mark.id is None else mark.id
        if mark.done > self.total or (mark.done and identity not in self.batches):
            return None
        course = self._courses.get(identity)
        steps, samples = course.at(mark.done) if course is not None else (0.0, 0.0)
        return steps, samples, steps / self.batches.get(identity, 1)


def names(config: RaceConfig) -> dict[int, str]:
    """Each entrant's own name or else its optimizer's, by id; with its number where an earlier one has it."""
    found: dict[int, str] = {}
    for entrant in config.entrants:
        optimizer = entrant.optimizer
        name = entrant.label or optimizer.registry[optimizer.name].label
        found[entrant.id] = f"{entrant.id + 1} {name}" if name in found.values() else name
    return found


def marks(before: RaceConfig, after: RaceConfig, done: int) -> list[Mark]:
    """One mark for each entrant that an edit changed, and one for what all share; looks are no edit."""
    called: Mapping[int, str] = names(after)
    edits: dict[int | None, list[Change]] = {}
    for change in changes(before, after):
        head, _, rest = change.path.partition(".")
        place, _, field = rest.partition(".")
        whose = after.entrants[int(place)].id if head == "entrants" and place else None
        if field not in _LOOKS:
            edits.setdefault(whose, []).append(change)
    return [
        Mark(done, whose, f"{called[whose]}: {words}" if whose is not None else words)
        for whose, found in edits.items()
        if (words := ", ".join(map(describe, found)))
    ]
