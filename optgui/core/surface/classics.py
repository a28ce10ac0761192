"""The classic test surfaces: polynomials (and one sine) with one minimum or a few."""

from __future__ import annotations

import torch

from optgui.core.params import Config
from optgui.core.surface.entry import LIBRARY, SURVEY, Surface, plain


def _booth(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


def _matyas(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


def _rosenbrock(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _beale(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def _himmelblau(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def _three_hump_camel(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    square = x**2
    return square * (2 - 1.05 * square + square**2 / 6) + x * y + y**2


def _six_hump_camel(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (4 - 2.1 * x**2 + x**2 * x**2 / 3) * x**2 + x * y + 4 * (y**2 - 1) * y**2


def _mccormick(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.sin(x + y) + (x - y) ** 2 - 1.5 * x + 2.5 * y + 1


def _styblinski_tang(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x * (x * (x**2 - 16) + 5) + y * (y * (y**2 - 16) + 5)) / 2


def _goldstein_price(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    first = (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)
    second = (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    return (1 + first) * (30 + second)


CLASSICS = (
    Surface(
        name="Booth",
        label="Booth's function",
        params=Config,
        help="A slanted bowl, nine times as steep along one diagonal as along the other.",
        formula="(x + 2 y − 7)² + (2 x + y − 5)²",
        reference=SURVEY,
        function=plain(_booth),
        domain=((-10.0, 10.0), (-10.0, 10.0)),
        minima=((1.0, 3.0),),
        start=(-7.0, 6.0),
        log_levels=True,
    ),
    Surface(
        name="Matyas",
        label="Matyas's function",
        params=Config,
        help="A shallow trough along the diagonal, with curvature 0.04 along it and 1 across.",
        formula="0.26 (x² + y²) − 0.48 x y",
        reference=SURVEY,
        function=plain(_matyas),
        domain=((-10.0, 10.0), (-10.0, 10.0)),
        minima=((0.0, 0.0),),
        start=(-8.0, -3.0),
        log_levels=True,
    ),
    Surface(
        name="Rosenbrock",
        label="Rosenbrock's valley",
        params=Config,
        help="A curved, narrow valley: easy to find, slow to follow to its minimum.",
        formula="(1 − x)² + 100 (y − x²)²",
        reference="H. H. Rosenbrock, An automatic method for finding the greatest or least value of a "
        "function, The Computer Journal 3 (3), 1960",
        function=plain(_rosenbrock),
        domain=((-2.0, 2.0), (-1.0, 3.0)),
        minima=((1.0, 1.0),),
        start=(-1.2, 1.0),  # Rosenbrock's own
        log_levels=True,
    ),
    Surface(
        name="Beale",
        label="Beale's function",
        params=Config,
        help="Almost flat in the middle, with steep walls towards the corners.",
        formula="(1.5 − x + x y)² + (2.25 − x + x y²)² + (2.625 − x + x y³)²",
        reference="E. M. L. Beale, On an iterative method for finding a local minimum of a function of more "
        "than one variable, Statistical Techniques Research Group, Princeton University, 1958",
        function=plain(_beale),
        domain=((-4.5, 4.5), (-4.5, 4.5)),
        minima=((3.0, 0.5),),
        start=(1.0, 1.0),
        log_levels=True,
    ),
    Surface(
        name="Himmelblau",
        label="Himmelblau's function",
        params=Config,
        help="Four minima of equal depth: where one ends depends on how one walks.",
        formula="(x² + y − 11)² + (x + y² − 7)²",
        reference="D. M. Himmelblau, Applied Nonlinear Programming, McGraw-Hill, 1972",
        function=plain(_himmelblau),
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
        name="ThreeHumpCamel",
        label="Three-hump camel",
        params=Config,
        help="A global minimum between two higher ones, in which a careful descent stays.",
        formula="2 x² − 1.05 x⁴ + x⁶ / 6 + x y + y²",
        reference="F. H. Branin, Widely convergent method for finding multiple solutions of simultaneous "
        "nonlinear equations, IBM Journal of Research and Development 16 (5), 1972",
        function=plain(_three_hump_camel),
        domain=((-2.5, 2.5), (-2.5, 2.5)),
        minima=((0.0, 0.0),),
        local_minima=((1.7475523458302888, -0.8737761729151444), (-1.7475523458302888, 0.8737761729151444)),
        start=(-2.2, -1.5),
        log_levels=True,
    ),
    Surface(
        name="SixHumpCamel",
        label="Six-hump camel",
        params=Config,
        help="Six minima in three depths, two of them global.",
        formula="(4 − 2.1 x² + x⁴ / 3) x² + x y + (4 y² − 4) y²",
        reference="L. C. W. Dixon and G. P. Szegö, The global optimization problem: an introduction, Towards "
        "Global Optimisation 2, North-Holland, 1978",
        function=plain(_six_hump_camel),
        domain=((-2.2, 2.2), (-1.3, 1.3)),
        minima=((0.08984201310031806, -0.7126564030207396), (-0.08984201310031806, 0.7126564030207396)),
        local_minima=(
            (1.703606714969981, -0.7960835686726251),
            (-1.703606714969981, 0.7960835686726251),
            (1.6071047529201972, 0.5686514548841314),
            (-1.6071047529201972, -0.5686514548841314),
        ),
        start=(1.05, 0.05),
        log_levels=True,
    ),
    Surface(
        name="McCormick",
        label="McCormick's function",
        params=Config,
        help="A tilted, rippled trough: one minimum here, a shallower one up the trough.",
        formula="sin(x + y) + (x − y)² − 1.5 x + 2.5 y + 1",
        reference=SURVEY,
        function=plain(_mccormick),
        domain=((-1.5, 4.0), (-3.0, 4.0)),
        minima=((-0.5471975511965977, -1.5471975511965979),),  # (1/2 − π/3, −1/2 − π/3)
        local_minima=((2.5943951023931957, 1.5943951023931955),),  # both + π
        start=(0.5, 3.5),
        log_levels=True,
    ),
    Surface(
        name="StyblinskiTang",
        label="Styblinski-Tang function",
        params=Config,
        help="One minimum in each quarter; only the one at the lower left is global.",
        formula="½ (x⁴ − 16 x² + 5 x + y⁴ − 16 y² + 5 y)",
        reference="M. A. Styblinski and T.-S. Tang, Experiments in nonconvex optimization: stochastic "
        "approximation with function smoothing and simulated annealing, Neural Networks 3 (4), 1990",
        function=plain(_styblinski_tang),
        domain=((-5.0, 5.0), (-5.0, 5.0)),
        minima=((-2.903534027771177, -2.903534027771177),),
        local_minima=(
            (-2.903534027771177, 2.746802770990837),
            (2.746802770990837, -2.903534027771177),
            (2.746802770990837, 2.746802770990837),
        ),
        start=(0.4, 0.0),  # near the local maximum (0.157, 0.157)
    ),
    Surface(
        name="GoldsteinPrice",
        label="Goldstein-Price function",
        params=Config,
        help="Values from 3 to a million, and three local minima beside the global one.",
        formula="[1 + (x + y + 1)² (19 − 14 x + 3 x² − 14 y + 6 x y + 3 y²)] · "
        "[30 + (2 x − 3 y)² (18 − 32 x + 12 x² + 48 y − 36 x y + 27 y²)]",
        reference="A. A. Goldstein and J. F. Price, On descent from local minima, Mathematics of Computation "
        f"25 (115), 1971; {LIBRARY}",
        function=plain(_goldstein_price),
        domain=((-2.0, 2.0), (-2.0, 2.0)),
        minima=((0.0, -1.0),),
        local_minima=((-0.6, -0.4), (1.8, 0.2), (1.2, 0.8)),
        start=(-0.6, -1.4),
        log_levels=True,
    ),
)
