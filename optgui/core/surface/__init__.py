"""Descent on surfaces: functions of two variables, and optimizers that race down them."""

from optgui.core.surface.config import DescentConfig, RacerConfig, SurfaceConfig
from optgui.core.surface.engine import DescentEngine
from optgui.core.surface.frame import DescentFrame, DescentRecord
from optgui.core.surface.grid import SurfaceGrid, levels, sample, shade
from optgui.core.surface.optimizers import DescentOptimizer
from optgui.core.surface.problems import SURFACES, Surface

__all__ = [
    "SURFACES",
    "DescentConfig",
    "DescentEngine",
    "DescentFrame",
    "DescentOptimizer",
    "DescentRecord",
    "RacerConfig",
    "Surface",
    "SurfaceConfig",
    "SurfaceGrid",
    "levels",
    "sample",
    "shade",
]
