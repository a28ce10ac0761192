"""Which racers take part where every racer runs many times."""

from __future__ import annotations

from optgui.core.surface import DescentConfig, RacerConfig
from optgui.core.surface.maps.work import moves_many


def taking_part(race: DescentConfig) -> tuple[RacerConfig, ...]:
    """The racers that are shown.

    Raises:
        ValueError: with a sentence, if there is none that can run many times in a short while.
    """
    shown = tuple(racer for racer in race.racers if racer.visible)
    if not shown:
        raise ValueError("Every racer is hidden: show one.")
    if not any(moves_many(racer.optimizer) for racer in shown):
        raise ValueError(
            "Torch moves these racers one point at a time, which takes minutes: show another one."
        )
    return shown
