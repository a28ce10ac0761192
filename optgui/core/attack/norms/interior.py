"""The nearest point of the span of low cosines within a ball and a box, by an interior-point method.

Alternating projections (Dykstra, ADMM) are no use here: over a black background nothing can be taken away,
so that the smooth changes allowed are a thin cone; after 1,000 rounds they are still up to 40 % of the radius
off. This method needs 10 to 25 rounds whatever the cone. Its unknowns are the coefficients z of the cosines.

Source: S. Mehrotra, "On the implementation of a primal-dual interior point method", SIAM J. Optim. 1992;
S. Boyd, L. Vandenberghe, "Convex optimization", 2004, section 11.7.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from optgui.core.attack.norms.base import per_image

TOLERANCE = 1e-13  # of the mean product of a slack and its multiplier, in a ball of radius 1
_ROUNDS = 60
_BLOCK = 2**24  # numbers in the matrices of the images solved together, 128 MB


class _State(NamedTuple):
    """The unknowns: coefficients, slacks of box and ball, their multipliers; first axis n."""

    z: torch.Tensor
    below: torch.Tensor
    above: torch.Tensor
    within: torch.Tensor
    push_below: torch.Tensor
    push_above: torch.Tensor
    push_within: torch.Tensor


class _Problem(NamedTuple):
    """min weight |z - wanted|² / 2 with |z| <= 1 and low <= picture(z) <= high."""

    places: torch.Tensor
    wanted: torch.Tensor
    weight: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor


def nearest(
    wanted: torch.Tensor, epsilon: torch.Tensor, low: torch.Tensor, high: torch.Tensor, cosines: torch.Tensor
) -> torch.Tensor:
    """The coefficients (n, k, k) nearest to `wanted` of length at most `epsilon` (n,) that keep the box.

    `cosines` (k, side) are orthonormal rows, `low` <= 0 <= `high` (n, side, side); all float64. A picture is
    cosinesᵀ z cosines. Where float64 ends the search early, the best point so far is the answer.
    """
    block = max(1, _BLOCK // cosines.shape[0] ** 4)
    blocks = [slice(start, start + block) for start in range(0, len(wanted), block)]
    return torch.cat([_solved(wanted[b], epsilon[b], low[b], high[b], cosines) for b in blocks])


def _solved(
    wanted: torch.Tensor, epsilon: torch.Tensor, low: torch.Tensor, high: torch.Tensor, cosines: torch.Tensor
) -> torch.Tensor:
    length = wanted.flatten(1).norm(dim=1)
    unit = torch.minimum(epsilon, 1.1 * length).clamp_min(1e-12)  # the ball of radius 1 from here on
    scale = per_image(unit, wanted)
    weight = 1 / (length / unit).clamp_min(1)
    # A pixel of a picture of length 1 lies in [-1, 1], so a box beyond is none.
    problem = _Problem(
        torch.arange(len(wanted), device=wanted.device),
        wanted / scale,
        weight,
        (low / scale).clamp_min(-2),
        (high / scale).clamp_max(2),
    )
    state = _start(problem)
    answer = torch.zeros_like(wanted)
    for _ in range(_ROUNDS):
        state, going = _round(problem, state, cosines)
        answer[problem.places] = state.z
        if not going.any():
            break
        if not going.all():
            problem = _Problem(*(tensor[going] for tensor in problem))
            state = _State(*(tensor[going] for tensor in state))
    return answer * scale


def _start(problem: _Problem) -> _State:
    ones = torch.ones_like(problem.weight)
    push = torch.full_like(problem.low, 0.1)
    return _State(
        torch.zeros_like(problem.wanted),
        (-problem.low).clamp_min(0.1),
        problem.high.clamp_min(0.1),
        0.5 * ones,
        push,
        push,
        0.1 * ones,
    )


def _round(problem: _Problem, state: _State, cosines: torch.Tensor) -> tuple[_State, torch.Tensor]:
    """One predictor and corrector step, and which images (n,) need another."""
    z, below, above, within, push_below, push_above, push_within = state
    n, k = len(z), len(cosines)
    picture = cosines.T @ z @ cosines
    miss_below = picture - problem.low - below
    miss_above = problem.high - picture - above
    miss_within = (1 - _dot(z, z)) / 2 - within
    diagonal = problem.weight + push_within
    slope = per_image(diagonal, z) * z - per_image(problem.weight, z) * problem.wanted
    slope = slope - cosines @ (push_below - push_above) @ cosines.T
    product = _dot(below, push_below) + _dot(above, push_above) + within * push_within
    mean = product / (2 * below[0].numel() + 1)

    # The box's part of the Hessian is that of a product, so pairs of cosines give it.
    pairs = (cosines[:, None] * cosines[None]).flatten(0, 1)
    hessian = pairs @ (push_below / below + push_above / above) @ pairs.T
    hessian = hessian.reshape(n, k, k, k, k).permute(0, 1, 3, 2, 4).reshape(n, k * k, k * k)
    flat = z.flatten(1)
    hessian = hessian + (push_within / within)[:, None, None] * flat[:, :, None] * flat[:, None, :]
    hessian.diagonal(dim1=1, dim2=2).add_(diagonal[:, None])
    factor, failed = torch.linalg.cholesky_ex(hessian)

    def towards(for_below: torch.Tensor, for_above: torch.Tensor, for_within: torch.Tensor) -> _State:
        """Newton's step that makes each product of slack and multiplier change by this much."""
        pull = (for_below - push_below * miss_below) / below - (for_above - push_above * miss_above) / above
        right = cosines @ pull @ cosines.T - slope
        right = right - per_image((for_within - push_within * miss_within) / within, z) * z
        step = torch.cholesky_solve(right.reshape(n, -1, 1), factor).reshape(n, k, k)
        change = cosines.T @ step @ cosines
        d_below, d_above, d_within = change + miss_below, miss_above - change, miss_within - _dot(z, step)
        return _State(
            step,
            d_below,
            d_above,
            d_within,
            (for_below - push_below * d_below) / below,
            (for_above - push_above * d_above) / above,
            (for_within - push_within * d_within) / within,
        )

    guess = towards(-below * push_below, -above * push_above, -within * push_within)
    ahead = _moved(state, guess, _longest(state, guess))
    left = _dot(ahead.below, ahead.push_below) + _dot(ahead.above, ahead.push_above)
    centre = ((left + ahead.within * ahead.push_within) / product) ** 3 * mean
    step = towards(
        per_image(centre, below) - below * push_below - guess.below * guess.push_below,
        per_image(centre, above) - above * push_above - guess.above * guess.push_above,
        centre - within * push_within - guess.within * guess.push_within,
    )
    missed = torch.maximum(miss_below.abs(), miss_above.abs()).flatten(1).amax(1)
    going = ((mean > TOLERANCE) | (missed > 1e-9)) & (failed == 0) & step.z.flatten(1).isfinite().all(1)
    moved = _moved(state, step, torch.where(going, 0.995 * _longest(state, step), 0.0))
    kept = (torch.where(per_image(going, old), new, old) for old, new in zip(state, moved, strict=True))
    return _State(*kept), going


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).flatten(1).sum(1)


def _longest(state: _State, step: _State) -> torch.Tensor:
    """The largest part (n,) of `step`, at most 1, that keeps slacks and multipliers from below 0."""
    ratios = [
        (-change / value).reshape(len(value), -1).amax(1)
        for value, change in zip(state[1:], step[1:], strict=True)
    ]
    return 1 / torch.stack(ratios).amax(0).clamp_min(1)


def _moved(state: _State, step: _State, part: torch.Tensor) -> _State:
    return _State(*(old + per_image(part, old) * change for old, change in zip(state, step, strict=True)))
