"""A surface as a relief in a box: heights, mesh, light, ticks, and what lies on it. Numbers, no OpenGL."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from optgui.core.surface import SurfaceConfig, sample, shade

Array = NDArray[np.float64]
COUNT = 121  # points of the grid along each axis
HEIGHT = 0.6  # of the box; the longer edge of its floor is 1
FLOOR = -0.06  # the floor lies a little below the lowest point
NARROWEST = 0.5  # the shorter edge of the floor, however flat the domain
RIBBON = 0.22  # the same for a function of x alone
LIGHT = np.array([-0.5, -0.6, 1.1]) / np.linalg.norm([-0.5, -0.6, 1.1])
MARKER = 0.03  # about half of one stands out of a fold
FAR = 1e6  # in boxes; paths that leave further are drawn as if they went there


class Relief:
    """Box coordinates: the domain's middle is (0, 0), the lowest value has height 0, the highest HEIGHT."""

    def __init__(self, config: SurfaceConfig) -> None:
        self.flat = config.entry.dimension == 1
        self.grid = sample(config, COUNT, 3 if self.flat else COUNT)
        self.shades = shade(self.grid)
        self.heights: Array = self.shades * HEIGHT
        (x0, x1), (y0, y1) = self.domain = config.entry.domain
        longer, shortest = max(x1 - x0, y1 - y0), NARROWEST
        depth = RIBBON if self.flat else max((y1 - y0) / longer, shortest)
        width = 1.0 if self.flat else max((x1 - x0) / longer, shortest)
        self.edges = np.array([width, depth])
        z = self.heights  # each cell is folded along its more level diagonal, or creases would be saws
        self._crossed = np.abs(z[:-1, :-1] - z[1:, 1:]) > np.abs(z[:-1, 1:] - z[1:, :-1])
        known = self.grid.z[~np.isnan(self.grid.z)]
        self.low, self.high = (float(known.min()), float(known.max())) if known.size else (np.nan, np.nan)

    def floor(self, points: NDArray[np.floating]) -> Array:
        """Points of the plane (..., 2) in box coordinates; on a ribbon all lie on its middle line."""
        (x0, x1), (y0, y1) = self.domain
        low, span = np.array([x0, y0]), np.array([x1 - x0, y1 - y0])
        places = np.clip(((points - low) / span - 0.5) * self.edges, -FAR, FAR)
        if self.flat:
            places[..., 1] = 0.0
        return np.asarray(places, dtype=float)

    def lift(self, places: Array) -> Array:
        """Box coordinates (n, 2) to points of the mesh (n, 3); height NaN off the box and over a hole."""
        rows, columns = self.heights.shape
        scaled = (places / self.edges + 0.5) * (columns - 1, rows - 1)
        inside = np.all((scaled > -1e-9) & (scaled < np.array([columns - 1, rows - 1]) + 1e-9), axis=-1)
        scaled = np.where(inside[:, None], scaled, 0.0)
        cell = np.clip(scaled.astype(int), 0, (columns - 2, rows - 2))
        u, v = (scaled - cell).T
        i, j = cell.T
        z, crossed = self.heights, self._crossed[j, i]
        u = np.where(crossed, 1 - u, u)
        near, far = np.where(crossed, (z[j, i + 1], z[j + 1, i]), (z[j, i], z[j + 1, i + 1]))
        below, above = np.where(crossed, (z[j, i], z[j + 1, i + 1]), (z[j, i + 1], z[j + 1, i]))
        side = np.where(u >= v, below, above)
        height = near + np.maximum(u, v) * (side - near) + np.minimum(u, v) * (far - side)
        return np.column_stack([places, np.where(inside, height, np.nan)])

    def mesh(self) -> tuple[Array, NDArray[np.uint32]]:
        """Corners (n, 3), row after row, and triangles (m, 3), none with a corner in a hole."""
        rows, columns = self.heights.shape
        width, depth = self.edges
        x, y = np.linspace(-width / 2, width / 2, columns), np.linspace(-depth / 2, depth / 2, rows)
        corners = np.column_stack([np.tile(x, rows), np.repeat(y, columns), self.heights.ravel()])
        number = np.arange(rows * columns).reshape(rows, columns)
        near, right, up, far = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
        one = np.where(self._crossed, (near, right, up), (near, right, far))
        other = np.where(self._crossed, (right, far, up), (near, far, up))
        triangles = np.concatenate([one.reshape(3, -1).T, other.reshape(3, -1).T])
        whole = np.isfinite(corners[triangles, 2]).all(axis=1)
        return np.nan_to_num(corners, nan=0.0), triangles[whole].astype(np.uint32)

    def light(self) -> Array:
        """Brightness of each corner (rows, columns), about 1 where the relief is level."""
        rows, columns = self.heights.shape
        dx, dy = self.edges / (columns - 1, rows - 1)
        along_y, along_x = np.gradient(self.heights, dy, dx)
        normal = np.stack([-along_x, -along_y, np.ones_like(along_x)], axis=-1)
        facing = normal @ LIGHT / np.linalg.norm(normal, axis=-1)
        return np.asarray(np.nan_to_num(0.72 + 0.34 * facing, nan=1.0))

    def height_of(self, value: float) -> float:
        """How high a value stands."""
        span, height = self.high - self.low, value - self.low
        if self.grid.log_levels:
            span, height = math.log1p(span), math.log1p(max(height, 0.0))
        return HEIGHT * min(max(height / span, 0.0), 1.0) if span > 0 else 0.0

    def ticks(self) -> tuple[list[tuple[float, str]], ...]:
        """Place on its edge of the box and words, for the ticks of x, y and f."""
        along = []
        for (low, high), edge in zip(self.domain, self.edges, strict=True):
            values = round_values(low, high)
            along.append([(((v - low) / (high - low) - 0.5) * edge, words(v)) for v in values])
        if self.flat:
            along[1] = []
        return along[0], along[1], [(self.height_of(v), words(v)) for v in self._values()]

    def _values(self) -> Sequence[float]:
        """Values to write at the height axis."""
        span = self.high - self.low
        if not math.isfinite(span):
            return ()
        if not self.grid.log_levels or span < 10:
            return round_values(self.low, self.high) if span > 0 else (self.low,)
        base = 0.0 if 0 <= self.low < 1 else self.low
        powers = range(int(math.log10(span)) + 1)
        rest = [base + 10.0**k for k in powers[:: 1 + len(powers) // 7]]
        return [float(f"{v:.2g}") for v in (base, *rest) if v <= self.high]

    def hides(self, points: Array, eye: Array) -> NDArray[np.bool_]:
        """Whether the relief stands between each point (n, 3) and the eye (3,)."""
        ray = eye - points
        ray *= 1.7 / np.linalg.norm(ray, axis=-1, keepdims=True)  # longer than the box's diagonal
        along = points[:, None] + ray[:, None] * np.linspace(0.015, 1, 160)[:, None]
        ground = self.lift(along.reshape(-1, 3)[:, :2])[:, 2].reshape(along.shape[:2])
        return np.asarray(np.any(ground > along[..., 2] + MARKER, axis=1))


def round_values(low: float, high: float, about: int = 5) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten in [low, high], about so many."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((power * factor for factor in (1, 2, 5, 10)), key=lambda s: abs(math.log(s / rough)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def words(value: float) -> str:
    """A tick's number, short."""
    text = f"{value:.4g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return text.replace("-", "−")
