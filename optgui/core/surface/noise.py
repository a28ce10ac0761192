"""Noise: what a racer is given instead of the exact gradient."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Entry, Registry

Chosen = NDArray[np.int64]


class GaussianParams(Config):
    """Parameters of Gaussian noise."""

    sigma: float = param(
        1.0,
        title="Sigma",
        help="Standard deviation of what is added to each coordinate of the gradient, anew at every step.",
        low=0,
        high=1e6,
        scale="log",
        slider=(0.001, 100),
        live=True,
    )


class MiniBatchParams(Config):
    """Parameters of mini-batches."""

    batch_size: int = param(
        1,
        title="Batch size",
        help="How many data points each step looks at; 1 is the tutorial's stochastic gradient descent. More "
        "than there are counts as all of them.",
        low=1,
        high=10_000,
        slider=(1, 32),
        live=True,
    )
    sampling: str = param(
        "replacement",
        title="Sampling",
        help="Each batch drawn from all points, as in the tutorial, or every point once in each epoch.",
        choices=(("replacement", "With replacement"), ("epochs", "Shuffled epochs")),
        live=True,
    )


@dataclasses.dataclass(frozen=True)
class NoiseEntry(Entry):
    """A kind of noise."""


NOISES: Registry[NoiseEntry] = Registry(
    NoiseEntry("None", "No noise", Config, help="Every step takes the exact gradient."),
    NoiseEntry(
        "Gaussian",
        "Gaussian",
        GaussianParams,
        help="Independent normal noise on each coordinate. All racers have the same luck.",
        formula="g + σ ξ,  ξ ~ N(0, I)",
        reference="S. Mandt, M. D. Hoffman and D. M. Blei, Stochastic Gradient Descent as Approximate "
        "Bayesian Inference, Journal of Machine Learning Research 18, 2017",
    ),
    NoiseEntry(
        "MiniBatch",
        "Mini-batches",
        MiniBatchParams,
        help="The gradient of a few data points, scaled up to all of them. All racers see the same batches. "
        "A function without data is its own only term: there it does nothing.",
        formula="(m / k) Σ ∇fᵢ  over k of the m points",
        reference="H. Robbins and S. Monro, A Stochastic Approximation Method, Annals of Mathematical "
        "Statistics 22 (3), 1951",
    ),
)


class NoiseConfig(EntryConfig):
    """The noise and its parameters: `{"name": "MiniBatch", "batch_size": 1, "sampling": "replacement"}`."""

    registry: ClassVar[Registry[NoiseEntry]] = NOISES


class Batches:
    """The data points of each step: an endless, seeded sequence of index arrays (k,)."""

    def __init__(self, count: int, values: Mapping[str, Any], random: np.random.Generator) -> None:
        self._count, self._random = count, random
        self._size = min(values["batch_size"], count)
        self._epochs = values["sampling"] == "epochs"
        self._left: Chosen = np.empty(0, np.int64)

    def draw(self) -> Chosen:
        """The next batch; the last one of an epoch is smaller if the size does not divide the data."""
        if not self._epochs:
            return np.asarray(self._random.integers(0, self._count, self._size))
        if not len(self._left):
            self._left = self._random.permutation(self._count)
        batch, self._left = self._left[: self._size], self._left[self._size :]
        return batch
