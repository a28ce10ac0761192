"""A race of networks side by side: what can be set, one step, and races worth seeing."""

from optgui.core.training.race.config import EntrantConfig, RaceConfig
from optgui.core.training.race.engine import EntrantState, RaceEngine, RaceFrame
from optgui.core.training.race.presets import PRESETS
from optgui.core.training.race.team import RaceRecord

__all__ = [
    "PRESETS",
    "EntrantConfig",
    "EntrantState",
    "RaceConfig",
    "RaceEngine",
    "RaceFrame",
    "RaceRecord",
]
