"""What the plane's engine says: pictures of the plane, and answers about one point of it."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.attack.plane.config import PlaneConfig
from optgui.core.attack.plane.geometry import Array


class PlaneRecord(NamedTuple):
    """How much of the plane is done after a step, in the units of its status."""

    done: int


@dataclasses.dataclass(frozen=True)
class PointImage:
    """Ask for the picture at a point of the plane, and what the network says of it."""

    a: float
    b: float


class PlanePoint(NamedTuple):
    """The picture at a point, after clipping if the plane is clipped; read-only arrays."""

    a: float
    b: float
    image: NDArray[np.float32]  # (28, 28)
    loss: float
    prediction: int
    probabilities: NDArray[np.float32]  # (10,)
    size: float  # of the difference from the digit, in the attack's norm
    distance: float  # the same in L2, px


@dataclasses.dataclass(frozen=True, eq=False)
class PlaneFrame:
    """The finest picture that is complete, with the lines on it; read-only arrays.

    `values` (k, k) is what the attack climbs, `classes` (k, k) what the network reads; both empty while
    `level` is 0. Row i lies at b = `places[i]`, from the lowest up, column j at a = `places[j]`: the middles
    of k cells that fill the square from -`half` to `half`. All lengths are in pixel units.
    """

    config: PlaneConfig
    level: int
    levels: int
    values: NDArray[np.float32]
    classes: NDArray[np.int8]
    places: Array  # (k,)
    half: float
    ball: Array  # (n, 2), where the plane leaves the ball; empty where it has no outline (L0)
    clipped_ball: Array  # (n, 2), the same of clipped pictures; empty if the plane is not clipped
    box: Array  # (n, 2), a polygon: where the plane is within [0, 1]
    path: Array  # (m, 2)
    off_plane: Array  # (m,), how far the path is from the plane there, L2
    adversarial: tuple[float, float]  # where the attack ended
    across: str  # "random" where a second attack went the same way as the first
    label: int
    target: int | None  # the class wanted; None if any wrong one will do
    digit_class: int  # what the network reads at (0, 0)
    adversarial_class: int
    norm: str  # its name in NORMS
    unit: str
    radius: float  # of the ball, in that unit
    network_id: str
