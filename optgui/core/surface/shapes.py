"""The simplest surfaces, each showing one thing: condition, ravine, plateau, saddle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from optgui.core.params import Config, param
from optgui.core.surface.entry import Surface, plain


class QuadraticParams(Config):
    """Parameters of the quadratic bowl."""

    condition: float = param(
        10.0,
        title="Condition number",
        help="Largest curvature divided by the smallest. 1 is a round bowl, 1000 a narrow ravine.",
        low=1,
        high=1000,
        scale="log",
    )
    angle: float = param(
        30.0,
        title="Angle",
        help="Direction of the flat axis, counted anticlockwise from the x axis.",
        low=-90,
        high=90,
        unit="°",
    )


def _quadratic(xy: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    condition: float = values["condition"]
    angle = math.radians(values["angle"])
    cosine, sine = math.cos(angle), math.sin(angle)
    x, y = xy.unbind(-1)
    flat = x * cosine + y * sine
    steep = y * cosine - x * sine
    return (flat * flat + condition * steep * steep) / 2


def _ravine(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    along, across = (x + y) * math.sqrt(0.5), (y - x) * math.sqrt(0.5)
    # √(1 + u²) − 1 without the cancellation at small u
    return along**2 / (1 + (1 + along**2).sqrt()) + 50 * across**2


def _plateau(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return -torch.expm1(-(x**2 + y**2) / 2)


def _saddle(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x**2 - y**2) / 2


def _monkey_saddle(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x**3 - 3 * x * y**2


SHAPES = (
    # Eigenvalues 1 and κ, the textbook's choice: the steep axis limits plain descent's rate (lr < 2 / κ)
    # while the flat one sets the time, so turning κ up shows both effects of a bad condition.
    Surface(
        name="Quadratic",
        label="Quadratic bowl",
        params=QuadraticParams,
        help="A bowl with curvature 1 along its flat axis and κ along its steep one.",
        formula="½ (u² + κ v²),  u = x cos θ + y sin θ,  v = y cos θ − x sin θ",
        reference="S. Boyd and L. Vandenberghe, Convex Optimization, Cambridge University Press, 2004, "
        "section 9.3",
        function=_quadratic,
        domain=((-3.0, 3.0), (-3.0, 3.0)),
        minima=((0.0, 0.0),),
        start=(-2.5, 1.0),
    ),
    # Its floor falls at a nearly constant slope, so that what is seen is the speed along it: lr < 2 / 100
    # keeps plain descent slow, momentum sums the small slope up. Diagonal, so that a rate per coordinate,
    # as in Adagrad or Adam, cannot undo it.
    Surface(
        name="Ravine",
        label="Narrow ravine",
        params=Config,
        help="Steep walls, a floor that falls gently: the gradient points across, the way leads along.",
        formula="√(1 + u²) − 1 + 50 v²,  u = (x + y) / √2,  v = (y − x) / √2",
        reference="Made for this program. Ravines: R. S. Sutton, Two problems with backpropagation and other "
        "steepest-descent learning procedures for networks, Proceedings of the Eighth Annual Conference of "
        "the Cognitive Science Society, 1986",
        function=plain(_ravine),
        domain=((-4.0, 4.0), (-4.0, 4.0)),
        minima=((0.0, 0.0),),
        start=(-3.2, -2.4),
        log_levels=True,
    ),
    Surface(
        name="Plateau",
        label="Flat plateau",
        params=Config,
        help="Almost no slope away from the hole: the step must come from somewhere else than the gradient.",
        formula="1 − exp(−(x² + y²) / 2)",
        reference="J. E. Dennis and R. E. Welsch, Techniques for nonlinear least squares and robust "
        "regression, Communications in Statistics 7 (4), 1978 (the loss named after Welsch)",
        function=plain(_plateau),
        domain=((-5.0, 5.0), (-5.0, 5.0)),
        minima=((0.0, 0.0),),
        start=(-3.0, 2.0),  # gradient 0.005
    ),
    Surface(
        name="Saddle",
        label="Saddle",
        params=Config,
        help="Down to the saddle point at (0, 0) along x, away from it along y. It has no minimum.",
        formula="½ (x² − y²)",
        reference="Y. N. Dauphin et al., Identifying and attacking the saddle point problem in "
        "high-dimensional non-convex optimization, NeurIPS 2014",
        function=plain(_saddle),
        domain=((-3.0, 3.0), (-3.0, 3.0)),
        minima=(),
        start=(-2.5, 0.01),  # beside the ridge: the way leads past the saddle point
    ),
    Surface(
        name="MonkeySaddle",
        label="Monkey saddle",
        params=Config,
        help="Three valleys leave (0, 0), where gradient and Hessian both vanish. It has no minimum.",
        formula="x³ − 3 x y²",
        reference="D. Hilbert and S. Cohn-Vossen, Anschauliche Geometrie, Springer, 1932, section 29",
        function=plain(_monkey_saddle),
        domain=((-2.0, 2.0), (-2.0, 2.0)),
        minima=(),
        start=(1.5, 0.01),  # beside the ridge between two valleys
    ),
)
