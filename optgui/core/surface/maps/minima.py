"""Minima: where starts can end, and when one has got there."""

from __future__ import annotations

from collections.abc import Generator, Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.constraints import ConvexSet
from optgui.core.curvature import Curvature, Domain, derivatives, find_stationary_points
from optgui.core.snapshot import frozen
from optgui.core.surface.config import SurfaceConfig
from optgui.core.surface.feasible import project
from optgui.core.surface.objective import Objective

Array = NDArray[np.float64]

NEAR = 1e-3  # of the diagonal of the surface's domain
GRID = 32  # starts of the search along each side: all 121 minima of Rastrigin's function
MOST = 255
_SINGULAR = 1e-10


class Minima:
    """Minima (m, 2) and the neighbourhood in which a point counts as there.

    That is a ball of `radius`: 1e-3 of the diagonal of the surface's domain, whatever is in view, but at most
    a quarter of the distance between two minima. Around a minimum along which the surface is flat it is
    wherever the value is at most that of the ball's rim across, ½ λ_max radius²; of several such minima along
    one valley the nearest counts.
    """

    def __init__(self, surface: SurfaceConfig, points: Array) -> None:
        (x0, x1), (y0, y1) = surface.entry.domain
        self.points = points
        self.radius = NEAR * float(np.hypot(x1 - x0, y1 - y0))
        if len(points) > 1:
            apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
            self.radius = min(self.radius, float(apart[apart > 0].min()) / 4)
        self._objective = Objective(surface.evaluate)
        self._levels = self._flat_levels(surface)

    def reached(self, points: Array) -> NDArray[np.int16]:
        """Index of the minimum at which each point is, shape (n,); -1 for none."""
        labels = np.full(len(points), -1, np.int16)
        x, y = np.ascontiguousarray(points.T)
        for index, (a, b) in enumerate(self.points):
            labels[(x - a) ** 2 + (y - b) ** 2 <= self.radius**2] = index
        if self._levels:
            values = self._objective.values(points)
            apart = np.full(len(points), np.inf)
            for index, most in self._levels:
                distance = np.hypot(x - self.points[index, 0], y - self.points[index, 1])
                here = (values <= most) & (distance < apart)
                labels[here], apart[here] = index, distance[here]
        return labels

    def stays(self, points: Array, labels: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Whether each point (n, 2) is at the minimum `labels` (n,)."""
        there = ((points - self.points[labels]) ** 2).sum(1) <= self.radius**2
        if self._levels:
            most = np.full(len(self.points), -np.inf)
            for index, value in self._levels:
                most[index] = value
            there |= self._objective.values(points) <= most[labels]
        return np.asarray(there)

    def _flat_levels(self, surface: SurfaceConfig) -> list[tuple[int, float]]:
        """Flat minima, and the value up to which a point counts as at one."""
        if not len(self.points) or surface.entry.dimension == 1:
            return []
        values, _, hessians = derivatives(surface.evaluate, self.points)
        found = []
        for index, (value, hessian) in enumerate(zip(values, hessians, strict=True)):
            if np.isfinite(hessian).all():
                low, high = np.linalg.eigvalsh(hessian)
                if high > 0 and abs(low) <= _SINGULAR * high:
                    found.append((index, float(value + high * self.radius**2 / 2)))
        return found


def find_minima(
    surface: SurfaceConfig, domain: Domain, feasible: ConvexSet | None
) -> Generator[None, None, Minima]:
    """The known minima, the local ones, and all that a search of view and domain finds; yields meanwhile.

    Inside a feasible set they are those that a projected descent finds, beside the known ones in it.
    """
    points: list[tuple[float, ...]] = [*surface.minima, *surface.local_minima]
    box = _both(domain, surface.entry.domain)
    size = float(np.hypot(*np.diff(np.array(surface.entry.domain), axis=1)[:, 0]))
    if feasible is not None:
        if surface.feasible() is None:
            points = [p for p in points if feasible.contains(torch.tensor(p, dtype=torch.float64))]
        points += yield from _ends(surface, box, feasible, 400)
    elif surface.entry.dimension == 1:
        points = [(point[0], 0.0) for point in points]
        points += _along_x(surface, box[0])
    else:
        ends = yield from _ends(surface, box, None, 60)
        search = find_stationary_points(surface.evaluate, box, _distinct(ends, 5e-3 * size))
        found = yield from _quietly(search)
        points += [
            tuple(at.point.tolist())
            for at in found
            if at.kind == "minimum" or (at.kind == "flat direction" and _is_bottom(surface, at, NEAR * size))
        ]
    return Minima(surface, frozen(_distinct(points, 1e-4 * size)))


def _quietly(
    search: Generator[float, None, tuple[Curvature, ...]],
) -> Generator[None, None, tuple[Curvature, ...]]:
    """`search`, without saying how far it is."""
    while True:
        try:
            next(search)
        except StopIteration as end:
            found: tuple[Curvature, ...] = end.value
            return found
        yield


def _both(view: Domain, own: Domain) -> Domain:
    (a, b), (c, d) = (
        (min(one[0], other[0]), max(one[1], other[1])) for one, other in zip(view, own, strict=True)
    )
    return (a, b), (c, d)


def _distinct(points: Iterable[tuple[float, ...]], apart: float) -> Array:
    """The first of each cluster (m, 2), at most `MOST`."""
    kept = np.empty((0, 2))
    for point in points:
        if len(kept) < MOST and (np.hypot(*(kept - point).T) > apart).all():
            kept = np.vstack([kept, point])
    return kept


def _is_bottom(surface: SurfaceConfig, at: Curvature, radius: float) -> bool:
    """Whether it curves up across a flat point, and nothing on a small circle around it is lower."""
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ring = at.point + radius * np.stack([np.cos(turn), np.sin(turn)], 1)
    rounding = 1e-12 * (1 + abs(at.value))
    lowest = float(Objective(surface.evaluate).values(ring).min())
    return bool(at.eigenvalues[1] > 0 and lowest >= at.value - rounding)


def _along_x(surface: SurfaceConfig, span: tuple[float, float]) -> list[tuple[float, float]]:
    """Minima of a function of x alone: where the slope changes from down to up, bisected."""
    objective = Objective(surface.evaluate)

    def slopes(x: Array) -> Array:
        return objective.gradients(np.stack([x, np.zeros_like(x)], 1))[1][:, 0]

    ladder = np.linspace(*span, 4001)
    signs = slopes(ladder)
    rows = np.flatnonzero((signs[:-1] < 0) & (signs[1:] >= 0))
    low, high = ladder[rows], ladder[rows + 1]
    for _ in range(60):
        middle = (low + high) / 2
        down = slopes(middle) < 0
        low, high = np.where(down, middle, low), np.where(down, high, middle)
    return [(x, 0.0) for x in high.tolist()]


def _ends(
    surface: SurfaceConfig, domain: Domain, feasible: ConvexSet | None, steps: int
) -> Generator[None, None, list[tuple[float, ...]]]:
    """Where descent with a backtracking step ends from a grid of starts, lowest first.

    A step t is taken if f(P(x - t g)) <= f(x) - |P(x - t g) - x|² / (4 t), else halved (D. Bertsekas, On the
    Goldstein-Levitin-Polyak gradient projection method, 1976). None is longer than the grid is wide, or it
    would leave its valley. In a feasible set only points that no projected gradient moves are given.
    """
    objective = Objective(surface.evaluate)
    (x0, x1), (y0, y1) = domain
    width, height = (x1 - x0) / GRID, (y1 - y0) / GRID
    grid = np.meshgrid(*(low + (np.arange(GRID) + 0.5) * size for low, size in ((x0, width), (y0, height))))
    x = np.stack(grid, -1).reshape(-1, 2)

    def allowed(points: Array) -> Array:
        if surface.entry.dimension == 1:
            points[:, 1] = 0.0
        return points if feasible is None else project(feasible, points)

    x = allowed(x)
    values, gradients = objective.gradients(x)
    t = np.full(len(x), np.inf)
    for _ in range(steps):
        yield
        longest = np.hypot(width, height) / np.maximum(np.hypot(*gradients.T), 1e-300)
        t = np.minimum(t, longest)
        trial = allowed(x - t[:, None] * gradients)
        fresh, slopes = objective.gradients(trial)
        better = fresh <= values - ((trial - x) ** 2).sum(1) / (4 * t)
        x[better], values[better], gradients[better] = trial[better], fresh[better], slopes[better]
        t = np.where(better, 2 * t, t / 2)
    inside = np.isfinite(values) & np.isfinite(gradients).all(1)
    if feasible is not None:
        rate = 1e-3 / (1 + np.hypot(*gradients.T))
        moved = allowed(x - rate[:, None] * gradients) - x
        inside &= np.hypot(*moved.T) <= 1e-5 * rate
    x, values = x[inside], values[inside]
    return [tuple(point) for point in x[np.argsort(values, kind="stable")].tolist()]
