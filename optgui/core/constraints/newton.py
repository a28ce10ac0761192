"""Newton's method for a projection onto an intersection, begun where Dykstra's sweeps have got to.

A point far from the sets costs Dykstra's algorithm sweeps in proportion to its distance (a disc cut by a
line, from 100 radii away: 3,000), though the sets that bind are known after a few. From there this takes
a handful of steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from optgui.core.constraints.base import ConvexSet

LARGEST = 64  # unknowns of a point, sets times dimensions; beyond it the matrices cost more than sweeps
_TOGETHER = 4096  # points; their matrices take some 10 MB
_STEPS = 15
_DIFFERENCE = 1e-7
_RIDGE = 1e-14  # sets that bind along one normal share its multiplier in no unique way


def finish(
    sets: Sequence[ConvexSet], goal: torch.Tensor, corrections: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The best of a few attempts: from Dykstra's corrections, and from their sum in equal shares.

    Early in the sweeps for a distant goal the first set has been given nearly all of the distance, and
    hands it on to the others by no more than their diameters a sweep. The shares are for all sets, and for
    all but one, which may not bind. Arguments and results are those of `solve`.
    """
    b, m, n = corrections.shape
    if b > _TOGETHER:
        pieces = zip(torch.split(goal, _TOGETHER), torch.split(corrections, _TOGETHER), strict=True)
        halves = zip(*(finish(sets, *piece) for piece in pieces), strict=True)
        found, error = (torch.cat(half) for half in halves)
        return found, error
    weights = [torch.full((m,), 1 / m)] + [(1 - row) / (m - 1) for row in torch.eye(m) if m > 2]
    away = corrections.sum(1, keepdim=True)
    starts = [corrections, *(away * weight.to(away)[:, None] for weight in weights)]
    points, errors = solve(sets, goal.repeat(len(starts), 1), torch.cat(starts))
    best = errors.nan_to_num(torch.inf).reshape(-1, b).argmin(0)
    rows = torch.arange(b, device=goal.device)
    return points.reshape(-1, b, n)[best, rows], errors.reshape(-1, b)[best, rows]


def solve(
    sets: Sequence[ConvexSet], goal: torch.Tensor, corrections: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Solve goal - x = ρ sum vᵢ and x = Pᵢ(x + vᵢ) for x and all vᵢ.

    Then each vᵢ is normal to its set at x, which makes x the projection of the goal. The second equation
    knows no scale, so ρ is the distance of the goal, which makes all parts of one size. Source: L. Qi,
    J. Sun, "A nonsmooth version of Newton's method", Mathematical Programming 58, 1993.

    Args:
        sets: the sets, m of them.
        goal: what is projected, (b, n).
        corrections: Dykstra's, (b, m, n), whose sum is goal - x.

    Returns:
        Points (b, n), and by how much they fail to satisfy the equations, times ρ (b,): near 0 proves a
        point right. Where the method does not converge that is large.
    """
    b, m, n = corrections.shape
    away = corrections.sum(1)
    scale = torch.linalg.vector_norm(away, dim=-1).clamp(min=1)[:, None]  # (b, 1)
    eye = torch.eye(n, dtype=goal.dtype, device=goal.device)
    rows = torch.arange(b, device=goal.device)
    shares = 0.5 ** torch.arange(6, dtype=goal.dtype, device=goal.device)[:, None, None, None]

    def rest(u: torch.Tensor) -> torch.Tensor:
        """What the equations lack of 0, for x and the vᵢ in one: (..., b, 1 + m, n) to the same."""
        x, v = u[..., 0, :], u[..., 1:, :]
        parts = [s._project(x + v[..., i, :]) - x for i, s in enumerate(sets)]
        return torch.stack([(goal - x) / scale - v.sum(-2), *parts], dim=-2)

    def size(f: torch.Tensor) -> torch.Tensor:
        length: torch.Tensor = torch.linalg.vector_norm(f, dim=-1).sum(-1)
        return length

    u = torch.cat([(goal - away)[:, None], corrections / scale[..., None]], dim=1)
    f = rest(u)
    best, least = u[:, 0], size(f)
    # A step that lowers nothing is taken all the same: the equations have kinks to get across.
    for _ in range(_STEPS):
        matrix = goal.new_zeros(b, 1 + m, n, 1 + m, n)  # equation, its row, unknown, its coordinate
        matrix[:, 0, :, 0] = -eye / scale[..., None]
        for i, s in enumerate(sets, start=1):
            at = u[:, 0] + u[:, i]
            moved = s._project(at + _DIFFERENCE * eye[:, None, :]) - s._project(at)  # (n, b, n)
            slope = (moved / _DIFFERENCE).permute(1, 2, 0)
            matrix[:, 0, :, i] = -eye
            matrix[:, i, :, 0] = slope - eye
            matrix[:, i, :, i] = slope
        matrix = matrix.reshape(b, (1 + m) * n, (1 + m) * n)
        square = matrix.mT @ matrix
        square.diagonal(dim1=-2, dim2=-1).add_(_RIDGE)
        step = torch.linalg.solve_ex(square, -(matrix.mT @ f.reshape(b, -1, 1)))[0].reshape(u.shape)
        trials = u + shares * step
        values = rest(trials)
        pick = size(values).nan_to_num(torch.inf).argmin(0)
        u, f = trials[pick, rows], values[pick, rows]
        lower = size(f) < least
        best, least = torch.where(lower[:, None], u[:, 0], best), torch.where(lower, size(f), least)
    return best, scale[:, 0] * least
