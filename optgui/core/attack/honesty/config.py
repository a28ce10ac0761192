"""What can be set of an honesty check, and what is checked."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from optgui.core.attack.config import AttackConfig
from optgui.core.params import Config, param
from optgui.core.snapshot import NetworkSnapshot


class HonestyConfig(Config):
    """How an attack is checked."""

    digits: int = param(
        200,
        title="Test digits",
        help="How many of the test digits are attacked, from the first on.",
        low=1,
        high=10_000,
        scale="log",
        slider=(50, 10_000),
    )
    seed: int = param(
        0, title="Seed", help="The same seed gives the same check.", low=0, high=2**32 - 1, rare=True
    )


@dataclasses.dataclass(frozen=True)
class HonestyInputs:
    """The attack to check, the network it is aimed at, and one whose adversarial pictures may transfer."""

    attack: AttackConfig
    network: NetworkSnapshot
    other: NetworkSnapshot | None
    images: NDArray[np.uint8]  # (n, 28, 28) of 0..255, the whole test set
    labels: NDArray[np.int64]  # (n,)
