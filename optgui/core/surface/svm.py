"""The support vector machine with a hard margin: the shortest w that keeps every point out of the margin."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from pydantic import field_validator

from optgui.core.constraints import Polygon
from optgui.core.constraints.half_planes import HalfPlaneSet
from optgui.core.params import Config, param
from optgui.core.surface.data import FARTHEST, LabelledPoints, Points, checked_count, checked_labels
from optgui.core.surface.entry import Action, Surface

_TOUCHING = 1e-9  # hulls nearer to each other than this, relative to the coordinates, are not separated


class SVMParams(Config):
    """Parameters of the support vector machine."""

    points: LabelledPoints = param(
        # The gap between the classes is oblique and does not have 0 in its middle.
        (
            (2.0, 0.5, 1.0),
            (1.2, 1.6, 1.0),
            (2.6, 1.9, 1.0),
            (3.0, 0.8, 1.0),
            (1.6, 2.6, 1.0),
            (-0.6, 0.4, -1.0),
            (0.2, -0.8, -1.0),
            (-1.2, -0.6, -1.0),
            (-1.6, 0.9, -1.0),
            (-0.5, -1.7, -1.0),
        ),
        title="Points",
        help="The two coordinates u₁, u₂ and the label −1 or 1 of each point.",
        **FARTHEST,
    )
    b: float = param(
        0.5,  # 0.74 would be best
        title="b",
        help="Moves the separating line w · u = b away from (0, 0), and with it the feasible set.",
        slider=(-1, 3),
        **FARTHEST,
    )

    _count = field_validator("points")(checked_count)
    _labels = field_validator("points")(checked_labels)

    @field_validator("points")
    @classmethod
    def _must_have_both_labels(cls, points: LabelledPoints) -> LabelledPoints:
        if len({label for *_, label in points}) < 2:
            raise ValueError(f"expected points of both labels, -1 and 1, got only {points[0][2]:g}")
        return points


def _square(xy: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    return xy.square().sum(-1)


def _feasible(values: Mapping[str, Any]) -> HalfPlaneSet:
    return _margins(values["points"], values["b"])


@functools.lru_cache(maxsize=64)
def _margins(points: LabelledPoints, b: float) -> HalfPlaneSet:
    """−yᵢ uᵢ · w <= −1 − yᵢ b."""
    rows = tuple((-label * u, -label * v) for u, v, label in points)
    return HalfPlaneSet(rows, tuple(-1 - label * b for *_, label in points))


@functools.lru_cache(maxsize=64)
def _shortest(points: LabelledPoints, b: float) -> Points:
    allowed = _margins(points, b)
    if allowed.is_empty:
        return ()
    w = allowed.project(torch.zeros(2, dtype=torch.float64))
    return ((float(w[0]), float(w[1])),)


def best_b(values: Mapping[str, Any]) -> float | None:
    """The b of the shortest w over all b; None if no line separates the classes.

    The widest margin lies across the shortest way d between the convex hulls of the classes, the point
    nearest to 0 among the differences of their points, and w = 2 d / ‖d‖². Source: K. P. Bennett and
    E. J. Bredensteiner, Duality and geometry in SVM classifiers, ICML 2000.
    """
    return _widest(values["points"])


@functools.lru_cache(maxsize=64)
def _widest(points: LabelledPoints) -> float | None:
    plus, minus = (
        np.array(Polygon(tuple((u, v) for u, v, label in points if label == sign)).corners)
        for sign in (1, -1)
    )
    differences = (plus[:, None] - minus).reshape(-1, 2)
    d = Polygon(differences).project(torch.zeros(2, dtype=torch.float64)).numpy()
    if not np.linalg.norm(d) > _TOUCHING * max(1.0, float(np.abs([row[:2] for row in points]).max())):
        return None
    w = 2 * d / (d @ d)
    return float((plus @ w).min() + (minus @ w).max()) / 2


def _choose_b(values: Mapping[str, Any]) -> dict[str, Any]:
    found = best_b(values)
    if found is None:
        raise ValueError("No line separates the two classes, so no b is best. Move the points apart.")
    return {"b": found}


def _note(values: Mapping[str, Any]) -> str:
    if not _feasible(values).is_empty:
        return ""
    if best_b(values) is None:
        return "No line separates the two classes, so the feasible set is empty. Move the points apart."
    return f"No w keeps every point out of the margin with b = {values['b']:.3g}. Choose another b."


SVM = Surface(
    name="SVM",
    label="Support vector machine",
    params=SVMParams,
    help="The shorter w, the wider the margin; each point forbids a half-plane of weights w₁, w₂.",
    formula="‖w‖²  such that  yᵢ (w · uᵢ − b) ≥ 1",
    reference="B. E. Boser, I. M. Guyon and V. N. Vapnik, A training algorithm for optimal margin "
    "classifiers, COLT 1992; C. Cortes and V. Vapnik, Support-vector networks, Machine Learning 20, 1995",
    function=_square,
    domain=((-1.0, 4.0), (-1.0, 4.0)),
    minima=(),
    start=(3.5, 3.0),
    picture="margin",
    find_minima=lambda values: _shortest(values["points"], values["b"]),
    feasible=_feasible,
    note=_note,
    actions=(Action("Best b", "Set b so that the margin becomes as wide as these points allow.", _choose_b),),
)
