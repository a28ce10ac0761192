"""How long runs are, for the curves of their schedules."""

from __future__ import annotations

import math
from typing import Any

from optgui.core.params import Config, EntryConfig
from optgui.core.training.race import RaceConfig
from optgui.core.training.race.config import EntrantConfig
from optgui.gui.plot.schedule_preview import SchedulePreview

SUPPOSED = 60_000  # training images, until the data tell


def run_length(config: Any) -> tuple[int, int]:
    """Steps of an epoch, and epochs."""
    return math.ceil((config.samples or SUPPOSED) / config.batch_size), config.epochs


class EntrantSchedule(SchedulePreview):
    """The schedule of one entrant of a race, whose batches say how many steps an epoch has."""

    def __init__(self) -> None:
        super().__init__(self._length, base_lr=lambda _: self._entrant.optimizer.lr)
        self._entrant = EntrantConfig()

    def show_entry(self, entry: EntryConfig, config: Config) -> None:
        assert isinstance(config, RaceConfig)
        self._entrant = next(one for one in config.entrants if one.scheduler is entry)
        super().show_entry(entry, config)

    def _length(self, race: RaceConfig) -> tuple[int, int]:
        return math.ceil((race.samples or SUPPOSED) / self._entrant.batch_size), race.epochs
