"""What a run can be asked about the network it trains, each with its answer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optgui.core.training.measures.finder import RateFinding
from optgui.core.training.measures.gradient_noise import GradientNoise, NoiseCurve
from optgui.core.training.measures.inside import DeadUnits, FirstWeights, Layer
from optgui.core.training.measures.limits import Limit
from optgui.core.training.measures.sharpness import SharpnessReading

SAMPLED = 600  # training images drawn for a noise curve


class LookInside(NamedTuple):
    """The first layer and how alive the network is; an `Inside`."""

    units: int = 144


class Inside(NamedTuple):
    """Weights of the first units, dead units, and |Δw| / |w| by the name of the weight where measured."""

    step: int
    weights: FirstWeights
    units: int  # that there are
    dead: tuple[DeadUnits, ...]
    ratios: dict[str, float]


class Activations(NamedTuple):
    """What every layer makes of a digit, by its place in the test set; a `DigitLayers`."""

    digit: int


class DigitLayers(NamedTuple):
    """A test digit on its way through the network."""

    step: int
    digit: int  # its place in the test set
    image: NDArray[np.uint8]  # (28, 28)
    label: int
    probabilities: NDArray[np.float32]  # (10,)
    layers: tuple[Layer, ...]


class WorstDigits(NamedTuple):
    """The test digits with the largest loss, worst first; `JudgedDigits`."""

    most: int = 60


class CellDigits(NamedTuple):
    """Test digits of one cell of the confusion matrix, largest loss first; `JudgedDigits`."""

    true: int
    predicted: int
    most: int = 60


class JudgedDigits(NamedTuple):
    """Some test digits and what the network says to them; arrays are read-only."""

    step: int
    request: WorstDigits | CellDigits
    total: int  # that there are of this kind
    indices: NDArray[np.int64]  # (n,), in the test set
    images: NDArray[np.uint8]  # (n, 28, 28)
    labels: NDArray[np.int64]  # (n,)
    predictions: NDArray[np.int64]  # (n,)
    losses: NDArray[np.float32]  # (n,)
    probabilities: NDArray[np.float32]  # (n, 10)


class Eigenvalues(NamedTuple):
    """The largest eigenvalues of the Hessian; an `EigenvaluesFound`."""

    most: int = 8


class EigenvaluesFound(NamedTuple):
    """Eigenvalues, descending; one lies within the residual of each value."""

    step: int
    values: NDArray[np.float64]  # (k,)
    residuals: NDArray[np.float64]  # (k,)
    products: int
    images: int


class HessianTrace(NamedTuple):
    """The sum of all eigenvalues; a `TraceFound`."""

    samples: int = 30


class TraceFound(NamedTuple):
    """An estimate, its standard error, and how many eigenvalues there are."""

    step: int
    value: float
    error: float
    size: int
    images: int


class SharpnessNow(NamedTuple):
    """λ_max and the optimizer's limit; a `Curvature`."""


class Curvature(NamedTuple):
    """λ_max, of the preconditioned Hessian if the limit is of that, and how large it may be.

    `exact` if every step follows the gradient of exactly this loss; then the limit is exact on a quadratic.
    """

    step: int
    sharpness: SharpnessReading
    limit: Limit
    exact: bool


class NoiseNow(NamedTuple):
    """The noise of mini-batches of all sizes; a `NoiseFound`."""

    replacement: bool = False
    images: int = SAMPLED


class NoiseFound(NamedTuple):
    """Estimates from single gradients, and the noise of mini-batches drawn from the same images."""

    step: int
    noise: GradientNoise
    curve: NoiseCurve
    replacement: bool
    images: int  # that were drawn from
    total: int  # training images there are


class NoiseReading(NamedTuple):
    """The noise along a run: the mean of the last readings."""

    step: int
    noise: GradientNoise


class FindRate(NamedTuple):
    """A range test on a clone: of the present network, or of a fresh one; a `RateFound`."""

    fresh: bool = True
    lr_min: float = 1e-5
    lr_max: float = 10.0
    steps: int = 100
    runs: int = 3


class RateFound(NamedTuple):
    """Effective rates; the base rate for the same is `finding.suggestion` / `factor`."""

    step: int
    fresh: bool
    finding: RateFinding
    factor: float  # of the schedule now, 1 for a fresh network


Question = (
    LookInside
    | Activations
    | WorstDigits
    | CellDigits
    | Eigenvalues
    | HessianTrace
    | SharpnessNow
    | NoiseNow
    | FindRate
)
