"""What the built-in digits are worth: learned alone, read on the real MNIST."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from optgui.core import runtime
from optgui.core.snapshot import frozen
from optgui.core.training import strokes
from tests.benchmarks.networks import mnist, train
from tests.benchmarks.report import Row

SEEDS = range(3)
TRAIN, TEST = 60_000, 10_000


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    before = time.perf_counter()
    drawn = _draw()
    seconds = time.perf_counter() - before
    own = dataclasses.replace(
        data, train_images=frozen(drawn.train_images), train_labels=frozen(drawn.train_labels.astype("int64"))
    )
    return [
        *(
            Row(
                f"MNIST test accuracy after built-in digits alone, seed {seed}",
                100 * train(own, seed)[1][-1],
                unit="%",
                target=">= 80",
            )
            for seed in SEEDS
        ),
        Row(f"drawing {TRAIN + TEST:,} digits", seconds, unit="s"),
    ]


def _draw() -> Any:
    drawing = strokes.generate(seed=0, train=TRAIN, test=TEST)
    while True:
        try:
            next(drawing)
        except StopIteration as end:
            return end.value
