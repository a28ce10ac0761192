"""Curvature of functions of the plane: exact gradient and Hessian, kinds of points, stationary points.

A function maps a float64 tensor (..., 2) to (...) by operations that torch differentiates twice, and
treats every point alone. Everything handed out is numpy, read-only, float64.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Generator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from optgui.core.snapshot import frozen

Array = NDArray[np.float64]
Function = Callable[[torch.Tensor], torch.Tensor]
Domain = tuple[tuple[float, float], tuple[float, float]]  # ((x0, x1), (y0, y1))

STATIONARY = ("minimum", "maximum", "saddle", "flat direction")
_EPS = float(np.finfo(np.float64).eps)
_SINGULAR = 1e-10  # an eigenvalue this small beside the other has no trustworthy sign
_STILL = 1e-8  # distance to the stationary point, in the quadratic model, at which a point counts as one
_ITERATIONS = 120  # a root of order three shrinks by 2/3 a step: 120 of them reach 1e-21
_FAR = 1e30  # coordinates at which a ray counts as endless; a polynomial of degree 10 is still finite there


class Derivatives(NamedTuple):
    """Value (n,), gradient (n, 2) and Hessian (n, 2, 2) at n points; NaN or inf where there is none."""

    values: Array
    gradients: Array
    hessians: Array


class Ellipse(NamedTuple):
    """An ellipse to draw: half axes (flattest direction first) and the direction of the first, in degrees."""

    half_axes: tuple[float, float]
    angle: float


@dataclasses.dataclass(frozen=True, eq=False)
class Curvature:
    """What a function looks like around one point.

    `point` (2,), `gradient` (2,), `hessian` (2, 2); `eigenvalues` (2,) ascend, and column i of
    `eigenvectors` (2, 2) has length 1 and belongs to eigenvalue i. `condition` is |λ|max / |λ|min, inf
    where the Hessian is singular. `kind` is one of "minimum", "maximum", "saddle", "flat direction",
    "slope" and "not finite"; `shape` says in words how the function curves there.
    """

    point: Array
    value: float
    gradient: Array
    hessian: Array
    eigenvalues: Array
    eigenvectors: Array
    condition: float
    kind: str
    shape: str

    def ellipse(self, size: float = 1.0) -> Ellipse:
        """The ellipse |λ1| u² + |λ2| v² = const whose longer half axis is `size`.

        Half axes are proportional to 1 / sqrt|λ|; the shorter one is 0 beside a flat direction.

        Raises:
            ValueError: if the curvature here is not finite.
        """
        if self.kind == "not finite":
            raise ValueError("curvature: expected finite second derivatives, got none here")
        sizes = np.abs(self.eigenvalues)
        order = np.argsort(sizes, kind="stable")
        least, most = (float(sizes[place]) for place in order)
        x, y = self.eigenvectors[:, order[0]]
        angle = (math.degrees(math.atan2(y, x)) + 90) % 180 - 90  # an axis, not an arrow: [-90, 90)
        return Ellipse((size, size * math.sqrt(least / most) if most > 0 else size), angle)


def derivatives(function: Function, points: ArrayLike) -> Derivatives:
    """Exact derivatives (autograd, twice) at `points` (n, 2), all in one batch.

    Raises:
        ValueError: if `points` is not (n, 2), or the function does not give one value a point.
    """
    given = np.array(points, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 2:
        raise ValueError(f"points: expected an array of shape (n, 2), got {given.shape}")
    with torch.enable_grad():
        xy = torch.from_numpy(given).requires_grad_()
        values = function(xy)
        if values.shape not in ((), (len(given),)):
            raise ValueError(f"function: expected {len(given)} values, got shape {tuple(values.shape)}")
        gradients = _gradient(values.sum(), xy)
        rows = [_gradient(gradients[:, axis].sum(), xy) for axis in (0, 1)]
    hessians = torch.stack(rows, 1).detach().numpy()
    return Derivatives(
        np.array(values.detach().expand(len(given)).numpy(), dtype=np.float64),
        gradients.detach().numpy(),
        (hessians + hessians.swapaxes(1, 2)) / 2,  # equal but for rounding
    )


def curvature_at(function: Function, point: ArrayLike) -> Curvature:
    """Look at one point; where a derivative is missing (a kink, outside a logarithm) `kind` says so.

    Raises:
        ValueError: if `point` is not two finite numbers.
    """
    place = np.array(point, dtype=np.float64)
    if place.shape != (2,) or not np.isfinite(place).all():
        raise ValueError(f"point: expected two finite numbers, got {point!r}")
    return curvatures_at(function, place[None])[0]


def curvatures_at(function: Function, points: ArrayLike) -> tuple[Curvature, ...]:
    """`curvature_at` for points (n, 2), differentiated in one batch."""
    places = np.array(points, dtype=np.float64)
    values, gradients, hessians = derivatives(function, places)
    return tuple(
        _describe(point.copy(), float(value), gradient.copy(), hessian.copy())
        for point, value, gradient, hessian in zip(places, values, gradients, hessians, strict=True)
    )


def taylor(curvature: Curvature, order: int, xy: ArrayLike) -> Array:
    """Taylor model of first or second order around the point of `curvature`: (..., 2) to (...).

    Raises:
        ValueError: if the order is neither 1 nor 2, or `xy` is not (..., 2).
    """
    if order not in (1, 2):
        raise ValueError(f"order: expected 1 or 2, got {order!r}")
    places = np.asarray(xy, dtype=np.float64)
    if places.ndim == 0 or places.shape[-1] != 2:
        raise ValueError(f"xy: expected an array of shape (..., 2), got {places.shape}")
    step = places - curvature.point
    model = curvature.value + step @ curvature.gradient
    if order == 2:
        model = model + np.einsum("...i,ij,...j->...", step, curvature.hessian, step) / 2
    return np.asarray(model)


def largest_decreasing_lr(function: Function, point: ArrayLike) -> float:
    """The lr up to which every gradient step lowers the function: f(x - lr g) < f(x) on (0, lr).

    Found by bracketing on a geometric ladder (64 rungs an octave; a bump between two rungs goes unseen)
    and then narrowing. inf if the ray still goes down where its coordinates reach 1e30; 0 where the
    gradient is 0. On a quadratic it is 2 |g|^2 / (g' H g). So near a minimum that the change is lost in
    rounding, this quadratic formula is the answer.

    Raises:
        ValueError: if the value or the gradient at the point is not finite.
    """
    here = curvature_at(function, point)
    if not (math.isfinite(here.value) and np.isfinite(here.gradient).all()):
        raise ValueError(f"point: expected one where the function is finite, got {here.point.tolist()}")
    norm, reach = float(np.hypot(*here.gradient)), float(np.hypot(*here.point))
    if norm == 0:
        return 0.0
    with np.errstate(all="ignore"):
        direction = here.gradient / norm
        bend = float(direction @ here.hessian @ direction)
        noise = 1e3 * _EPS * (abs(here.value) / norm + reach)  # length below which rounding hides a decrease
    if bend > 0 and 2 * norm / bend < 4 * noise:
        return 2 / bend

    def fails(lengths: Array) -> NDArray[np.bool_]:
        ray = here.point - lengths[:, None] * direction
        with torch.no_grad():
            values = function(torch.from_numpy(ray)).expand(len(lengths)).numpy()
        return ~(values < here.value) & (lengths > noise)

    start = min(1 + reach, norm / abs(bend) if math.isfinite(bend) and bend else math.inf)
    low, high = max(noise, 1e-12 * start), _FAR
    rungs = np.geomspace(low, high, 64 * max(1, math.ceil(math.log2(high / low))))
    low = 0.0
    for _ in range(6):
        failed = fails(rungs)
        if not failed.any():
            if low == 0.0:
                return math.inf
            break
        first = int(failed.argmax())
        low, high = (float(rungs[first - 1]) if first else low), float(rungs[first])
        rungs = np.linspace(low, high, 513)[1:]
    return low / norm


def stationary_points(
    function: Function, domain: Domain, seeds: int | ArrayLike = 400, tolerance: float = 1e-8
) -> tuple[Curvature, ...]:
    """All stationary points that Newton's method finds in `domain` ((x0, x1), (y0, y1)), lowest first.

    See `find_stationary_points`, which is the same work in slices.
    """
    work = find_stationary_points(function, domain, seeds, tolerance)
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: tuple[Curvature, ...] = end.value
            return found


def find_stationary_points(
    function: Function, domain: Domain, seeds: int | ArrayLike = 400, tolerance: float = 1e-8
) -> Generator[float, None, tuple[Curvature, ...]]:
    """Search in slices of a few milliseconds: yields the share done, returns the points.

    Newton's method for "gradient = 0", damped as K. Levenberg, A method for the solution of certain
    non-linear problems in least squares, 1944, and D. W. Marquardt, An algorithm for least-squares
    estimation of nonlinear parameters, 1963: p = -(H² + μ I)⁻¹ H g, where μ falls after a step that
    shrinks |g| and grows after one that does not. It is drawn to saddles and maxima as to minima.

    Args:
        function: the function.
        domain: where to look; what lies outside is dropped.
        seeds: number of starts (one at random in each cell of a square grid, the same every time), or
            the starts themselves, (n, 2).
        tolerance: largest |gradient|, unless rounding alone makes it larger.

    Raises:
        ValueError: if the domain is empty, there are no seeds, or the tolerance is not above 0.
    """
    (x0, x1), (y0, y1) = domain
    if not (np.isfinite([x0, x1, y0, y1]).all() and x0 < x1 and y0 < y1):
        raise ValueError(f"domain: expected finite x0 < x1 and y0 < y1, got {domain}")
    if not tolerance > 0:
        raise ValueError(f"tolerance: expected a number > 0, got {tolerance}")
    points = _starts(domain, seeds)
    size = math.hypot(x1 - x0, y1 - y0)
    _, gradients, hessians = derivatives(function, points)
    norms = _norms(gradients, hessians)
    damping = np.full(len(points), 1e-3)
    for iteration in range(_ITERATIONS):
        yield iteration / _ITERATIONS
        active = np.flatnonzero(np.isfinite(norms) & (norms > 0) & (damping < 1e12))
        if not active.size:
            break
        trial = points[active] + _newton(gradients[active], hessians[active], damping[active], size / 4)
        _, slopes, curves = derivatives(function, trial)
        fresh = _norms(slopes, curves)
        better = fresh < norms[active]
        damping[active] *= np.where(better, 0.1, 10.0)
        kept = active[better]
        points[kept], norms[kept] = trial[better], fresh[better]
        gradients[kept], hessians[kept] = slopes[better], curves[better]
    edge = 1e-9 * size
    inside = (points > [x0 - edge, y0 - edge]).all(1) & (points < [x1 + edge, y1 + edge]).all(1)
    near = inside & np.isfinite(norms)
    curvatures = curvatures_at(function, points[near]) if near.any() else ()
    return _distinct([at for at in curvatures if _accepted(at, tolerance)], size)


def _gradient(scalar: torch.Tensor, xy: torch.Tensor) -> torch.Tensor:
    """Gradient that can be differentiated again; zeros where the scalar does not depend on xy."""
    if not scalar.requires_grad:
        return torch.zeros_like(xy)
    (found,) = torch.autograd.grad(scalar, xy, create_graph=True, allow_unused=True)
    return torch.zeros_like(xy) if found is None else found


def _describe(point: Array, value: float, gradient: Array, hessian: Array) -> Curvature:
    eigenvalues, eigenvectors = np.full(2, np.nan), np.full((2, 2), np.nan)
    condition = math.nan
    if not (math.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
        kind, shape = "not finite", "no curvature: the function or a derivative is not finite here"
    else:
        eigenvalues, eigenvectors = np.linalg.eigh(hessian)
        sizes = np.abs(eigenvalues)
        most = float(sizes.max())
        singular = bool(sizes.min() <= _SINGULAR * most)
        condition = math.inf if sizes.min() <= 4 * _EPS * most else most / float(sizes.min())
        signs = {int(sign) for sign in np.sign(np.where(sizes <= _SINGULAR * most, 0.0, eigenvalues))}
        shape = {(0,): "no curvature here", (1,): "convex here", (-1,): "concave here", (-1, 1): "mixed: "
                 "up in one direction, down in the other", (0, 1): "convex here, straight in one direction",
                 (-1, 0): "concave here, straight in one direction"}[tuple(sorted(signs))]  # fmt: skip
        if np.hypot(*gradient) > _STILL * most * (1 + float(np.hypot(*point))):
            kind = "slope"
        elif singular:
            kind = "flat direction"
        else:
            kind = "saddle" if len(signs) > 1 else "minimum" if signs == {1} else "maximum"
    arrays = (frozen(array) for array in (point, gradient, hessian, eigenvalues, eigenvectors))
    where, slope, second, values, vectors = arrays
    return Curvature(where, value, slope, second, values, vectors, condition, kind, shape)


def _starts(domain: Domain, seeds: int | ArrayLike) -> Array:
    if not isinstance(seeds, int):
        return np.array(seeds, dtype=np.float64)
    if seeds < 1:
        raise ValueError(f"seeds: expected a whole number >= 1, got {seeds}")
    side = math.ceil(math.sqrt(seeds))
    cells = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)
    unit = (cells + np.random.default_rng(0).random(cells.shape)) / side
    low, high = np.array(domain).T
    return np.asarray(low + unit * (high - low))


def _norms(gradients: Array, hessians: Array) -> Array:
    """|gradient| (n,), inf where a derivative is missing."""
    known = np.isfinite(gradients).all(1) & np.isfinite(hessians).all((1, 2))
    return np.where(known, np.hypot(gradients[:, 0], gradients[:, 1]), np.inf)


def _newton(gradients: Array, hessians: Array, damping: Array, longest: float) -> Array:
    """Damped Newton steps (n, 2), none longer than `longest`; damping is relative to λ²max."""
    values, vectors = np.linalg.eigh(hessians)
    scale = np.maximum(np.abs(values).max(1, keepdims=True), 1e-300)
    ratio = values / scale
    shares = np.einsum("nij,ni->nj", vectors, gradients) / scale
    steps = -np.einsum("nij,nj->ni", vectors, ratio / (ratio**2 + damping[:, None]) * shares)
    lengths = np.hypot(steps[:, 0], steps[:, 1])[:, None]
    return np.asarray(steps * np.minimum(1.0, longest / np.maximum(lengths, 1e-300)))


def _accepted(at: Curvature, tolerance: float) -> bool:
    rounding = 64 * _EPS * float(np.abs(at.hessian).max()) * (1 + float(np.hypot(*at.point)))
    return at.kind in STATIONARY and float(np.hypot(*at.gradient)) < max(tolerance, rounding)


def _distinct(found: list[Curvature], size: float) -> tuple[Curvature, ...]:
    """One of each cluster, lowest first; of a line or plateau of flat points a few stay, well apart."""
    kept: list[Curvature] = []
    for at in sorted(found, key=lambda at: (at.kind == "flat direction", np.hypot(*at.gradient))):
        apart = size * (0.05 if at.kind == "flat direction" else 1e-5)
        if all(np.hypot(*(at.point - other.point)) > apart for other in kept):
            kept.append(at)
    return tuple(sorted(kept, key=lambda at: (at.value, *at.point)))
