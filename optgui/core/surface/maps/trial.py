"""Trial: every racer of a race at every one of some rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from optgui.core.surface.config import DescentConfig, RacerConfig
from optgui.core.surface.maps.fleet import racers_fleet
from optgui.core.surface.maps.work import moves_many

Array = NDArray[np.float64]

LOOK = 10  # steps between two looks at who need not go on


class Trial:
    """Runs of a race's length; all arrays are (racers, rates), filled when `run` has come to its end.

    `finals` are the losses after the last step, NaN where a run diverged; `diverged` the step at which it
    did, and `reached` the first at which the loss was at most `goal`, NaN where there is none. `share` is how
    much is done, from 0 to 1.
    """

    def __init__(
        self, race: DescentConfig, racers: Sequence[RacerConfig], lrs: Array, goal: float = np.nan
    ) -> None:
        self._race, self._goal = race, goal
        self._fleet = racers_fleet(race, racers, lrs)
        self._shape = len(racers), len(lrs)
        size = len(self._fleet)
        self.finals, self.diverged, self.reached = (np.full(size, np.nan) for _ in range(3))
        self.share = 0.0

    def run(self) -> Iterator[None]:
        """Go through the race; yields behind each step."""
        fleet, steps = self._fleet, self._race.steps
        self._note()
        before = fleet.x
        while len(fleet) and fleet.count < steps:
            last = fleet.x
            fleet.step()
            self._note()
            self.share = fleet.count / steps
            if fleet.count % LOOK == 0:
                before = self._retire(before, last)
            yield
        self.finals[fleet.ids] = np.where(fleet.gone, np.nan, fleet.values)
        self.share = 1.0
        for name in ("finals", "diverged", "reached"):
            setattr(self, name, getattr(self, name).reshape(self._shape))

    def _note(self) -> None:
        fleet, step = self._fleet, self._fleet.count
        there = fleet.ids[(fleet.values <= self._goal) & ~fleet.gone]
        self.reached[there] = np.fmin(self.reached[there], step)
        if fleet.gone.any():
            lost = fleet.ids[fleet.gone]
            self.diverged[lost] = np.fmin(self.diverged[lost], step)

    def _retire(self, before: Array, last: Array) -> Array:
        """Leave out who diverged and, without noise, who has not moved a bit since the last look."""
        fleet = self._fleet
        over = fleet.gone.copy()
        if self._race.noise.name == "None":
            over |= (fleet.x == before).all(1) & (fleet.x == last).all(1)
        if not over.any():
            return fleet.x
        self.finals[fleet.ids[over]] = np.where(fleet.gone, np.nan, fleet.values)[over]
        fleet.keep(~over)
        return fleet.x


def triable(racers: Sequence[RacerConfig]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Places of the racers that can run at many rates at once, and a sentence about each of the others.

    Raises:
        ValueError: if there is none.
    """
    places = tuple(place for place, racer in enumerate(racers) if moves_many(racer.optimizer))
    left_out = tuple(
        f"{racer.optimizer.name} is left out: torch moves its points one by one, which would take minutes."
        for place, racer in enumerate(racers)
        if place not in places
    )
    if not places:
        raise ValueError("racers: expected one that moves many points at once, got none")
    return places, left_out
