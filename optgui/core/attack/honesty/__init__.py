"""Honesty: is an attack's number the network's, or only the attack's? It is checked against stronger ones."""

from optgui.core.attack.honesty.checks import NO_OTHER, Check, checks_of, words
from optgui.core.attack.honesty.config import HonestyConfig, HonestyInputs
from optgui.core.attack.honesty.engine import HonestyEngine, HonestyRecord
from optgui.core.attack.honesty.flags import Flag
from optgui.core.attack.honesty.frame import HonestyFrame, HonestyRow, RowState, planned

__all__ = [
    "NO_OTHER",
    "Check",
    "Flag",
    "HonestyConfig",
    "HonestyEngine",
    "HonestyFrame",
    "HonestyInputs",
    "HonestyRecord",
    "HonestyRow",
    "RowState",
    "checks_of",
    "planned",
    "words",
]
