"""Which training images a run sees, and labels made wrong on purpose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optgui.core.training.models import CLASSES


def chosen(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """The indices of `count` images, rising, with as many of each class as of any other where there are.

    With the same seed a smaller choice is part of a larger one, and all of them are 0, 1, 2, ...

    Args:
        labels: (n,), the classes of all images.
        count: from 1 to n.
        seed: of the draw.

    Raises:
        ValueError: if there are not so many.
    """
    if not 1 <= count <= len(labels):
        raise ValueError(f"samples: expected a whole number from 1 to {len(labels)}, got {count}")
    order = np.random.default_rng([seed, 1]).permutation(len(labels))
    turn = np.empty(len(labels), dtype=np.int64)  # of each image within its class
    for label in np.unique(labels):
        members = np.flatnonzero(labels[order] == label)
        turn[members] = np.arange(len(members))
    return np.sort(order[np.argsort(turn, kind="stable")[:count]])


def noisy(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """Labels of which a share is replaced, each by one of the other nine classes, all equally likely.

    With the same seed the same images get the same wrong labels, and a smaller share is part of a larger.

    Args:
        labels: (n,), from 0 to 9.
        share: from 0 to 1; share * n of them, rounded, become wrong.
        seed: of the draw.

    Raises:
        ValueError: if the share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"label_noise: expected a number from 0 to 1, got {share:g}")
    random = np.random.default_rng([seed, 2])
    order = random.permutation(len(labels))
    shifts = random.integers(1, CLASSES, len(labels))
    wrong = order[: round(share * len(labels))]
    result = labels.copy()
    result[wrong] = (labels[wrong] + shifts[wrong]) % CLASSES
    return result
