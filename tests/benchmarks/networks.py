"""The real MNIST, and the tutorial's network trained on it."""

from __future__ import annotations

from typing import Any

from optgui.core.training import Digits, TrainingConfig, TrainingEngine, load_digits
from tests.benchmarks.report import Skipped


def mnist() -> Digits:
    """The real MNIST.

    Raises:
        Skipped: where it is not.
    """
    try:
        return load_digits("mnist")
    except ValueError as error:
        raise Skipped(str(error)) from None


def config(seed: int = 0, **values: Any) -> TrainingConfig:
    """Batch 64, lr 0.1, two epochs, a tenth of the rate in the second; `values` differ."""
    return TrainingConfig.model_validate(
        {
            "dataset": "mnist",
            "model": {"name": "MLP", "hidden": [120], "activation": "ReLU"},
            "optimizer": {"name": "SGD", "lr": 0.1},
            "scheduler": {"name": "MultiStepLR", "milestones": [1], "gamma": 0.1},
            "batch_size": 64,
            "epochs": 2,
            "seed": seed,
            **values,
        }
    )


def train(data: Digits, seed: int = 0, **values: Any) -> tuple[TrainingEngine, list[float]]:
    """A finished run, and the test accuracy after each epoch."""
    engine = TrainingEngine(config(seed, **values), data)
    accuracies = []
    while not engine.done:
        record = engine.step()
        if record.test_accuracy == record.test_accuracy:  # not NaN
            accuracies.append(record.test_accuracy)
    return engine, accuracies
