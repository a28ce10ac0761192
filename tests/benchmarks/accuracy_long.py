"""What larger networks reach on MNIST's test set when they are trained well, in about three minutes."""

from __future__ import annotations

from optgui.core import runtime
from tests.benchmarks.networks import mnist, train
from tests.benchmarks.report import Row

RUNS = (
    (
        "perceptron 512, 512, dropout 0.3, Adam, cosine, 20 epochs",
        ">= 98.4",
        {
            "model": {"name": "MLP", "hidden": [512, 512], "activation": "ReLU", "dropout": 0.3},
            "optimizer": {"name": "Adam", "lr": 0.001},
            "scheduler": {"name": "CosineAnnealingLR", "T_max": 9_380, "interval": "step"},
            "batch_size": 128,
            "epochs": 20,
        },
    ),
    (
        "convolutional network, Adam, one cycle, 5 epochs",
        ">= 99",
        {
            "model": {"name": "CNN"},
            "optimizer": {"name": "Adam", "lr": 0.002},
            "scheduler": {"name": "OneCycleLR"},
            "batch_size": 128,
            "epochs": 5,
        },
    ),
)


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    return [
        Row(f"test accuracy, {words}", 100 * train(data, **values)[1][-1], unit="%", target=goal)
        for words, goal, values in RUNS
    ]
