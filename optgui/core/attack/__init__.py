"""The attack: changes an image within a ball until the network misreads it."""

from optgui.core.attack.config import PRESETS, AttackConfig, MethodConfig
from optgui.core.attack.engine import AttackEngine, AttackFrame, AttackInputs, AttackRecord
from optgui.core.attack.methods import METHODS, STEP_RULES, Method, MethodEntry, StepRule
from optgui.core.attack.norms import NORMS, NormEntry

__all__ = [
    "METHODS",
    "NORMS",
    "PRESETS",
    "STEP_RULES",
    "AttackConfig",
    "AttackEngine",
    "AttackFrame",
    "AttackInputs",
    "AttackRecord",
    "Method",
    "MethodConfig",
    "MethodEntry",
    "NormEntry",
    "StepRule",
]
