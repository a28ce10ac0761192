"""The learning-rate range test: raise the rate exponentially, a mini-batch each, until the loss blows up.

Source: L. N. Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.optimizers import OptimizerConfig
from optgui.core.snapshot import frozen

Array = NDArray[np.float64]

BLOW_UP = 4.0  # smoothed loss over its best: from here on the rate is too large
SHARE = 0.1  # of the rate of the blow-up: the suggestion at most
FALLEN = 4.0  # spreads of the first losses: a smaller fall is chance, and its steepest point does not count
RULE = (
    "A tenth of the rate at which the smoothed loss exceeds 4 times its best; or the rate at which it fell "
    "fastest, if that is smaller and the fall was more than 4 times the spread of the first 10 losses."
)
_KEPT = 0.8  # of the running mean that smooths the losses
_SETTLED = 10  # steps until the running mean is one: a lucky first batch is no best


class RangeTest(NamedTuple):
    """One sweep of the rate; arrays (n,), read-only, up to the blow-up."""

    lrs: Array
    losses: Array  # of each mini-batch, before its update
    smoothed: Array
    blow_up: float | None  # the rate; None if it did not happen up to the largest
    steepest: float | None  # the rate at which the smoothed loss falls fastest against log lr, if it does
    suggestion: float  # by RULE


class RateFinding(NamedTuple):
    """Sweeps with different mini-batches; the suggestion is the middle one's, the band spans all."""

    tests: tuple[RangeTest, ...]
    suggestion: float
    band: tuple[float, float]
    note: str  # a sentence for the person, empty if the rule applied


def find_rate(
    body: nn.Module,
    optimizer: OptimizerConfig,
    images: torch.Tensor,
    labels: torch.Tensor,
    batch_size: int,
    state: Mapping[str, Any] | None = None,
    lr_min: float = 1e-5,
    lr_max: float = 10.0,
    steps: int = 100,
    runs: int = 3,
    seed: int = 0,
) -> Generator[float, None, RateFinding]:
    """Sweep on clones, a mini-batch each slice; yields the share done. The network itself stays as it is.

    Args:
        body: takes `images` as they are, to logits; copied, with its mode, when the first slice runs.
        optimizer: its other hyperparameters are kept.
        images: (n, ...) normalized.
        labels: (n,) int64.
        batch_size: images behind each gradient, of shuffled passes.
        state: the `state_dict` of the running optimizer, copied too; None starts with a fresh one.
        lr_min: effective rate of the first step.
        lr_max: effective rate of the last step.
        steps: of one sweep.
        runs: how many sweeps.
        seed: of the mini-batches; sweep i uses seed + i.

    Raises:
        ValueError: if a number is out of range, or the optimizer does not take its rate at every step.
    """
    if not 0 < lr_min < lr_max < math.inf:
        raise ValueError(f"lr_min, lr_max: expected 0 < lr_min < lr_max, got {lr_min:g} and {lr_max:g}")
    if steps < 10 or runs < 1:
        raise ValueError(f"steps, runs: expected at least 10 and 1, got {steps} and {runs}")
    if not 1 <= batch_size <= len(images):
        raise ValueError(f"batch_size: expected a whole number from 1 to {len(images)}, got {batch_size}")
    if optimizer.name == "Rprop":
        raise ValueError("optimizer: expected one that takes its rate at every step; Rprop reads it once")
    original, original_state = copy.deepcopy(body), copy.deepcopy(dict(state)) if state else None
    lrs = np.geomspace(lr_min, lr_max, steps)
    tests = []
    for run in range(runs):
        sweep = _sweep(
            copy.deepcopy(original), optimizer, copy.deepcopy(original_state), images, labels,
            batch_size, lrs, seed + run,
        )  # fmt: skip
        losses: list[float] = []
        smoothed: list[float] = []
        mean, blow_up = 0.0, None
        for lr, loss in sweep:
            losses.append(loss)
            mean = _KEPT * mean + (1 - _KEPT) * loss
            smoothed.append(mean / (1 - _KEPT ** len(losses)))
            yield (run + len(losses) / steps) / runs
            best = min(smoothed[_SETTLED:], default=math.inf)
            if not math.isfinite(loss) or smoothed[-1] > BLOW_UP * best:
                blow_up = lr
                break
        tests.append(_test(lrs, losses, smoothed, blow_up))
    return _finding(tuple(tests), lr_max)


def _sweep(
    body: nn.Module,
    config: OptimizerConfig,
    state: dict[str, Any] | None,
    images: torch.Tensor,
    labels: torch.Tensor,
    batch_size: int,
    lrs: Array,
    seed: int,
) -> Generator[tuple[float, float], None, None]:
    """Train the clone, the rate rising; yields each rate and the loss before its update."""
    optimizer = config.make(body.parameters())
    if state is not None:
        optimizer.load_state_dict(state)
    generator = torch.Generator().manual_seed(seed)
    order, place = torch.empty(0, dtype=torch.int64), 0
    for lr in lrs.tolist():
        if place + batch_size > len(order):
            order, place = torch.randperm(len(images), generator=generator), 0
        batch = order[place : place + batch_size].to(images.device)
        place += batch_size
        for group in optimizer.param_groups:
            group["lr"] = lr
        pixels, truth = images[batch], labels[batch]
        first: list[float] = []

        def closure(
            pixels: torch.Tensor = pixels, truth: torch.Tensor = truth, first: list[float] = first
        ) -> torch.Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(body(pixels), truth)
            loss.backward()  # type: ignore[no-untyped-call]
            first.append(loss.item())
            return loss

        with torch.enable_grad():
            optimizer.step(closure)  # type: ignore[arg-type]
        yield lr, first[0]


def _test(lrs: Array, losses: list[float], smoothed: list[float], blow_up: float | None) -> RangeTest:
    means = np.array(smoothed)
    suggestion, steepest = SHARE * (blow_up or float(lrs[-1])), None
    known = means[_SETTLED:][np.isfinite(means[_SETTLED:])]
    spread = float(np.std(losses[:_SETTLED], ddof=1)) if len(known) > 1 else math.inf
    if len(known) > 1 and known[0] - known.min() > FALLEN * spread:
        slopes = np.gradient(known)[: int(known.argmin()) + 1]
        steepest = float(lrs[_SETTLED + int(slopes.argmin())])
        suggestion = min(suggestion, steepest)
    tried = frozen(lrs[: len(losses)].copy())
    return RangeTest(tried, frozen(np.array(losses)), frozen(means), blow_up, steepest, suggestion)


def _finding(tests: tuple[RangeTest, ...], lr_max: float) -> RateFinding:
    found = sorted(test.suggestion for test in tests)
    calm = sum(test.blow_up is None for test in tests)
    note = ""
    if calm:
        note = (f"{calm} of {len(tests)} sweeps reached {lr_max:g} without blowing up: larger rates may "
                "do as well.")  # fmt: skip
    return RateFinding(tests, found[len(found) // 2], (found[0], found[-1]), note)
