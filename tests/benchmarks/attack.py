"""PGD-40 on the tutorial's network, against torchattacks where it is installed."""

from __future__ import annotations

import importlib
import time
import warnings
from typing import Any

import torch

from optgui.core import runtime
from optgui.core.attack import PRESETS, AttackEngine
from tests.benchmarks.networks import mnist, train
from tests.benchmarks.report import Row, interleaved

COUNT = 1_000
REPEATS = 5


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    network = train(data)[0].network.eval()
    images = torch.tensor(data.test_images[:COUNT]).unsqueeze(1) / 255
    labels = torch.tensor(data.test_labels[:COUNT])
    theirs = _torchattacks()
    left: dict[str, float] = {}

    def ours() -> float:
        before = time.perf_counter()
        engine = AttackEngine(PRESETS["PGD"], network, images, labels)
        while not engine.done:
            engine.step()
        frame = engine.frame()
        seconds = time.perf_counter() - before
        left["ours"] = 100 * (1 - float(frame.success.mean()))
        return seconds

    def other() -> float:
        config = PRESETS["PGD"]
        torch.manual_seed(config.seed)
        attack = theirs.PGDL2(
            network, eps=config.epsilon, alpha=config.step_size, steps=config.steps, random_start=True
        )
        before = time.perf_counter()
        adversarial = attack(images, labels)
        seconds = time.perf_counter() - before
        with torch.no_grad():
            left["other"] = 100 * float((network(adversarial).argmax(1) == labels).float().mean())
        return seconds

    measures = {"ours": ours} if theirs is None else {"ours": ours, "other": other}
    best = {name: min(values) for name, values in interleaved(REPEATS, **measures).items()}
    note = "torchattacks not installed: the extra `authority` brings it" if theirs is None else ""
    return [
        Row(
            f"PGD-40, L2 2.0: read correctly still, {COUNT:,} digits"
            + ("" if note else " against torchattacks"),
            left["ours"],
            left.get("other"),
            "%",
            "" if note else "<= 1",
            "difference",
            note,
        ),
        Row(
            "PGD-40, L2 2.0: time" + ("" if note else " against torchattacks"),
            best["ours"],
            best.get("other"),
            "s",
        ),
    ]


def _torchattacks() -> Any:
    runtime.torchvision("transforms")  # it imports them
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("torchattacks")
        except ImportError:
            return None
