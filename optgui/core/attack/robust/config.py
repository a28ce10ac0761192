"""What can be set of a robust curve, and what it is made of."""

from __future__ import annotations

import dataclasses
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from optgui.core.params import Config, field_error, param
from optgui.core.snapshot import NetworkSnapshot

MEASURED = ("L2", "Linf", "L1")  # the norms a curve is drawn for, in the order of the config's fields


class RobustConfig(Config):
    """Robust accuracy against epsilon, on the first digits of the test set."""

    digits: int = param(
        1_000,
        title="Test digits",
        help="How many of the test digits are attacked, from the first on.",
        low=1,
        high=10_000,
        scale="log",
        slider=(50, 10_000),
    )
    l2: bool = param(True, title="L2", help="Draws the curve of the L2 norm.")
    linf: bool = param(True, title="L∞", help="Draws the curve of the L∞ norm.")
    l1: bool = param(False, title="L1", help="Draws the curve of the L1 norm.")
    l2_most: float = param(
        3.0,
        title="Largest ε in L2",
        help="Where the curve of this norm ends.",
        above=0,
        high=28,
        slider=(0.5, 8),
        unit="px",
        shown_when=("l2", (True,)),
    )
    linf_most: float = param(
        0.2,
        title="Largest ε in L∞",
        help="Where the curve of this norm ends.",
        above=0,
        high=1,
        slider=(0.05, 1),
        unit="px",
        shown_when=("linf", (True,)),
    )
    l1_most: float = param(
        40.0,
        title="Largest ε in L1",
        help="Where the curve of this norm ends.",
        above=0,
        high=784,
        slider=(5, 100),
        unit="px",
        shown_when=("l1", (True,)),
    )
    epsilons: int = param(
        20, title="Radii", help="How many radii lie on a curve, evenly spaced.", low=1, high=200, rare=True
    )
    steps: int = param(
        40,
        title="Steps",
        help="Steps of the projected gradient near each digit's threshold.",
        low=1,
        high=1_000,
        scale="log",
        rare=True,
    )
    noise: bool = param(True, title="Noise", help="Adds the curve of random noise of the same size.")
    seed: int = param(
        0, title="Seed", help="The same seed gives the same curve.", low=0, high=2**32 - 1, rare=True
    )

    @model_validator(mode="after")
    def _check_norms(self) -> Self:
        if not self.norms:
            raise field_error("l2", "expected at least one norm to be switched on, got none")
        return self

    @property
    def norms(self) -> tuple[str, ...]:
        """The norms to measure in, by name in NORMS."""
        return tuple(name for name in MEASURED if getattr(self, name.lower()))

    def radii(self, norm: str) -> NDArray[np.float64]:
        """The radii of a norm's curve, rising, without 0."""
        most: float = getattr(self, f"{norm.lower()}_most")
        return most * np.arange(1, self.epsilons + 1) / self.epsilons


@dataclasses.dataclass(frozen=True)
class RobustInputs:
    """The networks to measure and the test digits they are measured on."""

    networks: tuple[NetworkSnapshot, ...]
    images: NDArray[np.uint8]  # (n, 28, 28) of 0..255, the whole test set
    labels: NDArray[np.int64]  # (n,)


@dataclasses.dataclass(frozen=True)
class RobustCurve:
    """How many digits a network still reads rightly when each may change by at most epsilon.

    A digit counts as fooled at epsilon if an example of norm <= epsilon was found that the network itself
    misreads in a fresh look at it; so the curve never rises. It is an upper bound: a stronger attack may
    find more.
    """

    network_id: str
    norm: str
    epsilons: NDArray[np.float64]  # (k + 1,), rising from 0
    robust: NDArray[np.float64]  # (k + 1,), share of the digits attacked so far
    low: NDArray[np.float64]  # (k + 1,), 95 % confidence band (Wilson)
    high: NDArray[np.float64]  # (k + 1,)
    noise: NDArray[np.float64] | None  # (k + 1,), share read rightly under noise of that size
    thresholds: NDArray[np.float64]  # (digits so far,), smallest verified norm; infinite where none was found
