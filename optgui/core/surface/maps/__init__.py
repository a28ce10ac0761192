"""Maps of a surface: what optimizers do from many starts, at many rates and at many momenta."""

from optgui.core.surface.maps.basins import BasinsConfig, BasinsEngine, BasinsFrame
from optgui.core.surface.maps.rate_map import RateMapConfig, RateMapEngine, RateMapFrame
from optgui.core.surface.maps.sweep import SweepConfig, SweepEngine, SweepFrame
from optgui.core.surface.maps.tuner import TunedRacer, TunerConfig, TunerEngine, TunerFrame
from optgui.core.surface.maps.work import MapEngine, MapRecord

__all__ = [
    "BasinsConfig",
    "BasinsEngine",
    "BasinsFrame",
    "MapEngine",
    "MapRecord",
    "RateMapConfig",
    "RateMapEngine",
    "RateMapFrame",
    "SweepConfig",
    "SweepEngine",
    "SweepFrame",
    "TunedRacer",
    "TunerConfig",
    "TunerEngine",
    "TunerFrame",
]
