"""Problems with data: a line fitted to points, two classes told apart. The plane is that of the weights."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import field_validator

from optgui.core.params import Config, param
from optgui.core.surface.entry import Point, Surface

Array = NDArray[np.float64]
Points = tuple[Point, ...]
LabelledPoint = tuple[float, float, float]
LabelledPoints = tuple[LabelledPoint, ...]

MOST_POINTS = 100  # the map of a sum over more takes longer to draw than a hand on a slider waits
FARTHEST: dict[str, Any] = {"low": -1e6, "high": 1e6}


def checked_count(points: tuple[Any, ...]) -> tuple[Any, ...]:
    """The points, if they are as many as a problem takes.

    Raises:
        ValueError: if there are none or too many.
    """
    if not 1 <= len(points) <= MOST_POINTS:
        raise ValueError(f"expected 1 to {MOST_POINTS} points, got {len(points)}")
    return points


def checked_labels(points: LabelledPoints) -> LabelledPoints:
    """The points, if the last number of each is -1 or 1.

    Raises:
        ValueError: if another label is among them.
    """
    for *_, label in points:
        if label not in (-1, 1):
            raise ValueError(f"expected -1 or 1 as label, the last number of each point, got {label:g}")
    return points


@functools.lru_cache(maxsize=64)
def columns(
    points: tuple[tuple[float, ...], ...], dtype: torch.dtype, device: torch.device
) -> tuple[torch.Tensor, ...]:
    """The points' coordinates, one tensor (n,) each; shared, so never written to."""
    with torch.inference_mode(False):
        return torch.tensor(points, dtype=dtype, device=device).T.contiguous().unbind(0)


def count(values: Mapping[str, Any]) -> int:
    """How many points the problem has."""
    return len(values["points"])


class LinearRegressionParams(Config):
    """Parameters of the fitted line."""

    points: Points = param(
        # 0.5 + 0.8 u and an error of up to 0.6. All u to one side of 0, so that w and b must give way
        # together: condition 20.
        (
            (0.0, 0.8),
            (0.5, 0.5),
            (1.0, 1.7),
            (1.5, 1.3),
            (2.0, 2.3),
            (2.5, 1.9),
            (3.0, 3.4),
            (3.5, 3.1),
        ),
        title="Points",
        help="u and v of each point that the line is fitted to.",
        **FARTHEST,
    )

    _count = field_validator("points")(checked_count)


@functools.lru_cache(maxsize=64)
def _triangle(points: Points) -> tuple[Array, Array, float]:
    """R (2, 2), q (2,) and rest with ‖X (w, b) − v‖² = ‖R (w, b) − q‖² + rest, whatever the rank.

    By X = QR and q = Qᵀ v. Three squares cost the same for any number of points. Source: G. H. Golub and
    C. F. Van Loan, Matrix Computations, Johns Hopkins University Press, 2013, section 5.3.2.
    """
    data = np.array(points)
    if len(data) < 2:
        data = np.vstack([data, np.zeros(2)])
        design = np.array([[data[0, 0], 1.0], [0.0, 0.0]])
    else:
        design = np.stack([data[:, 0], np.ones(len(data))], axis=1)
    basis, triangle = np.linalg.qr(design)
    q = basis.T @ data[:, 1]
    missed = data[:, 1] - basis @ q
    return triangle, q, float(missed @ missed)


def _squares(xy: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    triangle, q, rest = _triangle(values["points"])
    w, b = xy.unbind(-1)
    first = float(triangle[0, 0]) * w + float(triangle[0, 1]) * b - float(q[0])
    second = float(triangle[1, 1]) * b - float(q[1])
    return first * first + second * second + rest


def _square_terms(xy: torch.Tensor, values: Mapping[str, Any], chosen: torch.Tensor) -> torch.Tensor:
    u, v = columns(values["points"], xy.dtype, xy.device)
    return (xy[..., :1] * u[chosen] + xy[..., 1:] - v[chosen]) ** 2


@functools.lru_cache(maxsize=64)
def _fit(points: Points) -> Points:
    data = np.array(points)
    design = np.stack([data[:, 0], np.ones(len(data))], axis=1)
    solution, _, rank, _ = np.linalg.lstsq(design, data[:, 1], rcond=None)
    return ((float(solution[0]), float(solution[1])),) if rank == 2 else ()


def _fit_note(values: Mapping[str, Any]) -> str:
    if _fit(values["points"]):
        return ""
    return "All points have the same u, so many lines fit equally well: the minima are a line, not a point."


class LogisticRegressionParams(Config):
    """Parameters of the logistic regression."""

    points: LabelledPoints = param(
        # Each class has one point among the other's, so that the loss has a minimum even if λ is 0.
        (
            (2.2, 0.4, 1.0),
            (1.4, 1.8, 1.0),
            (0.8, 0.9, 1.0),
            (2.6, 1.6, 1.0),
            (0.5, -0.7, 1.0),
            (-0.8, 0.2, 1.0),
            (-1.8, 0.3, -1.0),
            (-1.2, -1.5, -1.0),
            (-0.4, -1.1, -1.0),
            (-2.4, -0.8, -1.0),
            (-1.0, 1.3, -1.0),
            (0.9, -0.1, -1.0),
        ),
        title="Points",
        help="The two coordinates u₁, u₂ and the label −1 or 1 of each point.",
        **FARTHEST,
    )
    lam: float = param(
        0.1,
        title="λ",
        help="Weight of ½ ‖w‖², which keeps w short. With 0 and classes that a line separates there is no "
        "minimum.",
        low=0,
        high=1e6,
        scale="log",
        slider=(1e-4, 100),
    )

    _count = field_validator("points")(checked_count)
    _labels = field_validator("points")(checked_labels)


def _losses(w: torch.Tensor, u: torch.Tensor, v: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    margins = (w[..., :1] * u + w[..., 1:] * v) * label
    return -torch.nn.functional.logsigmoid(margins)  # log(1 + exp(−margin)) that neither overflows nor rounds


def _logistic(xy: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    lam: float = values["lam"]
    losses = _losses(xy, *columns(values["points"], xy.dtype, xy.device))
    return losses.sum(-1) + lam / 2 * xy.square().sum(-1)


def _logistic_terms(xy: torch.Tensor, values: Mapping[str, Any], chosen: torch.Tensor) -> torch.Tensor:
    data = [column[chosen] for column in columns(values["points"], xy.dtype, xy.device)]
    share: float = values["lam"] / 2 / len(values["points"])
    return _losses(xy, *data) + share * xy.square().sum(-1, keepdim=True)


def _logistic_minima(values: Mapping[str, Any]) -> Points:
    return _most_likely(values["points"], values["lam"])


@functools.lru_cache(maxsize=64)
def _most_likely(points: LabelledPoints, lam: float) -> Points:
    """Newton's method with halved steps. Source: Boyd and Vandenberghe, algorithm 9.5."""
    data = np.array(points)
    rows = data[:, :2] * data[:, 2:]
    if lam == 0 and not _surround(rows):
        return ()

    def value(w: Array) -> float:
        return float(np.logaddexp(0, -rows @ w).sum() + lam / 2 * w @ w)

    w = np.zeros(2)
    for _ in range(200):
        margins = rows @ w
        wrong, right = np.exp(-np.logaddexp(0, margins)), np.exp(-np.logaddexp(0, -margins))
        gradient = lam * w - rows.T @ wrong
        hessian = lam * np.eye(2) + (rows.T * (wrong * right)) @ rows
        step = np.linalg.lstsq(hessian, -gradient, rcond=None)[0]
        now, share = value(w), 1.0
        while value(w + share * step) > now * (1 + 1e-14) and share > 1e-12:
            share /= 2
        w = w + share * step
        if np.linalg.norm(step) <= 1e-14 * max(1.0, float(np.linalg.norm(w))):
            return ((float(w[0]), float(w[1])),)
    return ()


def _surround(rows: Array) -> bool:
    """Whether vectors (n, 2) lie on all sides of 0, so that in every direction of w some margin falls."""
    angles = np.sort(np.arctan2(rows[:, 1], rows[:, 0])[(rows != 0).any(axis=1)])
    if len(angles) == 0:
        return False
    gaps = np.diff(np.append(angles, angles[0] + 2 * math.pi))
    return bool(gaps.max() < math.pi - 1e-9)


def _logistic_note(values: Mapping[str, Any]) -> str:
    if _logistic_minima(values):
        return ""
    return (
        "No single minimum: λ is 0, and along some direction of w the loss never rises, as where a line "
        "separates the classes. Raise λ."
    )


_BISHOP = "C. M. Bishop, Pattern Recognition and Machine Learning, Springer, 2006, section"

REGRESSIONS = (
    Surface(
        name="LinearRegression",
        label="Linear regression",
        params=LinearRegressionParams,
        help="How badly the line v = w u + b misses the points: x is its slope w, y its height b.",
        formula="‖X (w, b) − v‖² = Σᵢ (w uᵢ + b − vᵢ)²",
        reference=f"{_BISHOP} 3.1",
        function=_squares,
        domain=((-2.0, 4.0), (-4.0, 5.0)),
        minima=(),
        start=(-1.2, 3.5),
        log_levels=None,
        picture="line",
        find_minima=lambda values: _fit(values["points"]),
        terms=_square_terms,
        count=count,
        note=_fit_note,
    ),
    Surface(
        name="LogisticRegression",
        label="Logistic regression",
        params=LogisticRegressionParams,
        help="How badly the line w · u = 0 tells two classes apart: x and y are the weights w₁ and w₂.",
        formula="Σᵢ log(1 + exp(−yᵢ w · uᵢ)) + ½ λ ‖w‖²",
        reference=f"{_BISHOP} 4.3.2",
        function=_logistic,
        domain=((-3.0, 5.0), (-3.0, 5.0)),
        minima=(),
        start=(-2.0, 4.0),
        log_levels=None,
        picture="classes",
        find_minima=_logistic_minima,
        terms=_logistic_terms,
        count=count,
        note=_logistic_note,
    ),
)
