"""How well a network does on a test set, counted in slices."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.snapshot import frozen

SLICE = 2_000  # images; about 10 ms for the tutorial's network on one core


class Evaluation(NamedTuple):
    """Test results: share of correct answers, mean cross-entropy, and who was taken for whom."""

    accuracy: float
    loss: float
    confusion: NDArray[np.int64]  # (10, 10), row: true class, column: prediction


def evaluate(body: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> Generator[int, None, Evaluation]:
    """Evaluate in slices; yields how many images are done after each and returns the `Evaluation`.

    Args:
        body: takes `images` as they are.
        images: (n, ...) on the body's device.
        labels: (n,) int64 beside them.
    """
    total = torch.zeros((), dtype=torch.float64, device=images.device)
    confusion = torch.zeros(100, dtype=torch.int64, device=images.device)
    for start in range(0, len(images), SLICE):
        truth = labels[start : start + SLICE]
        with torch.no_grad():
            logits = body(images[start : start + SLICE])
            total += nn.functional.cross_entropy(logits, truth, reduction="sum")
            confusion += torch.bincount(truth * 10 + logits.argmax(1), minlength=100)
        yield min(start + SLICE, len(images))
    table = confusion.reshape(10, 10).cpu().numpy()
    return Evaluation(float(np.trace(table) / table.sum()), float(total) / len(images), frozen(table))
