"""The numbers of every racer at the play head, to sort and to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtWidgets import QWidget

from optgui.gui.pace import Pace
from optgui.gui.surface.finals_model import COLUMNS, REACHED, STEP_COLUMNS
from optgui.gui.surface.race_numbers import Array, called, distances, lowest_known
from optgui.gui.surface.racer_table import RacerTable

if TYPE_CHECKING:
    from optgui.core.surface import DescentFrame


class FinalsTable(RacerTable):
    """The numbers of a race at the play head."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface.finals", "Numbers of the racers", COLUMNS, parent)
        self._pace = Pace(self._show, self)
        self._frame: DescentFrame | None = None
        self._shown: Mapping[int, bool] = {}
        self._step = 0
        self._about: _About | None = None

    def show_race(self, frame: DescentFrame, shown: Mapping[int, bool], step: int) -> None:
        """Show the numbers at `step`, at most ten times a second."""
        self._frame, self._shown, self._step = frame, shown, step
        self._pace.ask()

    def _show(self) -> None:
        frame, step = self._frame, self._step
        if frame is None:
            return
        if self._about is None or self._about.frame is not frame:
            self._about = _about(frame)
        about = self._about
        numbers = np.full((len(frame.ids), len(COLUMNS)), np.nan)
        numbers[:, 0], numbers[:, 1] = frame.ids, about.lrs
        numbers[:, 2:4] = frame.paths[:, step]
        if frame.config.surface.entry.dimension == 1:
            numbers[:, 3] = np.nan
        numbers[:, 4] = frame.losses[:, step]
        numbers[:, 5] = frame.losses[:, step] - about.lowest
        numbers[:, 6], numbers[:, 7] = frame.measures[:, step], about.distances[:, step]
        for column, steps in zip(STEP_COLUMNS, (about.reached, about.diverged), strict=True):
            numbers[:, column] = np.where(steps <= step, steps, np.nan)
        shown = tuple(self._shown.get(identity, True) for identity in frame.ids)
        self.model.show_rows(frame.ids, about.names, shown, numbers)


class _About(NamedTuple):
    """What of a frame does not change while the head moves; arrays (racers, ...), NaN for what is not."""

    frame: DescentFrame
    names: tuple[str, ...]
    lrs: Array
    lowest: float
    distances: Array
    reached: Array
    diverged: Array


def _about(frame: DescentFrame) -> _About:
    racers, lowest, away = frame.config.racers, lowest_known(frame.config.surface), distances(frame)
    near = away <= REACHED * away[:, :1]
    return _About(
        frame,
        tuple(map(called, racers)),
        np.array([racer.optimizer.lr for racer in racers]),
        np.nan if lowest is None else lowest,
        away,
        np.where(near.any(1), near.argmax(1), np.nan),
        np.array([np.nan if step is None else step for step in frame.diverged]),
    )
