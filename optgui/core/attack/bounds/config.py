"""What can be set of the search for the smallest epsilon."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from optgui.core.attack.methods import METHODS
from optgui.core.attack.norms import NormConfig
from optgui.core.params import Config, field_error, param


class BoundsConfig(Config):
    """Two searches for the smallest change that fools: by bisection over PGD, by a minimum-norm attack."""

    norm: NormConfig = param(
        NormConfig(name="L2"), title="Norm", help="How the size of a change is measured."
    )
    steps: int = param(
        40,
        title="PGD steps",
        help="How long PGD tries each epsilon.",
        low=1,
        high=10_000,
        scale="log",
        slider=(1, 1000),
    )
    restarts: int = param(
        1,
        title="Restarts",
        help="How often PGD begins: at the digit, then at random points of the ball.",
        low=1,
        high=100,
        slider=(1, 10),
    )
    bisections: int = param(
        3,
        title="Bisections",
        help="Each tries 16 epsilons at once and leaves a seventeenth of the range.",
        low=1,
        high=10,
    )
    search_steps: int = param(
        100,
        title="Minimum-norm steps",
        help="Steps of the attack that looks for the smallest change itself.",
        low=4,
        high=10_000,
        scale="log",
        slider=(10, 1000),
    )
    seed: int = param(
        0,
        title="Seed",
        help="The same seed gives the same random starts.",
        low=0,
        high=2**32 - 1,
        rare=True,
    )

    @model_validator(mode="after")
    def _check_norm(self) -> Self:
        norms = METHODS["FMN"].norms
        if self.norm.name not in norms:
            raise field_error("norm", f"bounds work in {' or '.join(norms)}, got {self.norm.name}")
        return self
