"""The nearest point of a box that keeps one number: one unknown for each image, found for all at once.

Both searches walk along a piecewise linear function with Newton steps, and end on the piece that holds the
root. What the box stops is told from the sign of what it took away: a mask costs ten times as much.
"""

from __future__ import annotations

import torch

from optgui.core.attack.norms.base import INSIDE, Epsilon, per_image

_MOST = 100  # Newton steps; 1 to 12 are usual
_ENOUGH = 1 - 2.0**-20  # of what is allowed, where the search ends


def shrunk(delta: torch.Tensor, length: Epsilon, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """clamp(s delta, low, high) with the largest s <= 1 for which it is at most `length` long.

    The squared length is concave in t = s², so that a Newton step ends below the root from wherever it
    starts, and what is returned is never too long. `low` <= 0 <= `high`, all of shape (n, ...); `length` is
    a number or a tensor (n,).
    """
    inner = delta.clamp(low, high)
    size = _length(inner)
    over = size > length
    if not over.any():
        return inner
    floor = torch.where(over, length * _ENOUGH, 0.0)
    target = (length * INSIDE) ** 2
    least = target / _length(delta).square()  # t if the box stopped nothing
    moved = delta - inner  # one buffer, first for what the box takes away
    t = torch.ones_like(size)
    for _ in range(_MOST):
        stopped = _length(moved.sign_().mul_(inner)).square()
        free = (size.square() - stopped).clamp_min(1e-30)
        t = torch.where(over, torch.maximum(t * (target - stopped) / free, least), 1.0)
        torch.mul(delta, per_image(t.sqrt(), delta), out=moved)
        torch.clamp(moved, low, high, out=inner)
        size = _length(inner)
        if (size >= floor).all():
            break
        moved -= inner
    return inner


def lowered(
    values: torch.Tensor,
    total: torch.Tensor,
    slack: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor | None = None,
) -> torch.Tensor:
    """clamp(values - m, low, high) with the least m >= 0 for which it sums to at most `total`.

    The sum lies at most 2 `slack` below `total`, both (n,); `values`, `low`, `high` have shape (n, ...). Each
    step moves what the last one left, so that small differences of large numbers stay exact.
    """
    inner = values.clamp(low, high)
    excess = inner.flatten(1).sum(1) - total
    over = excess > 0
    if not over.any():
        return inner
    moved = values
    pixels = values[0].numel()
    below = torch.zeros_like(excess)  # how much further m must go: more than this,
    above = (values - low).flatten(1).amax(1).clamp_min(0)  # and not more than this
    for _ in range(_MOST):
        stopped = torch.sub(moved, inner).sign_().abs_().flatten(1).sum(1)
        step = (excess + slack) / (pixels - stopped)  # infinite or NaN where the box stops everything
        step = torch.where((step > below) & (step < above), step, (below + above) / 2)
        step = torch.where(over & ((excess > 0) | (excess < -2 * slack)), step, 0.0)
        moved = moved - per_image(step, moved)
        inner = moved.clamp(low, high)
        below, above = below - step, above - step
        excess = inner.flatten(1).sum(1) - total
        below, above = torch.where(excess > 0, 0.0, below), torch.where(excess > 0, above, 0.0)
        if ((excess <= 0) & (excess >= -2 * slack) | ~over).all():
            return inner
    last = torch.where(over & (excess > 0), above, 0.0)
    return (moved - per_image(last, moved)).clamp(low, high)


def _length(values: torch.Tensor) -> torch.Tensor:
    length: torch.Tensor = torch.linalg.vector_norm(values.flatten(1), dim=1)
    return length
