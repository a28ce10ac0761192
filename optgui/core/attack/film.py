"""The film of an attack on one image: its picture and the network's answer at every iteration."""

from __future__ import annotations

import bisect
import dataclasses
import operator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.snapshot import frozen, frozen_copy

MOST = 20_000  # pictures kept, 63 MB; a longer film keeps every second iteration, then every fourth ...


@dataclasses.dataclass(frozen=True)
class ShowFilm:
    """Ask for the film's pictures from an iteration on."""

    since: int = 0


class Film(NamedTuple):
    """m pictures of one image under attack; read-only arrays."""

    iterations: NDArray[np.int64]  # (m,), rising
    perturbations: NDArray[np.float32]  # (m, 28, 28)
    probabilities: NDArray[np.float32]  # (m, 10)
    losses: NDArray[np.float32]  # (m,), what the method climbs
    norms: NDArray[np.float32]  # (m,), of the perturbations, in the config's norm
    gradient_norms: NDArray[np.float32]  # (m,), L2, by the pixels; 0 where a method asks for no gradient
    fooled: NDArray[np.bool_]  # (m,), the goal is reached


class _Picture(NamedTuple):
    iteration: int
    delta: torch.Tensor  # (1, 1, 28, 28)
    logits: torch.Tensor  # (1, 10)
    loss: float
    norm: float
    gradient_norm: float
    fooled: bool


_iteration = operator.attrgetter("iteration")


class Camera:
    """Keeps the pictures of a film while an attack runs."""

    def __init__(self) -> None:
        self._every = 1
        self._pictures: list[_Picture] = []

    def take(
        self,
        iteration: int,
        delta: torch.Tensor,
        logits: torch.Tensor,
        loss: float,
        norm: float,
        gradient_norm: float,
        fooled: bool,
    ) -> None:
        """Keep one picture: `delta` (1, 1, 28, 28) and `logits` (1, 10), which nobody changes afterwards."""
        if iteration % self._every:
            return
        self._pictures.append(_Picture(iteration, delta, logits, loss, norm, gradient_norm, fooled))
        if len(self._pictures) > MOST:
            self._every *= 2
            self._pictures = [kept for kept in self._pictures if kept.iteration % self._every == 0]

    def film(self, since: int) -> Film:
        """The pictures from an iteration on; none if there are none."""
        taken = self._pictures[bisect.bisect_left(self._pictures, since, key=_iteration) :]
        if not taken:
            return Film(*(frozen(np.empty(shape, dtype)) for shape, dtype in _EMPTY))
        deltas = torch.cat([picture.delta for picture in taken])[:, 0]
        chances = torch.cat([picture.logits for picture in taken]).softmax(1)
        losses, norms, gradients = (
            frozen(np.array([getattr(picture, name) for picture in taken], np.float32))
            for name in ("loss", "norm", "gradient_norm")
        )
        return Film(
            frozen(np.array([picture.iteration for picture in taken], np.int64)),
            frozen_copy(deltas),
            frozen_copy(chances),
            losses,
            norms,
            gradients,
            frozen(np.array([picture.fooled for picture in taken])),
        )


_EMPTY = (
    ((0,), "int64"),
    ((0, 28, 28), "float32"),
    ((0, 10), "float32"),
    *[((0,), "float32")] * 3,
    ((0,), "bool"),
)
