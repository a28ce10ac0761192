"""Functions of one variable, each showing one thing: a bowl, a local minimum, ripples. They ignore y."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from optgui.core.params import Config
from optgui.core.surface.entry import Surface

_Y = (-1.0, 1.0)  # of the domain: there is nothing to see along y


def _of_x(
    function: Callable[[torch.Tensor], torch.Tensor],
) -> Callable[[torch.Tensor, Mapping[str, Any]], torch.Tensor]:
    return lambda xy, values: function(xy[..., 0])


def _convex_bowl(x: torch.Tensor) -> torch.Tensor:
    # cosh x − 1 without the cancellation at small x; torch.sinh rounds a batch unlike a single number
    return -torch.expm1(x) * torch.expm1(-x) / 2


def _double_well(x: torch.Tensor) -> torch.Tensor:
    return x**4 / 4 - x**2 + 0.3 * x


def _wavy(x: torch.Tensor) -> torch.Tensor:
    return x**2 / 8 + torch.sin(4 * x)


CURVES = (
    # Its curvature cosh x is 1 at the minimum and 8 at the start, so that a rate that is good at the end
    # diverges from afar, and Newton's steps (−tanh x) are short of the minimum first and exact at last.
    # Of x²/2 the first step at rate 1 would be the last.
    Surface(
        name="ConvexBowl",
        label="Convex bowl",
        params=Config,
        help="One minimum and no other flat place. The walls get steeper the farther one is away.",
        formula="cosh x − 1",
        reference="S. Boyd and L. Vandenberghe, Convex Optimization, Cambridge University Press, 2004, "
        "section 3.1 (convexity by the second derivative, cosh x > 0)",
        function=_of_x(_convex_bowl),
        domain=((-3.0, 3.0), _Y),
        minima=((0.0, 0.0),),
        start=(-2.8, 0.0),
        dimension=1,
    ),
    Surface(
        name="DoubleWell",
        label="Double well",
        params=Config,
        help="A local minimum on the right and the global one on the left: descent finds the nearer one.",
        formula="x⁴ / 4 − x² + 0.3 x",
        reference="G. Duffing, Erzwungene Schwingungen bei veränderlicher Eigenfrequenz, Vieweg, 1918 (the "
        "potential of a bistable oscillator), tilted so that one well is deeper",
        function=_of_x(_double_well),
        domain=((-2.4, 2.4), _Y),
        minima=((-1.4839678931977263, 0.0),),  # x³ − 2x + 0.3 = 0
        local_minima=((1.3322207371911865, 0.0),),
        start=(2.2, 0.0),
        dimension=1,
    ),
    Surface(
        name="Wavy",
        label="Rippled bowl",
        params=Config,
        help="A bowl with ripples: small steps stay in the first pit, momentum rolls through some of them.",
        formula="x² / 8 + sin 4x",
        reference="Made for this program, after L. A. Rastrigin, Systems of Extremal Control, Nauka, Moscow, "
        "1974, but without its symmetry",
        function=_of_x(_wavy),
        domain=((-6.0, 6.0), _Y),
        minima=((-0.38665697822012296, 0.0),),  # x / 4 + 4 cos 4x = 0
        local_minima=(
            (-5.025217229671255, 0.0),
            (-3.4794868451528735, 0.0),
            (-1.9332149410266128, 0.0),
            (1.1599570027702981, 0.0),
            (2.706401749681173, 0.0),
            (4.252437356714157, 0.0),
            (5.7977861038533005, 0.0),
        ),
        start=(-5.75, 0.0),
        dimension=1,
    ),
)
