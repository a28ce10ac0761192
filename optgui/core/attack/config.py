"""What can be set of an attack, and named settings to start from."""

from __future__ import annotations

from typing import ClassVar

from optgui.core.attack.methods import METHODS, STEP_RULES, MethodEntry
from optgui.core.attack.norms import NORMS
from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Registry
from optgui.core.training.models import STD


class MethodConfig(EntryConfig):
    """A method and its own parameters; a method without any is its name alone: `"PGD"`."""

    registry: ClassVar[Registry[MethodEntry]] = METHODS


class AttackConfig(Config):
    """An attack on images with pixels in [0, 1]; sizes are in pixel units.

    The step rule `normalized` means length 1 in the chosen norm: g/‖g‖₂ in L2, sign g in L∞. So no default
    depends on another field.
    """

    method: MethodConfig = param(MethodConfig(name="PGD"), title="Method", help="How the image is changed.")
    norm: str = param("L2", title="Norm", help="How the size of a change is measured.", choices=NORMS.choices)
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
    )
    step_rule: str = param(
        "normalized",
        title="Step rule",
        help="Normalized steps are equally long everywhere; a confident network's raw gradient is tiny.",
        choices=STEP_RULES.choices,
    )
    random_start: bool = param(
        False, title="Random start", help="Starts at a random point of the ball instead of at the image."
    )
    clip: bool = param(
        True, title="Clip to [0, 1]", help="Keeps every pixel between black and white.", rare=True
    )
    stop_when_fooled: bool = param(
        False, title="Stop when fooled", help="Leaves an image alone once the network misreads it.", rare=True
    )
    seed: int = param(
        0,
        title="Seed",
        help="The same seed gives the same random start.",
        low=0,
        high=2**32 - 1,
        rare=True,
        shown_when=("random_start", (True,)),
    )


PRESETS: dict[str, AttackConfig] = {
    "PGD": AttackConfig.parse(
        {"norm": "L2", "epsilon": 2.0, "step_size": 0.2, "steps": 40, "random_start": True}
    ),
    "PGD, L∞": AttackConfig.parse(
        {"norm": "Linf", "epsilon": 0.1, "step_size": 0.01, "steps": 40, "random_start": True}
    ),
    "FGSM": AttackConfig.parse(
        {"norm": "Linf", "epsilon": 0.1, "step_size": 0.1, "steps": 1, "step_rule": "sign"}
    ),
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
