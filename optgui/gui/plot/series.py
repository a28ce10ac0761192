"""All numbers of one curve, and a few of them to draw; no Qt here.

A curve of a million steps has to be drawn thirty times a second at the price of a short one. `Series`
therefore keeps a pyramid beside the numbers: level k holds the smallest and the largest finite value of
every `FAN**k` records, so that the extremes of any stretch are read from a handful of entries, and a new
record costs about `1 / (FAN - 1)` of an entry more. It is the segment tree (J. L. Bentley, Solutions to
Klee's rectangle problems, 1977) with wide nodes, because numpy likes long rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Points = tuple[Floats, Floats]
Window = tuple[float, float, int]  # left end, right end, number of edges

FAN = 16  # records per node; 8 and 32 measured within 10 % of it
_ROOM = 1024
_NOTHING: Points = (np.empty(0), np.empty(0))


class _Column:
    """A float64 array that grows at its end by doubling; one spare entry always lies behind the last."""

    def __init__(self) -> None:
        self._data: Floats = np.zeros(_ROOM)
        self.size = 0

    def extend(self, values: Floats) -> None:
        end = self.size + len(values)
        if end >= len(self._data):
            grown = np.zeros(max(2 * len(self._data), end + 1))
            grown[: self.size] = self._data[: self.size]
            self._data = grown
        self._data[self.size : end] = values
        self.size = end

    @property
    def values(self) -> Floats:
        return self._data[: self.size]

    @property
    def padded(self) -> Floats:
        """The values and one entry of no meaning, so that `reduceat` takes `size` as an index."""
        return self._data[: self.size + 1]


class _Sealed(NamedTuple):
    """The first bins of a window, which later records cannot reach, and their points."""

    window: Window
    bins: int
    records: int  # where the next bin begins
    x: Floats
    y: Floats


class _Pyramid:
    """The values of a curve, not finite ones as NaN, and the extremes of every FAN, FAN**2, ... of them."""

    def __init__(self) -> None:
        self.base = _Column()
        self.sealed = _Sealed((0.0, 0.0, 0), 0, 0, *_NOTHING)  # what `Series.envelope` found last
        self._levels: list[tuple[_Column, _Column]] = [(self.base, self.base)]

    def extend(self, values: Floats) -> None:
        self.base.extend(np.where(np.isfinite(values), values, np.nan))
        below, level = self._levels[0], 1
        while (whole := below[0].size // FAN) > 0:
            if level == len(self._levels):
                self._levels.append((_Column(), _Column()))
            here = self._levels[level]
            start, end = here[0].size * FAN, whole * FAN
            if start < end:
                here[0].extend(np.fmin.reduce(below[0].values[start:end].reshape(-1, FAN), axis=1))
                here[1].extend(np.fmax.reduce(below[1].values[start:end].reshape(-1, FAN), axis=1))
            below, level = here, level + 1

    def extremes(self, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> Points:
        """The smallest and largest finite value of each stretch [start, end) of records.

        Args:
            starts: Shape (bins,), ascending.
            ends: Shape (bins,); each stretch holds a record and ends no later than the next one starts.

        Returns:
            Two arrays of shape (bins,); NaN where a stretch has no finite value.
        """
        low, high = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
        alive = np.arange(len(starts))
        for smallest, largest in self._levels:
            inner_start, inner_end = -(-starts // FAN) * FAN, ends // FAN * FAN
            bare = inner_start >= inner_end  # no whole node of the next level inside: done at this one
            inner_start, inner_end = np.where(bare, ends, inner_start), np.where(bare, ends, inner_end)
            # The loose ends left and right of the whole nodes. reduceat reads from each index to the next and
            # one entry where that does not ascend; so with the stretches from last to first it skips what
            # lies between them. An empty loose end reads one entry of its own stretch, which does no harm.
            edges = np.stack([np.minimum(inner_end, ends - 1), ends, starts, inner_start])[:, ::-1].T.ravel()
            for column, reduce, best in ((smallest, np.fmin, low), (largest, np.fmax, high)):
                found = reduce.reduceat(column.padded, edges)
                best[alive] = reduce(best[alive], reduce(found[0::4], found[2::4])[::-1])
            alive, starts, ends = alive[~bare], inner_start[~bare] // FAN, inner_end[~bare] // FAN
            if not len(alive):
                break
        return low, high


class Series:
    """One curve: every (x, y) ever added, in order, and what of it is worth drawing.

    Args:
        smoothing: Share of the past in the exponential moving average, in [0, 1); None keeps no average.
            s = smoothing * s + (1 - smoothing) * y, divided by the weight so far, so that it does not start
            at zero (D. P. Kingma and J. Ba, Adam, 2015, section 3); a y that is not finite leaves s as it is.
    """

    def __init__(self, smoothing: float | None = None) -> None:
        self._smoothing: float | None = None
        self.clear()
        self.set_smoothing(smoothing)

    def __len__(self) -> int:
        return self._x.size

    @property
    def x(self) -> Floats:
        """All x, shape (len,), as a view: read it, do not keep it."""
        return self._x.values

    @property
    def y(self) -> Floats:
        """All y as they were given, NaN and infinities too, shape (len,); a view."""
        return self._y.values

    @property
    def smoothed(self) -> Floats | None:
        """The moving average at every x, shape (len,), or None where there is no smoothing; a view."""
        return None if self._soft is None else self._soft.base.values

    @property
    def smoothing(self) -> float | None:
        """Share of the past in the moving average, or None."""
        return self._smoothing

    @property
    def last(self) -> tuple[float, float] | None:
        """The newest record, or None."""
        return self._record(len(self) - 1) if len(self) else None

    def clear(self) -> None:
        """Forget every record; the smoothing factor stays."""
        self._x, self._y, self._sharp = _Column(), _Column(), _Pyramid()
        self._average, self._weight = 0.0, 0.0
        self._soft = None if self._smoothing is None else _Pyramid()

    def set_smoothing(self, smoothing: float | None) -> None:
        """Take another smoothing factor, in [0, 1), or None, and average again from the first record.

        Raises:
            ValueError: The factor is outside [0, 1).
        """
        if smoothing is not None and not 0.0 <= smoothing < 1.0:
            raise ValueError(f"smoothing: expected a number in [0, 1) or None, got {smoothing!r}")
        self._smoothing, self._average, self._weight = smoothing, 0.0, 0.0
        self._soft = None
        if smoothing is not None:
            self._soft = _Pyramid()
            self._soft.extend(self._averaged(self.y, smoothing))

    def extend(self, xs: ArrayLike, ys: ArrayLike) -> None:
        """Append records.

        Args:
            xs: Shape (n,), finite, ascending, none below the last x.
            ys: Shape (n,); one that is not finite is kept and not drawn.

        Raises:
            ValueError: Shapes differ, or x descends or is not finite.
        """
        x, y = np.atleast_1d(np.asarray(xs, np.float64)), np.atleast_1d(np.asarray(ys, np.float64))
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(f"ys: expected as many numbers as xs, got shapes {x.shape} and {y.shape}")
        if not len(x):
            return
        floor = self.x[-1] if len(self) else -np.inf
        if not (np.isfinite(x).all() and x[0] >= floor and (np.diff(x) >= 0).all()):
            raise ValueError(f"xs: expected finite, ascending, from {floor:g} on, got {x[0]:g} to {x[-1]:g}")
        self._x.extend(x)
        self._y.extend(y)
        self._sharp.extend(y)
        if self._soft is not None and self._smoothing is not None:
            self._soft.extend(self._averaged(y, self._smoothing))

    def nearest(self, x: float) -> tuple[float, float] | None:
        """The record whose x is nearest, the earlier one of two equally near; None without records."""
        if not len(self):
            return None
        at = int(np.searchsorted(self.x, x))
        if at == len(self) or (at > 0 and x - self.x[at - 1] <= self.x[at] - x):
            at -= 1
        return self._record(at)

    def y_range(self, x0: float, x1: float, *, smoothed: bool = False) -> tuple[float, float] | None:
        """Smallest and largest finite y with x0 <= x <= x1, or None where there is none."""
        first, last = self._span(x0, x1)
        if first == last:
            return None
        low, high = self._pyramid(smoothed).extremes(np.array([first]), np.array([last]))
        return (float(low[0]), float(high[0])) if np.isfinite(low[0]) else None

    def envelope(
        self, x0: float, x1: float, bins: int, *, smoothed: bool = False, around: bool = False
    ) -> Points:
        """What to draw of x0 <= x <= x1: every record where they are few, else the extremes of each bin.

        The bins are equally wide, [edge, next edge), the last one closed. A bin gives two points, its
        smallest and its largest y, at the x of its first and its last record and in the order that goes the
        way the records go; so a smooth curve stays smooth and no peak is lost.

        Args:
            x0: Left end.
            x1: Right end.
            bins: Number of bins; up to 2 * bins records are given as they are.
            smoothed: The moving average instead of y.
            around: The record before and the one after as well, so that a line runs to the edges.

        Returns:
            x and y, at most 2 * bins numbers each (and two more with `around`), all finite.
        """
        pyramid = self._pyramid(smoothed)
        first, last = self._span(x0, x1)
        before, after = (max(first - 1, 0), min(last + 1, len(self))) if around else (first, last)
        if last - first <= 2 * bins:
            return _finite(self.x[before:after].copy(), pyramid.base.values[before:after])
        x, y = self._binned(pyramid, (x0, x1, bins + 1), first, last)
        if around:
            x = np.concatenate([self.x[before:first], x, self.x[last:after]])
            y = np.concatenate([pyramid.base.values[before:first], y, pyramid.base.values[last:after]])
        return _finite(x, y)

    def _binned(self, pyramid: _Pyramid, window: Window, first: int, last: int) -> Points:
        """Two points for each bin with records; bins that can get no more are kept for the next call."""
        edges = np.linspace(*window)
        known = pyramid.sealed if pyramid.sealed.window == window else _Sealed(window, 0, first, *_NOTHING)
        cuts = np.searchsorted(self.x[known.records : last], edges[known.bins :]) + known.records
        cuts[0], cuts[-1] = known.records, last
        done = max(int(np.searchsorted(edges[1:-1], self.x[-1], side="right")) - known.bins, 0)
        filled = cuts[:-1] < cuts[1:]
        starts, ends = cuts[:-1][filled], cuts[1:][filled]
        low, high = pyramid.extremes(starts, ends)
        values = pyramid.base.values
        falls = values[starts] > values[ends - 1]
        x, y = np.empty(2 * len(starts)), np.empty(2 * len(starts))
        x[0::2], x[1::2] = self.x[starts], self.x[ends - 1]
        y[0::2], y[1::2] = np.where(falls, high, low), np.where(falls, low, high)
        x, y = np.concatenate([known.x, x]), np.concatenate([known.y, y])
        if done:
            whole = len(known.x) + 2 * int(filled[:done].sum())
            pyramid.sealed = _Sealed(window, known.bins + done, int(cuts[done]), x[:whole], y[:whole])
        return x, y

    def _pyramid(self, smoothed: bool) -> _Pyramid:
        if not smoothed:
            return self._sharp
        if self._soft is None:
            raise ValueError("smoothed: expected a series with a smoothing factor, got one without")
        return self._soft

    def _span(self, x0: float, x1: float) -> tuple[int, int]:
        first = int(np.searchsorted(self.x, x0))
        return first, max(first, int(np.searchsorted(self.x, x1, side="right")))

    def _record(self, at: int) -> tuple[float, float]:
        return float(self.x[at]), float(self.y[at])

    def _averaged(self, ys: Floats, smoothing: float) -> Floats:
        average, weight, fresh = self._average, self._weight, 1.0 - smoothing
        out = np.full(len(ys), np.nan)
        finite = np.isfinite(ys).tolist()
        for at, y in enumerate(ys.tolist()):
            if finite[at]:
                average, weight = smoothing * average + fresh * y, smoothing * weight + fresh
            if weight:
                out[at] = average / weight
        self._average, self._weight = average, weight
        return out


def _finite(x: Floats, y: Floats) -> Points:
    keep = np.isfinite(y)
    return (x, y.copy()) if keep.all() else (x[keep], y[keep])
