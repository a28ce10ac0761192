"""Reel: the film of an attack as the window has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optgui.core.attack import Film
from optgui.core.attack.film import MOST
from optgui.core.snapshot import frozen

_FIRST_ROOM = 512  # pictures
_PART = 512  # pictures moved at a time
_ROUNDING = 1e-5  # of a pixel


class Reel:
    """Pictures of one attack, by iteration; they arrive in pieces.

    Room for a long film is taken once, and the system gives the memory as it fills, so that no piece waits
    for a copy of those before it. A film longer than `most` keeps every second iteration, then every fourth,
    as the attack itself does, and always the newest.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._arrays: tuple[NDArray[Any], ...] = ()
        self._count = 0
        self._every = 1

    def __len__(self) -> int:
        return self._count

    @property
    def last(self) -> int:
        """The newest iteration there is a picture of, -1 without any."""
        return int(self._arrays[0][self._count - 1]) if self._count else -1

    @property
    def film(self) -> Film:
        """Everything there is, without a copy: it is good until pictures are added.

        Raises:
            IndexError: if there is nothing yet.
        """
        if not self._count:
            raise IndexError("film: expected pictures, got none yet")
        return Film(*(frozen(array[: self._count]) for array in self._arrays))

    def clear(self) -> None:
        """Forget everything."""
        self._arrays, self._count, self._every = (), 0, 1

    def add(self, film: Film) -> None:
        """Take the pictures that are newer than what is there."""
        newer = film.iterations > self.last
        more = int(newer.sum())
        if not more:
            return
        self._reserve(film, self._count + more)
        for array, values in zip(self._arrays, film, strict=True):
            array[self._count : self._count + more] = values[newer]
        self._count += more
        while self._count > self._most:
            self._thin()

    def place(self, iteration: int) -> int:
        """Where the picture of an iteration is, or of the newest one before it."""
        return max(0, int(np.searchsorted(self.film.iterations, iteration, "right")) - 1)

    def find(self, perturbation: NDArray[np.float32]) -> int:
        """The newest iteration whose perturbation (28, 28) is this one but for rounding, -1 if none is."""
        if not self._count:
            return -1
        film = self.film
        place = np.unravel_index(np.abs(perturbation).argmax(), perturbation.shape)
        alike = np.abs(film.perturbations[:, *place] - perturbation[place]) < _ROUNDING  # in one pixel
        for candidate in np.flatnonzero(alike)[::-1]:
            if np.abs(film.perturbations[candidate] - perturbation).max() < _ROUNDING:
                return int(film.iterations[candidate])
        return -1

    def evenly(self, count: int) -> NDArray[np.int64]:
        """Places of at most `count` pictures, evenly spread from the first to the newest."""
        if not self._count:
            return np.empty(0, np.int64)
        return np.unique(np.linspace(0, self._count - 1, count).round().astype(np.int64))

    def pictures(self, count: int) -> NDArray[np.float32]:
        """At most `count` perturbations, evenly spread, as a copy (count, 28, 28) that nobody changes."""
        return frozen(self.film.perturbations[self.evenly(count)])

    def _reserve(self, like: Film, count: int) -> None:
        if self._arrays and count <= len(self._arrays[0]):
            return
        room = _FIRST_ROOM if count <= _FIRST_ROOM else max(self._most + _FIRST_ROOM, count)
        grown = tuple(np.empty((room, *values.shape[1:]), values.dtype) for values in like)
        for new, old in zip(grown, self._arrays, strict=False):
            new[: self._count] = old[: self._count]
        self._arrays = grown

    def _thin(self) -> None:
        """Close the gaps in place, part by part."""
        self._every *= 2
        kept = self._arrays[0][: self._count] % self._every == 0
        kept[-1] = True
        left = 0
        for start in range(0, self._count, _PART):
            part = slice(start, min(start + _PART, self._count))
            many = int(kept[part].sum())
            for array in self._arrays:
                array[left : left + many] = array[part][kept[part]]
            left += many
        self._count = left
