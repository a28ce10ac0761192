"""The networks to choose from, their initial weights, and dropout."""

from optgui.core.training.models.layers import (
    ACTIVATIONS,
    MEAN,
    STD,
    Dropout,
    Normalize,
    set_dropout,
    with_dropout,
)
from optgui.core.training.models.networks import (
    CLASSES,
    MODELS,
    PIXELS,
    ModelConfig,
    ModelEntry,
    blank_network,
    make_network,
    network_of,
)
from optgui.core.training.models.weights import INITIALIZATIONS

__all__ = [
    "ACTIVATIONS",
    "CLASSES",
    "INITIALIZATIONS",
    "MEAN",
    "MODELS",
    "PIXELS",
    "STD",
    "Dropout",
    "ModelConfig",
    "ModelEntry",
    "Normalize",
    "blank_network",
    "make_network",
    "network_of",
    "set_dropout",
    "with_dropout",
]
