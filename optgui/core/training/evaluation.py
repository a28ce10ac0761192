"""How well a network does on a test set, counted in slices, and which ends of epochs are tested."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.snapshot import frozen
from optgui.core.training.measures.slices import slice_length

SLICE = 2_000  # most images of a slice
PASSES = 5  # forward passes as costly as the gradient that `slice_length` is about: 5 to 35 ms on one core
APART = 50  # steps between two tests, or ...
SEEN = 4  # ... training images between them, as a multiple of the test images: a test costs 1 / 12 of them


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
    length = evaluation_slice(body, images)
    losses = torch.empty(len(images), device=images.device)
    confusion = torch.zeros(100, dtype=torch.int64, device=images.device)
    for start in range(0, len(images), length):
        part = slice(start, start + length)
        truth = labels[part]
        with torch.no_grad():
            logits = body(images[part])
            losses[part] = nn.functional.cross_entropy(logits, truth, reduction="none")
            confusion += torch.bincount(truth * 10 + logits.argmax(1), minlength=100)
        yield min(start + length, len(images))
    table = confusion.reshape(10, 10).cpu().numpy()
    loss = float(losses.cpu().double().mean())
    return Evaluation(float(np.trace(table) / table.sum()), loss, frozen(table))


def evaluation_slice(body: nn.Module, images: torch.Tensor, networks: int = 1) -> int:
    """How many images (n, ...) make a slice of the test of so many networks like `body`.

    It follows from the network alone, so that the same test has the same slices on every computer.
    """
    return min(SLICE, max(1, slice_length(body, images, PASSES) // networks))


def is_due(steps: int, images: int, tested: int) -> bool:
    """Whether the end of an epoch lies far enough behind the last test.

    Args:
        steps: since the last test.
        images: trained on since then.
        tested: images in the test set.
    """
    return steps >= APART or images >= SEEN * tested
