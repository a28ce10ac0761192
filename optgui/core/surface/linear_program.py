"""The linear program: a slope that is the same everywhere, over a polygon. The best point is a vertex."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import torch
from pydantic import field_validator

from optgui.core.constraints import Polygon
from optgui.core.params import Config, param
from optgui.core.surface.data import FARTHEST, Points, checked_count
from optgui.core.surface.entry import Point, Surface

_EQUAL = 1e-12  # vertices whose values differ by less, relative to the largest coordinate, are equally good


class LinearProgramParams(Config):
    """Parameters of the linear program."""

    direction: float = param(
        60.0,
        title="Direction of c",
        help="Where the slope c, of length 1, points: uphill, counted anticlockwise from the x axis.",
        low=-180,
        high=180,
        unit="°",
    )
    points: Points = param(
        ((-2.0, -0.5), (-0.8, -1.8), (1.2, -1.5), (2.2, 0.3), (1.0, 1.9), (-1.4, 1.4)),
        title="Vertices",
        help="x and y of the polygon's vertices; the feasible set is their convex hull.",
        **FARTHEST,
    )

    _count = field_validator("points")(checked_count)


def _slope(values: Mapping[str, Any]) -> Point:
    angle = math.radians(values["direction"])
    return math.cos(angle), math.sin(angle)


def _height(xy: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    along, across = _slope(values)
    x, y = xy.unbind(-1)
    return along * x + across * y


@functools.lru_cache(maxsize=64)
def _hull(points: Points) -> Polygon:
    return Polygon(points)


def _best_vertices(values: Mapping[str, Any]) -> Points:
    """The lowest corner, or both ends of the lowest edge."""
    along, across = _slope(values)
    corners = _hull(values["points"]).corners
    heights = [along * x + across * y for x, y in corners]
    slack = _EQUAL * max(1.0, *(abs(number) for corner in corners for number in corner))
    return tuple(
        corner for corner, height in zip(corners, heights, strict=True) if height <= min(heights) + slack
    )


def _note(values: Mapping[str, Any]) -> str:
    if len(_best_vertices(values)) < 2:
        return ""
    return "c stands across an edge, so every point of that edge is a minimum."


LINEAR_PROGRAM = Surface(
    name="LinearProgram",
    label="Linear program",
    params=LinearProgramParams,
    help="A tilted plane over a polygon: the lowest point is a vertex, or a whole edge.",
    formula="c · x  such that  x ∈ hull(v₁, …, vₙ),  c = (cos θ, sin θ)",
    reference="G. B. Dantzig, Linear Programming and Extensions, Princeton University Press, 1963",
    function=_height,
    domain=((-3.0, 3.0), (-3.0, 3.0)),
    minima=(),
    start=(0.8, 0.9),
    picture="polygon",
    find_minima=_best_vertices,
    feasible=lambda values: _hull(values["points"]),
    note=_note,
)
