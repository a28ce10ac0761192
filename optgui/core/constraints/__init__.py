"""Convex sets and their exact Euclidean projections, in any number of dimensions and in batches."""

from optgui.core.constraints.base import ConvexSet, Projection, projected_gradient_measure
from optgui.core.constraints.config import CONSTRAINTS, ConstraintConfig, ConstraintEntry
from optgui.core.constraints.intersection import Intersection
from optgui.core.constraints.lines import Line
from optgui.core.constraints.multipliers import Multipliers
from optgui.core.constraints.polygon import Polygon
from optgui.core.constraints.sets import Ball, Box, HalfSpace, Simplex, WholeSpace

__all__ = [
    "CONSTRAINTS",
    "Ball",
    "Box",
    "ConstraintConfig",
    "ConstraintEntry",
    "ConvexSet",
    "HalfSpace",
    "Intersection",
    "Line",
    "Multipliers",
    "Polygon",
    "Projection",
    "Simplex",
    "WholeSpace",
    "projected_gradient_measure",
]
