"""The nearest point of what ball and box share, against the nearest of the ball, clipped: every norm."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from optgui.core import runtime
from optgui.core.attack.norms import NORMS, norm_of
from tests.benchmarks.networks import mnist
from tests.benchmarks.report import Row, interleaved

COUNT = 1_000
REPEATS = 7
EPSILONS = {"L2": 2.0, "Linf": 0.1, "L1": 15.0, "L0": 20.0, "Subspace": 2.0, "HalfSpace": 0.5}
TARGETS = {"L2": "<= 5", "Linf": "<= 2", "L1": "<= 5", "L0": "<= 5"}


def rows() -> list[Row]:
    runtime.use_threads(1)
    images = torch.tensor(mnist().test_images[:COUNT]).unsqueeze(1) / 255
    return [row for name in NORMS for row in _compared(name, images)]


def _compared(name: str, images: torch.Tensor) -> list[Row]:
    """A step of a tenth of the radius from a point of both sets, as an attack projects it."""
    norm, epsilon = norm_of(name), EPSILONS[name]
    slow = name == "Subspace"
    images = images[:50] if slow else images
    low, high = -images, 1 - images
    generator = torch.Generator().manual_seed(0)
    shape = tuple(images.shape)
    far = norm.random(shape, 10 * epsilon, generator)
    start = norm.project_in_box(far, epsilon, low, high)
    step = epsilon / 10 if name != "L0" else 0.1
    delta = start + step * norm.ascent(torch.randn(shape, generator=generator))
    measures = {
        "ours": _timed(lambda: norm.project_in_box(delta, epsilon, low, high)),
        "other": _timed(lambda: norm.project(delta, epsilon).clamp(low, high)),
    }
    best = {who: 1000 * min(values) for who, values in interleaved(REPEATS, **measures).items()}
    what = f"{name}: nearest point of ball and box against project, clip; {len(images):,} digits"
    return [Row(what, best["ours"], best["other"], "ms", TARGETS.get(name, ""))]


def _timed(call: Callable[[], torch.Tensor]) -> Callable[[], float]:
    def seconds() -> float:
        before = time.perf_counter()
        call()
        return time.perf_counter() - before

    return seconds
