"""CONSTRAINTS: what a descent can be held to, by name; the parameters are those of a set of the plane.

A script calls an entry, in any dimension: `CONSTRAINTS["Ball"](radius=1.0).project(x)`. A form or a file
goes through `ConstraintConfig`. A new set is one more entry and no other edit.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self

from pydantic import model_validator

from optgui.core.constraints.base import ConvexSet
from optgui.core.constraints.intersection import Intersection
from optgui.core.constraints.lines import Line
from optgui.core.constraints.polygon import Polygon
from optgui.core.constraints.sets import Ball, Box, HalfSpace, Simplex, WholeSpace
from optgui.core.params import Config, EntryConfig, param
from optgui.core.registry import Entry, Registry

_BOUNDS: dict[str, Any] = {"low": -1e6, "high": 1e6}


class SetParams(Config):
    """Parameters of a set, taken if the set itself takes them."""

    shape: ClassVar[type[ConvexSet]] = WholeSpace

    def make(self) -> ConvexSet:
        """The set.

        Raises:
            ValueError: if it refuses the values.
        """
        return self.shape(**dict(self))

    @model_validator(mode="after")
    def _try(self) -> Self:
        self.make()
        return self


class BallParams(SetParams):
    """Parameters of a disc."""

    shape = Ball

    center: tuple[float, float] = param((0.0, 0.0), title="Center", help="The middle, x and y.", **_BOUNDS)
    radius: float = param(
        1.0, title="Radius", help="Distance from the center to the rim.", above=0, high=1e6, slider=(0.1, 5)
    )


class BoxParams(SetParams):
    """Parameters of a rectangle."""

    shape = Box

    low: tuple[float, float] = param(
        (-1.0, -1.0), title="Lower corner", help="Smallest x and y, left and bottom.", **_BOUNDS
    )
    high: tuple[float, float] = param(
        (1.0, 1.0), title="Upper corner", help="Largest x and y, right and top.", **_BOUNDS
    )


class HalfSpaceParams(SetParams):
    """Parameters of a half-plane."""

    shape = HalfSpace

    normal: tuple[float, float] = param(
        (1.0, 1.0), title="Normal", help="Points out of the set; its length matters to the offset.", **_BOUNDS
    )
    offset: float = param(
        1.0, title="Offset", help="Largest normal · x that is allowed.", slider=(-5, 5), **_BOUNDS
    )


class LineParams(SetParams):
    """Parameters of a line."""

    shape = Line

    point: tuple[float, float] = param(
        (0.0, 0.0), title="Point", help="A point of the line, x and y.", **_BOUNDS
    )
    direction: tuple[float, float] = param(
        (1.0, 1.0), title="Direction", help="Where the line leads; its length does not matter.", **_BOUNDS
    )


class SimplexParams(SetParams):
    """Parameters of a simplex."""

    shape = Simplex

    total: float = param(
        1.0,
        title="Total",
        help="The sum of all coordinates; 1 makes them probabilities.",
        above=0,
        high=1e6,
        slider=(0.1, 5),
    )


class PolygonParams(SetParams):
    """Parameters of a convex polygon."""

    shape = Polygon

    vertices: tuple[float, ...] = param(
        tuple(number for pair in Polygon().vertices for number in pair),
        title="Vertices",
        help="x and y of one vertex after another; the set is their convex hull.",
        **_BOUNDS,
    )


@dataclasses.dataclass(frozen=True)
class ConstraintEntry(Entry):
    """A convex set by name: called with the set's own arguments it gives the set."""

    params: type[SetParams] = SetParams

    def __call__(self, **values: Any) -> ConvexSet:
        """The set with these values, in any dimension: one number for a vector holds in every coordinate.

        Raises:
            ValueError: if a value is refused, or sets do not meet.
        """
        shape = self.params.shape
        known = [field.name for field in dataclasses.fields(shape)]
        for name in values:
            if name not in known:
                raise ValueError(f"{name}: unknown field; expected {', '.join(known) or 'none'}")
        made = shape(**values)
        if isinstance(made, Intersection) and made.dimension is not None:
            made.refuse_empty()
        return made


_BOYD = "S. Boyd and L. Vandenberghe, Convex Optimization, Cambridge University Press, 2004, section 8.1.1"
_PARIKH = "N. Parikh and S. Boyd, Proximal Algorithms, Foundations and Trends in Optimization 1 (3), 2014"

_SETS = (
    ConstraintEntry("None", "No constraint", SetParams, help="Every point is allowed.", formula="P(x) = x"),
    ConstraintEntry(
        "Ball",
        "Ball",
        BallParams,
        help="Points no farther than the radius from the center.",
        formula="‖x − c‖ ≤ r,  P(x) = c + r (x − c) / max(r, ‖x − c‖)",
        reference=f"{_PARIKH}, section 6.5.1",
    ),
    ConstraintEntry(
        "Box",
        "Box",
        BoxParams,
        help="Each coordinate between its own two bounds.",
        formula="l ≤ x ≤ u,  P(x)ᵢ = min(max(xᵢ, lᵢ), uᵢ)",
        reference=_BOYD,
    ),
    ConstraintEntry(
        "HalfSpace",
        "Half-space",
        HalfSpaceParams,
        help="One side of a straight border.",
        formula="a · x ≤ b,  P(x) = x − max(0, a · x − b) a / ‖a‖²",
        reference=_BOYD,
    ),
    ConstraintEntry(
        "Line",
        "Line",
        LineParams,
        help="Points of one straight line: a linear equation.",
        formula="x = p + t d,  P(x) = p + (d · (x − p)) d / ‖d‖²",
        reference=f"{_PARIKH}, section 6.2.1",
    ),
    ConstraintEntry(
        "Simplex",
        "Simplex",
        SimplexParams,
        help="Coordinates that are not negative and have a given sum, as probabilities do.",
        formula="x ≥ 0, Σ xᵢ = s,  P(x) = max(x − θ, 0) with Σ P(x)ᵢ = s",
        reference="M. Held, P. Wolfe and H. P. Crowder, Validation of subgradient optimization, Mathematical "
        "Programming 6, 1974; J. Duchi, S. Shalev-Shwartz, Y. Singer and T. Chandra, Efficient projections "
        "onto the l1-ball for learning in high dimensions, ICML 2008",
    ),
    ConstraintEntry(
        "Polygon",
        "Polygon",
        PolygonParams,
        help="The convex hull of points of the plane.",
        formula="x = Σ tᵢ vᵢ,  t ≥ 0, Σ tᵢ = 1",
        reference="A. M. Andrew, Another efficient algorithm for convex hulls in two dimensions, Information "
        "Processing Letters 9 (5), 1979",
    ),
)

MEMBERS: Registry[ConstraintEntry] = Registry(*_SETS)


class MemberConfig(EntryConfig):
    """One of the sets that an intersection is made of."""

    registry: ClassVar[Registry[ConstraintEntry]] = MEMBERS

    def make(self) -> ConvexSet:
        """The set."""
        return self.registry[self.name].params(**self.values).make()


class IntersectionParams(SetParams):
    """Parameters of an intersection: two sets, or three."""

    shape = Intersection

    first: MemberConfig = param(MemberConfig(name="Ball"), title="First set", help="One of the sets.")
    second: MemberConfig = param(MemberConfig(name="HalfSpace"), title="Second set", help="Another.")
    third: MemberConfig = param(
        MemberConfig(name="None"), title="Third set", help="A third, if two are not enough."
    )

    def make(self) -> Intersection:
        """The intersection.

        Raises:
            ValueError: if the sets do not meet.
        """
        made = Intersection((self.first.make(), self.second.make(), self.third.make()))
        made.refuse_empty(2)
        return made


CONSTRAINTS: Registry[ConstraintEntry] = Registry(
    *_SETS,
    ConstraintEntry(
        "Intersection",
        "Intersection",
        IntersectionParams,
        help="What several sets have in common, projected onto by Dykstra's algorithm.",
        formula="x ∈ C₁ ∩ C₂ ∩ …,  pᵢ ← y + pᵢ − Pᵢ(y + pᵢ),  y ← Pᵢ(y + pᵢ), round and round",
        reference="R. L. Dykstra, An algorithm for restricted least squares regression, Journal of the "
        "American Statistical Association 78 (384), 1983; J. P. Boyle and R. L. Dykstra, A method for "
        "finding projections onto the intersection of convex sets in Hilbert spaces, Lecture Notes in "
        "Statistics 37, 1986",
    ),
)


class ConstraintConfig(MemberConfig):
    """A constraint on a point of the plane: `{"name": "Ball", "radius": 1.0}`."""

    registry: ClassVar[Registry[ConstraintEntry]] = CONSTRAINTS
