"""Fields that a run and a race of networks both have, declared once."""

from __future__ import annotations

from typing import Any

from optgui.core import runtime
from optgui.core.params import param
from optgui.core.training.digits import DATASETS

LAST_SEED = 2**31 - 1


def dataset() -> Any:
    """Which images are learned from."""
    return param("mnist", title="Data", help="The images to learn from.", choices=DATASETS.choices)


def samples() -> Any:
    """How many of them."""
    return param(
        0,
        title="Training images",
        help="How many of the training images are used, as many of each class. 0: all.",
        low=0,
        high=60_000,
        scale="log",
        slider=(10, 60_000),
        unit="images",
        rare=True,
    )


def label_noise() -> Any:
    """How many of their labels are wrong."""
    return param(
        0.0,
        title="Label noise",
        help="Share of the training labels that are made wrong on purpose.",
        low=0,
        high=1,
        rare=True,
    )


def seed(what: str) -> Any:
    """The seed of a `what`: a run or a race."""
    return param(
        0,
        title="Seed",
        help=f"Same seed, same {what}, bit for bit.",
        low=0,
        high=LAST_SEED,
        slider=(0, 100),
        rare=True,
    )


def device(help: str) -> Any:
    """Where it is computed."""
    return param("cpu", title="Device", help=help, choices=runtime.DEVICES, rare=True)


def threads() -> Any:
    """With how many threads of the CPU."""
    return param(
        1,
        title="Threads",
        help="CPU threads of torch. More can be a little faster, and make the window less smooth.",
        low=1,
        high=256,
        slider=(1, 16),
        rare=True,
    )
