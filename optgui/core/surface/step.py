"""One step of one racer, read from a frame and written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optgui.core.surface.rules import Line, Rule, Step, make_rule
from optgui.core.surface.rules.base import Array

if TYPE_CHECKING:
    from optgui.core.surface.frame import DescentFrame


def step_of(frame: DescentFrame, place: int, k: int) -> Step:
    """Step k of the racer at `place` of the frame, from entry k - 1 to entry k.

    Raises:
        ValueError: if the frame has no such step, or the racer diverged in it or before.
    """
    return _step(frame, place, k, _rule(frame, place))


def written_step(frame: DescentFrame, place: int, k: int) -> tuple[Line, ...]:
    """`step_of` in symbols and numbers, in the order in which it is computed.

    Raises:
        ValueError: as `step_of`.
    """
    rule = _rule(frame, place)
    return rule.written(rule.values, _step(frame, place, k, rule))


def _rule(frame: DescentFrame, place: int) -> Rule:
    """The racer's rule as it was at the start."""
    return make_rule(frame.config.racers[place].optimizer, frame.paths[place : place + 1, 0])


def _step(frame: DescentFrame, place: int, k: int, fresh: Rule) -> Step:
    if not 1 <= k <= frame.step:
        raise ValueError(f"step: expected one from 1 to {frame.step}, got {k}")
    stop = frame.diverged[place]
    if stop is not None and k >= stop:
        raise ValueError(f"step: expected one before {stop}, at which the racer diverged, got {k}")
    momenta = _state(frame.momenta[place], k, fresh.momentum)
    seconds = _state(frame.seconds[place], k, fresh.second_moment)
    size = frame.surface.entry.dimension  # a function of x alone has nothing to say of y
    return Step(
        number=k,
        lr=float(frame.lrs[place, k - 1]),
        x=frame.paths[place, k - 1, :size],
        gradient=frame.given[place, k - 1, :size],
        momentum_before=_cut(momenta[0], size),
        momentum_after=_cut(momenta[1], size),
        second_before=_cut(seconds[0], size),
        second_after=_cut(seconds[1], size),
        led_to=frame.raw[place, k, :size],
        hessian=frame.surface.curvature(*frame.paths[place, k - 1]).hessian[:size, :size],
    )


def _cut(state: Array | None, size: int) -> Array | None:
    return None if state is None else state[:size]


def _state(values: Array, k: int, fresh: Array | None) -> tuple[Array | None, Array | None]:
    """State (steps + 1, 2) before and after step k; what a frame leaves out is what a fresh rule has."""
    if np.isnan(values[k]).all():
        return None, None
    before = values[k - 1] if k > 1 else None if fresh is None else fresh[0]
    return before, values[k]
