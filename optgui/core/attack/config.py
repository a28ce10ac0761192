"""What can be set of an attack, and named settings to start from."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from optgui.core.attack.losses import LOSSES
from optgui.core.attack.methods import METHODS, STEP_RULES, MethodEntry
from optgui.core.attack.norms import NormConfig
from optgui.core.params import Config, EntryConfig, field_error, param
from optgui.core.registry import Registry
from optgui.core.training.models import CLASSES, STD


class MethodConfig(EntryConfig):
    """A method and its own parameters; a method without any is its name alone: `"PGD"`."""

    registry: ClassVar[Registry[MethodEntry]] = METHODS


GOALS = (
    ("untargeted", "Any wrong class"),
    ("targeted", "One certain class"),
    ("least_likely", "The least likely class"),
)


def _used(field: str) -> tuple[str, tuple[str, ...]]:
    """The methods that read a field, as its `shown_when`."""
    return ("method", tuple(name for name, entry in METHODS.items() if field in entry.uses))


class AttackConfig(Config):
    """An attack on images with pixels in [0, 1]; sizes are in pixel units.

    The step rule `normalized` means length 1 in the chosen norm: g/‖g‖₂ in L2, sign g in L∞. So no default
    depends on another field.
    """

    method: MethodConfig = param(MethodConfig(name="PGD"), title="Method", help="How the image is changed.")
    norm: NormConfig = param(
        NormConfig(name="L2"), title="Norm", help="How the size of a change is measured."
    )
    epsilon: float = param(
        2.0,
        title="Epsilon ε",
        help="How large the change may become, measured in the norm.",
        low=0,
        high=1e6,
        unit="px",
        scale="log",
        slider=(0.01, 10),
        live=True,
    )
    step_size: float = param(
        0.2,
        title="Step size α",
        help="How far one step goes.",
        above=0,
        high=1e6,
        unit="px",
        scale="log",
        slider=(1e-4, 1),
        live=True,
        shown_when=_used("step_size"),
    )
    steps: int = param(
        40,
        title="Steps",
        help="After how many steps the attack ends.",
        low=1,
        high=1_000_000,
        scale="log",
        slider=(1, 10_000),
        live=True,
        shown_when=_used("steps"),
    )
    step_rule: str = param(
        "normalized",
        title="Step rule",
        help="Normalized steps are equally long everywhere; a confident network's raw gradient is tiny.",
        choices=STEP_RULES.choices,
        shown_when=_used("step_rule"),
    )
    goal: str = param(
        "untargeted", title="Goal", help="What the network shall read instead.", choices=GOALS, live=True
    )
    target: int = param(
        0,
        title="Target class",
        help="The class the network shall read; not the digit's own.",
        low=0,
        high=CLASSES - 1,
        live=True,
        shown_when=("goal", ("targeted",)),
    )
    loss: str = param(
        "CrossEntropy",
        title="Loss",
        help="What the attack climbs.",
        choices=LOSSES.choices,
        shown_when=_used("loss"),
    )
    random_start: bool = param(
        False,
        title="Random start",
        help="Starts at a random point of the ball instead of at the image.",
        shown_when=_used("random_start"),
    )
    restarts: int = param(
        1,
        title="Restarts",
        help="How often the attack begins, from random points; the best of them is kept.",
        low=1,
        high=100,
        shown_when=_used("restarts"),
    )
    clip: bool = param(
        True, title="Clip to [0, 1]", help="Keeps every pixel between black and white.", rare=True
    )
    exact: bool = param(
        False,
        title="Exact projection",
        help="Onto ball and [0, 1] together, the nearest point of both. Otherwise first onto the ball, then "
        "clipped: inside both as well, but not the nearest point. In the half-space it is always exact.",
        rare=True,
        shown_when=("clip", (True,)),
    )
    stop_when_fooled: bool = param(
        False,
        title="Stop when fooled",
        help="Leaves an image alone once the goal is reached.",
        rare=True,
        shown_when=_used("stop_when_fooled"),
    )
    seed: int = param(
        0,
        title="Seed",
        help="The same seed gives the same random starts and trials.",
        low=0,
        high=2**32 - 1,
        rare=True,
    )

    @model_validator(mode="after")
    def _check_norm(self) -> Self:
        entry = METHODS[self.method.name]
        if self.norm.name not in entry.norms:
            raise field_error(
                "norm", f"{entry.label} works in {' or '.join(entry.norms)}, got {self.norm.name}"
            )
        return self


PRESETS: dict[str, AttackConfig] = {
    "PGD": AttackConfig.parse(
        {"norm": "L2", "epsilon": 2.0, "step_size": 0.2, "steps": 40, "random_start": True}
    ),
    "PGD, L∞": AttackConfig.parse(
        {"norm": "Linf", "epsilon": 0.1, "step_size": 0.01, "steps": 40, "random_start": True}
    ),
    "FGSM": AttackConfig.parse({"method": "FGSM", "norm": "Linf", "epsilon": 0.1}),
    # The tutorial works on normalized images z = (x - mean) / std, with radius 7 and rate 0.1. Lengths in
    # pixels are std times those of z, and dloss/dx = dloss/dz / std, so the rate becomes 0.1 std**2.
    "As in the tutorial": AttackConfig.parse(
        {
            "norm": "L2",
            "epsilon": 7 * STD,
            "step_size": 0.1 * STD**2,
            "steps": 10_000,
            "step_rule": "gradient",
            "clip": False,
        }
    ),
}
