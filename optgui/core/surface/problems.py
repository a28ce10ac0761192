"""SURFACES: functions of two variables to descend on.

A new surface is one more entry of the registry and no other edit.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from optgui.core.params import Config, param, params_of
from optgui.core.registry import Entry, Registry

Point = tuple[float, float]
Domain = tuple[Point, Point]  # ((x0, x1), (y0, y1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surface(Entry):
    """A function of the plane, with what is worth knowing about it.

    `function(xy, values)` maps a tensor (..., 2) to (...) by operations that torch differentiates; it must
    keep the dtype and treat every point alone. `domain` is the part worth drawing, ((x0, x1), (y0, y1)).
    `minima` are the global minima, to full double precision. From `start` a race is worth watching.
    `log_levels`: the values span so many powers of ten that contours and colours want log spacing.
    """

    function: Callable[[torch.Tensor, Mapping[str, Any]], torch.Tensor]
    domain: Domain
    minima: tuple[Point, ...]
    start: Point
    log_levels: bool = False

    def __call__(self, xy: torch.Tensor, values: Mapping[str, Any] | None = None) -> torch.Tensor:
        """Value at each point: (..., 2) to (...); parameters missing in `values` take their defaults.

        Raises:
            ValueError: if the last dimension of `xy` is not 2.
        """
        if xy.ndim == 0 or xy.shape[-1] != 2:
            raise ValueError(f"xy: expected a tensor of shape (..., 2), got {tuple(xy.shape)}")
        return self.function(xy, {**self.defaults, **(values or {})})

    @property
    def defaults(self) -> dict[str, Any]:
        """The surface's own parameters by name, as they are if nobody sets them."""
        return {spec.name: spec.default for spec in params_of(self.params)}


class NoParams(Config):
    """A surface without parameters of its own."""


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


def _rosenbrock(xy: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    x, y = xy.unbind(-1)
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _himmelblau(xy: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    x, y = xy.unbind(-1)
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def _beale(xy: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    x, y = xy.unbind(-1)
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


SURFACES: Registry[Surface] = Registry(
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
    Surface(
        name="Rosenbrock",
        label="Rosenbrock's valley",
        params=NoParams,
        help="A curved, narrow valley: easy to find, slow to follow to its minimum.",
        formula="(1 − x)² + 100 (y − x²)²",
        reference="H. H. Rosenbrock, An automatic method for finding the greatest or least value of a "
        "function, The Computer Journal 3 (3), 1960",
        function=_rosenbrock,
        domain=((-2.0, 2.0), (-1.0, 3.0)),
        minima=((1.0, 1.0),),
        start=(-1.2, 1.0),  # Rosenbrock's own
        log_levels=True,
    ),
    Surface(
        name="Himmelblau",
        label="Himmelblau's function",
        params=NoParams,
        help="Four minima of equal depth: where one ends depends on how one walks.",
        formula="(x² + y − 11)² + (x + y² − 7)²",
        reference="D. M. Himmelblau, Applied Nonlinear Programming, McGraw-Hill, 1972",
        function=_himmelblau,
        domain=((-5.0, 5.0), (-5.0, 5.0)),
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.2831859912861696),
            (3.5844283403304917, -1.8481265269644036),
        ),
        start=(0.0, -1.0),  # near the local maximum: gradient descent and Adam part here
        log_levels=True,
    ),
    Surface(
        name="Beale",
        label="Beale's function",
        params=NoParams,
        help="Almost flat in the middle, with steep walls towards the corners.",
        formula="(1.5 − x + x y)² + (2.25 − x + x y²)² + (2.625 − x + x y³)²",
        reference="E. M. L. Beale, On an iterative method for finding a local minimum of a function of more "
        "than one variable, Statistical Techniques Research Group, Princeton University, 1958",
        function=_beale,
        domain=((-4.5, 4.5), (-4.5, 4.5)),
        minima=((3.0, 0.5),),
        start=(1.0, 1.0),
        log_levels=True,
    ),
)
