"""The tutorial's own attack, 10,000 raw gradient steps on one digit, and why normalized steps are offered."""

from __future__ import annotations

import time
from functools import partial

import torch
from torch import nn

from optgui.core import runtime
from optgui.core.attack import PRESETS, AttackConfig, AttackEngine
from optgui.core.engine import run_slice
from optgui.core.training import Digits
from optgui.core.training.models import MEAN, STD
from tests.benchmarks.networks import mnist, train
from tests.benchmarks.report import Row, interleaved

SEEDS = range(5)
REPEATS = 3
PRESET = PRESETS["As in the tutorial"]
RADIUS, RATE = 7.0, 0.1  # of the tutorial, in normalized units
NORMALIZED = PRESET.model_copy(update={"step_rule": "normalized", "step_size": RATE * STD, "steps": 1_000})


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    networks = [train(data, seed)[0].network.eval() for seed in SEEDS]
    found = []
    for seed, network in zip(SEEDS, networks, strict=True):
        raw = _fooled_at(PRESET, network, data)
        note = "" if raw >= 0 else f"not fooled in {PRESET.steps:,} iterations"
        found.append(Row(f"raw gradient: first test digit fooled at iteration, seed {seed}", raw, note=note))
    for seed, network in zip(SEEDS, networks, strict=True):
        at = _fooled_at(NORMALIZED, network, data)
        found.append(
            Row(
                f"normalized steps of {RATE:g} std: fooled at iteration, seed {seed}",
                at if at >= 0 else float("inf"),
                target="<= 50",
            )
        )
    times = interleaved(
        REPEATS,
        ours=partial(_seconds, networks[0], data),
        script=partial(_script, networks[0], data),
        bare=partial(_bare_loop, networks[0], data),
    )
    best = {name: min(values) for name, values in times.items()}
    words = f"{PRESET.steps:,} iterations, records and film included, against"
    found += [
        Row(f"{words} a script with torch.optim.SGD", best["ours"], best["script"], "s", "<= 0.35"),
        Row(f"{words} a bare loop, weights frozen", best["ours"], best["bare"], "s"),
    ]
    return found


def _engine(config: AttackConfig, network: nn.Module, data: Digits) -> AttackEngine:
    return AttackEngine(config, network, data.test_images[:1, None] / 255, data.test_labels[:1])


def _fooled_at(config: AttackConfig, network: nn.Module, data: Digits) -> int:
    engine = _engine(config, network, data)
    while not engine.done and not engine.step().fooled:
        pass
    return int(engine.frame().fooled_at[0])


def _seconds(network: nn.Module, data: Digits) -> float:
    engine = _engine(PRESET, network, data)
    before = time.perf_counter()
    while not engine.done:
        run_slice(engine, 0.012)  # as in the window
    return time.perf_counter() - before


def _script(network: nn.Module, data: Digits) -> float:
    """As the tutorial goes about it: an optimizer, then the projection, then a look at the confidence.

    Nothing is frozen, so that backward makes gradients of the weights too.
    """
    body = network[1:].requires_grad_(True)
    image = (torch.tensor(data.test_images[:1, None]) / 255 - MEAN) / STD
    label = torch.tensor(data.test_labels[:1])
    delta = torch.zeros_like(image, requires_grad=True)
    optimizer = torch.optim.SGD([delta], lr=RATE)
    losses, confidences = [], []
    before = time.perf_counter()
    for _ in range(PRESET.steps):
        optimizer.zero_grad()
        loss = -nn.functional.cross_entropy(body(image + delta), label)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            length = delta.norm()
            if length > RADIUS:
                delta *= RADIUS / length
            confidences.append(body(image + delta).softmax(1)[0, label].item())
        losses.append(-loss.item())
    return time.perf_counter() - before


def _bare_loop(network: nn.Module, data: Digits) -> float:
    """On normalized images: climb the loss by its raw gradient, back into the ball, look at the loss."""
    body = network[1:].requires_grad_(False)  # behind the normalization
    image = (torch.tensor(data.test_images[:1, None]) / 255 - MEAN) / STD
    label = torch.tensor(data.test_labels[:1])
    delta = torch.zeros_like(image, requires_grad=True)
    losses = []
    before = time.perf_counter()
    for _ in range(PRESET.steps):
        loss = nn.functional.cross_entropy(body(image + delta), label)
        loss.backward()
        with torch.no_grad():
            delta += RATE * delta.grad
            length = delta.norm()
            if length > RADIUS:
                delta *= RADIUS / length
            delta.grad.zero_()
        losses.append(loss.item())
    return time.perf_counter() - before
