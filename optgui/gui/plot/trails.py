"""Paths laid on a relief: cut at the box, bent over the mesh, dashed, and cheap to draw up to any step."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from optgui.gui.plot.relief import Relief

Array = NDArray[np.float64]
NEAR = 1 / 400  # of the box: positions nearer than that to the one before are left out
PIECE = 0.008  # length of the straight pieces that a path is made of
MOST = 1200  # pieces of one path, about: a longer one takes longer pieces
DASH = 0.008  # what a dash pattern counts in


@dataclasses.dataclass(frozen=True, eq=False)
class Trail:
    """A path on a relief: `pieces` (m, 2, 3) float32 from point to point, and the step that ends each."""

    pieces: NDArray[np.float32]
    steps: NDArray[np.intp]
    dashes: NDArray[np.float32]
    dash_steps: NDArray[np.intp]
    kept: NDArray[np.intp]  # the steps whose positions are corners of the path

    def until(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """All pieces up to a step, and those of them that the dash pattern draws."""
        whole = np.searchsorted(self.steps, step, side="right")
        dashed = np.searchsorted(self.dash_steps, step, side="right")
        return self.pieces[:whole], self.dashes[:dashed]


def trail(relief: Relief, path: Array, pattern: Sequence[float]) -> Trail:
    """Lay positions (steps + 1, 2) on a relief; `pattern` is Qt's: dashes and gaps in turn."""
    places = relief.floor(path)
    kept = distinct(places)
    pieces, sources = drape(relief, places[kept[:-1]], places[kept[1:]])
    steps = kept[1:][sources]
    drawn = _drawn(pieces, pattern)
    return Trail(pieces, steps, pieces[drawn], steps[drawn], kept)


def distinct(places: Array) -> NDArray[np.intp]:
    """Numbers of the places (n, 2) that differ visibly from the one before, and the first; at most MOST."""
    cells = np.round(places / NEAR)
    moved = np.ones(len(places), dtype=bool)
    moved[1:] = np.any(cells[1:] != cells[:-1], axis=1)
    numbers = np.flatnonzero(moved)
    return numbers[:: -(-len(numbers) // MOST)]


def drape(relief: Relief, starts: Array, ends: Array) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Lines over the box (n, 2) to (n, 2) as pieces on the relief (m, 2, 3), and the line that each is of.

    What is off the box or over a hole is left out.
    """
    enter, leave = _inside(starts, ends, relief.edges / 2)
    way, part = ends - starts, np.maximum(leave - enter, 0.0)
    lengths = np.linalg.norm(way, axis=1) * part
    piece = max(PIECE, float(lengths.sum()) / MOST)
    counts = np.where(lengths > 0, np.ceil(lengths / piece), 0).astype(int)
    lines = np.repeat(np.arange(len(starts)), counts)
    place = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = part[lines] / counts[lines]
    first = enter[lines] + place * share
    corners = [starts[lines] + t[:, None] * way[lines] for t in (first, first + share)]
    pieces = np.stack([relief.lift(np.clip(c, -relief.edges / 2, relief.edges / 2)) for c in corners], axis=1)
    whole = np.isfinite(pieces[..., 2]).all(axis=1)
    return pieces[whole].astype(np.float32), lines[whole]


def _inside(starts: Array, ends: Array, half: Array) -> tuple[Array, Array]:
    """From where to where on its way (0 to 1) each line is in the box; nowhere if not first < second.

    Y.-D. Liang and B. A. Barsky, A new concept and method for line clipping, ACM Transactions on Graphics 3
    (1), 1984.
    """
    way = ends - starts
    still = way == 0
    within = np.abs(starts) <= half
    safe = np.where(still, 1.0, way)
    one, other = (-half - starts) / safe, (half - starts) / safe
    enter = np.where(still, np.where(within, -np.inf, np.inf), np.minimum(one, other)).max(axis=1)
    leave = np.where(still, np.where(within, np.inf, -np.inf), np.maximum(one, other)).min(axis=1)
    return np.clip(enter, 0, 1), np.clip(leave, 0, 1)


def _drawn(pieces: NDArray[np.float32], pattern: Sequence[float]) -> NDArray[np.bool_]:
    """Which pieces lie on a dash and not in a gap."""
    if not len(pattern):
        return np.ones(len(pieces), dtype=bool)
    ends = np.cumsum(pattern) * DASH
    lengths = np.linalg.norm(pieces[:, 1] - pieces[:, 0], axis=1)
    middle = np.cumsum(lengths) - lengths / 2
    return np.asarray(np.searchsorted(ends, middle % ends[-1], side="right") % 2 == 0)
