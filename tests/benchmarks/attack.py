"""PGD-40 on the tutorial's network, against torchattacks and foolbox where they are installed."""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from optgui.core import runtime
from optgui.core.attack import PRESETS, AttackConfig, AttackEngine, Victim
from optgui.core.attack.strongest import strongest
from optgui.core.engine import run_slice
from tests.benchmarks.networks import mnist, train
from tests.benchmarks.report import Row, interleaved

COUNT = 1_000
REPEATS = 7
WORST = 500  # digits for all attacks together
TARGETS = {"torchattacks": 1.5, "foolbox": 3.0}  # how many times as fast
STOPPED, WHOLE = "ours, left alone when fooled", "ours, all steps"

Attacked = Callable[[], torch.Tensor]  # what one of them makes of the digits


def rows() -> list[Row]:
    runtime.use_threads(1)
    data = mnist()
    network = train(data)[0].network.eval()
    images = torch.tensor(data.test_images[:COUNT]).unsqueeze(1) / 255
    labels = torch.tensor(data.test_labels[:COUNT])
    found = []
    for preset in ("PGD", "PGD, L∞"):
        attacks = _attacks(PRESETS[preset], network, images, labels)
        found += _compared(preset, attacks, network, labels)
    found += _worst(network, images[:WORST], labels[:WORST])
    missing = [name for name in TARGETS if _library(name) is None]
    if missing:
        note = f"{' and '.join(missing)} not installed: the extra `authority` brings them"
        found.append(Row("libraries to compare with", len(TARGETS) - len(missing), note=note))
    return found


def _compared(
    preset: str, attacks: dict[str, Attacked], network: nn.Module, labels: torch.Tensor
) -> list[Row]:
    """Our times and what is left, then both against each library."""
    config = PRESETS[preset]
    words = f"PGD-{config.steps}, {config.norm.name} {config.epsilon:g}, {COUNT:,} digits"
    left: dict[str, float] = {}

    def timed(name: str) -> float:
        torch.manual_seed(config.seed)
        before = time.perf_counter()
        adversarial = attacks[name]()
        seconds = time.perf_counter() - before
        with torch.no_grad():
            left[name] = 100 * float((network(adversarial).argmax(1) == labels).float().mean())
        return seconds

    times = interleaved(REPEATS, **{name: lambda name=name: timed(name) for name in attacks})
    best = {name: min(values) for name, values in times.items()}
    found = []
    for name, speed in TARGETS.items():
        if name not in attacks:
            continue
        target = f"<= {1 / speed:.3f}"
        found += [
            Row(f"{words}: time, {STOPPED}, against {name}", best[STOPPED], best[name], "s", target),
            Row(f"{words}: time, {WHOLE}, against {name}", best[WHOLE], best[name], "s"),
            Row(
                f"{words}: read rightly still, against {name}",
                left[WHOLE],
                left[name],
                "%",
                "<= 1",
                "difference",
            ),
        ]
    if not found:
        found = [Row(f"{words}: time, {name}", best[name], unit="s") for name in (STOPPED, WHOLE)]
    return found


def _worst(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> list[Row]:
    """What all attacks together leave, ours and those of AutoAttack."""
    torchattacks = _library("torchattacks")
    found = []
    for norm, epsilon in (("Linf", 0.1), ("L2", 1.5)):
        running = strongest(Victim(network), images, labels, norm, epsilon)
        while True:
            try:
                next(running)
            except StopIteration as end:
                left = 100 * (1 - float(end.value.fooled.float().mean()))
                break
        words = f"worst case, {norm} {epsilon:g}, {WORST} digits: read rightly still"
        if torchattacks is None:
            found.append(Row(words, left, unit="%"))
            continue
        auto = torchattacks.AutoAttack(network, norm=norm, eps=epsilon, version="standard", seed=0)
        adversarial = auto(images, labels)
        with torch.no_grad():
            other = 100 * float((network(adversarial).argmax(1) == labels).float().mean())
        target = f"<= {other + 0.5:.1f}"
        found.append(Row(f"{words}, against AutoAttack", left, other, "%", target, "ours"))
    return found


def _attacks(
    config: AttackConfig, network: nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> dict[str, Attacked]:
    def ours(stop: bool) -> torch.Tensor:
        engine = AttackEngine(config.changed("stop_when_fooled", stop), network, images, labels)
        while not engine.done:
            run_slice(engine, 0.012)
        return torch.tensor(engine.frame().adversarial)

    attacks: dict[str, Attacked] = {STOPPED: lambda: ours(True), WHOLE: lambda: ours(False)}
    if (torchattacks := _library("torchattacks")) is not None:
        made = (torchattacks.PGDL2 if config.norm.name == "L2" else torchattacks.PGD)(
            network, eps=config.epsilon, alpha=config.step_size, steps=config.steps, random_start=True
        )
        attacks["torchattacks"] = lambda: made(images, labels)
    if (foolbox := _library("foolbox")) is not None:
        model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
        attack = getattr(foolbox.attacks, f"{config.norm.name}ProjectedGradientDescentAttack")(
            abs_stepsize=config.step_size, steps=config.steps
        )
        attacks["foolbox"] = lambda: attack(model, images, labels, epsilons=config.epsilon)[1]
    return attacks


def _library(name: str) -> Any:
    """The package, or None; what old packages warn about at import is not ours to mend."""
    runtime.torchvision("transforms")  # torchattacks imports them
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ImportError:
            return None
