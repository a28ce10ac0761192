"""The plane through a digit: what the network says of all pictures that two directions reach."""

from optgui.core.attack.plane.config import PlaneConfig, PlaneInputs
from optgui.core.attack.plane.engine import PlaneEngine
from optgui.core.attack.plane.frame import PlaneFrame, PlanePoint, PlaneRecord, PointImage

__all__ = [
    "PlaneConfig",
    "PlaneEngine",
    "PlaneFrame",
    "PlaneInputs",
    "PlanePoint",
    "PlaneRecord",
    "PointImage",
]
