"""Training a network on digits: what can be set, one step, and the data."""

from optgui.core.training.config import TrainingConfig
from optgui.core.training.datasets import DATASETS, Digits
from optgui.core.training.digits import (
    DigitsConfig,
    DigitsEngine,
    DigitsFrame,
    best_dataset,
    is_ready,
    load_digits,
)
from optgui.core.training.engine import TrainingEngine, TrainingFrame, TrainingRecord
from optgui.core.training.evaluation import Evaluation
from optgui.core.training.models import MODELS, ModelConfig

__all__ = [
    "DATASETS",
    "MODELS",
    "Digits",
    "DigitsConfig",
    "DigitsEngine",
    "DigitsFrame",
    "Evaluation",
    "ModelConfig",
    "TrainingConfig",
    "TrainingEngine",
    "TrainingFrame",
    "TrainingRecord",
    "best_dataset",
    "is_ready",
    "load_digits",
]
