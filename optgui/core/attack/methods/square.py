"""Square: random squares, kept where they help; no gradient is asked for."""

from __future__ import annotations

import math

import torch

from optgui.core.attack.losses import cross_entropy, margin
from optgui.core.attack.methods.base import MethodEntry
from optgui.core.attack.methods.noise import Search
from optgui.core.attack.norms.base import radius
from optgui.core.attack.task import Look, Task
from optgui.core.params import Config, param

_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10,000 steps
_TILES = 5  # a row of them at the start in L2
_TINY = 1e-12


class SquareParams(Config):
    """Parameters of the square attack."""

    share: float = param(
        0.8,  # the authors' for MNIST
        title="First share p",
        help="How much of the image the first squares cover; it is halved nine times on the way.",
        above=0,
        high=1,
        slider=(0.05, 1),
    )


class Square(Search):
    """In each step one square of each image changes, and stays changed where that raises the margin.

    The squares shrink by a schedule. Source: M. Andriushchenko, F. Croce, N. Flammarion, M. Hein, "Square
    attack: a query-efficient black-box adversarial attack via random search", ECCV 2020.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.loss = margin if task.goal.targets is None else cross_entropy
        self._width = task.images.shape[-1]

    def look(self, delta: torch.Tensor) -> Look:
        """The answer alone."""
        return self.task.glance(delta, self.loss)

    def _side(self) -> float:
        """Side of the square that covers the share of the image which it is the turn of, in pixels."""
        task = self.task
        turn = 10_000 * task.iteration / task.iterations
        halvings = sum(turn > bound for bound in _HALVINGS)
        return self._width * math.sqrt(task.config.method.values["share"] / 2**halvings)

    def _signs(self, *shape: int) -> torch.Tensor:
        """-1 or 1, (n, *shape)."""
        task = self.task
        drawn = torch.randint(0, 2, (task.total, *shape), generator=task.generator)
        return task.mine(2.0 * drawn - 1)

    def _corners(self, side: int) -> torch.Tensor:
        """Where a square of `side` pixels lies in each image: (n, 2) row and column of its first pixel."""
        task = self.task
        drawn = torch.randint(0, self._width - side + 1, (task.total, 2), generator=task.generator)
        return task.mine(drawn)

    def _inside(self, corners: torch.Tensor, side: int) -> torch.Tensor:
        """Which pixels lie in each image's square: (n, 1, width, width) bool."""
        places = torch.arange(self._width, device=corners.device)
        far = places - corners.unsqueeze(2)  # (n, 2, width)
        within = (far >= 0) & (far < side)
        return within[:, 0, None, :, None] & within[:, 1, None, None, :]


class LinfSquare(Square):
    """A square gets -epsilon or epsilon in all its pixels: algorithm 2."""

    def start(self) -> torch.Tensor:
        """Stripes from top to bottom."""
        images = self.task.images
        return radius(self.task.epsilon, images) * self._signs(1, 1, self._width).expand_as(images)

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """Another square at the edge of the ball."""
        side = max(1, round(self._side()))
        inside = self._inside(self._corners(side), side)
        return torch.where(inside, radius(self.task.epsilon, delta) * self._signs(1, 1, 1), delta)


class L2Square(Square):
    """A square gets the length of another one, and what is left of epsilon: algorithm 3."""

    def start(self) -> torch.Tensor:
        """A chessboard of small hills and hollows, as long as the ball is wide."""
        side = self._width // _TILES
        delta = torch.zeros_like(self.task.images)
        signs = self._signs(1, _TILES, _TILES)
        turned = self._signs(1, 1, 1) > 0
        tile = self._hill(side)
        board = signs.repeat_interleave(side, 2).repeat_interleave(side, 3)
        tiles = torch.where(turned, tile, tile.t()).repeat(1, 1, _TILES, _TILES)
        first = (self._width - side * _TILES) // 2
        inner = slice(first, first + side * _TILES)
        delta[:, :, inner, inner] = board * tiles
        return self._full(delta)

    def propose(self, delta: torch.Tensor, now: Look) -> torch.Tensor:
        """A square emptied into another one, which has a hill and a hollow more."""
        side = min(max(3, round(self._side()) // 2 * 2 + 1), (self._width - 1) // 2 * 2 + 1)
        corners = self._corners(side)
        here, there = self._inside(corners, side), self._inside(self._corners(side), side)
        turned, signs = self._signs(1, 1, 1) > 0, self._signs(1, 1, 1)
        hill = torch.where(turned, self._hill(side), self._hill(side).t()) * signs
        old = delta * here
        new = self._placed(hill, corners) + old / (_length(old) + _TINY)
        unused = (radius(self.task.epsilon, delta) ** 2 - _length(delta) ** 2).clamp_min(0)
        length = (unused + _length(delta * (here | there)) ** 2).sqrt()
        moved = new * (length / (_length(new) + _TINY))
        return self._full(torch.where(here, moved, delta.masked_fill(there, 0)))

    def _full(self, delta: torch.Tensor) -> torch.Tensor:
        """The same, as long as the ball is wide."""
        return delta * (radius(self.task.epsilon, delta) / (_length(delta) + _TINY))

    def _placed(self, tiles: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
        """Images of nothing but a tile (n, 1, side, side) each, with its first pixel at a corner (n, 2)."""
        side = tiles.shape[-1]
        steps = torch.arange(side, device=corners.device)
        rows, columns = corners[:, 0, None] + steps, corners[:, 1, None] + steps
        pixels = (rows * self._width).unsqueeze(2) + columns.unsqueeze(1)
        flat = tiles.new_zeros(len(tiles), self._width**2)
        placed: torch.Tensor = flat.scatter_(1, pixels.flatten(1), tiles.flatten(1))
        return placed.view_as(self.task.images)

    def _hill(self, side: int) -> torch.Tensor:
        """(side, side) of length 1: a hill above a hollow, highest in the middle of each half."""
        upper = side // 2
        tile = torch.cat([_pyramid(upper, side), -_pyramid(side - upper, side)])
        return torch.div(tile, torch.linalg.vector_norm(tile)).to(self.task.images.device)


def _pyramid(height: int, width: int) -> torch.Tensor:
    """Equation 2: sum of 1 / (n + 1 - k)² for k = 0 ... n - d, at distance d from the middle, of length 1."""
    most = max(height, width) // 2
    rows, columns = (torch.arange(1, count + 1) - count // 2 - 1 for count in (height, width))
    far = torch.maximum(rows.abs().unsqueeze(1), columns.abs().unsqueeze(0))
    sums = torch.cumsum(1 / (most + 1 - torch.arange(most + 1.0)) ** 2, 0)
    hill = sums[(most - far).clamp_min(0)]
    return torch.div(hill, torch.linalg.vector_norm(hill))


def _length(delta: torch.Tensor) -> torch.Tensor:
    """(n, 1, 1, 1)."""
    length: torch.Tensor = torch.linalg.vector_norm(delta, dim=(1, 2, 3), keepdim=True)
    return length


def _make(task: Task) -> Square:
    return L2Square(task) if task.config.norm.name == "L2" else LinfSquare(task)


ENTRIES = (
    MethodEntry(
        "Square",
        "Square (no gradient)",
        SquareParams,
        help="Changes random squares and keeps what helps; it needs some thousand steps, and only answers.",
        formula="δ ← δ with a random square at ±ε, kept where the margin grows",
        reference="M. Andriushchenko et al., Square attack, ECCV 2020",
        make=_make,
        norms=("L2", "Linf"),
        uses=("steps", "restarts", "stop_when_fooled"),
    ),
)
