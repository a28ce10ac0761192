"""What the tutorial's settings reach on MNIST's test set."""

from __future__ import annotations

from optgui.core import runtime
from tests.benchmarks.networks import mnist, train
from tests.benchmarks.report import Row

SEEDS = range(5)
GOALS = ((1, "one epoch, batch 64, lr 0.1", ">= 95"), (2, "two epochs, MultiStepLR [1], gamma 0.1", ">= 96"))


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    runs = [train(data, seed)[1] for seed in SEEDS]  # the first epoch of two is what one epoch is
    return [
        Row(f"test accuracy, {words}, seed {seed}", 100 * run[epochs - 1], unit="%", target=goal)
        for epochs, words, goal in GOALS
        for seed, run in zip(SEEDS, runs, strict=True)
    ]
