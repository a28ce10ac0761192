"""Robust accuracy: how many digits a network still reads rightly when each may change by epsilon."""

from optgui.core.attack.robust.config import RobustConfig, RobustCurve, RobustInputs
from optgui.core.attack.robust.engine import RobustEngine, RobustFrame, RobustRecord

__all__ = ["RobustConfig", "RobustCurve", "RobustEngine", "RobustFrame", "RobustInputs", "RobustRecord"]
