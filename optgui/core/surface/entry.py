"""Surface: a function of two variables as a registry entry, and what its formulas share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch

from optgui.core.constraints import ConvexSet
from optgui.core.params import params_of
from optgui.core.registry import Entry

Point = tuple[float, float]
Domain = tuple[Point, Point]  # ((x0, x1), (y0, y1))

SURVEY = (
    "M. Jamil and X.-S. Yang, A literature survey of benchmark functions for global optimisation problems, "
    "International Journal of Mathematical Modelling and Numerical Optimisation 4 (2), 2013"
)
LIBRARY = (
    "S. Surjanovic and D. Bingham, Virtual Library of Simulation Experiments, Simon Fraser University, 2013"
)


@dataclasses.dataclass(frozen=True)
class Action:
    """Something a problem can do by itself: `change(values)` gives the parameters that it sets.

    Where it cannot, it raises a ValueError with a sentence that says why.
    """

    label: str
    help: str
    change: Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surface(Entry):
    """A function of the plane, with what is worth knowing about it.

    `function(xy, values)` maps a tensor (..., 2) to (...) by operations that torch differentiates; it must
    keep the dtype and treat every point alone. `domain` is the part worth drawing, ((x0, x1), (y0, y1)).
    `minima` are all global minima in the domain, to full double precision; none for a surface without
    bound, such as a saddle. `local_minima` are all the others, where they are the point of the surface.
    `kinks`: the surface has no derivative at its minima; there it has a finite subgradient.
    From `start` a race is worth watching. `log_levels`: the values span so many powers of ten that
    contours and colours want log spacing; None lets the values on the domain decide.

    A function of x alone has `dimension` 1: it ignores y. A problem with data has a parameter `points`, its
    data, and says with `picture` how they are drawn. If its minima move with its parameters, `minima` is
    empty and `find_minima` finds them; `note` says why there are none, or more than one, or nothing.
    `terms(xy, values, chosen)` are those of its summands that `chosen` (k,) counts, (..., k): the function is
    the sum of all `count(values)` of them. `feasible` is the convex set that it brings along; then minima are
    those on that set, which may be empty. `actions` are what the problem can do to its own parameters.
    """

    function: Callable[[torch.Tensor, Mapping[str, Any]], torch.Tensor]
    domain: Domain
    minima: tuple[Point, ...]
    local_minima: tuple[Point, ...] = ()
    kinks: bool = False
    start: Point
    log_levels: bool | None = False
    dimension: int = 2
    picture: str = ""  # "line", "classes", "margin" or "polygon"
    find_minima: Callable[[Mapping[str, Any]], tuple[Point, ...]] | None = None
    terms: Callable[[torch.Tensor, Mapping[str, Any], torch.Tensor], torch.Tensor] | None = None
    count: Callable[[Mapping[str, Any]], int] | None = None
    feasible: Callable[[Mapping[str, Any]], ConvexSet] | None = None
    note: Callable[[Mapping[str, Any]], str] | None = None
    actions: tuple[Action, ...] = ()

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


def plain(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> Callable[[torch.Tensor, Mapping[str, Any]], torch.Tensor]:
    """Make f(x, y) the function of a surface without parameters."""
    return lambda xy, values: function(*xy.unbind(-1))


def root(squared: torch.Tensor) -> torch.Tensor:
    """Square root whose derivative at 0 is 0 instead of infinite; NaN below 0.

    So a cone √(x² + y²) has the subgradient 0 at its tip, where torch's square root gives NaN.
    """
    inside = squared > 0
    rest = torch.where(squared == 0, 0.0, torch.nan).to(squared.dtype)
    return torch.where(inside, torch.where(inside, squared, 1.0).sqrt(), rest)
