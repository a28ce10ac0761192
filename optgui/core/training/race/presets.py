"""PRESETS: races worth seeing, by name.

The rates of the first two were found by a sweep on the real MNIST over the ladder 1, 3, 10, 30 ...: of each
optimizer the rate with the lowest test loss after two epochs at batch 64, for the perceptron the mean of
seeds 0 to 2 over all 60,000 images, for the convolutional network seed 0 over 10,000.
"""

from __future__ import annotations

from typing import Any

from optgui.core.training.race.config import RaceConfig


def _race(entrants: list[dict[str, Any]], **shared: Any) -> RaceConfig:
    return RaceConfig.parse({**shared, "entrants": entrants})


def _entrant(label: str, name: str, lr: float, **values: float) -> dict[str, Any]:
    return {"label": label, "optimizer": {"name": name, "lr": lr, **values}}


# Test losses of the sweep at these rates: 0.1065, 0.1029, 0.1106, 0.1069, 0.1031; the next best rate of any
# is at least 0.005 worse.
_PERCEPTRONS = [
    _entrant("SGD", "SGD", 0.1),
    _entrant("Momentum", "SGD", 0.01, momentum=0.9),
    _entrant("AdaGrad", "Adagrad", 0.03),
    _entrant("RMSprop", "RMSprop", 0.001),
    _entrant("Adam", "Adam", 0.001),
]
# 0.102, 0.109, 0.120, 0.138, 0.114.
_CONVOLUTIONS = [
    _entrant("SGD", "SGD", 0.3),
    _entrant("Momentum", "SGD", 0.03, momentum=0.9),
    _entrant("AdaGrad", "Adagrad", 0.01),
    _entrant("RMSprop", "RMSprop", 0.001),
    _entrant("Adam", "Adam", 0.001),
]
_TUTORIAL = {"name": "MultiStepLR", "milestones": [1], "gamma": 0.1}
_BATCHES = [
    {**_entrant(f"Batch {size}", "SGD", 0.1), "scheduler": _TUTORIAL, "batch_size": size} for size in (64, 16)
]
_RATES = [_entrant(f"lr {lr:g}", "SGD", lr) for lr in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)]
_MOMENTA = [
    _entrant(f"β {momentum:g}", "SGD", 0.01, momentum=momentum) for momentum in (0.0, 0.5, 0.9, 0.95, 0.99)
]

PRESETS: dict[str, RaceConfig] = {
    "Which optimizer to use?": _race(_PERCEPTRONS),
    "Which optimizer to use? (CNN)": _race(_CONVOLUTIONS, model={"name": "CNN"}, samples=10_000),
    "Batch 64 against 16": _race(_BATCHES),
    "Learning rates": _race(_RATES),
    "Momentum": _race(_MOMENTA),
}
