"""Upper bounds on the smallest epsilon that fools a digit: any wrong answer, and each certain one."""

from optgui.core.attack.bounds.config import BoundsConfig
from optgui.core.attack.bounds.engine import BoundsEngine, BoundsFrame, BoundsRecord

__all__ = ["BoundsConfig", "BoundsEngine", "BoundsFrame", "BoundsRecord"]
