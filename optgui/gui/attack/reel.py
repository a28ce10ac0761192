"""Reel: the film of an attack as the window has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from optgui.core.attack import Film


class Reel:
    """Pictures of one attack, by iteration; they arrive in pieces."""

    def __init__(self) -> None:
        self._pieces: list[Film] = []
        self._whole: Film | None = None

    def __len__(self) -> int:
        return sum(len(piece.iterations) for piece in self._pieces)

    @property
    def last(self) -> int:
        """The newest iteration there is a picture of, -1 without any."""
        return int(self._pieces[-1].iterations[-1]) if self._pieces else -1

    @property
    def film(self) -> Film:
        """Everything there is.

        Raises:
            IndexError: if there is nothing yet.
        """
        if self._whole is None or len(self._pieces) > 1:
            joined = Film(*(np.concatenate(parts) for parts in zip(*self._pieces, strict=True)))
            self._pieces, self._whole = [joined], joined
        return self._whole

    def clear(self) -> None:
        """Forget everything."""
        self._pieces, self._whole = [], None

    def add(self, film: Film) -> None:
        """Take the pictures that are newer than what is there."""
        newer = film.iterations > self.last
        if newer.any():
            self._pieces.append(film if newer.all() else Film(*(values[newer] for values in film)))
            self._whole = self._pieces[0] if len(self._pieces) == 1 else None

    def place(self, iteration: int) -> int:
        """Where the picture of an iteration is, or of the newest one before it."""
        return max(0, int(np.searchsorted(self.film.iterations, iteration, "right")) - 1)

    def evenly(self, count: int) -> NDArray[Any]:
        """Places of at most `count` pictures, evenly spread from the first to the newest."""
        return (
            np.unique(np.linspace(0, len(self) - 1, count).round().astype(int))
            if len(self)
            else np.empty(0, int)
        )
