"""What an honesty check shows of itself."""

from __future__ import annotations

import dataclasses
import enum
import math

from optgui.core.attack.config import AttackConfig
from optgui.core.attack.honesty.checks import STRONGEST, asked, checks_of
from optgui.core.attack.honesty.flags import Flag


class RowState(enum.Enum):
    """How far a check is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    IMPOSSIBLE = "not possible"


@dataclasses.dataclass(frozen=True)
class HonestyRow:
    """One check. Shares are of the digits attacked so far, NaN before there are any."""

    key: str
    name: str
    detail: str  # method and settings in a few words; why not, if it is not possible
    help: str
    state: RowState
    digits: int = 0  # attacked so far
    robust: float = math.nan  # share that no verified example of this check fools
    low: float = math.nan  # 95 % confidence band (Wilson)
    high: float = math.nan
    change: float = math.nan  # of the robust accuracy against the attack as set on the same digits, in points
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class HonestyFrame:
    """The checks in their order; the last is the strongest of all together."""

    attack: AttackConfig  # as set
    network_id: str
    rows: tuple[HonestyRow, ...]
    flags: tuple[Flag, ...]
    notes: tuple[str, ...]  # in what the checks differ from the attack as set
    digits: int
    clean: float  # share read rightly without any attack, NaN before it is known

    @property
    def strongest(self) -> HonestyRow:
        """The number to report: nothing that was tried leaves less."""
        return self.rows[-1]

    @property
    def complete(self) -> bool:
        """Whether every check that is possible was made on all digits."""
        return all(row.state in (RowState.DONE, RowState.IMPOSSIBLE) for row in self.rows)


def planned(attack: AttackConfig, network_id: str, digits: int, no_other: str = "") -> HonestyFrame:
    """The checks of an attack before any was made; `no_other` says why there is no other network."""
    rows = [
        HonestyRow(
            check.key,
            check.name,
            check.detail,
            check.help,
            RowState.IMPOSSIBLE if check.attack is None else RowState.WAITING,
        )
        for check in checks_of(attack, no_other=no_other)
    ]
    rows.append(strongest(RowState.WAITING))
    return HonestyFrame(attack, network_id, tuple(rows), (), asked(attack)[1], digits, math.nan)


def strongest(state: RowState) -> HonestyRow:
    """The last row, still without numbers."""
    return HonestyRow(
        STRONGEST,
        "Strongest of all",
        "every digit that any of them fooled",
        "Whatever was found by any check in the ball counts: this is the number to report.",
        state,
    )
