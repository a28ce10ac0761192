"""Surfaces on which descent gets lost: many minima, a needle in a plain, a sharp ridge."""

from __future__ import annotations

import math

import torch

from optgui.core.params import Config
from optgui.core.surface.entry import LIBRARY, SURVEY, Surface, plain, root


def _griewank(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x**2 + y**2) / 4000 - torch.cos(x) * torch.cos(y / math.sqrt(2)) + 1


def _rastrigin(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return 20 + x**2 + y**2 - 10 * (torch.cos(2 * math.pi * x) + torch.cos(2 * math.pi * y))


def _ackley(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    cone = -20 * torch.expm1(-0.2 * root((x**2 + y**2) / 2))
    waves = (torch.cos(2 * math.pi * x) + torch.cos(2 * math.pi * y)) / 2
    return cone - math.e * torch.expm1(waves - 1)


def _levy(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    u, v = 1 + (x - 1) / 4, 1 + (y - 1) / 4
    middle = (u - 1) ** 2 * (1 + 10 * torch.sin(math.pi * u + 1) ** 2)
    return torch.sin(math.pi * u) ** 2 + middle + (v - 1) ** 2 * (1 + torch.sin(2 * math.pi * v) ** 2)


def _easom(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return -torch.cos(x) * torch.cos(y) * torch.exp(-((x - math.pi) ** 2) - (y - math.pi) ** 2)


def _bukin_n6(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return 100 * root((y - 0.01 * x**2).abs()) + 0.01 * (x + 10).abs()


MULTIMODAL = (
    Surface(
        name="Griewank",
        label="Griewank's function",
        params=Config,
        help="Regular waves on a bowl so wide that it hardly shows: every trough looks like the best one.",
        formula="(x² + y²) / 4000 − cos(x) cos(y / √2) + 1",
        reference="A. O. Griewank, Generalized descent for global optimization, Journal of Optimization "
        "Theory and Applications 34 (1), 1981",
        function=plain(_griewank),
        domain=((-10.0, 10.0), (-10.0, 10.0)),
        minima=((0.0, 0.0),),
        start=(-7.5, 6.5),
    ),
    Surface(
        name="Rastrigin",
        label="Rastrigin's function",
        params=Config,
        help="A bowl covered with pits: a local minimum near every pair of whole numbers.",
        formula="20 + x² + y² − 10 (cos 2πx + cos 2πy)",
        reference="L. A. Rastrigin, Systems of Extremal Control, Nauka, Moscow, 1974",
        function=plain(_rastrigin),
        domain=((-5.12, 5.12), (-5.12, 5.12)),
        minima=((0.0, 0.0),),
        start=(-3.4, 2.6),
    ),
    # The common form −20 exp(...) − exp(...) + 20 + e leaves 4e-16 at the minimum; expm1 leaves 0.
    Surface(
        name="Ackley",
        label="Ackley's function",
        params=Config,
        help="A rippled plain around a steep funnel that ends in a sharp tip at the minimum.",
        formula="−20 exp(−0.2 √(½ (x² + y²))) − exp(½ (cos 2πx + cos 2πy)) + 20 + e",
        reference="D. H. Ackley, A Connectionist Machine for Genetic Hillclimbing, Kluwer, 1987",
        function=plain(_ackley),
        domain=((-5.0, 5.0), (-5.0, 5.0)),
        minima=((0.0, 0.0),),
        kinks=True,  # a cone; subgradient 0 at its tip
        start=(-3.4, 2.6),
    ),
    Surface(
        name="Levy",
        label="Levy's function",
        params=Config,
        help="Walls of waves across x and ripples along y: small steps stay between two walls.",
        formula="sin²(πu) + (u − 1)² (1 + 10 sin²(πu + 1)) + (v − 1)² (1 + sin²(2πv)),  "
        "u = 1 + (x − 1) / 4,  v = 1 + (y − 1) / 4",
        reference=f"A. V. Levy and A. Montalvo, The tunneling algorithm for the global minimization of "
        f"functions, SIAM Journal on Scientific and Statistical Computing 6 (1), 1985; {LIBRARY}",
        function=plain(_levy),
        domain=((-10.0, 10.0), (-10.0, 10.0)),
        minima=((1.0, 1.0),),
        start=(-7.5, 8.0),
        log_levels=True,
    ),
    Surface(
        name="Easom",
        label="Easom's function",
        params=Config,
        help="A plain without slope and one narrow hole at (π, π): who starts outside never hears of it.",
        formula="−cos(x) cos(y) exp(−(x − π)² − (y − π)²)",
        reference="E. E. Easom, A survey of global optimization techniques, M. Eng. thesis, University of "
        f"Louisville, 1990; {SURVEY}",
        function=plain(_easom),
        domain=((-2.0, 8.0), (-2.0, 8.0)),
        minima=((math.pi, math.pi),),
        start=(1.9, 4.2),
    ),
    # Along the crease y = x² / 100 the square root is infinitely steep; its derivative is taken as 0 there.
    Surface(
        name="BukinN6",
        label="Bukin's function N. 6",
        params=Config,
        help="A crease with walls of infinite slope; its floor falls gently to the minimum at (−10, 1).",
        formula="100 √|y − 0.01 x²| + 0.01 |x + 10|",
        reference=f"A. D. Bukin, New minimization strategy for non-smooth functions, Budker Institute of "
        f"Nuclear Physics, Novosibirsk, preprint 97-79, 1997; {SURVEY}",
        function=plain(_bukin_n6),
        domain=((-15.0, -5.0), (-3.0, 3.0)),
        minima=((-10.0, 1.0),),
        kinks=True,
        start=(-13.0, -1.0),
    ),
)
