"""The attack: changes an image within a ball until the network misreads it."""

from optgui.core.attack.config import PRESETS, AttackConfig, MethodConfig
from optgui.core.attack.engine import AttackEngine, AttackFrame, AttackRecord
from optgui.core.attack.film import Film, ShowFilm
from optgui.core.attack.inputs import AttackInputs
from optgui.core.attack.loop import Attack
from optgui.core.attack.losses import LOSSES, Goal
from optgui.core.attack.methods import METHODS, STEP_RULES, Method, MethodEntry, StepRule
from optgui.core.attack.norms import NORMS, Norm, NormConfig, NormEntry, norm_of
from optgui.core.attack.strongest import Standing, Worst, strongest
from optgui.core.attack.verdict import Verdict, verified
from optgui.core.attack.victim import Victim

__all__ = [
    "LOSSES",
    "METHODS",
    "NORMS",
    "PRESETS",
    "STEP_RULES",
    "Attack",
    "AttackConfig",
    "AttackEngine",
    "AttackFrame",
    "AttackInputs",
    "AttackRecord",
    "Film",
    "Goal",
    "Method",
    "MethodConfig",
    "MethodEntry",
    "Norm",
    "NormConfig",
    "NormEntry",
    "ShowFilm",
    "Standing",
    "StepRule",
    "Verdict",
    "Victim",
    "Worst",
    "norm_of",
    "strongest",
    "verified",
]
