"""The fair tuner: every optimizer gets the same rates, starts and noise; what each makes of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from optgui.core.params import Config, param
from optgui.core.snapshot import frozen_copy
from optgui.core.surface.config import DescentConfig
from optgui.core.surface.engine import DescentEngine
from optgui.core.surface.maps.trial import Trial, triable
from optgui.core.surface.maps.work import MapEngine, log_spaced

Array = NDArray[np.float64]


class TunerConfig(Config):
    """One budget for all racers of a race: rates times seeds, each run as long as the race."""

    race: DescentConfig = param(DescentConfig(), title="Race", help="Start, steps, noise and racers.")
    rates: int = param(24, title="Rates", help="How many learning rates each racer may try.", low=1, high=500)
    low: float = param(1e-4, title="Lowest rate", help="Of all racers.", above=0, high=1e6, scale="log")
    high: float = param(1.0, title="Highest rate", help="Of all racers.", above=0, high=1e6, scale="log")
    draw: str = param(
        "grid",
        title="Rates are",
        help="Evenly spaced on a log axis, or drawn at random from it; the same for all racers.",
        choices=(("grid", "Evenly spaced"), ("random", "Random")),
    )
    seeds: int = param(
        8, title="Seeds", help="How often each rate is tried: with other noise, from another start.",
        low=1, high=100,
    )  # fmt: skip
    jitter: float = param(
        0.1, title="Jitter", help="Standard deviation of the starts around the race's own, in x and in y.",
        low=0, high=1e6, slider=(0, 2),
    )  # fmt: skip
    seed: int = param(0, title="Seed", help="The same seed gives the same table.", low=0, high=2**31)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low: expected a rate up to the highest, {self.high:g}, got {self.low:g}")
        return self


class TunedRacer(NamedTuple):
    """One racer's line of the table: final losses over all seeds at its best rate.

    That is the rate of the lowest median, in which a run that diverged counts as infinite; NaN for a racer
    that is left out, infinite where more than half of the runs diverged at every rate.
    """

    id: int
    lr: float
    best: float
    median: float
    worst: float
    diverged: int


@dataclasses.dataclass(frozen=True, eq=False)
class TunerFrame:
    """All seeds that are complete, read-only float64.

    `finals` (racers, rates, seeds) are losses after the last step, infinite where a run diverged, NaN for a
    racer that is left out; `lrs` (rates,) ascend, `starts` (seeds, 2) are before any projection. `rows` are
    empty before the first seed. `left_out` are sentences about racers that are not tuned.
    """

    config: TunerConfig
    lrs: Array
    starts: Array
    finals: Array
    rows: tuple[TunedRacer, ...]
    left_out: tuple[str, ...]


class TunerEngine(MapEngine[TunerConfig]):
    """One seed after the other: all racers at all rates from one start, under one noise."""

    def frame(self) -> TunerFrame:
        """All seeds that are complete."""
        return self._frame

    def _begin(self) -> None:
        config = self._config
        DescentEngine(config.race)  # refuses what a race refuses
        places, self._left_out = triable(config.race.racers)
        self._places = list(places)
        random = np.random.default_rng(config.seed)
        if config.draw == "random":
            low, high = math.log(config.low), math.log(config.high)
            self._lrs = np.exp(np.sort(random.uniform(low, high, config.rates)))
        else:
            self._lrs = log_spaced(config.low, config.high, config.rates)
        self._starts = config.race.start + config.jitter * random.standard_normal((config.seeds, 2))
        self._noise = random.integers(0, 2**31, config.seeds)
        shape = len(config.race.racers), config.rates, config.seeds
        self._finals = np.full(shape, np.nan)
        self._total = len(self._places) * config.rates * config.seeds
        self._publish(0)

    def _publish(self, seeds: int) -> None:
        finals = frozen_copy(self._finals[:, :, :seeds])
        self._frame = TunerFrame(
            config=self._config,
            lrs=frozen_copy(self._lrs),
            starts=frozen_copy(self._starts[:seeds]),
            finals=finals,
            rows=tuple(
                _row(racer.id, self._lrs, losses)
                for racer, losses in zip(self._config.race.racers, finals, strict=True)
            )
            if seeds
            else (),
            left_out=self._left_out,
        )

    def _work(self) -> Iterator[None]:
        for number in range(self._config.seeds):
            yield from self._run(number)
            self._publish(number + 1)
            yield

    def _run(self, number: int) -> Iterator[None]:
        """All racers at all rates from the start and under the noise of this seed."""
        start = tuple(np.clip(self._starts[number], -1e6, 1e6).tolist())
        race = self._config.race.model_copy(update={"start": start, "seed": int(self._noise[number])})
        before, size = self._count, len(self._places) * len(self._lrs)
        trial = Trial(race, [race.racers[place] for place in self._places], self._lrs)
        for _ in trial.run():
            self._count = before + int(size * trial.share)
            yield
        self._count = before + size
        self._finals[self._places, :, number] = np.where(np.isnan(trial.finals), np.inf, trial.finals)


def _row(number: int, lrs: Array, losses: Array) -> TunedRacer:
    """A racer's line from its losses (rates, seeds)."""
    nothing = float("nan")
    if np.isnan(losses).all():
        return TunedRacer(number, nothing, nothing, nothing, nothing, 0)
    medians = np.median(losses, axis=1)
    place = int(medians.argmin())
    here = losses[place]
    return TunedRacer(
        number,
        float(lrs[place]),
        float(here.min()),
        float(medians[place]),
        float(here.max()),
        int(np.isinf(here).sum()),
    )
