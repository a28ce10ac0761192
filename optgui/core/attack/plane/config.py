"""What can be set of the plane through a digit, and what it is drawn from."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from optgui.core.attack.config import AttackConfig
from optgui.core.params import Config, param
from optgui.core.snapshot import NetworkSnapshot


class PlaneConfig(Config):
    """A plane through a digit, along its attack and across it."""

    shows: str = param(
        "Loss",
        title="Shows",
        help="How high the loss is, or which class the network reads.",
        choices=(("Loss", "Loss"), ("Regions", "Regions")),
    )
    across: str = param(
        "random",
        title="Across",
        help="The direction at a right angle to the attack: a random one of the ball, or towards where a "
        "second attack ends, from another start and climbing another loss.",
        choices=(("random", "Random"), ("attack", "Second attack")),
    )
    clipped: bool = param(
        True,
        title="Clip to [0, 1]",
        help="Every point shows what the network says of its picture after clipping to black and white.",
    )
    extent: float = param(
        1.5,
        title="Extent",
        help="How far the picture goes to each side, in radii of the ball along the attack.",
        above=0,
        high=100,
        unit="ε",
        scale="log",
        slider=(1, 10),
    )
    resolution: int = param(
        256, title="Resolution", help="Points along each side of the finest picture.", low=16, high=1024
    )
    seed: int = param(
        0,
        title="Seed",
        help="Another seed gives another direction across.",
        low=0,
        high=2**32 - 1,
        rare=True,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneInputs:
    """One attacked digit, as frozen data that may cross threads."""

    snapshot: NetworkSnapshot
    image: NDArray[np.float32]  # (1, 28, 28) in [0, 1], read-only
    label: int
    perturbation: NDArray[np.float32]  # (28, 28), what the attack has added in the end, read-only
    path: NDArray[np.float32]  # (m, 28, 28), what it had added after each iteration, read-only
    attack: AttackConfig
